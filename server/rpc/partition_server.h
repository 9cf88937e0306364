#pragma once

#include "engine/base/coroutine.h"
#include "schema/cambium.capnp.h"
#include "server/rpc/session.h"

namespace cambium {

// rpc::Partition: one partition of one topic, bound to the topic's id.
class PartitionServer final : public rpc::Partition::Server {
 public:
  PartitionServer(kj::Own<Session> session, kj::Own<const Topic> topic, int32_t index);

 protected:
  kj::Promise<void> append(AppendContext context) override;
  kj::Promise<void> appendBatches(AppendBatchesContext context) override;
  kj::Promise<void> openAppender(OpenAppenderContext context) override;
  kj::Promise<void> read(ReadContext context) override;
  kj::Promise<void> readRecords(ReadRecordsContext context) override;
  kj::Promise<void> subscribe(SubscribeContext context) override;
  kj::Promise<void> findOffset(FindOffsetContext context) override;
  kj::Promise<void> deleteRecords(DeleteRecordsContext context) override;
  kj::Promise<void> describe(DescribeContext context) override;

 private:
  // Appends and counts as work under way; with acks=none it is answered without waiting. Uses the bytes during the call
  // only.
  kj::Promise<Result<AppendOutcome>> appendNow(kj::ArrayPtr<kj::byte> batches, rpc::Acks acks);
  Result<ReadWish> wishOf(rpc::ReadRequest::Reader request) const;

  SessionHold session_;
  kj::Own<const Topic> topic_;
  int32_t index_;
  PartitionKey key_;
};

void writeAppended(rpc::Appended::Builder builder, const AppendOutcome& outcome);
void writeStatus(rpc::PartitionDescription::Builder builder, int32_t index, const Result<PartitionStatus>& status,
                 kj::StringPtr engine, unsigned core);

}  // namespace cambium
