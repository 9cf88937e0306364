#pragma once

#include <kj/function.h>

#include "engine/base/byte_cursor.h"

namespace cambium::rocks {

// A power loss may leave sectors of what was written last, and not synced, unwritten: they read as zeros, and what was
// written behind them may be there. The library calls that damage, because it may as well be damage of what was synced.
// The two are told apart as for the native engine's table journal: a record of which a part up to the end of a disk
// sector is nothing but zeros was never written.
//
// Where the records of a write-ahead log file stop being sound, when that is at such a record; null when all are sound
// or what stops them is anything else. Manifests have the same format. (Format: "Write Ahead Log File Format" of the
// library's wiki; blocks of 32 KiB with records of checksum, length, type.)
kj::Maybe<size_t> findUnwritten(ByteView file);

// Where the first record begins that is not sound; null when all are. `file` may also be a part of one that begins
// where a block does.
kj::Maybe<size_t> findUnsound(ByteView file);

// Visits what was written, in order, up to the first record that is not sound.
void forEachRecord(ByteView file, kj::FunctionParam<void(ByteView)> visit);

// How many sound records begin behind `position`, wherever they begin.
size_t countSoundRecords(ByteView file, size_t position);

}  // namespace cambium::rocks
