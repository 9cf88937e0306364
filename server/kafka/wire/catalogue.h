#pragma once

#include <kj/vector.h>

#include "server/kafka/wire/shape.h"

namespace cambium::kafka {

// The visitor that prints the fields of a message with their types and versions, a line each, indented by depth, to be
// compared with the public schemas:
//
//     0 ProduceRequest versions 3-13 flexible 9+
//       transactionalId string 3+ nullable 3+
//       topics array 3+
//         name string 3-12
//
// Versions are cut to those that the message has.
class Catalogue {
 public:
  explicit Catalogue(const MessageFacts& facts);

  template <class T>
  void operator()(const char* name, const T&, const Field& field = {}) {
    line(name, type<T>(), field);
    ++depth_;
    nested<T>();
    --depth_;
  }

  kj::String finish() { return kj::strArray(lines_, ""); }

 private:
  template <class T>
  static kj::StringPtr type() {
    if constexpr (IsMaybe<T>) return type<typename MaybeTraits<T>::Inner>();
    if constexpr (IsVector<T>) {
      if constexpr (IsStruct<typename VectorTraits<T>::Inner>) return "array"_kj;
      if constexpr (IsText<typename VectorTraits<T>::Inner>) return "array of string"_kj;
      if constexpr (IsNumber<typename VectorTraits<T>::Inner>) return arrayOf(sizeof(typename VectorTraits<T>::Inner));
    }
    if constexpr (IsText<T>) return "string"_kj;
    if constexpr (IsUuid<T>) return "uuid"_kj;
    if constexpr (std::is_same_v<T, Records>) return "records"_kj;
    if constexpr (std::is_same_v<T, Binary>) return "bytes"_kj;
    if constexpr (std::is_same_v<T, bool>) return "bool"_kj;
    if constexpr (std::is_same_v<T, uint16_t>) return "uint16"_kj;
    if constexpr (std::is_same_v<T, double>) return "float64"_kj;
    if constexpr (IsNumber<T>) return integer(sizeof(T));
    return "struct"_kj;
  }
  template <class T>
  void nested() {
    if constexpr (IsMaybe<T>) {
      nested<typename MaybeTraits<T>::Inner>();
    } else if constexpr (IsVector<T>) {
      nested<typename VectorTraits<T>::Inner>();
    } else if constexpr (IsStruct<T>) {
      const T blank{};
      T::describe(blank, *this);
    }
  }
  static kj::StringPtr integer(size_t bytes);
  static kj::StringPtr arrayOf(size_t bytes);
  void line(kj::StringPtr name, kj::StringPtr type, const Field& field);
  kj::String range(VersionRange range) const;

  MessageFacts facts_;
  size_t depth_ = 1;
  kj::Vector<kj::String> lines_;
};

template <class Message>
kj::String catalogue() {
  Catalogue catalogue(Message::kFacts);
  const Message blank{};
  Message::describe(blank, catalogue);
  return catalogue.finish();
}

}  // namespace cambium::kafka
