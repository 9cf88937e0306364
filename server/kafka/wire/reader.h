#pragma once

#include <bit>

#include "engine/base/byte_cursor.h"
#include "server/kafka/wire/shape.h"

namespace cambium::kafka {

namespace wire_detail {

// The fewest bytes that a value can have on the wire in one version. At least 1.
class LeastSize {
 public:
  LeastSize(Version version, bool flexible) : version_(version), flexible_(flexible) {}

  template <class T>
  void operator()(const char*, const T&, const Field& field = {}) {
    if (field.tag < 0 && field.versions.contains(version_)) size_ += of<T>();
  }

  template <class T>
  size_t of() const {
    if constexpr (IsNumber<T>) {
      return sizeof(T);
    } else if constexpr (IsUuid<T>) {
      return 16;
    } else if constexpr (IsText<T>) {
      return flexible_ ? 1 : 2;
    } else if constexpr (IsMaybe<T>) {
      if constexpr (IsStruct<typename MaybeTraits<T>::Inner>) return 1;
      return of<typename MaybeTraits<T>::Inner>();
    } else if constexpr (IsStruct<T>) {
      LeastSize fields(version_, flexible_);
      const T blank{};
      T::describe(blank, fields);
      return fields.size_ + (flexible_ ? 1 : 0);
    } else {
      return flexible_ ? 1 : 4;
    }
  }

 private:
  Version version_;
  bool flexible_;
  size_t size_ = 0;
};

}  // namespace wire_detail

// The visitor that reads a message of one version from bytes that nobody vouches for. Never throws: the first thing
// that does not fit makes it fail for good, and everything further is left at its default. Texts and bytes of the
// message are views into what is read.
//
// Memory for arrays is taken as elements are read, never for a count that was only claimed, and in all at most
// `memoryMax` bytes. All arrays together have `elementsMax` elements at most: reading them is done in one go.
class Reader {
 public:
  Reader(ByteView bytes, Version version, bool flexible, size_t memoryMax, size_t elementsMax = kNoLimit)
      : in_(bytes), version_(version), flexible_(flexible), memoryLeft_(memoryMax), elementsMax_(elementsMax) {}

  static constexpr size_t kNoLimit = SIZE_MAX / 16;
  // Of all arrays, so far.
  size_t elements() const { return elements_; }

  // Everything fitted so far.
  bool fits() const { return !in_.failed(); }
  // Everything was read and everything fitted.
  bool finished() const { return in_.finished(); }
  // For people, where it went wrong: "an array of \"topics\" claims 7 elements, 3 bytes are left".
  kj::String failure() const;

  template <class T>
  void operator()(const char* name, T& value, const Field& field = {}) {
    if (field.tag >= 0 || !field.versions.contains(version_)) return;
    get(name, value, field);
  }

  template <class T>
  void structure(T& value) {
    T::describe(value, *this);
    if (flexible_) taggedFields(value);
  }

 private:
  // Reads the one tagged field that has a number, if the struct knows it.
  class TaggedField {
   public:
    TaggedField(Reader& reader, uint32_t tag) : reader_(reader), tag_(tag) {}
    bool known() const { return known_; }

    template <class T>
    void operator()(const char* name, T& value, const Field& field = {}) {
      if (field.tag < 0 || static_cast<uint32_t>(field.tag) != tag_ || !field.versions.contains(reader_.version_))
        return;
      known_ = true;
      reader_.get(name, value, field);
    }

   private:
    Reader& reader_;
    uint32_t tag_;
    bool known_ = false;
  };

  template <class T>
  void taggedFields(T& value) {
    uint32_t count = in_.unsignedVarint32();
    int64_t previous = -1;
    for (uint32_t i = 0; i < count && !in_.failed(); ++i) {
      uint32_t tag = in_.unsignedVarint32();
      auto content = in_.bytes(in_.unsignedVarint32());
      if (in_.failed()) break;
      if (int64_t{tag} <= previous) return fail("tagged fields", "are not in ascending order");
      previous = tag;
      // One that nobody knows is skipped, which is a small part of the work of reading an element.
      if (++tagged_ > elementsMax_ * kTaggedPerElement)
        return fail("tagged fields", "are more than a request may have");
      // A field of its own size: what is inside may not reach beyond.
      Reader inner(content, version_, true, memoryLeft_, elementsMax_);
      inner.elements_ = elements_;
      inner.tagged_ = tagged_;
      TaggedField field(inner, tag);
      T::describe(value, field);
      memoryLeft_ = inner.memoryLeft_;
      elements_ = inner.elements_;
      tagged_ = inner.tagged_;
      if (field.known() && !inner.finished()) return fail("tagged field", "does not have the size it claims");
    }
    check("tagged fields");
  }

  template <class T>
  void get(const char* name, T& value, const Field& field) {
    if constexpr (IsMaybe<T>) {
      using Inner = typename MaybeTraits<T>::Inner;
      if constexpr (IsStruct<Inner>) {
        if (field.tag < 0 && in_.int8() < 0) return setNull(name, value, field);
        structure(value.emplace());
      } else {
        Inner inner{};
        if (getValue(name, inner)) {
          value = kj::mv(inner);
        } else {
          setNull(name, value, field);
        }
      }
    } else if (!getValue(name, value)) {
      fail(name, "is null");
    }
    check(name);
  }

