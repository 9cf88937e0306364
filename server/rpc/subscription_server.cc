#include "server/rpc/subscription_server.h"

#include "server/rpc/error_mapping.h"
#include "server/rpc/record_writer.h"

namespace cambium {

SubscriptionServer::SubscriptionServer(kj::Own<Session> session, PartitionKey key, Offset from,
                                       rpc::RecordSink::Client sink, Options options)
    : session_(kj::mv(session), SessionHold::kStanding),
      key_(key),
      sink_(kj::mv(sink)),
      options_(options),
      next_(from),
      // Begins in the next turn, when this object is whole.
      running_(kj::evalLater([this] { return runToEnd(); }).eagerlyEvaluate([](kj::Exception&& e) {
        // The sink has failed or gone: nobody is left to tell.
        if (e.getType() != kj::Exception::Type::DISCONNECTED) KJ_LOG(INFO, "a subscription ended", e.getDescription());
      })) {}

kj::Promise<void> SubscriptionServer::position(PositionContext context) {
  context.getResults(kSmallResults).setNextOffset(next_.value());
  context.getResults(kSmallResults).setHighWatermark(highWatermark_.value());
  return kj::READY_NOW;
}

kj::Promise<void> SubscriptionServer::runToEnd() {
  // However it ends, the sink is let go: it may hold what holds this subscription.
  KJ_DEFER(sink_ = nullptr);
  kj::Maybe<Error> error;
  try {
    error = co_await run();
  } catch (const kj::Exception& e) {
    if (e.getType() == kj::Exception::Type::DISCONNECTED) co_return;
    KJ_LOG(INFO, "a subscription failed", key_.topic, key_.index, e.getDescription());
    error = makeError(ErrorCode::kUnknown, "the subscription failed at offset ", next_, ": ", e.getDescription());
  }
  co_await finish(kj::mv(error));
}

kj::Promise<kj::Maybe<Error>> SubscriptionServer::run() {
  while (next_ < options_.end) {
    auto read = co_await session_->read(
        key_, {.from = next_, .bytesMax = options_.bytesPerPush, .waitMsMax = session_->limits.waitMsMax});
    if (!read.outcome.ok()) co_return kj::Maybe<Error>(kj::mv(read.outcome.error()));
    auto outcome = kj::heap(kj::mv(read.outcome.value()));
    highWatermark_ = outcome->highWatermark;
    if (outcome->batches.size() == 0) {
      // Compaction may have left nothing up to there, and the end may lie on the way.
      next_ = kj::max(next_, outcome->nextOffset);
      continue;
    }
    auto pushed = co_await push(kj::mv(outcome), kj::mv(read.share));
    if (!pushed.ok()) co_return kj::Maybe<Error>(kj::mv(pushed.error()));
  }
  co_return kj::Maybe<Error>();
}

kj::Promise<Result<void>> SubscriptionServer::push(kj::Own<ReadOutcome> outcome, AnswerBudget::Share share) {
  auto next = kj::min(outcome->nextOffset, options_.end);
  auto describe = [&](rpc::Delivery::Builder delivery) {
    delivery.setHighWatermark(outcome->highWatermark.value());
    delivery.setNextOffset(next.value());
  };
  kj::Promise<void> sent = nullptr;
  if (options_.asBatches) {
    auto request = sinkNow().pushRequest(capnp::MessageSize{outcome->batches.size() / 8 + 32, 0});
    auto delivery = request.initDelivery();
    delivery.setBatches(outcome->batches);
    describe(delivery);
    sent = request.send();
    share.answered(outcome->batches.size());
  } else {
    auto decoded = DecodedRecords::decode(outcome->batches, next_, options_.end);
    if (!decoded.ok()) co_return Result<void>(kj::mv(decoded.error()));
    next = decoded.value().nextOffset();
    auto request = sinkNow().pushRequest(capnp::MessageSize{decoded.value().wordsHint(), 0});
    auto delivery = request.initDelivery();
    decoded.value().write(delivery.initRecords(static_cast<unsigned>(decoded.value().count())));
    describe(delivery);
    sent = request.send();
    share.answered(decoded.value().wordsHint() * sizeof(capnp::word));
  }
  // What was read is in the message now.
  outcome = nullptr;
  next_ = next;
  co_await sent;
  co_return Result<void>();
}

rpc::RecordSink::Client& SubscriptionServer::sinkNow() {
  return KJ_ASSERT_NONNULL(sink_);
}

kj::Promise<void> SubscriptionServer::finish(kj::Maybe<Error> error) {
  auto request = sinkNow().doneRequest();
  KJ_IF_MAYBE(e, error) writeError(request.initError(), *e);
  co_await request.send().ignoreResult();
}

}  // namespace cambium
