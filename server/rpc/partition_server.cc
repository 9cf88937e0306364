#include "server/rpc/partition_server.h"

#include "engine/record/batch_builder.h"
#include "server/rpc/appender_server.h"
#include "server/rpc/error_mapping.h"
#include "server/rpc/record_writer.h"
#include "server/rpc/subscription_server.h"

namespace cambium {

namespace {

Acks fromRpc(rpc::Acks acks) {
  switch (acks) {
    case rpc::Acks::NONE:
      return Acks::kNone;
    case rpc::Acks::LEADER:
      return Acks::kLeader;
    case rpc::Acks::ALL:
      break;
  }
  return Acks::kAll;  // what a newer client may mean is at least this
}

// One batch of the records in a request.
Result<kj::Array<kj::byte>> buildBatch(capnp::List<rpc::NewRecord>::Reader records, rpc::Codec codec, TimestampMs now,
                                       uint64_t recordsMax) {
  if (records.size() == 0) return makeError(ErrorCode::kInvalidRequest, "an append needs at least one record");
  auto few = checkListSize("records", records.size(), recordsMax);
  if (!few.ok()) return kj::mv(few.error());
  if (static_cast<uint16_t>(codec) >= kCodecCount) {
    return makeError(ErrorCode::kUnsupportedCompressionType, "codec ", static_cast<uint16_t>(codec), " is not known");
  }
  BatchBuilder builder({.codec = static_cast<Codec>(codec)});
  kj::Vector<RecordHeader> headers;
  uint64_t headersInAll = 0;
  for (auto record : records) {
    kj::Maybe<ByteView> key, value;
    if (record.getHasKey()) key = record.getKey();
    if (!record.getHasNullValue()) value = record.getValue();
    if (record.getHeaders().size() > kRecordHeadersMax) {
      return makeError(ErrorCode::kInvalidRecord, "a record has ", record.getHeaders().size(), " headers, at most ",
                       kRecordHeadersMax, " are allowed");
    }
    few = checkListSize("headers of records", headersInAll += record.getHeaders().size(), recordsMax);
    if (!few.ok()) return kj::mv(few.error());
    headers.clear();
    for (auto header : record.getHeaders()) {
      RecordHeader made{header.getKey(), nullptr};
      if (!header.getHasNullValue()) made.value = header.getValue();
      headers.add(made);
    }
    TimestampMs timestamp(record.getTimestamp());
    builder.add(timestamp < TimestampMs(0) ? now : timestamp, key, value, headers);
  }
  return builder.finish();
}

capnp::MessageSize messageSize(uint64_t words) {
  return {words, 0};
}

rpc::PartitionMove::Phase phaseOf(MoveStatus::Phase phase) {
  switch (phase) {
    case MoveStatus::Phase::kWaiting:
      return rpc::PartitionMove::Phase::WAITING;
    case MoveStatus::Phase::kCopying:
      return rpc::PartitionMove::Phase::COPYING;
    case MoveStatus::Phase::kSwitching:
      return rpc::PartitionMove::Phase::SWITCHING;
    case MoveStatus::Phase::kCleaning:
      return rpc::PartitionMove::Phase::CLEANING;
    case MoveStatus::Phase::kFailed:
      return rpc::PartitionMove::Phase::FAILED;
  }
  KJ_UNREACHABLE;
}

void writeMove(rpc::PartitionMove::Builder builder, const MoveStatus& move) {
  builder.setTo(move.to);
  builder.setPhase(phaseOf(move.phase));
  builder.setCopiedUpTo(move.copiedUpTo.value());
  builder.setCopied(move.copied.value());
  builder.setTotal(move.total.value());
  builder.setFailure(move.failure);
}

}  // namespace

void writeAppended(rpc::Appended::Builder builder, const AppendOutcome& outcome) {
  builder.setBaseOffset(outcome.baseOffset.value());
  builder.setNextOffset(outcome.nextOffset.value());
  builder.setLogAppendTime(outcome.logAppendTime.value());
  builder.setLogStart(outcome.logStart.value());
}

void writeStatus(rpc::PartitionDescription::Builder builder, int32_t index, const Result<PartitionStatus>& result,
                 kj::StringPtr engine, unsigned core) {
  builder.setIndex(index);
  builder.setEngine(engine);
  builder.setCore(static_cast<uint16_t>(core));
  if (!result.ok()) {
    writeError(builder.initError(), result.error());
    return;
  }
  auto& status = result.value();
  KJ_IF_MAYBE(reason, status.offline) {
    writeError(builder.initError(), makeError(ErrorCode::kStorageError, *reason));
  }
  builder.setLogStart(status.logStart.value());
  builder.setHighWatermark(status.highWatermark.value());
  builder.setEnd(status.end.value());
  builder.setDurable(status.durable.value());
  builder.setBytes(status.bytes.value());
  builder.setExtents(status.extents);
  builder.setLeaderEpoch(status.leaderEpoch.value());
  builder.setCleanedUpTo(status.compaction.cleanedUpTo.value());
  KJ_IF_MAYBE(failure, status.compaction.failure) builder.setCompactionFailure(*failure);
  KJ_IF_MAYBE(move, status.move) writeMove(builder.initMove(), *move);
  builder.setUnsyncedBytes(status.unsynced.bytes.value());
  builder.setUnsyncedMs(static_cast<uint64_t>(status.unsynced.ageMs));
}

PartitionServer::PartitionServer(kj::Own<Session> session, kj::Own<const Topic> topic, int32_t index)
    : session_(kj::mv(session)), topic_(kj::mv(topic)), index_(index), key_{topic_->id(), index} {}

kj::Promise<Result<AppendOutcome>> PartitionServer::appendNow(kj::ArrayPtr<kj::byte> batches, rpc::Acks rpcAcks) {
  auto acks = fromRpc(rpcAcks);
  auto appended = session_->broker.append(key_, batches, acks).attach(kj::heap<WorkInFlight::Lease>(session_->work));
  if (acks != Acks::kNone) return kj::mv(appended);
  session_->runInBackground(appended.ignoreResult());
  return Result<AppendOutcome>(AppendOutcome{.baseOffset = kNoOffset, .nextOffset = kNoOffset, .logStart = kNoOffset});
}

kj::Promise<void> PartitionServer::append(AppendContext context) {
  auto params = context.getParams();
  auto acks = params.getAcks();
  auto batch =
      buildBatch(params.getRecords(), params.getCodec(), session_->broker.now(), session_->limits.recordsPerAppendMax);
  context.releaseParams();
  if (!batch.ok()) {
    writeError(context.getResults(kSmallResults).initError(), batch.error());
    co_return;
  }
  auto outcome = co_await appendNow(batch.value(), acks);
  if (outcome.ok()) {
    writeAppended(context.getResults(kSmallResults).initAppended(), outcome.value());
  } else {
    writeError(context.getResults(kSmallResults).initError(), outcome.error());
  }
}

kj::Promise<void> PartitionServer::appendBatches(AppendBatchesContext context) {
  auto params = context.getParams();
  auto appending = appendNow(bytesInPlace(params.getBatches()), params.getAcks());
  context.releaseParams();
  auto outcome = co_await appending;
  if (outcome.ok()) {
    writeAppended(context.getResults(kSmallResults).initAppended(), outcome.value());
  } else {
    writeError(context.getResults(kSmallResults).initError(), outcome.error());
  }
}

kj::Promise<void> PartitionServer::openAppender(OpenAppenderContext context) {
  auto acks = fromRpc(context.getParams().getAcks());
  context.getResults(kSmallResults).setAppender(kj::heap<AppenderServer>(kj::addRef(*session_), key_, acks));
  return kj::READY_NOW;
}

Result<ReadWish> PartitionServer::wishOf(rpc::ReadRequest::Reader request) const {
  auto& limits = session_->limits;
  if (request.getFrom() < 0) {
    return makeError(ErrorCode::kOffsetOutOfRange, "offsets are not negative: ", request.getFrom());
  }
  return ReadWish{.from = Offset(request.getFrom()),
                  .bytesMax = kj::min(Bytes(request.getBytesMax()), limits.readBytesMax),
                  .bytesMin = Bytes(request.getBytesMin()),
                  .waitMsMax = kj::min(int64_t{request.getWaitMsMax()}, limits.waitMsMax)};
}

kj::Promise<void> PartitionServer::read(ReadContext context) {
  context.allowCancellation();
  auto wish = wishOf(context.getParams().getRequest());
  context.releaseParams();
  if (!wish.ok()) {
    writeError(context.getResults(kSmallResults).initError(), wish.error());
    co_return;
  }
  auto read = co_await session_->read(key_, wish.value());
  if (!read.outcome.ok()) {
    writeError(context.getResults(kSmallResults).initError(), read.outcome.error());
    co_return;
  }
  auto& outcome = read.outcome.value();
  auto chunk = context.getResults(messageSize(outcome.batches.size() / 8 + 32)).initChunk();
  chunk.setBatches(outcome.batches);
  chunk.setHighWatermark(outcome.highWatermark.value());
  chunk.setLogStart(outcome.logStart.value());
  chunk.setNextOffset(outcome.nextOffset.value());
  read.share.answered(outcome.batches.size());
}

kj::Promise<void> PartitionServer::readRecords(ReadRecordsContext context) {
  context.allowCancellation();
  auto wish = wishOf(context.getParams().getRequest());
  context.releaseParams();
  if (!wish.ok()) {
    writeError(context.getResults(kSmallResults).initError(), wish.error());
    co_return;
  }
  auto read = co_await session_->read(key_, wish.value());
  if (!read.outcome.ok()) {
    writeError(context.getResults(kSmallResults).initError(), read.outcome.error());
    co_return;
  }
  auto& outcome = read.outcome.value();
  auto decoded = DecodedRecords::decode(outcome.batches, wish.value().from, outcome.nextOffset);
  if (!decoded.ok()) {
    writeError(context.getResults(kSmallResults).initError(), decoded.error());
    co_return;
  }
  auto chunk = context.getResults(messageSize(decoded.value().wordsHint())).initChunk();
  decoded.value().write(chunk.initRecords(static_cast<unsigned>(decoded.value().count())));
  chunk.setHighWatermark(outcome.highWatermark.value());
  chunk.setLogStart(outcome.logStart.value());
  auto next = outcome.batches.size() == 0 ? outcome.nextOffset : decoded.value().nextOffset();
  chunk.setNextOffset(next.value());
  read.share.answered(decoded.value().wordsHint() * sizeof(capnp::word));
}

kj::Promise<void> PartitionServer::subscribe(SubscribeContext context) {
  auto params = context.getParams();
  auto options = params.getOptions();
  if (params.getFrom() < 0) {
    writeError(context.getResults(kSmallResults).initError(),
               makeError(ErrorCode::kOffsetOutOfRange, "offsets are not negative: ", params.getFrom()));
    return kj::READY_NOW;
  }
  SubscriptionServer::Options wanted{
      .asBatches = options.getFormat() == rpc::SubscribeOptions::Format::BATCHES,
      .bytesPerPush = kj::min(Bytes(options.getBytesPerPush()), session_->limits.readBytesMax),
      .end = options.getEndOffset() < 0 ? Offset(INT64_MAX) : Offset(options.getEndOffset())};
  context.getResults(kSmallResults)
      .setSubscription(kj::heap<SubscriptionServer>(kj::addRef(*session_), key_, Offset(params.getFrom()),
                                                    params.getSink(), wanted));
  return kj::READY_NOW;
}

kj::Promise<void> PartitionServer::findOffset(FindOffsetContext context) {
  auto position = context.getParams().getPosition();
  OffsetQuery query{OffsetQuery::Kind::kEarliest};
  switch (position.which()) {
    case rpc::Position::EARLIEST:
      break;
    case rpc::Position::LATEST:
      query.kind = OffsetQuery::Kind::kLatest;
      break;
    case rpc::Position::TIMESTAMP:
      query = {OffsetQuery::Kind::kTimestamp, TimestampMs(position.getTimestamp())};
      break;
    case rpc::Position::MAX_TIMESTAMP:
      query.kind = OffsetQuery::Kind::kMaxTimestamp;
      break;
  }
  auto found = co_await session_->broker.findOffset(key_, query);
  if (!found.ok()) {
    writeError(context.getResults(kSmallResults).initError(), found.error());
    co_return;
  }
  auto out = context.getResults(kSmallResults).initFound();
  out.setOffset(found.value().offset.value());
  out.setTimestamp(found.value().timestamp.value());
  out.setLeaderEpoch(found.value().leaderEpoch.value());
}

kj::Promise<void> PartitionServer::deleteRecords(DeleteRecordsContext context) {
  WorkInFlight::Lease lease(session_->work);
  auto start = co_await session_->broker.deleteRecords(key_, Offset(context.getParams().getBefore()));
  if (start.ok()) {
    context.getResults(kSmallResults).setLogStart(start.value().value());
  } else {
    writeError(context.getResults(kSmallResults).initError(), start.error());
  }
}

kj::Promise<void> PartitionServer::describe(DescribeContext context) {
  auto status = co_await session_->broker.status(key_);
  // The topic was opened earlier: its log may have moved since.
  auto newest = session_->broker.topic(topic_->id());
  auto& topic = newest.ok() ? *newest.value() : *topic_;
  writeStatus(context.getResults(kSmallResults).initPartition(), index_, status, topic.partition(index_).engine,
              session_->broker.ownerOf(key_));
}

}  // namespace cambium
