#include "engine/base/coroutine.h"
#include "server/kafka/duplicates.h"
#include "server/kafka/error_code.h"
#include "server/kafka/handlers/handlers.h"

namespace cambium::kafka {

namespace {

using Answer = DeleteTopicsResponse::Topic;

void refuse(Answer& answer, const Error& error) {
  answer.errorCode = wireCode(error.code);
  answer.errorMessage = wireMessage(error);
}

Answer refusal(kj::Maybe<kj::StringPtr> name, const Uuid& id, const Error& error) {
  Answer answer;
  KJ_IF_MAYBE(known, name) answer.name = Text(kj::str(*known));
  answer.topicId = id;
  refuse(answer, error);
  return answer;
}

// The topics that a request names by name or by id. What is named twice is refused, in one answer, as with Kafka, and
// so is a name beside the id of the same topic.
class Deletion {
 public:
  Deletion(RequestContext& context, WorkShare& share, DeleteTopicsResponse& response)
      : context_(context), share_(share), response_(response) {}

  void name(std::string_view name) { names_.name(name); }
  void name(const DeleteTopicsRequest::Topic& wanted) {
    KJ_IF_MAYBE(byName, wanted.name) {
      if (wanted.topicId.isZero()) names_.name(*byName);
    } else {
      ids_.name(wanted.topicId);
    }
  }

  kj::Promise<void> byName(const Text& name) {
    if (share_.use(4)) co_await share_.turn();
    auto what = names_.answer(name);
    if (what == Names::Answer::kNone) co_return;
    auto text = kj::heapString(name.view().data(), name.size());
    auto topic = context_.broker().topic(text);
    Uuid id;
    if (topic.ok()) id = topic.value()->id();
    if (what == Names::Answer::kRefuse) {
      response_.responses.add(refusal(text.asPtr(), Uuid(), namedTwice("topic"_kj, name)));
    } else if (topic.ok() && ids_.isNamed(id)) {
      response_.responses.add(
          refusal(text.asPtr(), id,
                  makeError(ErrorCode::kInvalidRequest, "topic ", text, " is named by its name and by its id")));
    } else {
      co_await remove(kj::mv(text), id);
    }
  }

  kj::Promise<void> one(const DeleteTopicsRequest::Topic& wanted) {
    KJ_IF_MAYBE(name, wanted.name) {
      if (wanted.topicId.isZero()) co_return co_await byName(*name);
      auto text = kj::heapString(name->view().data(), name->size());
      response_.responses.add(refusal(text.asPtr(), wanted.topicId,
                                      makeError(ErrorCode::kInvalidRequest, "topic ", text, " has a name and an id")));
      co_return;
    }
    if (wanted.topicId.isZero()) {
      auto error = makeError(ErrorCode::kInvalidRequest, "a topic has neither a name nor an id");
      response_.responses.add(refusal(nullptr, Uuid(), error));
      co_return;
    }
    co_await byId(wanted.topicId);
  }

 private:
  using Names = NamedTwice<std::string_view>;
  using Ids = NamedTwice<Uuid>;

  kj::Promise<void> byId(const Uuid& id) {
    if (share_.use(4)) co_await share_.turn();
    auto what = ids_.answer(id);
    if (what == Ids::Answer::kNone) co_return;
    if (what == Ids::Answer::kRefuse) {
      response_.responses.add(
          refusal(nullptr, id, makeError(ErrorCode::kInvalidRequest, "topic ", id, " is named twice in one request")));
      co_return;
    }
    auto topic = context_.broker().topic(id);
    if (!topic.ok()) {
      response_.responses.add(refusal(nullptr, id, topic.error()));
      co_return;
    }
    // Refused where it is named by its name.
    if (names_.isNamedOnce(view(topic.value()->name()))) co_return;
    co_await remove(kj::str(topic.value()->name()), id);
  }

  kj::Promise<void> remove(kj::String name, Uuid id) {
    Answer answer;
    answer.name = Text(kj::str(name));
    answer.topicId = id;
    auto deleted = co_await context_.broker().deleteTopic(kj::mv(name));
    if (!deleted.ok()) refuse(answer, deleted.error());
    response_.responses.add(kj::mv(answer));
  }

  static std::string_view view(kj::StringPtr text) { return {text.begin(), text.size()}; }

  RequestContext& context_;
  WorkShare& share_;
  DeleteTopicsResponse& response_;
  Names names_;
  Ids ids_;
};

}  // namespace

kj::Promise<DeleteTopicsResponse> handle(RequestContext& context, DeleteTopicsRequest& request) {
  DeleteTopicsResponse response;
  WorkShare share(context.turns());
  Deletion deletion(context, share, response);
  for (auto& name : request.topicNames)
    deletion.name(name);
  for (auto& wanted : request.topics)
    deletion.name(wanted);
  for (auto& name : request.topicNames)
    co_await deletion.byName(name);
  for (auto& wanted : request.topics)
    co_await deletion.one(wanted);
  co_return kj::mv(response);
}

}  // namespace cambium::kafka
