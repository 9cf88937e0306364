#pragma once

#include <algorithm>
#include <deque>
#include <gtest/gtest.h>
#include <map>
#include <vector>

#include <kj/debug.h>

#include "engine/group/group.h"

namespace cambium {

// Every id differs from the others, in the same way in every run.
class CountingEntropy final : public Entropy {
 public:
  void generate(kj::ArrayPtr<kj::byte> buffer) const override {
    ++next_;
    for (size_t i = 0; i < buffer.size(); ++i)
      buffer[i] = static_cast<kj::byte>(i < 4 ? next_ >> (8 * (3 - i)) : 0);
  }

 private:
  mutable uint32_t next_ = 0;
};

inline kj::Array<const kj::byte> bytesOf(const std::string& text) {
  return kj::heapArray<kj::byte>(reinterpret_cast<const kj::byte*>(text.data()), text.size());
}
inline std::string textOf(ByteView bytes) {
  return std::string(reinterpret_cast<const char*>(bytes.begin()), bytes.size());
}
inline std::string textOf(const kj::Maybe<std::string>& text) {
  return text.orDefault("(null)");
}
inline ErrorCode codeOf(const kj::Maybe<Error>& error) {
  return KJ_REQUIRE_NONNULL(error, "there is no error").code;
}
inline ErrorCode codeOf(const Result<void>& result) {
  return result.error().code;
}

// What a client puts into its join.
struct Joiner {
  std::string member{};
  std::string instance{};  // empty: dynamic
  std::vector<std::pair<std::string, std::string>> protocols = {{"range", "topics"}};
  std::string type = "consumer";
  int32_t sessionMs = 10'000;
  int32_t rebalanceMs = 60'000;
  bool idRequired = false;
  bool canSkip = false;
  std::string clientId = "client";
};

// A group under virtual time. Answers are kept by ticket; writes wait until the test says how they went.
class GroupTest : public ::testing::Test {
 protected:
  ~GroupTest() noexcept override = default;

  Group& group() {
    if (group_.get() == nullptr) group_ = kj::heap<Group>("g", config, entropy, now);
    return *group_;
  }
  // The group as a broker finds it that starts with what this one would write.
  void restart() {
    auto metadata = group().toMetadata();
    group_ = kj::heap<Group>("g", config, entropy, kj::mv(metadata), now);
    writes.clear();
  }

