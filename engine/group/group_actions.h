#pragma once

#include <kj/one-of.h>
#include <kj/vector.h>

#include "engine/group/group_messages.h"
#include "engine/group/group_metadata.h"

// What a group asks of whoever keeps it, in the order in which it is to happen.

namespace cambium {

// Names a join or a sync whose answer is due; given by the caller, unique in a group while unanswered.
using Ticket = uint64_t;
// Names a write that a group asked for; unique in a group.
using PersistToken = uint64_t;

struct AnswerJoin {
  Ticket ticket;
  JoinGroupAnswer answer;
};

struct AnswerSync {
  Ticket ticket;
  SyncGroupAnswer answer;
};

// Write `metadata`, then call Group::persisted with the token and how it went. Several may be under way; the writes
// keep their order.
struct Persist {
  PersistToken token;
  GroupMetadata metadata;
};

using GroupAction = kj::OneOf<AnswerJoin, AnswerSync, Persist>;
using GroupActions = kj::Vector<GroupAction>;

}  // namespace cambium
