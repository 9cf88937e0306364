#include "server/rpc/call_ledger.h"

#include <gtest/gtest.h>

#include <capnp/rpc.capnp.h>
#include <kj/debug.h>

namespace cambium {
namespace {

// Connections of one loop whose messages a test makes up.
class CallLedgerTest : public ::testing::Test {
 public:
  ~CallLedgerTest() noexcept override = default;

 protected:
  using Message = capnp::rpc::Message::Builder;

  // What the client is told when it may not go on; "" when it may.
  static std::string receive(CallLedger& ledger, kj::FunctionParam<void(Message)> write) {
    capnp::MallocMessageBuilder builder;
    write(builder.initRoot<capnp::rpc::Message>());
    capnp::SegmentArrayMessageReader reader(builder.getSegmentsForOutput());
    auto failure = kj::runCatchingExceptions([&] { ledger.received(reader); });
    KJ_IF_MAYBE(e, failure) {
      EXPECT_EQ(e->getType(), kj::Exception::Type::OVERLOADED);
      return e->getDescription().cStr();
    }
    return "";
  }
  static std::string call(CallLedger& ledger, uint32_t id) {
    return receive(ledger, [&](Message message) { message.initCall().setQuestionId(id); });
  }
  static std::string finish(CallLedger& ledger, uint32_t id) {
    return receive(ledger, [&](Message message) { message.initFinish().setQuestionId(id); });
  }
  static void answer(CallLedger& ledger, uint32_t id) {
    capnp::MallocMessageBuilder builder;
    builder.initRoot<capnp::rpc::Message>().initReturn().setAnswerId(id);
    ledger.sent(builder.getSegmentsForOutput());
  }

