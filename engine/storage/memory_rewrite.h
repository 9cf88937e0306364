#pragma once

#include <kj/vector.h>

#include "engine/storage/extent_rewrite.h"
#include "engine/storage/memory_engine.h"

namespace cambium {

// A rewrite in the memory engine: copies of what is there and of what is to come.
class MemoryRewrite final : public ExtentRewrite {
 public:
  // `contents` is what the ticket's range holds.
  MemoryRewrite(MemoryStore& store, kj::Own<const RewriteTicket> ticket, kj::Array<kj::byte> contents)
      : store_(store), ticket_(kj::mv(ticket)), contents_(kj::mv(contents)), next_(ticket_->first) {}

  Offset first() const override { return ticket_->first; }
  Offset end() const override { return ticket_->end; }
  kj::Array<const kj::byte> read(Bytes bytesMax) override;
  void rewind() override;
  void write(ByteView batches) override;
  void finish() override;

  const RewriteTicket& ticket() const { return *ticket_; }
  bool isFinished() const { return finished_; }
  ByteView written() const { return written_.asPtr(); }

 private:
  MemoryStore& store_;
  kj::Own<const RewriteTicket> ticket_;
  const kj::Array<kj::byte> contents_;
  size_t readPosition_ = 0;
  kj::Vector<kj::byte> written_;
  Offset next_;
  bool finished_ = false;
};

}  // namespace cambium
