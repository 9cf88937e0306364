#include "backends/native/log_metadata.h"

#include "backends/native/log_folder.h"

namespace cambium {

namespace {
constexpr kj::StringPtr kBeforeId = "version: 0\ntopic_id: "_kj;
constexpr size_t kSizeMax = 4096;
}  // namespace

kj::Maybe<Uuid> readLogMetadata(FileSystem& fileSystem, kj::StringPtr folder) {
  auto path = kj::str(folder, "/", kMetadataName);
  if (!fileSystem.exists(path)) return nullptr;
  auto text = kj::heapString(readWholeFile(fileSystem, path, kSizeMax).asChars());
  if (!text.startsWith(kBeforeId) || !text.endsWith("\n")) return nullptr;
  return Uuid::parse(kj::str(text.slice(kBeforeId.size(), text.size() - 1)));
}

void writeLogMetadata(FileSystem& fileSystem, kj::StringPtr folder, const Uuid& incarnation) {
  auto file = fileSystem.open(kj::str(folder, "/", kMetadataName), FileSystem::Mode::kCreate);
  file->truncate(0);
  file->write(0, kj::str(kBeforeId, incarnation, "\n").asBytes());
}

}  // namespace cambium
