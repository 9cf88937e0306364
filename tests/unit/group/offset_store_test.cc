#include "engine/group/offset_store.h"

#include <gtest/gtest.h>
#include <string>

#include "engine/storage/memory_engine.h"
#include "tests/support/virtual_world.h"

namespace cambium {
namespace {

TEST(OffsetKeyTest, ComesBackFromItsBytes) {
  OffsetKey key{"readers", "words", 7};
  EXPECT_EQ(KJ_ASSERT_NONNULL(decodeOffsetKey(encodeOffsetKey(key))), key);
  OffsetKey odd{std::string("a\0b", 3), "", INT32_MAX};
  EXPECT_EQ(KJ_ASSERT_NONNULL(decodeOffsetKey(encodeOffsetKey(odd))), odd);
  OffsetKey longest{std::string(kOffsetKeyNameBytesMax, 'x'), "w", 0};
  EXPECT_EQ(KJ_ASSERT_NONNULL(decodeOffsetKey(encodeOffsetKey(longest))), longest);
  EXPECT_ANY_THROW(encodeOffsetKey({std::string(kOffsetKeyNameBytesMax + 1, 'x'), "w", 0}));
}

TEST(OffsetKeyTest, OtherBytesAreNoKey) {
  auto key = encodeOffsetKey({"readers", "words", 7});
  for (size_t size = 0; size < key.size(); ++size)
    EXPECT_TRUE(decodeOffsetKey(key.slice(0, size)) == nullptr) << size;
  kj::Vector<kj::byte> longer;
  longer.addAll(key);
  longer.add(0);
  EXPECT_TRUE(decodeOffsetKey(longer) == nullptr);
  key[0] = 0xff;
  EXPECT_TRUE(decodeOffsetKey(key) == nullptr) << "a negative length";
}

class OffsetStoreTest : public ::testing::Test {
 public:
  ~OffsetStoreTest() noexcept override = default;

 protected:
  void reopen() {
    offsets = nullptr;
    engine = nullptr;
    store.crash();
    engine = openMemoryEngine(store, {});
    offsets = kj::heap<OffsetStore>(*engine, pool, clock);
  }
  kj::Promise<Result<void>> commitLater(const OffsetKey& key, int64_t offset) {
    kj::Vector<OffsetChange> changes;
    changes.add(OffsetChange{key, CommittedOffset{.offset = Offset(offset), .metadata = kj::str("m", offset)}});
    return offsets->commit(kj::mv(changes));
  }
  std::string commit(const OffsetKey& key, int64_t offset) { return errorOf(commitLater(key, offset)); }
  std::string errorOf(kj::Promise<Result<void>> promise) {
    auto result = promise.wait(scope);
    return result.ok() ? "" : result.error().message.cStr();
  }
  std::string group(const std::string& name) {
    std::string all;
    for (auto& change : offsets->fetchGroup(name)) {
      all += kj::str(change.key.topic.c_str(), "-", change.key.partition, "=", KJ_ASSERT_NONNULL(change.offset).offset,
                     " ")
                 .cStr();
    }
    return all;
  }
  std::string groups() {
    std::string all;
    for (auto& name : offsets->groups())
      all += std::string(name.cStr()) + " ";
    return all;
  }