  Ticket join(const Joiner& joiner) {
    JoinGroupRequest request{.who = who(joiner.member, -1, joiner.instance),
                             .clientId = joiner.clientId,
                             .clientHost = "/127.0.0.1",
                             .protocolType = joiner.type,
                             .protocols = {},
                             .sessionTimeoutMs = joiner.sessionMs,
                             .rebalanceTimeoutMs = joiner.rebalanceMs,
                             .memberIdRequired = joiner.idRequired,
                             .canSkipAssignment = joiner.canSkip};
    for (auto& [name, metadata] : joiner.protocols)
      request.protocols.add(GroupProtocol{name, bytesOf(metadata)});
    GroupActions actions;
    group().join(kj::mv(request), ++lastTicket, now, actions);
    take(actions);
    return lastTicket;
  }
  Ticket sync(const std::string& member, int32_t generation, const std::map<std::string, std::string>& assignments = {},
              const std::string& instance = "", kj::Maybe<std::string> type = nullptr,
              kj::Maybe<std::string> protocol = nullptr) {
    SyncGroupRequest request{.who = who(member, generation, instance),
                             .protocolType = kj::mv(type),
                             .protocol = kj::mv(protocol),
                             .assignments = {}};
    for (auto& [to, assignment] : assignments)
      request.assignments.add(MemberAssignment{to, bytesOf(assignment)});
    GroupActions actions;
    group().sync(kj::mv(request), ++lastTicket, now, actions);
    take(actions);
    return lastTicket;
  }
  Result<void> heartbeat(const std::string& member, int32_t generation, const std::string& instance = "") {
    return group().heartbeat(who(member, generation, instance), now);
  }
  // One error, or "none", for each (member, instance).
  std::vector<std::string> leave(const std::vector<std::pair<std::string, std::string>>& leavers) {
    LeaveGroupRequest request{.group = "g", .members = {}};
    for (auto& [member, instance] : leavers)
      request.members.add(LeaveGroupRequest::Leaver{member, maybe(instance)});
    GroupActions actions;
    auto answer = group().leave(request, now, actions);
    take(actions);
    EXPECT_TRUE(answer.error == nullptr);
    std::vector<std::string> errors;
    for (auto& error : answer.perMember) {
      KJ_IF_MAYBE(e, error) {
        errors.push_back(errorName(e->code).cStr());
      } else {
        errors.push_back("none");
      }
    }
    return errors;
  }
  void endWrite(Result<void> written = Result<void>()) {
    ASSERT_FALSE(writes.empty());
    auto token = writes.front().token;
    writes.pop_front();
    GroupActions actions;
    group().persisted(token, kj::mv(written), now, actions);
    take(actions);
  }
  Result<void> commit(const std::string& member, int32_t generation, const std::string& instance = "") {
    return group().checkCommit(who(member, generation, instance), now);
  }
  void cancel(Ticket ticket) { group().cancelPending(ticket, now); }
  void tick() {
    GroupActions actions;
    group().tick(now, actions);
    take(actions);
  }
  // Time passes; the group is called when it wants to be.
  void advance(int64_t ms) {
    SteadyMs until = now.steady + ms;
    for (int calls = 0;; ++calls) {
      ASSERT_LT(calls, 10'000) << "the group asks to be called without end";
      KJ_IF_MAYBE(next, group().nextDeadline()) {
        if (*next <= until) {
          moveTo(kj::max(*next, now.steady));
          tick();
          continue;
        }
      }
      break;
    }
    moveTo(until);
  }

  // Members that joined together and are stable, the leader first; each was assigned "for " and its id.
  std::vector<std::string> makeStable(std::vector<Joiner> joiners) {
    std::vector<Ticket> tickets;
    for (auto& joiner : joiners)
      tickets.push_back(join(joiner));
    advance(config.initialRebalanceDelayMs * 2);
    std::vector<std::string> ids;
    for (auto ticket : tickets)
      ids.push_back(joined(ticket).member);
    std::swap(ids[0], *std::find(ids.begin(), ids.end(), joined(tickets[0]).leader));
    syncAll(ids);
    return ids;
  }
  // The first is the leader.
  void syncAll(const std::vector<std::string>& ids) {
    std::map<std::string, std::string> assignments;
    for (auto& id : ids)
      assignments[id] = "for " + id;
    for (auto& id : ids)
      sync(id, group().generation(), id == ids[0] ? assignments : std::map<std::string, std::string>());
    endWrite();
    EXPECT_EQ(group().state(), GroupState::kStable);
  }

  bool isJoined(Ticket ticket) const { return joins.count(ticket) > 0; }
  const JoinGroupAnswer& joined(Ticket ticket) const { return joins.at(ticket); }
  bool isSynced(Ticket ticket) const { return syncs.count(ticket) > 0; }
  const SyncGroupAnswer& synced(Ticket ticket) const { return syncs.at(ticket); }
  bool hasMember(const std::string& id) {
    for (auto& member : group().toMetadata().members) {
      if (member.member == id) return true;
    }
    return false;
  }

  static kj::Maybe<std::string> maybe(const std::string& text) {
    if (text.empty()) return nullptr;
    return text;
  }
  static MemberIdentity who(const std::string& member, int32_t generation, const std::string& instance = "") {
    return MemberIdentity{.group = "g", .member = member, .instance = maybe(instance), .generation = generation};
  }
  void moveTo(SteadyMs steady) {
    now.wall += steady - now.steady;
    now.steady = steady;
  }
  void take(GroupActions& actions) {
    for (auto& action : actions) {
      KJ_SWITCH_ONEOF(action) {
        KJ_CASE_ONEOF(answer, AnswerJoin) {
          EXPECT_TRUE(joins.emplace(answer.ticket, kj::mv(answer.answer)).second) << "answered twice";
        }
        KJ_CASE_ONEOF(answer, AnswerSync) {
          EXPECT_TRUE(syncs.emplace(answer.ticket, kj::mv(answer.answer)).second) << "answered twice";
        }
        KJ_CASE_ONEOF(persist, Persist) {
          writes.push_back(kj::mv(persist));
        }
      }
    }
  }

  GroupConfig config;
  CountingEntropy entropy;
  Moment now{SteadyMs(1'000'000), TimestampMs(1'700'000'000'000)};
  Ticket lastTicket = 0;
  std::map<Ticket, JoinGroupAnswer> joins;
  std::map<Ticket, SyncGroupAnswer> syncs;
  std::deque<Persist> writes;

 private:
  kj::Own<Group> group_;
};

}  // namespace cambium
