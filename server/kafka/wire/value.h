#pragma once

#include <string>
#include <string_view>

#include <kj/array.h>
#include <kj/string.h>

#include "engine/base/quantity.h"

namespace cambium::kafka {

// A text of a message: borrowed from the frame it was read from (or from whatever outlives the message), or owned.
// Views of literals and of kj::StringPtr are borrowed; strings that are handed over, or that might be temporary, are
// owned.
class Text {
 public:
  Text() = default;
  Text(std::string_view borrowed) : view_(borrowed) {}
  Text(kj::StringPtr borrowed) : view_(borrowed.begin(), borrowed.size()) {}
  Text(const char* literal) : view_(literal) {}
  Text(kj::String&& owned) : owned_(kj::mv(owned)), view_(owned_.begin(), owned_.size()) {}
  Text(const std::string& copied) : Text(kj::heapString(copied.data(), copied.size())) {}
  Text(Text&& other) noexcept { *this = kj::mv(other); }
  Text& operator=(Text&& other) noexcept {
    owned_ = kj::mv(other.owned_);  // the characters stay where they are
    view_ = other.view_;
    other.view_ = {};
    return *this;
  }
  KJ_DISALLOW_COPY(Text);

  // A text of its own.
  static Text copy(std::string_view text) { return Text(kj::heapString(text.data(), text.size())); }

  std::string_view view() const { return view_; }
  operator std::string_view() const { return view_; }
  size_t size() const { return view_.size(); }
  bool empty() const { return view_.empty(); }
  std::string str() const { return std::string(view_); }
  friend bool operator==(const Text& a, const Text& b) { return a.view_ == b.view_; }
  friend kj::String KJ_STRINGIFY(const Text& text) { return kj::heapString(text.view_.data(), text.view_.size()); }

 private:
  kj::String owned_;
  std::string_view view_;
};

// Bytes of a message, borrowed or owned in the same way. `Kind` tells plain bytes from records.
template <class Kind>
class Blob {
 public:
  Blob() = default;
  Blob(ByteView borrowed) : view_(borrowed) {}
  Blob(kj::Array<const kj::byte>&& owned) : owned_(kj::mv(owned)), view_(owned_) {}
  Blob(kj::Array<kj::byte>&& owned) : owned_(kj::mv(owned)), view_(owned_) {}
  Blob(Blob&& other) noexcept { *this = kj::mv(other); }
  Blob& operator=(Blob&& other) noexcept {
    owned_ = kj::mv(other.owned_);
    view_ = other.view_;
    other.view_ = nullptr;
    return *this;
  }
  KJ_DISALLOW_COPY(Blob);

  static Blob copy(ByteView bytes) { return Blob(kj::heapArray<const kj::byte>(bytes)); }

  ByteView view() const { return view_; }
  size_t size() const { return view_.size(); }
  // A copy that nothing else holds.
  kj::Array<const kj::byte> toArray() const { return kj::heapArray<const kj::byte>(view_); }
  friend bool operator==(const Blob& a, const Blob& b) { return a.view_ == b.view_; }

 private:
  kj::Array<const kj::byte> owned_;
  ByteView view_;
};

using Binary = Blob<struct BinaryKind>;
// Record batches, one after another. Not copied into the bytes of a message that is written: they go out where they
// lie.
using Records = Blob<struct RecordsKind>;

}  // namespace cambium::kafka
