#pragma once

#include <filesystem>
#include <string>

#include <kj/debug.h>
#include <kj/string.h>

namespace cambium {

// A folder of the system's own place for such things, removed with all it holds by the destructor.
class TemporaryFolder {
 public:
  TemporaryFolder() : TemporaryFolder(std::filesystem::temp_directory_path()) {}
  // In memory where the system has a place for that: for tests that sync often and lose no power.
  static std::filesystem::path inMemory() {
    return std::filesystem::is_directory("/dev/shm") ? "/dev/shm" : std::filesystem::temp_directory_path();
  }
  explicit TemporaryFolder(const std::filesystem::path& parent) {
    std::string pattern = (parent / "cambium-test-XXXXXX").string();
    KJ_REQUIRE(mkdtemp(pattern.data()) != nullptr, "cannot make a temporary folder", pattern.c_str());
    path_ = kj::heapString(pattern.c_str());
  }
  ~TemporaryFolder() noexcept(false) { std::filesystem::remove_all(path_.cStr()); }
  KJ_DISALLOW_COPY(TemporaryFolder);

  kj::StringPtr path() const { return path_; }
  kj::String path(kj::StringPtr name) const { return kj::str(path_, "/", name); }

 private:
  kj::String path_;
};

}  // namespace cambium