  kj::EventLoop loop;
  kj::WaitScope scope{loop};
  CallCounts counts;
  CallLedgers ledgers{{.callsMax = 8, .capabilitiesMax = 4, .heldMax = 12}, counts};
};

TEST_F(CallLedgerTest, ACallIsOverWhenItIsAnsweredAndFinished) {
  CallLedger ledger(ledgers);
  EXPECT_TRUE(ledger.isIdle());
  call(ledger, 1);
  call(ledger, 2);
  EXPECT_FALSE(ledger.isIdle());
  EXPECT_EQ(ledger.unfinished(), 2u);
  answer(ledger, 1);
  EXPECT_EQ(ledger.unanswered(), 1u);
  EXPECT_EQ(ledger.unfinished(), 2u) << "the client may still refer to its result";
  finish(ledger, 1);
  EXPECT_EQ(ledger.unfinished(), 1u);
  finish(ledger, 2);
  EXPECT_EQ(ledger.unanswered(), 1u) << "given up, but it may run on";
  answer(ledger, 2);
  EXPECT_EQ(ledger.unfinished(), 0u);
  EXPECT_TRUE(ledger.isIdle());
  EXPECT_EQ(counts.calls, 0u);
  EXPECT_EQ(ledger.requests(), 4u);
}

TEST_F(CallLedgerTest, NothingIsCountedTwice) {
  CallLedger ledger(ledgers);
  call(ledger, 1);
  call(ledger, 1);
  answer(ledger, 1);
  answer(ledger, 1);
  answer(ledger, 7);
  finish(ledger, 9);
  EXPECT_EQ(ledger.unfinished(), 1u);
  EXPECT_EQ(ledger.unanswered(), 0u);
  finish(ledger, 1);
  finish(ledger, 1);
  EXPECT_EQ(ledger.unfinished(), 0u);
  EXPECT_EQ(counts.calls, 0u);
}

TEST_F(CallLedgerTest, CallsWithoutAnAnswerPressLongBeforeTheLimit) {
  CallLedger ledger(ledgers);
  for (uint32_t id = 0; id < 3; ++id)
    EXPECT_EQ(call(ledger, id), "");
  EXPECT_FALSE(ledger.isPressed());
  call(ledger, 3);
  EXPECT_TRUE(ledger.isPressed());
  auto relieved = ledger.whenSent();
  EXPECT_FALSE(relieved.poll(scope));
  answer(ledger, 0);
  relieved.wait(scope);
  EXPECT_FALSE(ledger.isPressed());
}

TEST_F(CallLedgerTest, CallsThatAreNeverFinishedHaveALimit) {
  CallLedger ledger(ledgers);
  auto condemned = ledger.whenCondemned();
  for (uint32_t id = 0; id < 8; ++id) {
    EXPECT_EQ(call(ledger, id), "");
    answer(ledger, id);
  }
  EXPECT_FALSE(condemned.poll(scope));
  auto reason = "this connection has 9 calls that it did not finish, at most 8 are allowed (--rpc_calls_max)";
  EXPECT_EQ(call(ledger, 8), reason);
  EXPECT_STREQ(condemned.wait(scope).cStr(), reason);
  EXPECT_EQ(counts.connectionsClosed, 1u);
}

TEST_F(CallLedgerTest, AFinishThatComesBeforeTheAnswerCounts) {
  CallLedger ledger(ledgers);
  for (uint32_t id = 0; id < 8; ++id) {
    call(ledger, id);
    EXPECT_EQ(finish(ledger, id), "");
  }
  EXPECT_NE(call(ledger, 8), "") << "answers that nobody reads are held all the same";
}

TEST_F(CallLedgerTest, CapabilitiesHaveALimit) {
  CallLedger ledger(ledgers);
  auto condemned = ledger.whenCondemned();
  for (int i = 0; i < 5; ++i)
    ledger.capabilityMade(false);
  EXPECT_EQ(counts.capabilities, 5u);
  EXPECT_EQ(call(ledger, 1), "this connection keeps 5 capabilities, at most 4 are allowed (--rpc_capabilities_max)");
  EXPECT_TRUE(condemned.poll(scope));
  for (int i = 0; i < 5; ++i)
    ledger.capabilityGone(false);
  EXPECT_EQ(counts.capabilities, 0u);
}

TEST_F(CallLedgerTest, WhoeverHoldsMostGoesWhenAllTogetherHoldTooMuch) {
  CallLedger greedy(ledgers), modest(ledgers);
  auto greedyGoes = greedy.whenCondemned(), modestGoes = modest.whenCondemned();
  for (uint32_t id = 0; id < 8; ++id) {
    EXPECT_EQ(call(greedy, id), "");
    answer(greedy, id);
  }
  for (uint32_t id = 0; id < 8; ++id)
    EXPECT_EQ(call(modest, id), "") << "it is not the one who holds most";
  EXPECT_TRUE(greedyGoes.poll(scope));
  EXPECT_FALSE(modestGoes.poll(scope));
  EXPECT_EQ(counts.connectionsClosed, 1u);
}

TEST_F(CallLedgerTest, ASubscriptionKeepsItsConnectionFromBeingIdle) {
  CallLedger ledger(ledgers);
  ledger.capabilityMade(false);
  EXPECT_TRUE(ledger.isIdle());
  ledger.capabilityMade(true);
  EXPECT_FALSE(ledger.isIdle());
  ledger.capabilityGone(true);
  EXPECT_TRUE(ledger.isIdle());
  ledger.capabilityGone(false);
}

TEST_F(CallLedgerTest, AMessageWithManyCapabilitiesIsRefused) {
  CallLedger ledger(ledgers);
  auto withCapabilities = [&](unsigned count) {
    return receive(ledger, [&](Message message) { message.initCall().initParams().initCapTable(count); });
  };
  EXPECT_EQ(withCapabilities(64), "");
  EXPECT_EQ(withCapabilities(65), "a message passes 65 capabilities, at most 64 are taken");
}

TEST_F(CallLedgerTest, WhatComesBackToTheClientCountsUntilItIsWritten) {
  CallLedger ledger(ledgers);
  receive(ledger, [](Message message) { message.initDisembargo().getContext().setSenderLoopback(1); });
  EXPECT_EQ(ledger.unanswered(), 1u);
  capnp::MallocMessageBuilder builder;
  builder.initRoot<capnp::rpc::Message>().initDisembargo().getContext().setReceiverLoopback(1);
  ledger.sent(builder.getSegmentsForOutput());
  EXPECT_EQ(ledger.unanswered(), 0u);
  EXPECT_EQ(counts.calls, 0u);
}

}  // namespace
}  // namespace cambium
