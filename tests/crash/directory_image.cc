#include "tests/crash/directory_image.h"

namespace cambium {

namespace {

void addBelow(FileSystem& files, const std::string& folder, DirectoryImage& image) {
  for (auto& entry : files.list(folder.c_str())) {
    auto path = folder.empty() ? std::string(entry.name.cStr()) : folder + "/" + entry.name.cStr();
    if (entry.isDirectory) {
      image[path] = std::nullopt;
      addBelow(files, path, image);
    } else {
      auto contents = readWholeFile(files, path.c_str());
      image[path] = std::string(contents.asChars().begin(), contents.size());
    }
  }
}

}  // namespace

DirectoryImage imageOf(FileSystem& files) {
  DirectoryImage image;
  addBelow(files, "", image);
  return image;
}

void restore(FileSystem& files, const DirectoryImage& image) {
  for (auto& entry : files.list("")) {
    if (entry.isDirectory) {
      files.removeTree(entry.name);
    } else {
      files.removeFile(entry.name);
    }
  }
  // Sorted: a folder comes before what is in it.
  for (auto& [path, contents] : image) {
    if (!contents) {
      files.createDirectory(path.c_str());
      continue;
    }
    auto file = files.open(path.c_str(), FileSystem::Mode::kCreate);
    ByteView bytes = kj::arrayPtr(reinterpret_cast<const kj::byte*>(contents->data()), contents->size());
    if (bytes.size() > 0) file->write(0, bytes);
  }
  files.syncAll();
}

}  // namespace cambium
