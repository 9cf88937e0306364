#include "server/kafka/error_code.h"
#include "server/kafka/features.h"
#include "server/kafka/handlers/handlers.h"

namespace cambium::kafka {

namespace {

kj::Maybe<Error> check(const UpdateFeaturesRequest::FeatureUpdate& update) {
  auto* feature = findFeature(update.feature);
  if (feature == nullptr) {
    return makeError(ErrorCode::kInvalidUpdateVersion, "there is no feature named \"", update.feature, "\"");
  }
  if (update.maxVersionLevel >= feature->first && update.maxVersionLevel <= feature->last) return nullptr;
  return makeError(ErrorCode::kInvalidUpdateVersion, "feature ", update.feature, " has levels ", feature->first, " to ",
                   feature->last, ", not ", update.maxVersionLevel);
}

}  // namespace

// Every feature has one level, so an update either asks for what is there, or is refused, and all others with it.
kj::Promise<UpdateFeaturesResponse> handle(RequestContext& context, UpdateFeaturesRequest& request) {
  constexpr Version kNoResultsSince = 2;
  UpdateFeaturesResponse response;
  for (auto& update : request.featureUpdates) {
    KJ_IF_MAYBE(error, check(update)) {
      response.errorCode = wireCode(error->code);
      response.errorMessage = wireMessage(*error);
      response.results.clear();
      return kj::mv(response);
    }
    if (context.version() < kNoResultsSince) response.results.add().feature = update.feature.view();
  }
  return kj::mv(response);
}

}  // namespace cambium::kafka
