#pragma once

#include <cstdint>

#include <kj/array.h>
#include <kj/vector.h>

namespace cambium::bench {

// Whole pages, each new to the process: the first use of a page takes it from the system.
kj::Array<kj::byte> newPages(size_t bytes);

// Makes the system hand out memory that was not used lately, as it does when a broker's page cache grows for the first
// time. A virtual machine gets such pages from its host one by one, which costs several times as much as a page that
// was freed a moment ago.
class FreshMemory {
 public:
  // Takes and keeps used pages until what comes is fresh, told by what a page costs. Throws when there is none within
  // three quarters of what is free: the system has used all its memory lately, or its pages all cost the same.
  void takeUsedPages();

 private:
  static uint64_t freeBytes();

  const uint64_t heldBytesMax_ = freeBytes() / 4 * 3;
  kj::Vector<kj::Array<kj::byte>> held_;
};

}  // namespace cambium::bench
