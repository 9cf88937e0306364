#include "server/kafka/error_code.h"
#include "server/kafka/handlers/handlers.h"

namespace cambium::kafka {

// The broker has no feature whose level could be chosen (KIP-584).
kj::Promise<UpdateFeaturesResponse> handle(RequestContext& context, UpdateFeaturesRequest& request) {
  constexpr Version kAllOrNothingSince = 2;
  UpdateFeaturesResponse response;
  for (auto& update : request.featureUpdates) {
    auto error = makeError(ErrorCode::kInvalidUpdateVersion, "there is no feature named ", update.feature,
                           " whose level can be set");
    if (context.version() >= kAllOrNothingSince) {
      response.errorCode = wireCode(error.code);
      response.errorMessage = wireMessage(error);
      break;
    }
    auto& answer = response.results.add();
    answer.feature = update.feature.view();
    answer.errorCode = wireCode(error.code);
    answer.errorMessage = wireMessage(error);
  }
  return kj::mv(response);
}

}  // namespace cambium::kafka
