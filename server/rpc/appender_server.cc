#include "server/rpc/appender_server.h"

#include "server/rpc/error_mapping.h"
#include "server/rpc/partition_server.h"

namespace cambium {

AppenderServer::AppenderServer(kj::Own<Session> session, PartitionKey key, Acks acks)
    : session_(kj::mv(session)), key_(key), acks_(acks) {}

kj::Promise<void> AppenderServer::append(AppendContext context) {
  if (failure_ != nullptr) co_return;
  WorkInFlight::Lease lease(session_->work);
  auto appending = session_->broker.append(key_, bytesInPlace(context.getParams().getBatches()), Acks::kLeader);
  context.releaseParams();
  auto appended = co_await appending;
  if (!appended.ok()) {
    if (failure_ == nullptr) failure_ = kj::mv(appended.error());
    co_return;
  }
  KJ_IF_MAYBE(span, span_) {
    // Batches of an idempotent producer that were there already lie behind what came before them.
    span->baseOffset = kj::min(span->baseOffset, appended.value().baseOffset);
    span->nextOffset = kj::max(span->nextOffset, appended.value().nextOffset);
    span->logStart = appended.value().logStart;
    span->logAppendTime = appended.value().logAppendTime;
  } else {
    span_ = appended.value();
  }
}

kj::Promise<void> AppenderServer::flush(FlushContext context) {
  WorkInFlight::Lease lease(session_->work);
  if (failure_ == nullptr && acks_ == Acks::kAll) {
    KJ_IF_MAYBE(span, span_) {
      auto committed = co_await session_->broker.whenCommitted(key_, span->nextOffset);
      if (!committed.ok()) failure_ = kj::mv(committed.error());
    }
  }
  KJ_IF_MAYBE(failure, failure_) {
    writeError(context.getResults(kSmallResults).initError(), *failure);
  } else KJ_IF_MAYBE(span, span_) {
    writeAppended(context.getResults(kSmallResults).initAppended(), *span);
  }
}

}  // namespace cambium
