#pragma once

#include <map>

#include "engine/broker/shard.h"

namespace cambium {

// What went through one topic. Only grows while the topic exists.
struct TopicTraffic {
  uint64_t records = 0;
  uint64_t bytesIn = 0;
  uint64_t bytesOut = 0;
  uint64_t reads = 0;

  void add(const TopicTraffic& other);
  // True when every number is at least as large as before.
  bool grownFrom(const TopicTraffic& before) const;
  TopicTraffic since(const TopicTraffic& before) const;
};

// Keeps the number of series per topic bounded: the topics with the most traffic since the start (bytes in and out)
// have a row of their own, all others share the row "__other__". That row never shrinks, whatever topics come, go, or
// change sides; what a topic had counted there before it got a row of its own stays there, so rows do not add up to a
// total. A topic that has a row loses it only to one with a quarter more traffic, so that two of a size do not take
// turns.
class TopicSeries {
 public:
  static constexpr kj::StringPtr kOther = "__other__"_kj;

  struct Row {
    kj::String topic;
    TopicTraffic traffic;
  };

  explicit TopicSeries(size_t ownMax) : ownMax_(ownMax) {}
  KJ_DISALLOW_COPY(TopicSeries);

  // Takes in the counters as they are now. At most `ownMax` rows sorted by name, then kOther once anything was counted
  // there.
  kj::Vector<Row> update(kj::ArrayPtr<const ShardReport> reports);

 private:
  struct Known {
    TopicTraffic traffic;
    bool own = false;
  };
  using Traffic = std::map<kj::StringPtr, TopicTraffic>;

  void chooseOwn(const Traffic& now);

  size_t ownMax_;
  std::map<kj::String, Known> known_;
  bool otherUsed_ = false;
  TopicTraffic other_;
};

}  // namespace cambium
