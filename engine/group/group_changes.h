#pragma once

#include "engine/group/group_messages.h"

// What one write to the internal topic says.

namespace cambium {

struct OffsetChange {
  OffsetKey key;
  kj::Maybe<CommittedOffset> offset;  // null: forget it
};

struct GroupChange {
  std::string group;
  kj::Maybe<kj::Array<const kj::byte>> value;  // GroupMetadata as encodeGroupRecordValue writes it; null: forget it
};

struct GroupChanges {
  kj::Vector<OffsetChange> offsets;
  kj::Vector<GroupChange> groups;

  bool empty() const { return offsets.size() == 0 && groups.size() == 0; }
};

}  // namespace cambium
