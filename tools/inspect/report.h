#pragma once

#include <kj/memory.h>
#include <kj/string.h>

#include "engine/base/quantity.h"
#include "tools/output.h"

namespace cambium::tools {

// What kind of thing an item is: "segment" in text, one of "segments" in JSON. An item without a list is the only one
// of its kind in the item around it. Items of one kind follow each other without others between.
struct ItemKind {
  kj::StringPtr word;
  kj::StringPtr list = ""_kj;
};

enum class Severity : uint8_t {
  kError,    // damage: data or what leads to it is not what was written
  kWarning,  // nothing is damaged, but somebody should look
  kNote,     // as it may be, for example what a killed broker leaves and its next start brings into order
};

// Something worth saying about a place.
struct Finding {
  Severity severity = Severity::kError;
  kj::String file;                         // or the store
  kj::Maybe<uint64_t> position = nullptr;  // byte in the file
  kj::Maybe<Offset> offset = nullptr;      // base offset of the batch
  kj::String what;
  kj::String expected = nullptr;  // empty: does not apply
  kj::String found = nullptr;
};

// Where an inspection prints: a tree of items with fields, and findings. Fields of an item come before the items inside
// it, those of its end after them.
class Report {
 public:
  virtual ~Report() noexcept(false) = default;

  virtual void open(const ItemKind& kind) = 0;
  virtual void close() = 0;
  // How many are open.
  virtual size_t depth() const = 0;

  // Text pads a field to `width` characters, so that items below each other align.
  virtual void text(kj::StringPtr name, kj::StringPtr value, int width = 0) = 0;
  virtual void number(kj::StringPtr name, int64_t value, int width = 0) = 0;
  virtual void flag(kj::StringPtr name, bool value) = 0;
  // Milliseconds in JSON, ISO 8601 in text; "none" is null, "-".
  virtual void time(kj::StringPtr name, TimestampMs value) = 0;
  // Bytes somebody else chose: JSON strings, escaped in text; binary ones as base64; null is null.
  virtual void bytes(kj::StringPtr name, kj::Maybe<ByteView> value) = 0;

  virtual void finding(const Finding& finding) = 0;
  // The end: `total` is one sentence for text.
  virtual void finish(kj::StringPtr total, uint64_t errors, uint64_t warnings, uint64_t notes) = 0;
};

// `quiet` leaves out everything but findings and the total.
kj::Own<Report> newTextReport(Output& out, bool quiet);
kj::Own<Report> newJsonReport(Output& out);

// A checksum as findings show it: 0x, eight digits.
kj::String showChecksum(uint32_t checksum);

// "error", "warning", "note".
kj::StringPtr severityName(Severity severity);

}  // namespace cambium::tools
