#pragma once

#include <type_traits>

#include <kj/vector.h>

#include "engine/base/uuid.h"
#include "server/kafka/wire/field.h"
#include "server/kafka/wire/value.h"

namespace cambium::kafka {

// What kinds of members a message may have, for the visitors of the codec.

template <class T>
struct MaybeTraits : std::false_type {};
template <class T>
struct MaybeTraits<kj::Maybe<T>> : std::true_type {
  using Inner = T;
};
template <class T>
struct VectorTraits : std::false_type {};
template <class T>
struct VectorTraits<kj::Vector<T>> : std::true_type {
  using Inner = T;
};

template <class T>
concept IsNumber = std::is_arithmetic_v<T>;  // bool, int8 to int64, uint16, double
template <class T>
concept IsMaybe = MaybeTraits<std::remove_const_t<T>>::value;
template <class T>
concept IsVector = VectorTraits<std::remove_const_t<T>>::value;
template <class T>
concept IsText = std::is_same_v<std::remove_const_t<T>, Text>;
template <class T>
concept IsBlob = std::is_same_v<std::remove_const_t<T>, Binary> || std::is_same_v<std::remove_const_t<T>, Records>;
template <class T>
concept IsUuid = std::is_same_v<std::remove_const_t<T>, Uuid>;
// Anything with fields of its own.
template <class T>
concept IsStruct = !IsNumber<T> && !IsMaybe<T> && !IsVector<T> && !IsText<T> && !IsBlob<T> && !IsUuid<T>;

// Whether a tagged field is left out.
template <class T>
bool isAbsent(const T& value, const Field& field) {
  if constexpr (IsNumber<T>) {
    return static_cast<int64_t>(value) == field.absent;
  } else if constexpr (IsMaybe<T>) {
    return value == nullptr;
  } else if constexpr (IsUuid<T>) {
    return value.isZero();
  } else {
    return value.size() == 0;
  }
}

}  // namespace cambium::kafka
