#pragma once

#include "server/kafka/wire/all_messages.h"

namespace cambium::kafka {

// What fuzz_message takes: one byte that chooses the message (two of each API, in order of the keys: request,
// response), one that chooses its version (counted from the first), and the bytes of its body.
inline constexpr size_t kMessageInputHead = 2;

// Calls `use.template operator()<Message>()` for the message that `choice` stands for.
template <class Use>
void withMessage(size_t choice, Use&& use) {
  size_t number = 0;
#define CAMBIUM_X(Name)                                                    \
  if (choice == number++) return use.template operator()<Name##Request>(); \
  if (choice == number++) return use.template operator()<Name##Response>();
  CAMBIUM_KAFKA_MESSAGES(CAMBIUM_X)
#undef CAMBIUM_X
}

inline constexpr size_t kMessages = 0
#define CAMBIUM_X(Name) +2
    CAMBIUM_KAFKA_MESSAGES(CAMBIUM_X)
#undef CAMBIUM_X
    ;

}  // namespace cambium::kafka
