#pragma once

#include <kj/array.h>

#include "engine/base/quantity.h"

namespace cambium::tools {

// Cuts a stream of bytes into lines, whatever pieces it comes in. Lines end in '\n', which does not belong to them;
// what stands after the last one is a line as well, unless it is empty. All other bytes, '\r' and 0 among them, are
// content.
//
//     while (size_t n = read(lines.room())) {
//       lines.filled(n);
//       while (auto line = lines.next()) …
//     }
//     lines.end();
//     while (auto line = lines.next()) …
//
// Memory: twice the block, or twice the longest line.
class InputLines {
 public:
  // `blockBytes`: room() is at least half as large.
  InputLines(size_t blockBytes, size_t lineBytesMax);

  // Where the next bytes go. Call it when next() has nothing more: it moves the unfinished line to the front.
  kj::ArrayPtr<kj::byte> room();
  // The first `bytes` of room() hold input now.
  void filled(size_t bytes);
  // Nothing more comes.
  void end() { ended_ = true; }

  // The next line, valid until room(). Null when no whole line is there, or the line is too long.
  kj::Maybe<ByteView> next();
  // The unfinished line has more than lineBytesMax bytes: give up.
  bool tooLong() const { return filled_ - begin_ > lineBytesMax_ && scanned_ == filled_; }

 private:
  const size_t lineBytesMax_;
  kj::Array<kj::byte> buffer_;
  size_t begin_ = 0;    // of the line that comes next
  size_t scanned_ = 0;  // no line end between begin_ and here
  size_t filled_ = 0;
  bool ended_ = false;
};

// A line taken apart: null key when the separator does not occur. Views into `line`.
struct KeyedLine {
  kj::Maybe<ByteView> key;
  ByteView value;
};
// `separator` is not empty.
KeyedLine splitKey(ByteView line, kj::StringPtr separator);

}  // namespace cambium::tools