  template <class T>
  void setNull(const char* name, T& value, const Field& field) {
    if (!field.nullableIn(version_) && field.tag < 0) return fail(name, "is null");
    value = nullptr;
  }

  // False for null.
  template <class T>
  bool getValue(const char* name, T& value) {
    if constexpr (std::is_same_v<T, bool>) {
      value = in_.int8() != 0;
    } else if constexpr (IsNumber<T>) {
      value = number<T>();
    } else if constexpr (IsUuid<T>) {
      auto bytes = in_.bytes(16);
      if (!in_.failed()) value = Uuid::fromBytes(bytes);
    } else if constexpr (IsText<T>) {
      int64_t length = flexible_ ? compactLength() : in_.int16();
      if (length < 0) return refuseOrNull(name, length);
      // What fits into a plain string: compact ones are no longer either.
      if (length > 0x7fff) {
        fail(name, "is too long for a text");
        return true;
      }
      auto bytes = in_.bytes(static_cast<size_t>(length));
      value = Text(std::string_view(reinterpret_cast<const char*>(bytes.begin()), bytes.size()));
    } else if constexpr (IsVector<T>) {
      return getVector(name, value);
    } else if constexpr (IsBlob<T>) {
      int64_t length = flexible_ ? compactLength() : in_.int32();
      if (length < 0) return refuseOrNull(name, length);
      value = T(in_.bytes(static_cast<size_t>(length)));
    } else {
      structure(value);
    }
    return true;
  }

  template <class T>
  bool getVector(const char* name, kj::Vector<T>& value) {
    int64_t count = flexible_ ? compactLength() : in_.int32();
    if (count < 0) return refuseOrNull(name, count);
    auto least = wire_detail::LeastSize(version_, flexible_).template of<T>();
    if (static_cast<uint64_t>(count) > in_.remaining() / least) {
      fail(name, "claims more elements than there are bytes");
      return true;
    }
    constexpr int64_t kReservedMax = 64;
    value.reserve(static_cast<size_t>(kj::min(count, kReservedMax)));
    for (int64_t i = 0; i < count && !in_.failed(); ++i) {
      // A vector doubles: what it holds and what it had before are there at the same time.
      constexpr size_t kGrowth = 3;
      if (memoryLeft_ < sizeof(T) * kGrowth) {
        fail(name, "would take more memory than a request may");
        return true;
      }
      memoryLeft_ -= sizeof(T) * kGrowth;
      if (++elements_ > elementsMax_) {
        fail(name, "has more elements than a request may; send several requests");
        return true;
      }
      if (!getValue(name, value.add())) fail(name, "has an element that is null");
    }
    return true;
  }

  template <class T>
  T number() {
    if constexpr (std::is_same_v<T, double>) {
      return std::bit_cast<double>(in_.int64());
    } else if constexpr (sizeof(T) == 1) {
      return static_cast<T>(in_.int8());
    } else if constexpr (sizeof(T) == 2) {
      return static_cast<T>(in_.int16());
    } else if constexpr (sizeof(T) == 4) {
      return static_cast<T>(in_.int32());
    } else {
      return static_cast<T>(in_.int64());
    }
  }

  // -1 for null.
  int64_t compactLength() { return int64_t{in_.unsignedVarint32()} - 1; }
  // Only -1 is null.
  bool refuseOrNull(const char* name, int64_t length) {
    if (in_.failed()) return true;
    if (length == -1) return false;
    fail(name, "has a negative length");
    return true;
  }

  void fail(const char* name, const char* what) {
    if (failedField_ == nullptr) {
      failedField_ = name;
      failure_ = what;
    }
    in_.fail();
  }
  void check(const char* name) {
    if (in_.failed() && failedField_ == nullptr) {
      failedField_ = name;
      failure_ = "is cut off or malformed";
    }
  }

  ByteReader in_;
  const Version version_;
  const bool flexible_;
  size_t memoryLeft_;
  static constexpr size_t kTaggedPerElement = 5;
  const size_t elementsMax_;
  size_t elements_ = 0;
  size_t tagged_ = 0;
  const char* failedField_ = nullptr;
  const char* failure_ = nullptr;
};

// Memory that the arrays of a message may take, for a message of `size` bytes: several times what honest clients need.
inline size_t memoryMaxFor(size_t size) {
  return (size_t{4} << 20) + size * 8;
}

// Reads a request as a broker does: bytes behind the last field are let be. Kafka ignores them, and there are clients
// that count on it (librdkafka 2.12 and later asks for the metadata of all topics with three bytes too many).
// `elements` becomes the number of elements in all its arrays, at most `elementsMax`.
template <class Request>
bool decodeRequest(ByteView bytes, Version version, size_t elementsMax, Request& request, size_t& elements,
                   kj::String& failure) {
  Reader reader(bytes, version, Request::kFacts.flexible(version), memoryMaxFor(bytes.size()), elementsMax);
  reader.structure(request);
  elements = reader.elements();
  if (reader.fits()) return true;
  failure = reader.failure();
  return false;
}

// Reads a whole message in `version`; false, with the reason, when `bytes` is none. `message` is freshly made.
template <class Message>
bool decode(ByteView bytes, Version version, Message& message, kj::String& failure) {
  Reader reader(bytes, version, Message::kFacts.flexible(version), memoryMaxFor(bytes.size()));
  reader.structure(message);
  if (reader.finished()) return true;
  failure = reader.failure();
  return false;
}

}  // namespace cambium::kafka
