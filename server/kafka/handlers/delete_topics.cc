#include "engine/base/coroutine.h"
#include "server/kafka/error_code.h"
#include "server/kafka/handlers/handlers.h"

namespace cambium::kafka {

namespace {

using Answer = DeleteTopicsResponse::Topic;

void refuse(Answer& answer, const Error& error) {
  answer.errorCode = wireCode(error.code);
  answer.errorMessage = wireMessage(error);
}

kj::Promise<Answer> deleteByName(RequestContext& context, kj::String name) {
  Answer answer;
  answer.name = Text(kj::str(name));
  auto topic = context.broker().topic(name);
  if (topic.ok()) answer.topicId = topic.value()->id();
  auto deleted = co_await context.broker().deleteTopic(kj::mv(name));
  if (!deleted.ok()) refuse(answer, deleted.error());
  co_return kj::mv(answer);
}

kj::Promise<Answer> deleteById(RequestContext& context, Uuid id) {
  auto topic = context.broker().topic(id);
  if (topic.ok()) return deleteByName(context, kj::str(topic.value()->name()));
  Answer answer;
  answer.topicId = id;
  refuse(answer, topic.error());
  return kj::mv(answer);
}

}  // namespace

kj::Promise<DeleteTopicsResponse> handle(RequestContext& context, DeleteTopicsRequest& request) {
  DeleteTopicsResponse response;
  for (auto& name : request.topicNames)
    response.responses.add(co_await deleteByName(context, kj::str(name)));
  for (auto& wanted : request.topics) {
    KJ_IF_MAYBE(name, wanted.name) {
      response.responses.add(co_await deleteByName(context, kj::str(*name)));
    } else {
      response.responses.add(co_await deleteById(context, wanted.topicId));
    }
  }
  co_return kj::mv(response);
}

}  // namespace cambium::kafka
