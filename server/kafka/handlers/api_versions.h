#pragma once

#include "server/kafka/wire/messages/api_versions.h"

namespace cambium::kafka {

// Adds every API that is served, with its versions.
void listApis(ApiVersionsResponse& response);

}  // namespace cambium::kafka
