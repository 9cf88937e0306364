#include "server/kafka/wire/dumper.h"

namespace cambium::kafka {

void Dumper::printText(const Text& value) {
  constexpr size_t kShown = 128;
  kj::Vector<char> text;
  for (char c : value.view().substr(0, kShown))
    text.add(c >= ' ' && c != '"' && c != 0x7f ? c : '?');
  text.add('\0');
  out_.add(kj::str("\"", text.begin(), value.size() > kShown ? "…\"" : "\""));
}

}  // namespace cambium::kafka
