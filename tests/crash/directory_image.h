#pragma once

#include <map>
#include <optional>
#include <string>

#include "engine/storage/file_system.h"

namespace cambium {

// All files and folders of a file system, by path; a folder has no contents.
using DirectoryImage = std::map<std::string, std::optional<std::string>>;

DirectoryImage imageOf(FileSystem& files);
// Makes a file system hold the image and nothing else, durably.
void restore(FileSystem& files, const DirectoryImage& image);

}  // namespace cambium
