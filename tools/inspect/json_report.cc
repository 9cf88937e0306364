#include <kj/vector.h>

#include "tools/inspect/report.h"
#include "tools/json_writer.h"

namespace cambium::tools {

namespace {

// Findings are told at the end of the document; more than this many of a damaged store help nobody.
constexpr size_t kFindingsMax = 10000;

// Writes as it goes; holds nothing but the findings. The document's format is in README.md.
class JsonReport final : public Report {
 public:
  explicit JsonReport(Output& out) : out_(out) {}

  void open(const ItemKind& kind) override {
    if (depth_.size() > 0) {
      if (kind.list.size() == 0) {
        closeList();
        json_.key(kind.word);
      } else if (depth_.back() != kind.list) {
        closeList();
        json_.key(kind.list).beginArray();
        depth_.back() = kind.list;
      }
    }
    json_.beginObject();
    depth_.add(nullptr);
    drain();
  }

  void close() override {
    // The outermost object is closed by finish().
    if (depth_.size() == 1) return;
    closeList();
    json_.endObject();
    depth_.removeLast();
  }

  size_t depth() const override { return depth_.size(); }

  void text(kj::StringPtr name, kj::StringPtr value, int) override { key(name).value(value); }
  void number(kj::StringPtr name, int64_t value, int) override { key(name).value(value); }
  void flag(kj::StringPtr name, bool value) override { key(name).value(value); }
  void time(kj::StringPtr name, TimestampMs value) override {
    if (value == kNoTimestamp) {
      key(name).null();
    } else {
      key(name).value(value);
    }
  }
  void bytes(kj::StringPtr name, kj::Maybe<ByteView> value) override { key(name).bytes(value); }

  void finding(const Finding& finding) override {
    if (findings_.size() == kFindingsMax) return;
    JsonWriter json;
    json.beginObject().key("severity").value(severityName(finding.severity)).key("file").value(finding.file);
    KJ_IF_MAYBE(position, finding.position) json.key("position").value(*position);
    KJ_IF_MAYBE(offset, finding.offset) json.key("offset").value(*offset);
    json.key("what").value(finding.what);
    if (finding.expected.size() > 0) json.key("expected").value(finding.expected);
    if (finding.found.size() > 0) json.key("found").value(finding.found);
    json.endObject();
    findings_.add(kj::str(json.text().asChars()));
  }

  void finish(kj::StringPtr, uint64_t errors, uint64_t warnings, uint64_t notes) override {
    if (depth_.size() == 0) open(ItemKind{"document"_kj});
    key("errors").value(errors).key("warnings").value(warnings).key("notes").value(notes).key("ok").value(errors == 0);
    out_.write(json_.text());
    json_.clear();
    out_.write(",\"findings\":[");
    for (size_t i = 0; i < findings_.size(); ++i) {
      if (i > 0) out_.write(",");
      out_.write(findings_[i]);
    }
    out_.write("]}\n");
  }

 private:
  JsonWriter& key(kj::StringPtr name) {
    closeList();
    return json_.key(name);
  }

  void closeList() {
    if (depth_.back().size() == 0) return;
    json_.endArray();
    depth_.back() = nullptr;
  }

  // The writer forgets with its text whether a comma is due, so the text goes out between a bracket and what follows
  // only.
  void drain() {
    out_.write(json_.text());
    json_.clear();
  }

  Output& out_;
  JsonWriter json_;
  kj::Vector<kj::StringPtr> depth_;  // per open object: the list that is open in it, or empty
  kj::Vector<kj::String> findings_;
};

}  // namespace

kj::Own<Report> newJsonReport(Output& out) {
  return kj::heap<JsonReport>(out);
}

}  // namespace cambium::tools
