#pragma once

#include <bit>

#include <kj/debug.h>

#include "engine/base/byte_cursor.h"
#include "server/kafka/wire/shape.h"

namespace cambium::kafka {

// The bytes of a message, in order: `inlined` holds everything but the records, which lie where they were and come in
// between. Valid as long as the message that was written.
struct Encoded {
  struct Splice {
    size_t at;  // position in `inlined` before which the records go
    ByteView records;
  };
  kj::Array<kj::byte> inlined;
  kj::Vector<Splice> splices;

  size_t size() const;
  // In the order in which they go out.
  kj::Vector<ByteView> pieces() const;
  // Everything in one piece, copied.
  kj::Array<kj::byte> flatten() const;
};

namespace wire_detail {

inline size_t unsignedVarintSize(uint32_t v) {
  return v < (1u << 7) ? 1 : v < (1u << 14) ? 2 : v < (1u << 21) ? 3 : v < (1u << 28) ? 4 : 5;
}

// Counts bytes; the same calls as Output.
class Counter {
 public:
  template <class T>
  void number(T) {
    size_ += sizeof(T);
  }
  void unsignedVarint(uint32_t v) { size_ += unsignedVarintSize(v); }
  void bytes(ByteView v) { size_ += v.size(); }
  void records(ByteView v) { spliced_ += v.size(); }

  size_t inlinedSize() const { return size_; }
  size_t size() const { return size_ + spliced_; }

 private:
  size_t size_ = 0;
  size_t spliced_ = 0;
};

// Writes into a buffer of exactly the size that a Counter found.
class Output {
 public:
  explicit Output(size_t size) { encoded_.inlined = kj::heapArray<kj::byte>(size); }

  template <class T>
  void number(T v) {
    KJ_ASSERT(at_ + sizeof(T) <= encoded_.inlined.size());
    storeBigEndian(encoded_.inlined.begin() + at_, v);
    at_ += sizeof(T);
  }
  void unsignedVarint(uint32_t v) {
    for (; v >= 0x80; v >>= 7)
      number(static_cast<uint8_t>(v | 0x80));
    number(static_cast<uint8_t>(v));
  }
  void bytes(ByteView v) {
    KJ_ASSERT(at_ + v.size() <= encoded_.inlined.size());
    if (v.size() > 0) memcpy(encoded_.inlined.begin() + at_, v.begin(), v.size());
    at_ += v.size();
  }
  void records(ByteView v) {
    if (v.size() > 0) encoded_.splices.add(Encoded::Splice{at_, v});
  }
  Encoded finish() {
    KJ_ASSERT(at_ == encoded_.inlined.size(), "a message has another size than was counted", at_);
    return kj::mv(encoded_);
  }

 private:
  size_t at_ = 0;
  Encoded encoded_;
};

}  // namespace wire_detail

// The visitor that puts a message on the wire in one version. `Out` is Counter or Output, so that what is counted and
// what is written cannot differ.
template <class Out>
class Writer {
 public:
  Writer(Out& out, Version version, bool flexible) : out_(out), version_(version), flexible_(flexible) {}

  template <class T>
  void operator()(const char* name, const T& value, const Field& field = {}) {
    if (!field.versions.contains(version_)) return;
    if (field.tag >= 0) {
      if (flexible_ && !isAbsent(value, field)) ++tagged_;
      return;
    }
    put(name, value, field);
  }

  // All fields of a struct, and behind them the tagged ones.
  template <class T>
  void structure(const T& value) {
    uint32_t outer = tagged_;
    tagged_ = 0;
    T::describe(value, *this);
    if (flexible_) {
      out_.unsignedVarint(tagged_);
      if (tagged_ > 0) {
        TaggedFields each(*this);
        T::describe(value, each);
      }
    }
    tagged_ = outer;
  }

