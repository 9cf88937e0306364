#include "server/http/topic_series.h"

#include <algorithm>
#include <vector>

namespace cambium {

void TopicTraffic::add(const TopicTraffic& other) {
  records += other.records;
  bytesIn += other.bytesIn;
  bytesOut += other.bytesOut;
  reads += other.reads;
}

bool TopicTraffic::grownFrom(const TopicTraffic& before) const {
  return records >= before.records && bytesIn >= before.bytesIn && bytesOut >= before.bytesOut && reads >= before.reads;
}

TopicTraffic TopicTraffic::since(const TopicTraffic& before) const {
  return {records - before.records, bytesIn - before.bytesIn, bytesOut - before.bytesOut, reads - before.reads};
}

kj::Vector<TopicSeries::Row> TopicSeries::update(kj::ArrayPtr<const ShardReport> reports) {
  Traffic now;
  for (auto& report : reports) {
    for (auto& topic : report.topics) {
      auto& m = topic.metrics;
      now[topic.topic].add({m.appendedRecords, m.appendedBytes, m.readBytes, m.reads});
    }
  }
  std::erase_if(known_, [&](const auto& entry) { return !now.contains(entry.first); });
  // A topic that was deleted and made again under its name counts from 0: nothing of it is known.
  for (auto& [name, traffic] : now) {
    auto& known = known_[kj::str(name)];
    if (!traffic.grownFrom(known.traffic)) known.traffic = {};
  }
  chooseOwn(now);

  kj::Vector<Row> rows;
  for (auto& [name, known] : known_) {
    auto& traffic = now.at(name);
    if (known.own) {
      rows.add(Row{kj::str(name), traffic});
    } else {
      other_.add(traffic.since(known.traffic));
      otherUsed_ = true;
    }
    known.traffic = traffic;
  }
  if (otherUsed_) rows.add(Row{kj::str(kOther), other_});
  return rows;
}

void TopicSeries::chooseOwn(const Traffic& now) {
  struct Candidate {
    double weight;
    kj::StringPtr name;
    Known* known;
  };
  std::vector<Candidate> candidates;
  for (auto& [name, known] : known_) {
    // A topic may bear the name of the shared row; two series of one name would spoil the whole page.
    if (name == kOther) continue;
    auto& traffic = now.at(name);
    auto bytes = static_cast<double>(traffic.bytesIn) + static_cast<double>(traffic.bytesOut);
    candidates.push_back({known.own ? bytes * 1.25 : bytes, name, &known});
  }
  std::sort(candidates.begin(), candidates.end(), [](auto& a, auto& b) {
    if (a.weight != b.weight) return a.weight > b.weight;
    return a.name < b.name;
  });
  for (size_t i = 0; i < candidates.size(); ++i)
    candidates[i].known->own = i < ownMax_;
}

}  // namespace cambium
