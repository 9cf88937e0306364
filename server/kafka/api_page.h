#pragma once

#include <kj/string.h>

namespace cambium::kafka {

// The page of served APIs (docs/kafka-apis.md), made from the table of APIs.
kj::String apiPage();

}  // namespace cambium::kafka
