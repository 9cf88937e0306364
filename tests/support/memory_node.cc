#include "tests/support/memory_node.h"

#include <algorithm>
#include <cstring>

namespace cambium {

void MemoryNode::write(uint64_t position, ByteView data) {
  if (data.size() == 0) return;
  size_t end = position + data.size();
  if (end > live.size()) live.resize(end);
  memcpy(live.data() + position, data.begin(), data.size());
  changes_.push_back({false, position, std::string(data.asChars().begin(), data.size())});
}

void MemoryNode::truncate(uint64_t size) {
  live.resize(size);
  changes_.push_back({true, size, {}});
}

void MemoryNode::syncContents() {
  // Only what changed: a sync of a large file must not cost its size.
  for (auto& change : changes_) {
    size_t end = change.position + change.bytes.size();
    if (end > durable_.size() || change.isTruncation) durable_.resize(end);
    if (!change.bytes.empty()) memcpy(durable_.data() + change.position, change.bytes.data(), change.bytes.size());
  }
  changes_.clear();
}

void MemoryNode::flip(uint64_t bit) {
  auto inBytes = [bit](std::string& bytes, uint64_t from) {
    if (bit / 8 < from || bit / 8 - from >= bytes.size()) return;
    auto& byte = bytes[bit / 8 - from];
    byte = static_cast<char>(byte ^ (1 << (bit % 8)));
  };
  inBytes(live, 0);
  inBytes(durable_, 0);
  for (auto& change : changes_)
    inBytes(change.bytes, change.position);
}

void MemoryNode::apply(const EntryChange& change, Entries& entries) {
  if (!change.takenAway.empty()) entries.erase(change.takenAway);
  if (!change.put.empty()) entries[change.put] = change.node;
}

void MemoryNode::setEntry(const std::string& name, std::shared_ptr<MemoryNode> node) {
  EntryChange change;
  (node == nullptr ? change.takenAway : change.put) = name;
  change.node = std::move(node);
  apply(change, entries);
  entryChanges_.push_back(std::move(change));
}

void MemoryNode::renameEntry(const std::string& from, const std::string& to) {
  EntryChange change{from, to, entries.at(from)};
  apply(change, entries);
  entryChanges_.push_back(std::move(change));
}

void MemoryNode::syncEntries() {
  durableEntries_ = entries;
  entryChanges_.clear();
}

void MemoryNode::settle(std::string contents) {
  live = durable_ = std::move(contents);
  changes_.clear();
}

void MemoryNode::settle(Entries remaining) {
  entries = std::move(remaining);
  syncEntries();
}

void MemoryNode::loseUnsynced() {
  settle(durable_);
  settle(durableEntries_);
}

void MemoryNode::tear(size_t sectorBytes, const Random& random) {
  size_t kept = random() % (changes_.size() + 1);
  auto contents = durable_;
  for (size_t i = 0; i <= kept && i < changes_.size(); ++i) {
    auto& change = changes_[i];
    if (change.isTruncation) {
      if (i < kept) contents.resize(change.position);
      continue;
    }
    size_t end = change.position + change.bytes.size();
    if (i == kept) {
      size_t sectors = random() % (end / sectorBytes - change.position / sectorBytes + 1);
      size_t cut = (change.position / sectorBytes + sectors) * sectorBytes;
      if (sectors == 0) continue;
      end = std::min(end, cut);
    }
    if (end > contents.size()) contents.resize(end);
    memcpy(contents.data() + change.position, change.bytes.data(), end - change.position);
  }
  settle(std::move(contents));
  keepFirstNames(random);
}

void MemoryNode::keepFirstNames(const Random& random) {
  auto remaining = durableEntries_;
  size_t kept = random() % (entryChanges_.size() + 1);
  for (size_t i = 0; i < kept; ++i)
    apply(entryChanges_[i], remaining);
  settle(std::move(remaining));
}

void MemoryNode::reorder(size_t sectorBytes, const Random& random) {
  keepFirstNames(random);
  if (changes_.empty()) return;

  size_t largest = durable_.size();
  for (auto& change : changes_)
    largest = std::max<size_t>(largest, change.position + change.bytes.size());
  // So many of the changes reached this sector; the last place is for the size.
  std::vector<size_t> reached((largest + sectorBytes - 1) / sectorBytes + 1);
  for (auto& count : reached) {
    auto choice = random() % 4;
    count = choice == 0 ? 0 : choice == 1 ? random() % (changes_.size() + 1) : changes_.size();
  }
  auto contents = durable_;
  contents.resize(largest);
  size_t size = durable_.size();
  for (size_t i = 0; i < changes_.size(); ++i) {
    auto& change = changes_[i];
    size_t end = change.isTruncation ? largest : change.position + change.bytes.size();
    if (i < reached.back()) size = change.isTruncation ? change.position : std::max(size, end);
    for (size_t from = change.position; from < end;) {
      size_t to = std::min(end, (from / sectorBytes + 1) * sectorBytes);
      if (i < reached[from / sectorBytes]) {
        if (change.isTruncation) {
          memset(contents.data() + from, 0, to - from);
        } else {
          memcpy(contents.data() + from, change.bytes.data() + (from - change.position), to - from);
        }
      }
      from = to;
    }
  }
  contents.resize(size);
  settle(std::move(contents));
}

}  // namespace cambium
