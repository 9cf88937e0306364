#include "engine/metadata/local_metadata.h"

#include <gtest/gtest.h>
#include <string>

#include "engine/storage/memory_engine.h"
#include "tests/support/virtual_world.h"

namespace cambium {
namespace {

class LocalMetadataTest : public ::testing::Test {
 public:
  ~LocalMetadataTest() noexcept override = default;

 protected:
  void reopen() {
    metadata = nullptr;
    engine = nullptr;
    store.crash();
    engine = openMemoryEngine(store, {});
    metadata = kj::heap<LocalMetadata>(*engine, pool);
  }
  // "key=value" writes, "key" deletes; "key@3" is a condition.
  static MetadataTransaction transaction(std::initializer_list<const char*> steps) {
    MetadataTransaction made;
    for (kj::StringPtr step : steps) {
      KJ_IF_MAYBE(at, step.findFirst('@')) {
        made.conditions.add(MetadataTransaction::Condition{kj::str(step.slice(0, *at)),
                                                           Revision(step.slice(*at + 1).parseAs<int64_t>())});
      } else KJ_IF_MAYBE(equals, step.findFirst('=')) {
        made.writes.add(MetadataTransaction::Write{kj::str(step.slice(0, *equals)),
                                                   kj::heapArray<kj::byte>(step.slice(*equals + 1).asBytes())});
      } else {
        made.writes.add(MetadataTransaction::Write{kj::str(step), nullptr});
      }
    }
    return made;
  }
  // The revision; 0 when a condition did not hold.
  int64_t commit(std::initializer_list<const char*> steps) { return revisionOf(metadata->commit(transaction(steps))); }
  int64_t revisionOf(kj::Promise<kj::Maybe<Revision>> promise) {
    auto committed = promise.wait(scope);
    KJ_IF_MAYBE(revision, committed) return revision->value();
    return 0;
  }
  std::string list(kj::StringPtr prefix) {
    std::string all;
    for (auto& entry : metadata->list(kj::str(prefix)).wait(scope)) {
      all += kj::str(entry.key, "=", kj::str(entry.value.asPtr().asChars()), "@", entry.changedAt, " ").cStr();
    }
    return all;
  }
  static std::string textOf(const MetadataChange& change) {
    std::string all = kj::str(change.revision, ":").cStr();
    for (auto& write : change.writes) {
      all += kj::str(" ", write.key).cStr();
      KJ_IF_MAYBE(value, write.value) all += kj::str("=", kj::str(value->asPtr().asChars())).cStr();
    }
    return all;
  }

