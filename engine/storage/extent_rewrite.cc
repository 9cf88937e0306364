#include "engine/storage/extent_rewrite.h"

#include <kj/debug.h>

#include "engine/record/batch_view.h"

namespace cambium {

void RewriteTicket::requireValid() const {
  if (isValid()) return;
  kj::throwFatalException(
      KJ_EXCEPTION(DISCONNECTED, "the log was cut, reset, dropped or rewritten here meanwhile", first, end));
}

kj::Own<const RewriteTicket> RewriteTickets::issue(Offset first, Offset end) {
  giveUp();
  kj::Own<const RewriteTicket> ticket = kj::atomicRefcounted<RewriteTicket>(first, end);
  current_ = kj::atomicAddRef(*ticket);
  return ticket;
}

void RewriteTickets::giveUp() {
  KJ_IF_MAYBE(ticket, current_) {
    (*ticket)->giveUp();
  }
  current_ = nullptr;
}

void RewriteTickets::dropBefore(Offset start) {
  KJ_IF_MAYBE(ticket, current_) {
    if (start > (*ticket)->first) giveUp();
  }
}

void RewriteTickets::truncateFrom(Offset end) {
  KJ_IF_MAYBE(ticket, current_) {
    if (end < (*ticket)->end) giveUp();
  }
}

Offset checkRewritten(ByteView batches, Offset next, Offset end) {
  BatchIterator iterator(batches);
  while (auto* batch = iterator.next()) {
    KJ_REQUIRE(batch->baseOffset() == next, "a rewritten batch does not continue at the one before", next,
               batch->baseOffset());
    KJ_REQUIRE(batch->lastOffsetDelta() >= 0, "a rewritten batch has a negative last offset delta", next,
               batch->lastOffsetDelta());
    KJ_REQUIRE(batch->nextOffset() <= end, "a rewritten batch reaches beyond what is rewritten", next,
               batch->lastOffset(), end);
    KJ_REQUIRE(batch->crcMatches(), "a rewritten batch does not match its checksum", next);
    next = batch->nextOffset();
  }
  KJ_REQUIRE(iterator.rest().size() == 0, "rewritten batches end in something that is no whole batch", next,
             iterator.rest().size());
  return next;
}

}  // namespace cambium
