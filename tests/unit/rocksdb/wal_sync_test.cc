#include "backends/rocksdb/wal_sync.h"

#include <atomic>
#include <future>
#include <gtest/gtest.h>
#include <thread>
#include <vector>

#include <kj/debug.h>

namespace cambium::rocks {
namespace {

TEST(WalSync, OneSyncServesEveryTicketBeforeIt) {
  int syncs = 0;
  WalSync sync([&] { ++syncs; });
  auto first = sync.mark();
  auto second = sync.mark();
  sync.ensure(first);
  sync.ensure(second);
  sync.ensure(first);
  EXPECT_EQ(syncs, 1);
  sync.ensure(sync.mark());
  EXPECT_EQ(syncs, 2);
  EXPECT_EQ(sync.count(), 2u);
}

// While the first sync runs, others get tickets and wait: it began too early for them, and one further sync serves all.
TEST(WalSync, WhoeverComesDuringASyncSharesTheNext) {
  std::promise<void> begun, goOn;
  std::atomic<int> syncs{0};
  WalSync sync([&] {
    if (++syncs == 1) {
      begun.set_value();
      goOn.get_future().wait();
    }
  });
  std::thread leader([&, ticket = sync.mark()] { sync.ensure(ticket); });
  begun.get_future().wait();
  std::vector<std::thread> others;
  for (int i = 0; i < 8; ++i)
    others.emplace_back([&, ticket = sync.mark()] { sync.ensure(ticket); });
  goOn.set_value();
  leader.join();
  for (auto& thread : others)
    thread.join();
  EXPECT_EQ(syncs, 2);
}

TEST(WalSync, AFailureIsForEver) {
  bool isGood = true;
  int calls = 0;
  WalSync sync([&] {
    ++calls;
    KJ_REQUIRE(isGood, "the disk said no");
  });
  auto early = sync.mark();
  sync.ensure(sync.mark());
  isGood = false;
  auto ticket = sync.mark();
  EXPECT_THROW(sync.ensure(ticket), kj::Exception);
  isGood = true;
  EXPECT_THROW(sync.ensure(ticket), kj::Exception);
  EXPECT_THROW(sync.ensure(sync.mark()), kj::Exception);
  EXPECT_EQ(calls, 2);
  // What had been synced before is.
  sync.ensure(early);
}

}  // namespace
}  // namespace cambium::rocks
