#include "tests/crash/log_oracle.h"

#include <algorithm>

#include <kj/debug.h>
#include <kj/string.h>

namespace cambium {

namespace {

// Values are long; their beginning tells them apart for people.
std::string shortOf(const std::string& value) {
  return value.substr(0, 40);
}

}  // namespace

size_t LogOracle::sends(std::string value) {
  sent_.push_back({std::move(value)});
  return sent_.size() - 1;
}

void LogOracle::acknowledged(size_t number, int64_t offset) {
  sent_[number].offset = offset;
}

void LogOracle::makeSafe() {
  for (auto& sent : sent_)
    sent.safe |= sent.offset >= 0;
}

void LogOracle::saw(const LogContents& contents) {
  for (auto& record : contents.records) {
    for (auto& sent : sent_) {
      if (sent.value != record.value) continue;
      sent.offset = record.offset;
      sent.safe = true;
    }
  }
}

void LogOracle::deletesBefore(int64_t offset) {
  startAtMost_ = std::max(startAtMost_, offset);
}

void LogOracle::deleted() {
  startAtLeast_ = startAtMost_;
}

std::vector<std::string> LogOracle::check(const LogContents& contents, bool all) const {
  std::vector<std::string> complaints;
  auto complain = [&](auto&&... parts) { complaints.emplace_back(kj::str(parts...).cStr()); };
  if (contents.start < startAtLeast_) complain("deleted records are back: the log starts at ", contents.start);
  if (contents.start > startAtMost_) complain("records are gone that nobody deleted: it starts at ", contents.start);
  std::vector<bool> found(sent_.size());
  size_t lastUncertain = 0;
  int64_t offset = contents.start;
  for (auto& record : contents.records) {
    if (record.offset != offset) complain("offset ", record.offset, " where ", offset, " was expected");
    offset = record.offset + 1;
    size_t number = 0;
    while (number < sent_.size() && (found[number] || sent_[number].value != record.value))
      ++number;
    if (number == sent_.size()) {
      complain("offset ", record.offset, " is invented or doubled: ", shortOf(record.value).c_str());
      continue;
    }
    found[number] = true;
    auto& sent = sent_[number];
    if (sent.offset >= 0 && sent.offset != record.offset) {
      complain(shortOf(sent.value).c_str(), " was acknowledged at ", sent.offset, " and is at ", record.offset);
    }
    if (sent.offset >= 0) continue;
    if (number < lastUncertain) complain(shortOf(sent.value).c_str(), " is out of order at ", record.offset);
    lastUncertain = number;
  }
  if (offset != contents.end) complain("reading ended at ", offset, ", the high watermark is ", contents.end);
  for (size_t i = 0; i < sent_.size(); ++i) {
    auto& sent = sent_[i];
    if (found[i] || sent.offset < 0 || sent.offset < contents.start) continue;
    if (sent.safe || all) {
      complain("lost, though acknowledged at ", sent.offset, ": ", shortOf(sent.value).c_str());
    } else if (sent.offset < contents.end) {
      complain("replaced at ", sent.offset, ": ", shortOf(sent.value).c_str());
    }
  }
  return complaints;
}

void LogOracle::settle(const LogContents& contents, bool safe) {
  std::vector<Sent> kept;
  for (auto& record : contents.records)
    kept.push_back({record.value, record.offset, safe});
  sent_ = std::move(kept);
  startAtLeast_ = startAtMost_ = contents.start;
}

size_t LogOracle::numberOf(const std::string& value) {
  for (size_t i = 0; i < sent_.size(); ++i) {
    if (sent_[i].value == value) return i;
  }
  return sends(value);
}

size_t LogOracle::safeCount() const {
  return static_cast<size_t>(std::count_if(sent_.begin(), sent_.end(), [](auto& sent) { return sent.safe; }));
}

}  // namespace cambium
