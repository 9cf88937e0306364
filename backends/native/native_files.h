#pragma once

#include "engine/storage/file_kind.h"

namespace cambium {

// Every kind of file and folder that the native engine ever makes below its folder, the passing ones included. Whoever
// makes a new one adds it here; tests/crash/damage_test.cc damages each of them, and fails when it meets one that is
// not listed.
kj::ArrayPtr<const FileKind> nativeFileKinds();

}  // namespace cambium