  kj::EventLoop loop;
  kj::WaitScope scope{loop};
  HeldWorkPool pool;
  MemoryStore store;
  kj::Own<StorageEngine> engine = openMemoryEngine(store, {});
  kj::Own<LocalMetadata> metadata = kj::heap<LocalMetadata>(*engine, pool);
};

TEST_F(LocalMetadataTest, CommitsAreSeenAndSurvive) {
  EXPECT_EQ(commit({"a/1=x", "a/2=y", "b=z"}), 1);
  EXPECT_EQ(commit({"a/1"}), 2);
  EXPECT_EQ(commit({"b=w"}), 3);
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(list("a/"), "a/2=y@1 ");
    EXPECT_EQ(list(""), "a/2=y@1 b=w@3 ");
    EXPECT_TRUE(metadata->get(kj::str("a/1")).wait(scope) == nullptr);
    EXPECT_EQ(KJ_ASSERT_NONNULL(metadata->get(kj::str("b")).wait(scope)).changedAt.value(), 3);
    reopen();
  }
  EXPECT_EQ(commit({"c=1"}), 4) << "revisions go on, also after a deletion was the last change";
}

TEST_F(LocalMetadataTest, ConditionsDecideForTheWhole) {
  EXPECT_EQ(commit({"a@0", "a=1", "b=1"}), 1);
  EXPECT_EQ(commit({"a@0", "a=2", "b=2"}), 0);
  EXPECT_EQ(commit({"a@1", "b@9", "a=2"}), 0);
  EXPECT_EQ(list(""), "a=1@1 b=1@1 ");
  EXPECT_EQ(commit({"a@1", "b@1", "a=2"}), 2);
  EXPECT_EQ(commit({"c@0", "a"}), 3);
  EXPECT_EQ(commit({"a@0", "a=3"}), 4) << "deleted is absent";
}

TEST_F(LocalMetadataTest, CommitsAtTheSameTimeComeOneAfterAnother) {
  pool.holding = true;
  auto first = metadata->commit(transaction({"a@0", "a=first"}));
  auto second = metadata->commit(transaction({"a@0", "a=second"}));
  auto third = metadata->commit(transaction({"b=third"}));
  EXPECT_FALSE(first.poll(scope));
  EXPECT_EQ(pool.held(), 1u);
  EXPECT_EQ(list(""), "") << "not before it is durable";
  {
    auto dropped = kj::mv(third);
  }
  pool.holding = false;
  pool.runAll();
  EXPECT_EQ(revisionOf(kj::mv(first)), 1);
  EXPECT_EQ(revisionOf(kj::mv(second)), 0) << "it saw the first one";
  EXPECT_EQ(commit({"c=1"}), 3);
  EXPECT_EQ(list(""), "a=first@1 b=third@2 c=1@3 ") << "a commit goes on when nobody waits for it";
}

TEST_F(LocalMetadataTest, WatchersSeeEveryChangeInOrder) {
  commit({"t/0=before"});
  auto watch = metadata->watch(kj::str("t/"));
  auto gone = metadata->watch(kj::str("t/"));
  auto waiting = watch->next();
  EXPECT_FALSE(waiting.poll(scope));
  commit({"t/1=x", "u=y"});
  gone = nullptr;
  commit({"u=z"});
  commit({"t/1", "t/2=w"});
  std::string seen;
  for (auto& change : waiting.wait(scope))
    seen += textOf(change) + ";";
  for (auto& change : watch->next().wait(scope))
    seen += textOf(change) + ";";
  EXPECT_EQ(seen, "2: t/1=x;3:;4: t/1 t/2=w;") << "all that are there; a change of others has a number all the same";
  auto later = watch->next();
  EXPECT_FALSE(later.poll(scope));
  commit({"t/3=v"});
  auto changes = later.wait(scope);
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(textOf(changes[0]), "5: t/3=v");
}

TEST_F(LocalMetadataTest, AFullDeviceRefusesAndGoesOn) {
  commit({"a=1"});
  store.setCapacity(Bytes(20));
  auto failure = kj::runCatchingExceptions([&] { commit({"b=a long value that has no room"}); });
  EXPECT_EQ(KJ_ASSERT_NONNULL(failure).getType(), kj::Exception::Type::OVERLOADED);
  EXPECT_EQ(list(""), "a=1@1 ");
  store.setCapacity(Bytes(1000));
  EXPECT_EQ(commit({"b=2"}), 2);
}

// A pool whose device fails.
class FailingPool final : public WorkPool {
 public:
  kj::Promise<void> run(kj::Function<void()>) override { return KJ_EXCEPTION(FAILED, "the cable is out"); }
};

TEST_F(LocalMetadataTest, AFailureBreaksTheStoreForGood) {
  FailingPool failing;
  LocalMetadata broken(*engine, failing);
  auto first = kj::runCatchingExceptions([&] { broken.commit(transaction({"a=1"})).wait(scope); });
  EXPECT_TRUE(first != nullptr);
  for (int i = 0; i < 2; ++i) {
    auto later = kj::runCatchingExceptions([&] { broken.commit(transaction({"b=1"})).wait(scope); });
    std::string text = KJ_ASSERT_NONNULL(later).getDescription().cStr();
    EXPECT_NE(text.find("the cable is out"), std::string::npos) << text;
  }
  std::string why = KJ_ASSERT_NONNULL(broken.whyBroken()).cStr();
  EXPECT_NE(why.find("the cable is out"), std::string::npos) << why;
  // What was committed before can be read.
  EXPECT_EQ(broken.list(kj::str("")).wait(scope).size(), 0u);
  EXPECT_TRUE(broken.get(kj::str("a")).wait(scope) == nullptr);
}

TEST_F(LocalMetadataTest, ADamagedRowIsRefused) {
  metadata = nullptr;
  engine->commit({TableChange{"metadata", "k"_kj.asBytes(), ByteView("short"_kj.asBytes())}});
  EXPECT_ANY_THROW(kj::heap<LocalMetadata>(*engine, pool));
}

}  // namespace
}  // namespace cambium
