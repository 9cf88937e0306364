#include "tools/table.h"

#include <cstdio>

#include <kj/debug.h>

namespace cambium::tools {
namespace {

size_t characters(kj::StringPtr text) {
  size_t count = 0;
  for (char c : text) {
    if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) ++count;
  }
  return count;
}

// "-12", "1,234", "1.5 KiB".
bool isNumber(kj::StringPtr text) {
  size_t i = 0;
  while (i < text.size() &&
         ((text[i] >= '0' && text[i] <= '9') || text[i] == '-' || text[i] == ',' || text[i] == '.')) {
    ++i;
  }
  return i > 0 && (i == text.size() || (text[i] == ' ' && text.endsWith("B")));
}

void spaces(kj::Vector<char>& out, size_t count) {
  for (size_t i = 0; i < count; ++i)
    out.add(' ');
}

}  // namespace

Table::Table(kj::ArrayPtr<const kj::StringPtr> headings) {
  rows_.add(KJ_MAP(heading, headings) { return kj::str(heading); });
}

void Table::add(kj::Array<kj::String> cells) {
  KJ_REQUIRE(cells.size() == rows_[0].size());
  rows_.add(kj::mv(cells));
}

kj::String Table::render() const {
  size_t columns = rows_[0].size();
  auto widths = kj::heapArray<size_t>(columns);
  auto toTheRight = kj::heapArray<bool>(columns);
  for (size_t c = 0; c < columns; ++c) {
    widths[c] = 0;
    toTheRight[c] = rows_.size() > 1;
    for (size_t r = 0; r < rows_.size(); ++r) {
      widths[c] = kj::max(widths[c], characters(rows_[r][c]));
      if (r > 0 && !isNumber(rows_[r][c])) toTheRight[c] = false;
    }
  }
  kj::Vector<char> out;
  for (auto& row : rows_) {
    for (size_t c = 0; c < columns; ++c) {
      if (c > 0) spaces(out, 2);
      size_t padding = widths[c] - characters(row[c]);
      if (toTheRight[c]) spaces(out, padding);
      out.addAll(row[c]);
      if (!toTheRight[c]) spaces(out, padding);
    }
    while (out.back() == ' ')
      out.removeLast();
    out.add('\n');
  }
  out.add('\0');
  return kj::String(out.releaseAsArray());
}

kj::String humanBytes(double bytes) {
  constexpr kj::StringPtr kUnits[] = {"B"_kj, "KiB"_kj, "MiB"_kj, "GiB"_kj, "TiB"_kj, "PiB"_kj};
  size_t unit = 0;
  // 999.5 and more would be shown with four digits.
  while (bytes >= 999.5 && unit + 1 < kj::size(kUnits)) {
    bytes /= 1024;
    ++unit;
  }
  int digits = unit == 0 || bytes >= 99.95 ? 0 : 1;
  return kj::str(fixed(bytes, digits), ' ', kUnits[unit]);
}

kj::String describeUnsynced(Bytes bytes, uint64_t ageMs) {
  if (bytes == Bytes(0)) return kj::str("-");
  return kj::str(humanBytes(static_cast<double>(bytes.value())), " for ", fixed(static_cast<double>(ageMs) / 1000, 1),
                 " s");
}

kj::String withSeparators(uint64_t number) {
  auto digits = kj::str(number);
  kj::Vector<char> out;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) out.add(',');
    out.add(digits[i]);
  }
  out.add('\0');
  return kj::String(out.releaseAsArray());
}

kj::String fixed(double number, int digits) {
  char buffer[400];
  snprintf(buffer, sizeof(buffer), "%.*f", digits, number);
  return kj::str(buffer);
}

}  // namespace cambium::tools
