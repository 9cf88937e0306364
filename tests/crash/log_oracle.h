#pragma once

#include <string>
#include <vector>

#include <kj/common.h>

namespace cambium {

// What a partition shows when all of it is read.
struct LogContents {
  struct Record {
    int64_t offset;
    std::string value;
  };
  int64_t start = 0;
  int64_t end = 0;  // the high watermark
  std::vector<Record> records;
};

// What a test did to one partition and was told about it, and what the partition may therefore show after a crash.
// Records are told apart by their values, which are all different.
class LogOracle {
 public:
  // A record is on its way. Returns its number.
  size_t sends(std::string value);
  // The same for one that may have been sent before.
  size_t numberOf(const std::string& value);
  // It was acknowledged, at that offset.
  void acknowledged(size_t number, int64_t offset);
  // Everything acknowledged or seen so far has to survive everything from now on.
  void makeSafe();
  // The same for one record.
  void makeSafe(size_t number) { sent_[number].safe = true; }
  // A reader was shown this, and may rely on it.
  void saw(const LogContents& contents);
  void deletesBefore(int64_t offset);
  void deleted();

  // Complaints, a line each, about what is not as it may be:
  //
  //     what is safe is there, at its offset and with its value
  //     nothing is there that was not sent, nothing twice, and what was not acknowledged is in the order of sending
  //     what was acknowledged, is not safe and is missing was a tail: nothing else is in its place
  //     offsets follow one another; what was deleted stays so, and nothing else is
  //
  // With `all`, everything acknowledged has to be there, safe or not.
  std::vector<std::string> check(const LogContents& contents, bool all = false) const;
  // Goes on with what is there: all of it is acknowledged, and safe as said; the rest never comes.
  void settle(const LogContents& contents, bool safe = true);

  size_t safeCount() const;

 private:
  struct Sent {
    std::string value;
    int64_t offset = -1;  // -1: not acknowledged
    bool safe = false;
  };

  std::vector<Sent> sent_;
  int64_t startAtLeast_ = 0;
  int64_t startAtMost_ = 0;
};

}  // namespace cambium
