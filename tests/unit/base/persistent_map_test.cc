#include "engine/base/persistent_map.h"

#include <gtest/gtest.h>
#include <map>
#include <random>

namespace cambium {
namespace {

struct Entry final : public kj::AtomicRefcounted {
  Entry(int key, int value) : key(key), value(value) {}
  const int key, value;
};
struct ByKey {
  static const int& keyOf(const Entry& entry) { return entry.key; }
};
using Entries = PersistentMap<Entry, ByKey>;

kj::Own<const Entry> entry(int key, int value = 0) {
  return kj::atomicRefcounted<const Entry>(key, value);
}

Entries filled(int count) {
  kj::Vector<kj::Own<const Entry>> sorted;
  for (int i = 0; i < count; ++i)
    sorted.add(entry(2 * i));
  return Entries::ofSorted(sorted);
}

std::map<int, int> contents(const Entries& entries) {
  std::map<int, int> all;
  int last = -1;
  for (auto& one : entries) {
    EXPECT_LT(last, one->key) << "in order";
    last = one->key;
    all[one->key] = one->value;
  }
  EXPECT_EQ(all.size(), entries.size());
  return all;
}

TEST(PersistentMapTest, IsWhatAMapIsAndNeverChanges) {
  std::mt19937 random(1);
  std::map<int, int> model;
  Entries entries;
  for (int step = 0; step < 5000; ++step) {
    auto before = entries.share();
    auto known = model;
    int key = static_cast<int>(random() % 300);
    if (random() % 3 == 0) {
      entries = entries.without(key);
      model.erase(key);
    } else {
      entries = entries.with(entry(key, step));
      model[key] = step;
    }
    if (step % 50 != 0) continue;
    ASSERT_EQ(contents(entries), model);
    ASSERT_EQ(contents(before), known);
    for (int wanted = 0; wanted < 300; ++wanted) {
      auto found = model.find(wanted);
      KJ_IF_MAYBE(one, entries.find(wanted)) {
        ASSERT_TRUE(found != model.end() && found->second == one->value);
      } else {
        ASSERT_TRUE(found == model.end());
      }
    }
  }
}

// The cost of a change is counted, not timed.
TEST(PersistentMapTest, AChangeMakesFewNodesHoweverManyThereAre) {
  struct Size {
    int entries;
    size_t nodesMax;
  };
  for (auto size : {Size{10, 8}, Size{1000, 18}, Size{100'000, 28}}) {
    auto before = filled(size.entries);
    for (int key : {-1, size.entries | 1, 2 * size.entries}) {
      EXPECT_LE(before.with(entry(key)).nodesApartFrom(before), size.nodesMax) << size.entries;
      EXPECT_LE(before.with(entry(key & ~1)).nodesApartFrom(before), size.nodesMax) << size.entries;
      EXPECT_LE(before.without(key & ~1).nodesApartFrom(before), size.nodesMax) << size.entries;
    }
  }
  Entries grown;
  for (int i = 0; i < 100'000; ++i)
    grown = grown.with(entry(i));
  EXPECT_LE(grown.with(entry(100'000)).nodesApartFrom(grown), 28u) << "also when all came in order";
  EXPECT_EQ(grown.nodesApartFrom(Entries()), 100'000u);
}

}  // namespace
}  // namespace cambium
