#include "backends/native/log_metadata.h"

#include "backends/native/log_folder.h"

namespace cambium {

namespace {
constexpr kj::StringPtr kBeforeId = "version: 0\ntopic_id: "_kj;
// With the identifier and the end of the line.
constexpr size_t kTextBytes = 21 + 22 + 1;

// The beginning of the file, "" when there is none; a file that is too long to be right is cut to what shows that.
kj::String beginningOf(FileSystem& fileSystem, kj::StringPtr folder) {
  auto path = kj::str(folder, "/", kMetadataName);
  if (!fileSystem.exists(path)) return kj::String();
  kj::byte buffer[kTextBytes + 1];
  size_t size = fileSystem.open(path, FileSystem::Mode::kRead)->read(0, kj::arrayPtr(buffer, sizeof(buffer)));
  return kj::heapString(kj::arrayPtr(buffer, size).asChars());
}

}  // namespace

kj::Maybe<Uuid> readLogMetadata(FileSystem& fileSystem, kj::StringPtr folder) {
  auto text = beginningOf(fileSystem, folder);
  if (text.size() != kTextBytes || !text.startsWith(kBeforeId) || !text.endsWith("\n")) return nullptr;
  return Uuid::parse(kj::str(text.slice(kBeforeId.size(), text.size() - 1)));
}

bool isUnwrittenMetadata(FileSystem& fileSystem, kj::StringPtr folder) {
  auto text = beginningOf(fileSystem, folder);
  if (text.size() < kTextBytes) return true;
  for (char c : text) {
    if (c == 0) return true;
  }
  return false;
}

void writeLogMetadata(FileSystem& fileSystem, kj::StringPtr folder, const Uuid& incarnation) {
  auto file = fileSystem.open(kj::str(folder, "/", kMetadataName), FileSystem::Mode::kCreate);
  file->truncate(0);
  file->write(0, kj::str(kBeforeId, incarnation, "\n").asBytes());
}

}  // namespace cambium
