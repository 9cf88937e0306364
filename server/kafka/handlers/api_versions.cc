#include "server/kafka/handlers/api_versions.h"

#include "server/kafka/api.h"
#include "server/kafka/error_code.h"
#include "server/kafka/features.h"
#include "server/kafka/handlers/handlers.h"

namespace cambium::kafka {

namespace {

// From this version on the client says what it is (KIP-511) …
constexpr Version kSoftwareSince = 3;
// … and from this one on it can read that a feature has a level 0.
constexpr Version kLevelZeroSince = 4;

bool isLetterOrDigit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// [a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?, as in KIP-511.
bool isSoftwareName(std::string_view text) {
  if (text.empty() || !isLetterOrDigit(text.front()) || !isLetterOrDigit(text.back())) return false;
  for (char c : text)
    if (!isLetterOrDigit(c) && c != '-' && c != '.') return false;
  return true;
}

void listFeatures(ApiVersionsResponse& response, Version version) {
  for (auto& feature : kFeatures) {
    if (feature.first > 0 || version >= kLevelZeroSince) {
      auto& supported = response.supportedFeatures.add();
      supported.name = feature.name;
      supported.minVersion = feature.first;
      supported.maxVersion = feature.last;
    }
    if (feature.level == 0) continue;
    auto& finalized = response.finalizedFeatures.add();
    finalized.name = feature.name;
    finalized.minVersionLevel = feature.level;
    finalized.maxVersionLevel = feature.level;
  }
}

}  // namespace

void listApis(ApiVersionsResponse& response) {
  for (auto& api : apis()) {
    auto& entry = response.apiKeys.add();
    entry.apiKey = api.key;
    entry.minVersion = api.advertisedFirst;
    entry.maxVersion = api.served.last;
  }
}

kj::Promise<ApiVersionsResponse> handle(RequestContext& context, ApiVersionsRequest& request) {
  ApiVersionsResponse response;
  if (context.version() >= kSoftwareSince &&
      !(isSoftwareName(request.clientSoftwareName) && isSoftwareName(request.clientSoftwareVersion))) {
    response.errorCode = wireCode(ErrorCode::kInvalidRequest);
    return kj::mv(response);
  }
  listApis(response);
  listFeatures(response, context.version());
  // Never goes back, not even in a restart: a client that has seen a higher one takes no lower one.
  response.finalizedFeaturesEpoch = context.broker().image()->revision().value();
  return kj::mv(response);
}

}  // namespace cambium::kafka
