#pragma once

#include <cstdint>

#include <kj/string.h>
#include <kj/vector.h>

#include "engine/base/quantity.h"

namespace cambium::tools {

// Rows of text in aligned columns, two spaces apart, under a heading. Columns are as wide as their widest cell, counted
// in characters (UTF-8); columns of numbers, with or without a unit of bytes, stand to the right.
class Table {
 public:
  explicit Table(kj::ArrayPtr<const kj::StringPtr> headings);

  // As many cells as headings.
  void add(kj::Array<kj::String> cells);
  // Every line ends in '\n'; no spaces at the ends of lines. An empty table is its heading.
  kj::String render() const;

 private:
  kj::Vector<kj::Array<kj::String>> rows_;  // the heading first
};

// "0 B", "1.5 KiB", "12 MiB": three digits at most.
kj::String humanBytes(double bytes);
// What was not made durable yet, and since when: "1.5 MiB for 12.3 s"; "-" when there is nothing.
kj::String describeUnsynced(Bytes bytes, uint64_t ageMs);
// "1,234,567".
kj::String withSeparators(uint64_t number);
// A number with so many digits after the point.
kj::String fixed(double number, int digits);

}  // namespace cambium::tools
