#include <cstdio>

#include <kj/encoding.h>
#include <kj/vector.h>

#include "tools/inspect/report.h"
#include "tools/json_writer.h"
#include "tools/timestamp.h"

namespace cambium::tools {

namespace {

constexpr size_t kWordWidth = 12;

// One line per item: depth as indentation, its word, then name=value for each field. Fields that come after the items
// inside go on a line of their own that begins with "end of".
class TextReport final : public Report {
 public:
  TextReport(Output& out, bool quiet) : out_(out), quiet_(quiet) {}

  void open(const ItemKind& kind) override {
    flush();
    depth_.add(kind.word);
    begin(kj::str(kind.word));
  }

  void close() override {
    flush();
    depth_.removeLast();
  }

  size_t depth() const override { return depth_.size(); }

  void text(kj::StringPtr name, kj::StringPtr value, int width) override { add(name, value, width); }
  void number(kj::StringPtr name, int64_t value, int width) override { add(name, kj::str(value), width); }
  void flag(kj::StringPtr name, bool value) override { add(name, value ? "yes" : "no", 0); }
  void time(kj::StringPtr name, TimestampMs value) override { add(name, formatTimestamp(value), 24); }
  void bytes(kj::StringPtr name, kj::Maybe<ByteView> value) override {
    KJ_IF_MAYBE(view, value) {
      if (isUtf8(*view)) {
        JsonWriter escaped;
        escaped.bytes(*view);
        add(name, kj::str(escaped.text().asChars()), 0);
      } else {
        add(name, kj::str("base64:", kj::encodeBase64(*view)), 0);
      }
    } else {
      add(name, "null", 0);
    }
  }

  void finding(const Finding& finding) override {
    auto severity = severityName(finding.severity);
    auto line = kj::str(severity, kj::repeat(' ', kWordWidth - severity.size()), finding.file);
    KJ_IF_MAYBE(position, finding.position) line = kj::str(line, ": position ", *position);
    KJ_IF_MAYBE(offset, finding.offset) line = kj::str(line, ": batch at offset ", *offset);
    line = kj::str(line, ": ", finding.what);
    if (finding.expected.size() > 0) line = kj::str(line, "; expected ", finding.expected);
    if (finding.found.size() > 0)
      line = kj::str(line, finding.expected.size() > 0 ? ", found " : "; found ", finding.found);
    for (char& c : line) {
      if (c == '\n') c = ' ';
    }
    // The item that is being told comes first.
    flush();
    out_.write(line);
    out_.write("\n");
  }

  void finish(kj::StringPtr total, uint64_t, uint64_t, uint64_t) override {
    flush();
    out_.write(total);
    out_.write("\n");
  }

 private:
  void begin(kj::String word) {
    line_.clear();
    size_t indent = 2 * (depth_.size() - 1);
    append(kj::str(kj::repeat(' ', indent), word,
                   kj::repeat(' ', word.size() < kWordWidth ? kWordWidth - word.size() : 1)));
    fields_ = 0;
  }

  void add(kj::StringPtr name, kj::StringPtr value, int width) {
    if (quiet_ || depth_.size() == 0) return;
    if (line_.size() == 0) begin(kj::str("end of ", depth_.back()));
    if (fields_++ > 0) append(kj::str(kj::repeat(' ', padding_), ' '));
    append(kj::str(name, '=', value));
    size_t wanted = static_cast<size_t>(width);
    padding_ = value.size() < wanted ? wanted - value.size() : 0;
  }

  void append(kj::StringPtr part) { line_.addAll(part); }

  void flush() {
    if (line_.size() > 0 && !quiet_) {
      while (line_.back() == ' ')
        line_.removeLast();
      line_.add('\n');
      out_.write(line_.asPtr().asBytes());
    }
    line_.clear();
  }

  Output& out_;
  const bool quiet_;
  kj::Vector<kj::StringPtr> depth_;
  kj::Vector<char> line_;
  size_t fields_ = 0;
  size_t padding_ = 0;
};

}  // namespace

kj::Own<Report> newTextReport(Output& out, bool quiet) {
  return kj::heap<TextReport>(out, quiet);
}

kj::String showChecksum(uint32_t checksum) {
  char text[11];
  snprintf(text, sizeof(text), "0x%08x", checksum);
  return kj::str(text);
}

kj::StringPtr severityName(Severity severity) {
  switch (severity) {
    case Severity::kError:
      return "error"_kj;
    case Severity::kWarning:
      return "warning"_kj;
    case Severity::kNote:
      return "note"_kj;
  }
  KJ_UNREACHABLE;
}

}  // namespace cambium::tools
