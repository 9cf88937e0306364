#include "engine/broker/producer_ids.h"

#include <cstring>

#include <capnp/message.h>
#include <capnp/serialize.h>
#include <kj/debug.h>

#include "engine/base/coroutine.h"
#include "schema/metadata.capnp.h"

namespace cambium {

namespace {

constexpr kj::StringPtr kKey = "producer-ids/next"_kj;

kj::Array<kj::byte> encode(int64_t next) {
  capnp::MallocMessageBuilder message;
  message.initRoot<persisted::ProducerIdsRecord>().setNext(next);
  return kj::heapArray<kj::byte>(capnp::messageToFlatArray(message).asBytes());
}

int64_t decode(ByteView value) {
  KJ_REQUIRE(value.size() % sizeof(capnp::word) == 0 && value.size() > 0, "producer id record of odd size",
             value.size());
  auto words = kj::heapArray<capnp::word>(value.size() / sizeof(capnp::word));
  memcpy(words.begin(), value.begin(), value.size());
  capnp::FlatArrayMessageReader message(words);
  auto next = message.getRoot<persisted::ProducerIdsRecord>().getNext();
  KJ_REQUIRE(next >= 0 && next <= INT64_MAX - ProducerIds::kBlockSize, "producer id record out of range", next);
  return next;
}

}  // namespace

kj::Promise<Result<int64_t>> ProducerIds::next() {
  try {
    while (next_ == end_) {
      if (!underWay_) taking_ = takeBlock().fork();
      co_await taking_.addBranch();
    }
    co_return Result<int64_t>(next_++);
  } catch (const kj::Exception& exception) {
    bool full = exception.getType() == kj::Exception::Type::OVERLOADED;
    co_return Result<int64_t>(makeError(full ? ErrorCode::kStorageError : ErrorCode::kCoordinatorNotAvailable,
                                        "no producer id can be had: ", exception.getDescription(), "; try again"));
  }
}

kj::Promise<void> ProducerIds::takeBlock() {
  // However this ends, the next one who needs a block begins anew.
  underWay_ = true;
  KJ_DEFER(underWay_ = false);
  for (;;) {
    auto stored = co_await store_.get(kj::str(kKey));
    int64_t first = 0;
    Revision changedAt{0};
    KJ_IF_MAYBE(entry, stored) {
      first = decode(entry->value);
      changedAt = entry->changedAt;
    }
    MetadataTransaction transaction;
    transaction.conditions.add(MetadataTransaction::Condition{kj::str(kKey), changedAt});
    transaction.writes.add(MetadataTransaction::Write{kj::str(kKey), encode(first + kBlockSize)});
    auto committed = co_await store_.commit(kj::mv(transaction));
    if (committed == nullptr) continue;
    next_ = first;
    end_ = first + kBlockSize;
    co_return;
  }
}

}  // namespace cambium
