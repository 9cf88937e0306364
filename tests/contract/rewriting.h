#pragma once

#include <functional>

#include "engine/record/batch_view.h"
#include "engine/storage/partition_log.h"

namespace cambium {

// What compaction makes of a batch: leaves it, leaves a part of its records, or none of them.
enum class Fate { kKeep, kShrink, kDrop };

using FateOf = std::function<Fate(const BatchView& batch)>;

// The batches as compaction would leave them: shrunk ones keep their offsets, runs of dropped ones become one empty
// batch each.
kj::Array<kj::byte> compacted(ByteView batches, const FateOf& fateOf);

// All of a rewrite's batches, read in pieces.
kj::Array<kj::byte> readAll(ExtentRewrite& rewrite, Bytes piece = Bytes(1000));
// Writes batches in pieces of at least one batch, at most `piece` bytes.
void writeAll(ExtentRewrite& rewrite, ByteView batches, Bytes piece = Bytes(1000));
// Reads, compacts, writes and finishes; returns what was written.
kj::Array<kj::byte> runRewrite(ExtentRewrite& rewrite, const FateOf& fateOf);

}  // namespace cambium