 private:
  // Visits a struct once more for its tagged fields, in order of their numbers.
  class TaggedFields {
   public:
    explicit TaggedFields(Writer& writer) : writer_(writer) {}
    template <class T>
    void operator()(const char* name, const T& value, const Field& field = {}) {
      if (field.tag < 0 || !field.versions.contains(writer_.version_) || isAbsent(value, field)) return;
      wire_detail::Counter counter;
      Writer<wire_detail::Counter>(counter, writer_.version_, true).put(name, value, field);
      writer_.out_.unsignedVarint(static_cast<uint32_t>(field.tag));
      writer_.out_.unsignedVarint(static_cast<uint32_t>(counter.size()));
      writer_.put(name, value, field);
    }

   private:
    Writer& writer_;
  };

  template <class>
  friend class Writer;

  template <class T>
  void put(const char* name, const T& value, const Field& field) {
    if constexpr (IsMaybe<T>) {
      KJ_IF_MAYBE(inner, value) {
        if constexpr (IsStruct<typename MaybeTraits<T>::Inner>) {
          if (field.tag < 0) out_.number(int8_t{1});
        }
        putValue(name, *inner);
      } else {
        KJ_ASSERT(field.nullableIn(version_), "a field that may not be null is null", name, version_);
        putNull<typename MaybeTraits<T>::Inner>();
      }
    } else {
      putValue(name, value);
    }
  }

  template <class T>
  void putNull() {
    if constexpr (IsStruct<T>) {
      out_.number(int8_t{-1});
    } else if (flexible_) {
      out_.unsignedVarint(0);
    } else if constexpr (IsText<T>) {
      out_.number(int16_t{-1});
    } else {
      out_.number(int32_t{-1});
    }
  }

  template <class T>
  void putValue(const char* name, const T& value) {
    if constexpr (std::is_same_v<T, bool>) {
      out_.number(static_cast<int8_t>(value));
    } else if constexpr (std::is_same_v<T, double>) {
      out_.number(std::bit_cast<int64_t>(value));
    } else if constexpr (IsNumber<T>) {
      out_.number(value);
    } else if constexpr (IsUuid<T>) {
      out_.bytes(value.bytes());
    } else if constexpr (IsText<T>) {
      KJ_ASSERT(value.size() <= 0x7fff, "a text is too long for the protocol", name, value.size());
      putLength<int16_t>(value.size());
      out_.bytes(kj::arrayPtr(reinterpret_cast<const kj::byte*>(value.view().data()), value.size()));
    } else if constexpr (IsBlob<T>) {
      putLength<int32_t>(value.size());
      if constexpr (std::is_same_v<T, Records>) {
        out_.records(value.view());
      } else {
        out_.bytes(value.view());
      }
    } else if constexpr (IsVector<T>) {
      putLength<int32_t>(value.size());
      for (auto& element : value)
        putValue(name, element);
    } else {
      structure(value);
    }
  }

  template <class Wide>
  void putLength(size_t length) {
    KJ_ASSERT(length < 0x7fffffff);
    if (flexible_) {
      out_.unsignedVarint(static_cast<uint32_t>(length) + 1);
    } else {
      out_.number(static_cast<Wide>(length));
    }
  }

  Out& out_;
  const Version version_;
  const bool flexible_;
  uint32_t tagged_ = 0;  // tagged fields of the struct being visited
};

// Bytes of `message` in `version`, without a header. `ahead` is called with the visitor's output first, twice (to count
// and to write), for what comes before the message.
template <class Message, class Ahead>
Encoded encodeBehind(const Message& message, Version version, Ahead&& ahead) {
  bool flexible = Message::kFacts.flexible(version);
  wire_detail::Counter counter;
  ahead(counter, size_t{0});
  Writer<wire_detail::Counter>(counter, version, flexible).structure(message);
  wire_detail::Output output(counter.inlinedSize());
  ahead(output, counter.size());
  Writer<wire_detail::Output>(output, version, flexible).structure(message);
  return output.finish();
}

template <class Message>
Encoded encode(const Message& message, Version version) {
  return encodeBehind(message, version, [](auto&, size_t) {});
}

}  // namespace cambium::kafka
