#include "server/rpc/answer_budget.h"

#include <gtest/gtest.h>

namespace cambium {
namespace {

// A client is overdue when it takes nothing of an answer between two looks while others wait for its room.
class OverdueTest : public ::testing::Test {
 public:
  ~OverdueTest() noexcept override = default;

 protected:
  // Both are of one address, and only one of them finds room.
  void press() {
    taken = answers.trySharing(kibibytes(512));
    ASSERT_TRUE(taken != nullptr);
    waiting = other.share(kibibytes(512)).ignoreResult().eagerlyEvaluate(nullptr);
    ASSERT_FALSE(waiting.poll(waitScope));
  }

  kj::EventLoop loop;
  kj::WaitScope waitScope{loop};
  SharedBudget all{{.all = mebibytes(1), .perAddress = kibibytes(600)}};
  AnswerBudget answers{mebibytes(1), all, "client"};
  AnswerBudget other{mebibytes(1), all, "client"};
  kj::Maybe<AnswerBudget::Share> taken;
  kj::Promise<void> waiting = nullptr;
};

TEST_F(OverdueTest, AClientThatTakesNothing) {
  press();
  answers.writing();
  EXPECT_FALSE(answers.isOverdue()) << "it has only begun";
  EXPECT_TRUE(answers.isOverdue());
  answers.wrote(1);
  answers.writing();
  EXPECT_FALSE(answers.isOverdue()) << "it has taken something";
  EXPECT_TRUE(answers.isOverdue());
}

TEST_F(OverdueTest, NoneThatIsSentNothing) {
  press();
  for (int look = 0; look < 3; ++look)
    EXPECT_FALSE(answers.isOverdue());
  answers.writing();
  EXPECT_FALSE(answers.isOverdue()) << "the answer has begun since the last look";
}

TEST_F(OverdueTest, NoneWhileNobodyWaits) {
  answers.writing();
  for (int look = 0; look < 3; ++look)
    EXPECT_FALSE(answers.isOverdue());
  press();
  EXPECT_TRUE(answers.isOverdue());
  waiting = nullptr;
  EXPECT_FALSE(answers.isOverdue());
}

}  // namespace
}  // namespace cambium
