#include "server/rpc/session.h"

#include "engine/base/coroutine.h"

namespace cambium {

kj::Promise<BudgetedRead> Session::read(PartitionKey key, ReadWish wish) {
  if (wish.waitMsMax > 0) {
    // A long poll reserves nothing while it waits: others would wait with it.
    {
      auto turn = co_await answers.share(Bytes(0));
    }
    auto outcome = co_await broker.read(key, wish);
    KJ_IF_MAYBE(share, answers.trySharing(Bytes(outcome.ok() ? outcome.value().batches.size() : 0))) {
      co_return BudgetedRead{kj::mv(outcome), kj::mv(*share)};
    }
    // Others were quicker. It is there, but it is not held while it cannot leave.
    wish.waitMsMax = 0;
  }
  wish.bytesMax = answers.moderate(wish.bytesMax);
  auto share = co_await answers.share(wish.bytesMax);
  auto outcome = co_await broker.read(key, wish);
  co_return BudgetedRead{kj::mv(outcome), kj::mv(share)};
}

}  // namespace cambium
