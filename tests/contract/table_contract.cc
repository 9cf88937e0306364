// Tables.

#include <kj/thread.h>

#include "tests/contract/log_contract.h"

namespace cambium {
namespace {

ByteView bytes(kj::StringPtr text) {
  return text.asBytes();
}

TableChange put(kj::StringPtr table, kj::StringPtr key, kj::StringPtr value) {
  return {table, bytes(key), bytes(value)};
}

TableChange erase(kj::StringPtr table, kj::StringPtr key) {
  return {table, bytes(key), nullptr};
}

std::string show(ByteView view) {
  return {reinterpret_cast<const char*>(view.begin()), view.size()};
}

// The value, or "(none)".
std::string get(StorageEngine& engine, kj::StringPtr table, kj::StringPtr key) {
  KJ_IF_MAYBE(value, engine.get(table, bytes(key))) {
    return show(*value);
  }
  return "(none)";
}

// "a=1 b=2", at most `rowsMax` of them.
std::string scan(StorageEngine& engine, kj::StringPtr table, kj::StringPtr prefix, int rowsMax = 1'000'000) {
  std::string out;
  int rows = 0;
  engine.scan(table, bytes(prefix), [&](ByteView key, ByteView value) {
    out += (out.empty() ? "" : " ") + show(key) + "=" + show(value);
    return ++rows < rowsMax;
  });
  return out;
}

TEST_P(LogContract, TablesHoldWhatWasCommitted) {
  EXPECT_EQ(get(engine(), "offsets", "a"), "(none)");
  EXPECT_EQ(scan(engine(), "offsets", ""), "");
  engine().commit({put("offsets", "a", "1"), put("offsets", "b", "2")});
  EXPECT_EQ(get(engine(), "offsets", "a"), "1");
  EXPECT_EQ(get(engine(), "offsets", "b"), "2");
  EXPECT_EQ(get(engine(), "offsets", "c"), "(none)");
  EXPECT_EQ(get(engine(), "metadata", "a"), "(none)");
  engine().commit({put("offsets", "a", "3")});
  EXPECT_EQ(scan(engine(), "offsets", ""), "a=3 b=2");
}

TEST_P(LogContract, ScansGoByPrefixInOrder) {
  kj::Vector<TableChange> changes;
  for (auto key : {"b/2", "a/1", "b", "b/10", "c", "b/", "b0", "a"})
    changes.add(put("groups", key, "x"));
  changes.add(put("groupz", "b/3", "other table"));
  engine().commit(changes);
  EXPECT_EQ(scan(engine(), "groups", ""), "a=x a/1=x b=x b/=x b/10=x b/2=x b0=x c=x");
  EXPECT_EQ(scan(engine(), "groups", "b/"), "b/=x b/10=x b/2=x");
  EXPECT_EQ(scan(engine(), "groups", "b/10"), "b/10=x");
  EXPECT_EQ(scan(engine(), "groups", "b/100"), "");
  EXPECT_EQ(scan(engine(), "groups", "d"), "");
  EXPECT_EQ(scan(engine(), "groups", "", 3), "a=x a/1=x b=x");
  EXPECT_EQ(scan(engine(), "groups", "b", 1), "b=x");
}

TEST_P(LogContract, KeysAndValuesAreAnyBytes) {
  const kj::StringPtr low("\0", 1), lowLow("\0\0", 2), high("\xff"), highHigh("\xff\xff"), highLow("\xff\0", 2);
  engine().commit({put("bytes", high, "1"), put("bytes", low, "2"), put("bytes", highHigh, "3"),
                   put("bytes", lowLow, "4"), put("bytes", highLow, "5"), put("bytes", "\x7f", "6"),
                   put("bytes", "\x80", "7"), put("bytes", "empty", ""), put("bytes", "", "empty key")});
  auto check = [&] {
    std::string order;
    engine().scan("bytes", nullptr, [&](ByteView, ByteView value) {
      order += show(value) + ",";
      return true;
    });
    EXPECT_EQ(order, "empty key,2,4,,6,7,1,5,3,");
    EXPECT_EQ(get(engine(), "bytes", "empty"), "");
    EXPECT_EQ(get(engine(), "bytes", ""), "empty key");
    std::string highs;
    engine().scan("bytes", bytes(high), [&](ByteView, ByteView value) {
      highs += show(value);
      return true;
    });
    EXPECT_EQ(highs, "153");
  };
  check();
  reopen();
  check();
  crash();
  check();
}

TEST_P(LogContract, LargeValuesAreKept) {
  auto value = makeBatch(Offset(0), 1, TimestampMs(0), 1 << 20, 5);
  ByteView view = value;
  engine().commit({TableChange{"blobs", bytes("big"), view}});
  crash();
  auto got = KJ_ASSERT_NONNULL(engine().get("blobs", bytes("big")));
  EXPECT_TRUE(got.asPtr() == view);
}

TEST_P(LogContract, ChangesApplyInOrder) {
  engine().commit({put("t", "a", "1"), put("t", "a", "2"), put("t", "b", "1"), erase("t", "b"), erase("t", "c"),
                   put("t", "c", "1"), erase("t", "never")});
  EXPECT_EQ(scan(engine(), "t", ""), "a=2 c=1");
  engine().commit(nullptr);
  engine().commit({erase("t", "a"), erase("t", "c")});
  EXPECT_EQ(scan(engine(), "t", ""), "");
  crash();
  EXPECT_EQ(scan(engine(), "t", ""), "");
  engine().commit({put("t", "a", "4")});
  EXPECT_EQ(scan(engine(), "t", ""), "a=4");
}

TEST_P(LogContract, ARefusedCommitChangesNothing) {
  engine().commit({put("t", "a", "1")});
  for (auto name :
       {"", "A", "a-b", "a/b", "a.b", "..", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}) {
    EXPECT_NE(failureOf([&] { engine().commit({put("t", "a", "2"), put(name, "a", "2")}); }), "") << name;
  }
  EXPECT_EQ(scan(engine(), "t", ""), "a=1");
  reopen();
  EXPECT_EQ(scan(engine(), "t", ""), "a=1");
  engine().commit({put("0_z", "a", "5")});
  EXPECT_EQ(get(engine(), "0_z", "a"), "5");
}

TEST_P(LogContract, CommitsAreDurableOnReturn) {
  for (int i = 0; i < 30; ++i) {
    auto value = kj::str(i);
    engine().commit({put("offsets", "a", value), put("metadata", "a", value), erase("offsets", kj::str("k", i - 1)),
                     put("offsets", kj::str("k", i), value)});
    if (i % 10 == 3) reopen();
    if (i % 10 == 6) kill();
    if (i % 10 == 9) crash();
    EXPECT_EQ(get(engine(), "offsets", "a"), value.cStr());
    EXPECT_EQ(get(engine(), "metadata", "a"), value.cStr());
    EXPECT_EQ(scan(engine(), "offsets", "k"), kj::str("k", i, "=", i).cStr());
  }
}

TEST_P(LogContract, TablesAndLogsDoNotMeet) {
  auto& log = open("offsets");
  log.add(5);
  syncNow(*log);
  engine().commit({put("offsets", "words-0", "1")});
  EXPECT_EQ(engine().list().size(), 1u);
  logs_.clear();
  engine().drop(logId("offsets"));
  EXPECT_EQ(scan(engine(), "offsets", ""), "words-0=1");
  crash();
  EXPECT_EQ(scan(engine(), "offsets", ""), "words-0=1");
}

// Each thread moves a pair of keys in two tables together; a reader that sees one ahead of the other has seen half a
// commit.
TEST_P(LogContract, CommitsOfSeveralThreadsAreAtomic) {
  constexpr int kThreads = 4;
  constexpr int kCommits = 40;
  {
    kj::Vector<kj::Own<kj::Thread>> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.add(kj::heap<kj::Thread>([this, t] {
        auto key = kj::str("thread", t);
        for (int i = 1; i <= kCommits; ++i) {
          auto value = kj::str(i);
          engine().commit({put("left", key, value), put("right", key, value), put("left", "shared", value),
                           put("left", kj::str("row/", t, "/", i), value)});
          EXPECT_EQ(get(engine(), "left", key), value.cStr());
          EXPECT_EQ(get(engine(), "right", key), value.cStr());
          int rows = 0;
          engine().scan("left", bytes(kj::str("row/", t, "/")), [&](ByteView, ByteView) { return ++rows > 0; });
          EXPECT_EQ(rows, i);
        }
      }));
    }
  }
  crash();
  for (int t = 0; t < kThreads; ++t) {
    EXPECT_EQ(get(engine(), "left", kj::str("thread", t)), "40");
    EXPECT_EQ(get(engine(), "right", kj::str("thread", t)), "40");
  }
  EXPECT_EQ(get(engine(), "left", "shared"), "40");
}

TEST_P(LogContract, ThreadsUseLogsAndTablesTogether) {
  for (int i = 0; i < 3; ++i)
    open(kj::str("words-", i));
  {
    kj::Vector<kj::Own<kj::Thread>> threads;
    for (int t = 0; t < 3; ++t) {
      threads.add(kj::heap<kj::Thread>([this, t] {
        auto& log = *logs_[t];
        for (int i = 0; i < 30; ++i) {
          log.add(1);
          if (i % 5 == 0) syncNow(*log);
          auto end = kj::str(log->bounds().end);
          engine().commit({put("ends", log.id().name, end)});
          EXPECT_GE(engine().list().size(), 3u);
          EXPECT_GT(engine().usage().logBytes, Bytes(0));
        }
        auto id = logId(kj::str("passing-", t));
        {
          WatchedLog(engine(), id.clone(), {}).add(1);
        }
        engine().drop(id.clone());
      }));
    }
  }
  for (auto& log : logs_)
    log->expectSame();
  EXPECT_EQ(scan(engine(), "ends", ""), "words-0=30 words-1=30 words-2=30");
  crash();
}

}  // namespace
}  // namespace cambium
