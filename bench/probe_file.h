#pragma once

#include <kj/io.h>
#include <kj/string.h>

#include "engine/base/quantity.h"

namespace cambium::bench {

// A bare file, without anything of ours between it and the system: what the engines are measured by. Removed by the
// destructor.
class ProbeFile {
 public:
  // Makes the file, which must not exist.
  explicit ProbeFile(kj::String path);
  ~ProbeFile() noexcept(false);
  KJ_DISALLOW_COPY(ProbeFile);

  // At the end of the file.
  void append(ByteView data);
  // Fills `buffer`.
  void read(uint64_t position, kj::ArrayPtr<kj::byte> buffer);
  void truncate(uint64_t size);
  void sync();
  uint64_t size() const { return size_; }

 private:
  kj::String path_;
  kj::AutoCloseFd file_;
  uint64_t size_ = 0;
};

}  // namespace cambium::bench
