#include "engine/base/coroutine.h"
#include "server/kafka/duplicates.h"
#include "server/kafka/error_code.h"
#include "server/kafka/handlers/handlers.h"

namespace cambium::kafka {

namespace {

Result<void> check(RequestContext& context, const CreatePartitionsRequest::Topic& wanted) {
  auto topic = context.broker().topic(kj::str(wanted.name));
  if (!topic.ok()) return kj::mv(topic.error());
  int32_t count = topic.value()->partitionCount();
  if (wanted.count <= count) {
    return makeError(ErrorCode::kInvalidPartitions, "topic ", wanted.name, " has ", count,
                     " partitions; the number can only grow, not become ", wanted.count);
  }
  KJ_IF_MAYBE(assignments, wanted.assignments) {
    if (static_cast<int64_t>(assignments->size()) != int64_t{wanted.count} - count) {
      return makeError(ErrorCode::kInvalidReplicaAssignment, "topic ", wanted.name, " would get ", wanted.count - count,
                       " partitions, assigned are ", assignments->size());
    }
    for (auto& assignment : *assignments) {
      if (assignment.brokerIds.size() != 1 || assignment.brokerIds[0] != context.brokerId()) {
        return makeError(ErrorCode::kInvalidReplicaAssignment, "partitions can only be on broker ", context.brokerId(),
                         ", the only one there is");
      }
    }
  }
  return Result<void>();
}

}  // namespace

kj::Promise<CreatePartitionsResponse> handle(RequestContext& context, CreatePartitionsRequest& request) {
  CreatePartitionsResponse response;
  WorkShare share(context.turns());
  using Named = NamedTwice<std::string_view>;
  Named named;
  for (auto& wanted : request.topics)
    named.name(wanted.name);
  for (auto& wanted : request.topics) {
    if (share.use(4)) co_await share.turn();
    auto what = named.answer(wanted.name);
    if (what == Named::Answer::kNone) continue;
    auto done = what == Named::Answer::kServe ? check(context, wanted) : namedTwice("topic"_kj, wanted.name);
    if (done.ok() && !request.validateOnly) {
      done = co_await context.broker().addPartitions(kj::str(wanted.name), wanted.count);
    }
    auto& answer = response.results.add();
    answer.name = wanted.name.view();
    if (!done.ok()) {
      answer.errorCode = wireCode(done.error().code);
      answer.errorMessage = wireMessage(done.error());
    }
  }
  co_return kj::mv(response);
}

}  // namespace cambium::kafka
