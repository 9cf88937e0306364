#pragma once

#include <string>

#include "backends/native/native_engine.h"
#include "tests/support/batches.h"
#include "tests/support/memory_file_system.h"

namespace cambium {

// What tests of the native engine share.
inline LogId nativeLogId(kj::StringPtr name = "words-0"_kj) {
  kj::byte bytes[16];
  memset(bytes, 7, sizeof(bytes));
  return {kj::str(name), Uuid::fromBytes(bytes)};
}

inline kj::Own<StorageEngine> openEngine(FileSystem& files, kj::Vector<kj::String>* lines = nullptr) {
  EngineOptions options;
  if (lines != nullptr) options.report = [lines](kj::StringPtr line) { lines->add(kj::str(line)); };
  return openNativeEngine(files, "data", kj::mv(options));
}

// Appends one batch of `records` offsets at the end of a log.
inline Offset appendBatch(PartitionLog& log, int records, int64_t timestamp = 1000, size_t payloadBytes = 39) {
  Offset end = log.bounds().end;
  return log.append(
      makeBatch(end, records, TimestampMs(timestamp), payloadBytes, static_cast<uint64_t>(end.value()) + 1));
}

inline std::string contentsOf(PartitionLog& log) {
  auto bounds = log.bounds();
  return describeBatches(log.read(bounds.start, bounds.end, Bytes(1 << 30))).cStr();
}

inline kj::Array<kj::byte> fileOf(FileSystem& files, kj::StringPtr path) {
  return readWholeFile(files, path);
}

inline void putFile(FileSystem& files, kj::StringPtr path, ByteView contents) {
  auto file = files.open(path, FileSystem::Mode::kCreate);
  file->truncate(0);
  file->write(0, contents);
  file->sync();
}

inline std::string hexOf(ByteView bytes) {
  std::string text;
  for (auto b : bytes)
    text +=
        kj::str(kj::hex(b)).size() == 1 ? "0" + std::string(kj::str(kj::hex(b)).cStr()) : kj::str(kj::hex(b)).cStr();
  return text;
}

// The message of what `operation` throws, or "".
template <class Operation>
std::string thrownBy(Operation&& operation) {
  KJ_IF_MAYBE(exception, kj::runCatchingExceptions([&] { operation(); })) {
    return exception->getDescription().cStr();
  }
  return "";
}

inline bool contains(kj::ArrayPtr<const kj::String> lines, const char* part) {
  for (auto& line : lines) {
    if (std::string(line.cStr()).find(part) != std::string::npos) return true;
  }
  return false;
}

}  // namespace cambium
