#include "backends/rocksdb/store_files.h"

#include <rocksdb/env.h>

#include "engine/base/text.h"

namespace cambium::rocks {

namespace {

constexpr size_t kDigits = 6;
const std::string kWalSuffix = ".log";
const std::string kManifestPrefix = "MANIFEST-";

std::string padded(uint64_t number) {
  auto digits = std::to_string(number);
  return digits.size() < kDigits ? std::string(kDigits - digits.size(), '0') + digits : digits;
}

kj::Maybe<uint64_t> numberIn(const std::string& text) {
  return parseInteger<uint64_t>(kj::heapString(text.data(), text.size()));
}

}  // namespace

kj::Maybe<uint64_t> walNumber(const std::string& name) {
  if (name.size() <= kWalSuffix.size() || !name.ends_with(kWalSuffix)) return nullptr;
  return numberIn(name.substr(0, name.size() - kWalSuffix.size()));
}

std::string walName(uint64_t number) {
  return padded(number) + kWalSuffix;
}

kj::Maybe<uint64_t> manifestNumber(const std::string& name) {
  if (!name.starts_with(kManifestPrefix)) return nullptr;
  return numberIn(name.substr(kManifestPrefix.size()));
}

std::string manifestName(uint64_t number) {
  return kManifestPrefix + padded(number);
}

std::string fileName(const std::string& path) {
  return path.substr(path.find_last_of('/') + 1);
}

std::string currentManifest(rocksdb::Env& env, const std::string& folder) {
  std::string name;
  if (!rocksdb::ReadFileToString(&env, folder + "/CURRENT", &name).ok() || name.empty()) return "";
  if (name.back() == '\n') name.pop_back();
  return name;
}

}  // namespace cambium::rocks
