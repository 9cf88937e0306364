#include "engine/partition/leader_epochs.h"

#include <algorithm>

namespace cambium {

void LeaderEpochs::assign(LeaderEpoch epoch, Offset start) {
  if (epoch == latest() && start >= entries_.back().start) return;
  while (entries_.size() > 0 && (entries_.back().start >= start || entries_.back().epoch >= epoch))
    entries_.removeLast();
  entries_.add(Entry{epoch, start});
}

void LeaderEpochs::truncateFrom(Offset end) {
  while (entries_.size() > 0 && entries_.back().start >= end)
    entries_.removeLast();
}

void LeaderEpochs::dropBefore(Offset start) {
  size_t first = 0;
  while (first + 1 < entries_.size() && entries_[first + 1].start <= start)
    ++first;
  if (first > 0) {
    std::move(entries_.begin() + first, entries_.end(), entries_.begin());
    entries_.truncate(entries_.size() - first);
  }
  if (entries_.size() > 0) entries_[0].start = kj::max(entries_[0].start, start);
}

LeaderEpoch LeaderEpochs::epochAt(Offset offset) const {
  auto after = std::upper_bound(entries_.begin(), entries_.end(), offset,
                                [](Offset wanted, const Entry& entry) { return wanted < entry.start; });
  return after == entries_.begin() ? kNoLeaderEpoch : (after - 1)->epoch;
}

LeaderEpochs::End LeaderEpochs::endOffsetFor(LeaderEpoch epoch, Offset logEnd) const {
  if (epoch < LeaderEpoch(0) || epoch > latest()) return End();
  if (epoch == latest()) return End{epoch, logEnd};
  auto next = std::upper_bound(entries_.begin(), entries_.end(), epoch,
                               [](LeaderEpoch wanted, const Entry& entry) { return wanted < entry.epoch; });
  return End{next == entries_.begin() ? epoch : (next - 1)->epoch, next->start};
}

void LeaderEpochs::write(ByteWriter& out) const {
  out.int32(static_cast<int32_t>(entries_.size()));
  for (auto& entry : entries_) {
    out.int32(entry.epoch.value());
    out.int64(entry.start.value());
  }
}

kj::Maybe<LeaderEpochs> LeaderEpochs::read(ByteReader& in) {
  LeaderEpochs epochs;
  int32_t count = in.int32();
  for (int32_t i = 0; i < count && !in.failed(); ++i) {
    Entry entry{LeaderEpoch(in.int32()), Offset(in.int64())};
    if (in.failed() || entry.epoch <= epochs.latest()) return nullptr;
    if (i > 0 && entry.start <= epochs.entries_.back().start) return nullptr;
    epochs.entries_.add(entry);
  }
  if (count < 0 || in.failed()) return nullptr;
  return kj::mv(epochs);
}

}  // namespace cambium
