#pragma once

#include <atomic>

#include <kj/array.h>
#include <kj/refcount.h>

#include "engine/base/quantity.h"

namespace cambium {

// A closed piece of a log on its way to being replaced, cut out of the log so that the slow part can run on another
// thread while the log goes on being used: appends, reads, syncs, cuts. See PartitionLog::startRewrite.
//
//     auto rewrite = log.startRewrite(first, end);                  on the owner's thread
//     while ((batches = rewrite->read(mebibytes(1))).size() > 0)    on any one thread at a time
//       rewrite->write(compacted(batches));
//     rewrite->finish();
//     log.finishRewrite(kj::mv(rewrite));                           on the owner's thread
//
// One that is never written to is simply a reader. Destroying it unfinished leaves nothing behind; that may happen on
// any thread, also after its log was closed, but before the engine is destroyed. The log itself is never broken by what
// happens here: a device that is full throws OVERLOADED, other failures FAILED, and once the rewrite cannot come into
// place any more (see PartitionLog::finishRewrite) all methods but first() and end() throw DISCONNECTED. After a
// failure of write() or finish() the rewrite can only be destroyed.
class ExtentRewrite {
 public:
  virtual ~ExtentRewrite() noexcept(false) = default;

  // What is to be replaced: [first, end), both batch boundaries. When the log start lies inside of the first extent,
  // first() is that extent's beginning or a later batch, at most the one that holds the log start: an engine may have
  // forgotten what lies below.
  virtual Offset first() const = 0;
  virtual Offset end() const = 0;

  // The next whole batches of what is there, checksums checked: at least one, else no more than fit into `bytesMax`;
  // empty at the end. The result owns its bytes.
  virtual kj::Array<const kj::byte> read(Bytes bytesMax) = 0;
  // Back to the first batch.
  virtual void rewind() = 0;

  // Whole batches that take the place of what is there: each continues at the one before, the first at first(), none
  // reaches beyond end(); their checksums must match. All of them together are less than 2 GiB. Nobody sees them before
  // PartitionLog::finishRewrite.
  virtual void write(ByteView batches) = 0;
  // Makes durable what was written, once. Requires that it reaches end().
  virtual void finish() = 0;
};

// What a log and a rewrite of it share: whether the rewrite can still come into place. Any thread.
class RewriteTicket final : public kj::AtomicRefcounted {
 public:
  RewriteTicket(Offset first, Offset end) : first(first), end(end) {}

  const Offset first;
  const Offset end;

  // The log goes on without the rewrite. Called before anything that the rewrite reads is changed, so that whoever
  // reads first and then asks requireValid() has read what belongs there.
  void giveUp() const { givenUp_.store(true); }
  bool isValid() const { return !givenUp_.load(); }
  // Throws DISCONNECTED after giveUp().
  void requireValid() const;

 private:
  mutable std::atomic<bool> givenUp_{false};
};

// A log's side of rewriting: at most one ticket is valid at a time. On the thread of the log.
class RewriteTickets {
 public:
  RewriteTickets() = default;
  // The log is closed: nothing comes into place any more.
  ~RewriteTickets() { giveUp(); }
  KJ_DISALLOW_COPY(RewriteTickets);

  // Gives up the rewrite before.
  kj::Own<const RewriteTicket> issue(Offset first, Offset end);
  void giveUp();
  // Everything below `start`, or from `end` on, is about to go.
  void dropBefore(Offset start);
  void truncateFrom(Offset end);

 private:
  kj::Maybe<kj::Own<const RewriteTicket>> current_;
};

// Checks what is handed to ExtentRewrite::write() after batches up to `next`; returns where it ends. Throws FAILED,
// naming the offset, for what write() does not allow, but for the sum of bytes.
Offset checkRewritten(ByteView batches, Offset next, Offset end);

// How much the batches of one rewrite may take.
inline constexpr uint64_t kRewrittenBytesMax = INT32_MAX;

}  // namespace cambium
