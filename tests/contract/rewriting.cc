#include "tests/contract/rewriting.h"

#include <kj/debug.h>

#include "tests/support/batches.h"

namespace cambium {

kj::Array<kj::byte> compacted(ByteView batches, const FateOf& fateOf) {
  kj::Vector<kj::byte> out;
  Offset dropped = kNoOffset;  // where the run of dropped batches begins
  BatchIterator iterator(batches);
  auto endRun = [&](Offset end) {
    if (dropped != kNoOffset) out.addAll(makeEmptyBatch(dropped, end - dropped));
    dropped = kNoOffset;
  };
  Offset end = kNoOffset;
  while (auto* batch = iterator.next()) {
    auto fate = fateOf(*batch);
    end = batch->nextOffset();
    if (fate == Fate::kDrop) {
      if (dropped == kNoOffset) dropped = batch->baseOffset();
      continue;
    }
    endRun(batch->baseOffset());
    if (fate == Fate::kKeep) {
      out.addAll(batch->bytes());
    } else {
      out.addAll(makeBatch(batch->baseOffset(), batch->lastOffsetDelta() + 1, batch->maxTimestamp(),
                           batch->payload().size() / 2, static_cast<uint64_t>(end.value())));
    }
  }
  KJ_REQUIRE(iterator.rest().size() == 0);
  endRun(end);
  return out.releaseAsArray();
}

kj::Array<kj::byte> readAll(ExtentRewrite& rewrite, Bytes piece) {
  kj::Vector<kj::byte> all;
  for (;;) {
    auto batches = rewrite.read(piece);
    if (batches.size() == 0) return all.releaseAsArray();
    all.addAll(batches);
  }
}

void writeAll(ExtentRewrite& rewrite, ByteView batches, Bytes piece) {
  while (batches.size() > 0) {
    size_t size = 0;
    BatchIterator iterator(batches);
    while (auto* batch = iterator.next()) {
      if (size > 0 && size + batch->size() > piece.value()) break;
      size += batch->size();
    }
    KJ_REQUIRE(size > 0);
    rewrite.write(batches.slice(0, size));
    batches = batches.slice(size, batches.size());
  }
}

kj::Array<kj::byte> runRewrite(ExtentRewrite& rewrite, const FateOf& fateOf) {
  auto batches = compacted(readAll(rewrite), fateOf);
  writeAll(rewrite, batches);
  rewrite.finish();
  return batches;
}

}  // namespace cambium
