#include "engine/broker/counted_pool.h"

#include <atomic>
#include <condition_variable>
#include <gtest/gtest.h>
#include <memory>

#include <kj/async-io.h>

#include "engine/base/thread_work_pool.h"

namespace cambium {
namespace {

class CountedPoolTest : public ::testing::Test {
 public:
  ~CountedPoolTest() noexcept override = default;

 protected:
  kj::AsyncIoContext io = kj::setupAsyncIo();
  ThreadWorkPool threads{2};
  kj::Own<CountedPool> pool = kj::heap<CountedPool>(threads);
};

// A job that ends when it is let go.
struct Gate {
  std::mutex mutex;
  std::condition_variable changed;
  bool open = false;

  void pass() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return open; });
  }
  void release() {
    {
      std::lock_guard lock(mutex);
      open = true;
    }
    changed.notify_all();
  }
};

TEST_F(CountedPoolTest, WaitsForJobsThatNobodyWaitsFor) {
  EXPECT_TRUE(pool->whenIdle().poll(io.waitScope));
  Gate gate;
  std::atomic<int> done{0};
  for (int i = 0; i < 10; ++i) {
    auto dropped = pool->run([&] {
      gate.pass();
      ++done;
    });
  }
  auto idle = pool->whenIdle();
  EXPECT_FALSE(idle.poll(io.waitScope));
  gate.release();
  idle.wait(io.waitScope);
  EXPECT_EQ(done, 10);
}

TEST_F(CountedPoolTest, WhatAJobOwnsIsGoneWhenThePoolIsIdle) {
  struct Owned {
    std::atomic<int>& count;
    explicit Owned(std::atomic<int>& count) : count(count) { ++count; }
    ~Owned() { --count; }
  };
  std::atomic<int> alive{0};
  for (int round = 0; round < 200; ++round) {
    for (int i = 0; i < 4; ++i) {
      auto dropped = pool->run([owned = kj::heap<Owned>(alive)] {});
    }
    pool->whenIdle().wait(io.waitScope);
    ASSERT_EQ(alive, 0);
  }
}

TEST_F(CountedPoolTest, FailedJobsCountAsWell) {
  auto failed = pool->run([] { kj::throwFatalException(KJ_EXCEPTION(FAILED, "the cable is out")); });
  EXPECT_ANY_THROW(failed.wait(io.waitScope));
  pool->whenIdle().wait(io.waitScope);
}

}  // namespace
}  // namespace cambium
