#pragma once

#include <kj/function.h>
#include <kj/string.h>

namespace cambium {

// Of what a data directory holds: its owner reads and writes, its group reads, nobody else sees anything.
inline constexpr unsigned kFolderMode = 0750;
inline constexpr unsigned kFileMode = 0640;

// Makes a folder of the system with its parents, such that it outlives a power loss: syncs the parent of each folder
// that it makes, the outermost first, and that of the folder itself when it is there already: who made it may have died
// before. `path` is relative to the working directory or absolute. Throws, naming the folder and the system's reason,
// OVERLOADED when the device is full. Any thread.
void makeDurableFolder(kj::StringPtr path);

// The same with another way to sync a folder.
void makeDurableFolder(kj::StringPtr path, kj::FunctionParam<void(kj::StringPtr)> syncFolder);

}  // namespace cambium