  kj::EventLoop loop;
  kj::WaitScope scope{loop};
  VirtualClock clock;
  HeldWorkPool pool;
  MemoryStore store;
  kj::Own<StorageEngine> engine = openMemoryEngine(store, {});
  kj::Own<OffsetStore> offsets = kj::heap<OffsetStore>(*engine, pool, clock);
};

TEST_F(OffsetStoreTest, CommittedOffsetsSurvive) {
  EXPECT_EQ(commit({"b", "words", 1}, 5), "");
  EXPECT_EQ(commit({"b", "words", 0}, 6), "");
  EXPECT_EQ(commit({"b", "letters", 9}, 7), "");
  EXPECT_EQ(commit({"a", "words", 0}, 8), "");
  EXPECT_EQ(commit({"b", "words", 1}, 9), "");
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(group("b"), "letters-9=7 words-0=6 words-1=9 ");
    EXPECT_EQ(group("nobody"), "");
    EXPECT_EQ(groups(), "a b ");
    auto one = offsets->fetch({"b", "words", 1});
    EXPECT_STREQ(one.metadata.cStr(), "m9");
    EXPECT_EQ(one.committedAt, clock.now());
    EXPECT_EQ(offsets->fetch({"b", "words", 2}).offset, kNoOffset);
    reopen();
  }
}

TEST_F(OffsetStoreTest, GroupsAreToldApartByTheirWholeNames) {
  for (auto* name : {"a", "ab", "a-", "b"})
    EXPECT_EQ(commit({name, "words", 0}, 1), "");
  EXPECT_EQ(groups(), "a a- ab b ");
  EXPECT_EQ(group("a"), "words-0=1 ");
}

TEST_F(OffsetStoreTest, CommitsDuringAWriteShareTheNext) {
  pool.holding = true;
  auto first = commitLater({"g", "words", 0}, 1);
  EXPECT_FALSE(first.poll(scope));
  ASSERT_EQ(pool.held(), 1u);
  kj::Vector<kj::Promise<Result<void>>> more;
  for (int i = 2; i < 50; ++i)
    more.add(commitLater({"g", "words", 0}, i));
  for (auto& one : more)
    EXPECT_FALSE(one.poll(scope));
  EXPECT_EQ(pool.held(), 1u);
  EXPECT_EQ(offsets->fetch({"g", "words", 0}).offset, kNoOffset) << "not before it is durable";
  pool.runOne();
  EXPECT_EQ(errorOf(kj::mv(first)), "");
  EXPECT_FALSE(more[0].poll(scope));
  EXPECT_EQ(offsets->fetch({"g", "words", 0}).offset.value(), 1);
  ASSERT_EQ(pool.held(), 1u) << "one write for all the others";
  pool.runOne();
  for (auto& one : more)
    EXPECT_EQ(errorOf(kj::mv(one)), "");
  EXPECT_EQ(offsets->fetch({"g", "words", 0}).offset.value(), 49) << "the last one counts";
  EXPECT_EQ(pool.held(), 0u);
  reopen();
  EXPECT_EQ(offsets->fetch({"g", "words", 0}).offset.value(), 49);
}

TEST_F(OffsetStoreTest, ATopicIsForgottenWithWhatIsOnItsWay) {
  EXPECT_EQ(commit({"g", "words", 0}, 1), "");
  EXPECT_EQ(commit({"g", "letters", 0}, 1), "");
  pool.holding = true;
  auto writing = commitLater({"g", "words", 1}, 2);
  EXPECT_FALSE(writing.poll(scope));
  auto waiting = commitLater({"h", "words", 2}, 3);
  auto forgotten = offsets->forgetTopic("words");
  auto later = commitLater({"g", "words", 5}, 4);
  EXPECT_FALSE(forgotten.poll(scope));
  pool.holding = false;
  pool.runAll();
  EXPECT_EQ(errorOf(kj::mv(writing)), "");
  EXPECT_EQ(errorOf(kj::mv(waiting)), "");
  EXPECT_EQ(errorOf(kj::mv(forgotten)), "");
  EXPECT_EQ(errorOf(kj::mv(later)), "");
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(group("g"), "letters-0=1 words-5=4 ") << "what came after belongs to the next topic of that name";
    EXPECT_EQ(group("h"), "");
    reopen();
  }
  EXPECT_EQ(errorOf(offsets->forgetTopic("nothing")), "");
}

TEST_F(OffsetStoreTest, DeletionsOfWhatIsNotThereWriteNothing) {
  auto removeLater = [&](const OffsetKey& key) {
    kj::Vector<OffsetChange> changes;
    changes.add(OffsetChange{key, nullptr});
    return offsets->commit(kj::mv(changes));
  };
  pool.holding = true;
  auto nothing = removeLater({"g", "words", 0});
  ASSERT_TRUE(nothing.poll(scope));
  EXPECT_EQ(errorOf(kj::mv(nothing)), "");
  // What goes before it in the same write is there.
  auto made = commitLater({"g", "words", 0}, 1);
  auto removed = removeLater({"g", "words", 0});
  EXPECT_FALSE(removed.poll(scope));
  EXPECT_EQ(pool.held(), 1u);
  pool.holding = false;
  pool.runAll();
  EXPECT_EQ(errorOf(kj::mv(made)), "");
  EXPECT_EQ(errorOf(kj::mv(removed)), "");
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(group("g"), "");
    reopen();
  }
}

TEST_F(OffsetStoreTest, ANameThatIsTooLongStopsNobody) {
  auto message = commit({"g", std::string(40'000, 'x'), 0}, 1);
  EXPECT_NE(message.find("40000 bytes"), std::string::npos) << message;
  EXPECT_EQ(commit({"g", "words", 0}, 1), "");
}

TEST_F(OffsetStoreTest, AFullDeviceRefusesAndGoesOn) {
  EXPECT_EQ(commit({"g", "words", 0}, 1), "");
  store.setCapacity(Bytes(1));
  auto message = commit({"g", "words", 0}, 2);
  EXPECT_NE(message.find("free some space"), std::string::npos) << message;
  EXPECT_EQ(offsets->fetch({"g", "words", 0}).offset.value(), 1);
  store.setCapacity(Bytes(10'000));
  EXPECT_EQ(commit({"g", "words", 0}, 3), "");
}

class FailingPool final : public WorkPool {
 public:
  kj::Promise<void> run(kj::Function<void()>) override { return KJ_EXCEPTION(FAILED, "the cable is out"); }
};

TEST_F(OffsetStoreTest, AFailureBreaksTheStoreForGood) {
  EXPECT_EQ(commit({"g", "words", 0}, 1), "");
  FailingPool failing;
  offsets = kj::heap<OffsetStore>(*engine, failing, clock);
  for (int i = 0; i < 2; ++i) {
    auto message = commit({"g", "words", 0}, 2);
    EXPECT_NE(message.find("the cable is out"), std::string::npos) << message;
  }
  EXPECT_EQ(offsets->fetch({"g", "words", 0}).offset.value(), 1) << "what was answered stays";
}

TEST_F(OffsetStoreTest, ADamagedRowIsRefused) {
  offsets = nullptr;
  engine->commit({TableChange{"offsets", "k"_kj.asBytes(), ByteView("v"_kj.asBytes())}});
  EXPECT_ANY_THROW(kj::heap<OffsetStore>(*engine, pool, clock));
}

}  // namespace
}  // namespace cambium
