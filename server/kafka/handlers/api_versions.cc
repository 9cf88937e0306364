#include "server/kafka/handlers/api_versions.h"

#include "server/kafka/api.h"
#include "server/kafka/handlers/handlers.h"

namespace cambium::kafka {

void listApis(ApiVersionsResponse& response) {
  for (auto& api : apis()) {
    auto& entry = response.apiKeys.add();
    entry.apiKey = api.key;
    entry.minVersion = api.advertisedFirst;
    entry.maxVersion = api.served.last;
  }
}

kj::Promise<ApiVersionsResponse> handle(RequestContext&, ApiVersionsRequest&) {
  ApiVersionsResponse response;
  listApis(response);
  return kj::mv(response);
}

}  // namespace cambium::kafka
