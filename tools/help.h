#pragma once

#include <kj/string.h>

#include "tools/command.h"

namespace cambium::tools {

// The help text about everything (""), a group ("topic") or a command ("topic create"), at most 100 columns wide.
kj::String helpText(kj::StringPtr topic, kj::ArrayPtr<const Command> commands);

}  // namespace cambium::tools
