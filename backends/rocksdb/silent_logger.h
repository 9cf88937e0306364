#pragma once

#include <rocksdb/env.h>

namespace cambium::rocks {

// In place of the library's info log, a file in the store: what an operator needs to know the engine says itself.
class SilentLogger final : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

}  // namespace cambium::rocks
