#pragma once

#include <kj/string.h>

#include "tools/command.h"

namespace cambium::tools {

// A bash script that completes commands, their flags, values of flags that are a choice ("all|leader|none"), topic
// names (asked of the broker) and, elsewhere, file names.
kj::String bashCompletion(kj::ArrayPtr<const Command> commands);

}  // namespace cambium::tools
