#include "tools/inspect/inspection.h"

#include "engine/base/text.h"

namespace cambium::tools {

namespace {
constexpr uint64_t kProgressBytes = uint64_t{64} << 20;
}  // namespace

void Inspection::add(Finding finding) {
  switch (finding.severity) {
    case Severity::kError:
      ++errors_;
      break;
    case Severity::kWarning:
      ++warnings_;
      break;
    case Severity::kNote:
      ++notes_;
      break;
  }
  clearProgress();
  report.finding(finding);
}

bool Inspection::wantsTopic(kj::StringPtr topic) const {
  KJ_IF_MAYBE(wanted, options.topic) return topic == *wanted;
  return true;
}

bool Inspection::wantsPartition(kj::StringPtr topic, int32_t partition) const {
  KJ_IF_MAYBE(wanted, options.partition) {
    if (partition != wanted->value()) return false;
  }
  return wantsTopic(topic);
}

bool Inspection::wantsLog(kj::StringPtr name) const {
  if (options.topic == nullptr && options.partition == nullptr) return true;
  KJ_IF_MAYBE(dash, name.findLast('-')) {
    KJ_IF_MAYBE(partition, parseInteger<int32_t>(name.slice(*dash + 1))) {
      return wantsPartition(kj::heapString(name.slice(0, *dash)), *partition);
    }
  }
  return false;
}

void Inspection::readBatch(kj::StringPtr file, uint64_t bytes, int64_t records) {
  ++batches_;
  records_ += static_cast<uint64_t>(records);
  bytes_ += bytes;
  if (bytes_ - toldBytes_ < kProgressBytes || !options.verify || !out_.errorIsTerminal()) return;
  toldBytes_ = bytes_;
  progressShown_ = true;
  out_.writeError(kj::str("\r\033[K", bytes_ >> 20, " MiB, ", batches_, " batches, ", errors_, " errors: ", file));
}

void Inspection::clearProgress() {
  if (!progressShown_) return;
  out_.writeError("\r\033[K");
  progressShown_ = false;
}

int Inspection::finish() {
  clearProgress();
  auto total =
      kj::str(errors_ == 0 ? "ok" : "damaged", ": ", errors_, " errors, ", warnings_, " warnings, ", notes_, " notes; ",
              options.verify ? "checked " : "read ", batches_, " batches, ", records_, " records, ", bytes_, " bytes");
  report.finish(total, errors_, warnings_, notes_);
  out_.flush();
  return errors_ == 0 ? 0 : 1;
}

}  // namespace cambium::tools
