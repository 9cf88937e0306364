#include "engine/base/coroutine.h"
#include "server/kafka/duplicates.h"
#include "server/kafka/error_code.h"
#include "server/kafka/handlers/handlers.h"

namespace cambium::kafka {

namespace {

using Answer = FindCoordinatorResponse::Coordinator;

constexpr int8_t kGroup = 0;
constexpr int8_t kTransaction = 1;
constexpr Version kManySince = 4;

kj::Maybe<Error> check(int8_t type) {
  if (type != kGroup && type != kTransaction) {
    return makeError(ErrorCode::kInvalidRequest, "a coordinator of type ", type, "; expected 0 (group) or 1");
  }
  return nullptr;
}

// Every group and every transactional id is coordinated here; what keeps a group is made before the answer, so that no
// client has to come again.
kj::Promise<Answer> answerKey(RequestContext& context, const Text& key, int8_t type) {
  Answer answer;
  answer.key = key.view();
  auto error = check(type);
  if (error == nullptr && type == kGroup) {
    auto coordinator = co_await context.broker().coordinatorOf(key.str());
    if (!coordinator.ok()) error = kj::mv(coordinator.error());
  }
  KJ_IF_MAYBE(e, error) {
    answer.nodeId = -1;
    answer.port = -1;
    answer.errorCode = wireCode(e->code);
    answer.errorMessage = wireMessage(*e);
    co_return kj::mv(answer);
  }
  auto& endpoint = context.advertised();
  answer.nodeId = context.brokerId();
  answer.host = Text(kj::str(endpoint.host));
  answer.port = endpoint.port;
  co_return kj::mv(answer);
}

}  // namespace

kj::Promise<FindCoordinatorResponse> handle(RequestContext& context, FindCoordinatorRequest& request) {
  FindCoordinatorResponse response;
  if (context.version() >= kManySince) {
    NamedOnce<std::string_view> named;
    WorkShare share(context.turns());
    for (auto& key : request.coordinatorKeys) {
      if (share.use(2)) co_await share.turn();
      if (named.first(key)) response.coordinators.add(co_await answerKey(context, key, request.keyType));
    }
    co_return kj::mv(response);
  }
  auto answer = co_await answerKey(context, request.key, request.keyType);
  response.errorCode = answer.errorCode;
  response.errorMessage = kj::mv(answer.errorMessage);
  response.nodeId = answer.nodeId;
  response.host = kj::mv(answer.host);
  response.port = answer.port;
  co_return kj::mv(response);
}

}  // namespace cambium::kafka
