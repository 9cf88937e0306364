#include "tools/wait_note.h"

#include <gtest/gtest.h>
#include <string>
#include <unistd.h>

#include <kj/debug.h>
#include <kj/io.h>

namespace cambium::tools {
namespace {

class WaitNoteTest : public ::testing::Test {
 public:
  ~WaitNoteTest() noexcept override = default;

 protected:
  void SetUp() override {
    int fds[2];
    KJ_SYSCALL(pipe(fds));
    read_ = kj::AutoCloseFd(fds[0]);
    write_ = kj::AutoCloseFd(fds[1]);
  }
  void pass(int seconds) {
    for (int i = 0; i < seconds; ++i) {
      now_ += 1 * kj::SECONDS;
      timer.advanceTo(now_);
      for (int turn = 0; turn < 5; ++turn)
        kj::evalLater([] {}).wait(scope_);
    }
  }
  // All that was said; once.
  std::string said() {
    write_ = nullptr;
    return kj::FdInputStream(read_.get()).readAllText().cStr();
  }
  int errorFd() { return write_.get(); }

  kj::EventLoop loop_;
  kj::WaitScope scope_{loop_};
  kj::TimePoint now_ = kj::origin<kj::TimePoint>();
  kj::TimerImpl timer{now_};
  kj::AutoCloseFd read_, write_;
};

TEST_F(WaitNoteTest, SaysAfterASecondWhatIsWaitedForAndAgainAfterTen) {
  Output output(errorFd(), errorFd());
  {
    WaitNote note(output, timer, []() -> kj::Maybe<kj::String> { return kj::str("an answer"); });
    pass(15);
  }
  pass(100);
  EXPECT_EQ(said(), "cambium: waiting for an answer\ncambium: waiting for an answer\n");
}

TEST_F(WaitNoteTest, IsSilentWhileNothingIsWaitedFor) {
  Output output(errorFd(), errorFd());
  int second = 0;
  WaitNote note(output, timer, [&]() -> kj::Maybe<kj::String> {
    ++second;
    if (second == 3 || second == 5) return kj::str("number ", second);
    return nullptr;
  });
  pass(20);
  EXPECT_EQ(said(), "cambium: waiting for number 3\ncambium: waiting for number 5\n") << "each wait begins anew";
}

TEST_F(WaitNoteTest, AShortWaitIsNotWorthAWord) {
  Output output(errorFd(), errorFd());
  {
    WaitNote note(output, timer, []() -> kj::Maybe<kj::String> { return kj::str("an answer"); });
  }
  pass(20);
  EXPECT_EQ(said(), "");
}

}  // namespace
}  // namespace cambium::tools
