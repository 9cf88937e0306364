#pragma once

#include <kj/exception.h>

#include "engine/storage/file_system.h"
#include "tools/inspect/inspect.h"
#include "tools/inspect/report.h"

namespace cambium::tools {

// One run: what was asked for, where it is told, and what was counted. One thread.
class Inspection {
 public:
  Inspection(const InspectOptions& options, Report& report, Output& out)
      : options(options), report(report), out_(out) {}
  KJ_DISALLOW_COPY(Inspection);

  const InspectOptions& options;
  Report& report;

  void add(Finding finding);
  // The plain case.
  void error(kj::String file, kj::String what) { add({.file = kj::mv(file), .what = kj::mv(what)}); }
  void note(kj::String file, kj::String what) {
    add({.severity = Severity::kNote, .file = kj::mv(file), .what = kj::mv(what)});
  }
  void warning(kj::String file, kj::String what) {
    add({.severity = Severity::kWarning, .file = kj::mv(file), .what = kj::mv(what)});
  }
  // Runs `look` and closes the items that a failure of it leaves open.
  template <class Look>
  kj::Maybe<kj::Exception> attempt(Look&& look) {
    size_t depth = report.depth();
    auto failure = kj::runCatchingExceptions(kj::fwd<Look>(look));
    while (report.depth() > depth)
      report.close();
    return failure;
  }
  // The same; a failure becomes an error about `file`.
  template <class Look>
  void guard(kj::StringPtr file, Look&& look) {
    KJ_IF_MAYBE(exception, attempt(kj::fwd<Look>(look))) error(kj::str(file), kj::str(exception->getDescription()));
  }

  // Whether a log is among those asked for.
  bool wantsLog(kj::StringPtr name) const;
  bool wantsPartition(kj::StringPtr topic, int32_t partition) const;
  bool wantsTopic(kj::StringPtr topic) const;

  // Counts; on a terminal a line tells them now and then.
  void readBatch(kj::StringPtr file, uint64_t bytes, int64_t records);
  void clearProgress();

  uint64_t errors() const { return errors_; }
  // Prints the end; returns the program's exit code.
  int finish();

 private:
  Output& out_;
  uint64_t errors_ = 0;
  uint64_t warnings_ = 0;
  uint64_t notes_ = 0;
  uint64_t batches_ = 0;
  uint64_t records_ = 0;
  uint64_t bytes_ = 0;
  uint64_t toldBytes_ = 0;
  bool progressShown_ = false;
};

}  // namespace cambium::tools
