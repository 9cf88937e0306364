#pragma once

#include <map>
#include <unordered_map>

#include "engine/group/member.h"

namespace cambium {

// The members of one group: who they are, what they offer, who leads, who waits under which ticket; and the ids that
// were given out but have not joined yet. Bookkeeping only: the rules are Group's. A Member& stays good until that
// member is removed or renamed.
class MemberTable {
 public:
  MemberTable() = default;
  KJ_DISALLOW_COPY(MemberTable);

  size_t size() const { return members_.size(); }
  size_t joinedCount() const { return joinedCount_; }
  // Of ids, protocols and their metadata, of all members.
  size_t bytes() const { return bytes_; }
  // Nobody is missing for the next generation, neither a member nor an id that was given out. True of an empty group.
  bool allJoined() const { return joinedCount_ == members_.size() && pending_.empty(); }
  // By id.
  const std::map<std::string, Member>& all() const { return members_; }
  std::map<std::string, Member>& all() { return members_; }
  kj::Maybe<Member&> find(const std::string& id);
  kj::Maybe<const Member&> find(const std::string& id) const;
  // The id of the member that a static instance has now.
  kj::Maybe<const std::string&> idOfInstance(const std::string& instance) const;
  // The largest of all members; 0 without members.
  int32_t rebalanceTimeoutMs() const;

  // The first member leads. Neither its id nor its instance may be there.
  Member& add(Member member);
  // Nothing happens when there is no such member. It must not wait. Another takes over the lead.
  void remove(const std::string& id);
  // A static member starts anew under another id, with everything but its session. It must not wait.
  Member& rename(const std::string& from, const std::string& to);
  void setProtocols(Member& member, kj::Vector<GroupProtocol> protocols);

  // Null without members.
  const kj::Maybe<std::string>& leader() const { return leader_; }
  bool isLeader(const std::string& id) const;
  // Takes the lead as it was written; `id` is a member.
  void setLeader(const std::string& id);
  // The leader of the next generation: the present one when it has joined and can be answered, or else one who has and
  // can, or else one who has joined. False when nobody has joined.
  bool electLeader();

  // Whether everybody who is there offers one of these; without members one is enough.
  bool supportsAny(const kj::Vector<GroupProtocol>& protocols) const;
  // Of the protocols that everybody offers, the one that most members put first; of several the first by name. There
  // are members.
  std::string selectProtocol() const;

  // The ticket must be free; the member must not wait for the same.
  void awaitJoin(Member& member, Ticket ticket);
  void awaitSync(Member& member, Ticket ticket);
  // The member has not joined any more; the ticket to answer, if one waits.
  kj::Maybe<Ticket> endJoin(Member& member);
  kj::Maybe<Ticket> endSync(Member& member);
  // Nobody waits under the ticket any more; a member that joined has still joined. Null when nobody did.
  kj::Maybe<Member&> forget(Ticket ticket);

  void addPending(std::string id, SteadyMs until);
  bool isPending(const std::string& id) const { return pending_.count(id) > 0; }
  void removePending(const std::string& id) { pending_.erase(id); }
  const std::map<std::string, SteadyMs>& pending() const { return pending_; }

 private:
  void count(Member& member, int by);
  void useTicket(Ticket ticket, const Member& member);
  kj::Maybe<Ticket> freeTicket(kj::Maybe<Ticket>& held);

  std::map<std::string, Member> members_;
  std::unordered_map<std::string, std::string> instances_;  // to member ids
  std::unordered_map<Ticket, std::string> tickets_;         // to member ids
  std::map<std::string, size_t> offered_;                   // protocol names, to how many members offer them
  std::map<std::string, SteadyMs> pending_;                 // ids given out, to when they lapse
  kj::Maybe<std::string> leader_;
  size_t joinedCount_ = 0;
  size_t bytes_ = 0;
};

}  // namespace cambium
