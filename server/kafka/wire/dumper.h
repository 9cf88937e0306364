#pragma once

#include <kj/vector.h>

#include "server/kafka/wire/shape.h"

namespace cambium::kafka {

// The visitor that prints a message for people:
//
//     {topics=[{name="words", partitions=[{index=0, records=<1024 bytes>}]}], acks=-1, …}
//
// Long arrays and texts are cut.
class Dumper {
 public:
  explicit Dumper(Version version) : version_(version) {}

  template <class T>
  void operator()(const char* name, const T& value, const Field& field = {}) {
    if (!field.versions.contains(version_)) return;
    if (!first_) out_.add(kj::str(", "));
    first_ = false;
    out_.add(kj::str(name, "="));
    print(value);
  }

  template <class T>
  void structure(const T& value) {
    out_.add(kj::str("{"));
    first_ = true;
    T::describe(value, *this);
    first_ = false;
    out_.add(kj::str("}"));
  }

  kj::String finish() { return kj::strArray(out_, ""); }

 private:
  template <class T>
  void print(const T& value) {
    if constexpr (IsMaybe<T>) {
      KJ_IF_MAYBE(inner, value) {
        print(*inner);
      } else {
        out_.add(kj::str("null"));
      }
    } else if constexpr (std::is_same_v<T, bool>) {
      out_.add(kj::str(value ? "true" : "false"));
    } else if constexpr (std::is_same_v<T, double>) {
      out_.add(kj::str(value));
    } else if constexpr (IsNumber<T>) {
      out_.add(kj::str(static_cast<int64_t>(value)));
    } else if constexpr (IsUuid<T>) {
      out_.add(kj::str(value));
    } else if constexpr (IsText<T>) {
      printText(value);
    } else if constexpr (IsBlob<T>) {
      out_.add(kj::str("<", value.size(), " bytes>"));
    } else if constexpr (IsVector<T>) {
      printVector(value);
    } else {
      structure(value);
    }
  }
  template <class T>
  void printVector(const kj::Vector<T>& value) {
    constexpr size_t kShown = 16;
    out_.add(kj::str("["));
    for (size_t i = 0; i < value.size() && i < kShown; ++i) {
      if (i > 0) out_.add(kj::str(", "));
      print(value[i]);
    }
    if (value.size() > kShown) out_.add(kj::str(", … ", value.size() - kShown, " more"));
    out_.add(kj::str("]"));
  }
  void printText(const Text& value);

  Version version_;
  bool first_ = true;
  kj::Vector<kj::String> out_;
};

template <class Message>
kj::String dump(const Message& message, Version version) {
  Dumper dumper(version);
  dumper.structure(message);
  return dumper.finish();
}

}  // namespace cambium::kafka
