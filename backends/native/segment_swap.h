#pragma once

#include "backends/native/log_state.h"

namespace cambium {

// What of a log's files takes part in replacing segments by one that was rewritten. Kafka's names, so that its own
// recovery would do the same:
//
//     00000000000000000100.log.3.cleaned   being written, or not put in place yet: removed at the next opening
//     00000000000000000100.log.swap        takes the place of all segments from 100 to its last offset
//
// and so for both indexes. The steps, each durable before the next:
//
//     1. the ".cleaned" files are synced;
//     2. they are renamed to ".swap": from here on recovery goes on to the end, before only back;
//     3. the log's state lists the new segment in place of the old ones;
//     4. the old segments' files are removed, the indexes renamed to their final names;
//     5. the ".log.swap" file is renamed to its final name.
inline constexpr kj::StringPtr kCleanedSuffix = ".cleaned"_kj;
inline constexpr kj::StringPtr kSwapSuffix = ".swap"_kj;

// Step 2. `cleaned` is what the names of the files end with, for example ".3.cleaned".
void announceSwap(LogFolder& folder, Offset base, kj::StringPtr cleaned);
// Steps 4 and 5. `replaced` are the bases of the old segments.
void completeSwap(LogFolder& folder, Offset base, kj::ArrayPtr<const Offset> replaced);

// True when files of a swap that was interrupted are among those of a folder.
bool holdsSwap(kj::ArrayPtr<const FileSystem::Entry> entries);
// Removes what rewrites left that were not finished.
void removeCleaned(LogFolder& folder, kj::ArrayPtr<const FileSystem::Entry> entries);

// Finishes or takes back what was interrupted, before anything else looks at the log's segments. Changes `known`, the
// state that they will be held against, to what lists the new segment, and writes it, as of `session`, before the
// ".swap" files are gone; when nothing is known (`isKnown` false), nothing is written. Reads the new segment, checksum
// by checksum, before anything is removed for its sake. Throws, changing nothing, when that is not sound, or does not
// end where another segment begins. True when something was changed.
bool recoverSwaps(LogFolder& folder, LogState& known, bool isKnown, uint64_t session);

}  // namespace cambium
