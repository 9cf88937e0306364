#pragma once

#include <random>

#include "server/kafka/wire/shape.h"

namespace cambium::kafka {

// The visitor that fills a message with content that one version can carry: same seed, same message. Fields that the
// version does not have keep their defaults.
class Scrambler {
 public:
  Scrambler(uint64_t seed, Version version) : random_(seed), version_(version) {}

  template <class T>
  void operator()(const char*, T& value, const Field& field = {}) {
    if (!field.versions.contains(version_)) return;
    if (field.tag >= 0 && chance(2)) return;
    fill(value, field);
  }

  template <class T>
  void structure(T& value) {
    T::describe(value, *this);
  }

 private:
  bool chance(unsigned oneIn) { return random_() % oneIn == 0; }

  template <class T>
  void fill(T& value, const Field& field) {
    if constexpr (IsMaybe<T>) {
      value = nullptr;
      if (field.nullableIn(version_) && chance(4)) return;
      typename MaybeTraits<T>::Inner inner{};
      fill(inner, field);
      value = kj::mv(inner);
    } else if constexpr (std::is_same_v<T, bool>) {
      value = chance(2);
    } else if constexpr (IsNumber<T>) {
      value = static_cast<T>(chance(3) ? random_() % 100 : random_());
    } else if constexpr (IsUuid<T>) {
      value = Uuid::fromBytes(bytes(16));
    } else if constexpr (IsText<T>) {
      value = Text(text());
    } else if constexpr (IsBlob<T>) {
      value = T(bytes(random_() % (chance(8) ? 300 : 20)));
    } else if constexpr (IsVector<T>) {
      value.clear();
      for (size_t i = random_() % 4; i > 0; --i)
        fill(value.add(), field);
    } else {
      structure(value);
    }
  }

  kj::Array<kj::byte> bytes(size_t size) {
    auto bytes = kj::heapArray<kj::byte>(size);
    for (auto& byte : bytes)
      byte = static_cast<kj::byte>(random_());
    return bytes;
  }
  kj::String text() {
    auto text = kj::heapString(random_() % (chance(8) ? 200 : 12));
    for (auto& c : text)
      c = static_cast<char>('a' + random_() % 26);
    return text;
  }

  std::mt19937_64 random_;
  Version version_;
};

}  // namespace cambium::kafka
