#pragma once

#include "bench/batch_source.h"
#include "schema/cambium.capnp.h"

namespace cambium::bench {

// What the probe of RPC serves: a Partition and an Appender that look at nothing and keep nothing. Reads answer as many
// batches as were asked for, out of memory; the log has `count` batches of about `batch` bytes.
class PairPartition final : public rpc::Partition::Server {
 public:
  PairPartition(Bytes batch, uint64_t count);

 protected:
  kj::Promise<void> append(AppendContext context) override;
  kj::Promise<void> appendBatches(AppendBatchesContext context) override;
  kj::Promise<void> openAppender(OpenAppenderContext context) override;
  kj::Promise<void> read(ReadContext context) override;
  kj::Promise<void> subscribe(SubscribeContext context) override;

 private:
  // As many whole batches as fit into `bytesMax`, at least one.
  ByteView batches(uint64_t bytesMax) const;
  // The offset behind that many bytes of batches from `from` on.
  int64_t behind(int64_t from, ByteView batches) const;
  int64_t end() const { return static_cast<int64_t>(count_) * records_; }
  kj::Promise<void> push(rpc::RecordSink::Client sink, int64_t from, uint64_t bytesPerPush);

  uint64_t count_;
  size_t batchBytes_;
  int64_t records_;
  kj::Array<kj::byte> memory_;  // batches, one after another
};

}  // namespace cambium::bench
