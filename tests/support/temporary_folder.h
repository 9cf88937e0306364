#pragma once

#include <filesystem>
#include <string>

#include <kj/debug.h>
#include <kj/string.h>

namespace cambium {

// A folder of the system's own place for such things, removed with all it holds by the destructor.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "cambium-test-XXXXXX").string();
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
