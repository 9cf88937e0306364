#include <gtest/gtest.h>

#include <kj/debug.h>

#include "server/main/logging.h"

namespace cambium {
namespace {

// Stands below a LogThread in kj's stack of callbacks: gets what that one passes on.
class Below final : public kj::ExceptionCallback {
 public:
  void onRecoverableException(kj::Exception&& exception) override { passedOn.add(kj::str(exception.getDescription())); }
  kj::Vector<kj::String> passedOn;
};

// Something that fails while it is destroyed.
struct FailsAtItsEnd {
  ~FailsAtItsEnd() noexcept(false) {
    kj::throwRecoverableException(kj::Exception(type, "file.cc", 1, kj::str("at the end")));
  }
  kj::Exception::Type type;
};

TEST(LogThread, APeerThatHasGoneIsNoErrorWhileSomethingElseFails) {
  Below below;
  LogLevelSwitch level(LogLevel::kWarn);
  LogThread log(level);
  auto failWith = [](kj::Exception::Type type) {
    return kj::runCatchingExceptions([&] {
      FailsAtItsEnd object{type};
      kj::throwFatalException(KJ_EXCEPTION(FAILED, "first"));
    });
  };
  EXPECT_EQ(KJ_ASSERT_NONNULL(failWith(kj::Exception::Type::DISCONNECTED)).getDescription(), "first"_kj);
  EXPECT_EQ(below.passedOn.size(), 0u);
  EXPECT_EQ(KJ_ASSERT_NONNULL(failWith(kj::Exception::Type::FAILED)).getDescription(), "first"_kj);
  EXPECT_EQ(below.passedOn.size(), 1u) << "what is our fault is reported";
}

TEST(LogThread, APeerThatHasGoneIsThrownOtherwise) {
  Below below;
  LogLevelSwitch level(LogLevel::kWarn);
  LogThread log(level);
  kj::throwRecoverableException(KJ_EXCEPTION(DISCONNECTED, "gone"));
  EXPECT_EQ(below.passedOn.size(), 1u);
}

}  // namespace
}  // namespace cambium
