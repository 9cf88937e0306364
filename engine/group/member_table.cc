#include "engine/group/member_table.h"

#include <kj/debug.h>

namespace cambium {

namespace {

size_t bytesOf(const Member& member) {
  size_t bytes = member.id.size() + member.clientId.size() + member.clientHost.size();
  KJ_IF_MAYBE(instance, member.instance) bytes += instance->size();
  for (auto& protocol : member.protocols)
    bytes += protocol.name.size() + protocol.metadata.size();
  return bytes;
}

}  // namespace

kj::Maybe<Member&> MemberTable::find(const std::string& id) {
  auto found = members_.find(id);
  if (found == members_.end()) return nullptr;
  return found->second;
}

kj::Maybe<const Member&> MemberTable::find(const std::string& id) const {
  auto found = members_.find(id);
  if (found == members_.end()) return nullptr;
  return found->second;
}

kj::Maybe<const std::string&> MemberTable::idOfInstance(const std::string& instance) const {
  auto found = instances_.find(instance);
  if (found == instances_.end()) return nullptr;
  return found->second;
}

int32_t MemberTable::rebalanceTimeoutMs() const {
  int32_t longest = 0;
  for (auto& [id, member] : members_)
    longest = kj::max(longest, member.rebalanceTimeoutMs);
  return longest;
}

Member& MemberTable::add(Member member) {
  KJ_IF_MAYBE(instance, member.instance) {
    bool isFree = instances_.emplace(*instance, member.id).second;
    KJ_REQUIRE(isFree, "the static member is there already", instance->c_str());
  }
  if (leader_ == nullptr) leader_ = member.id;
  pending_.erase(member.id);
  std::string id = member.id;
  auto [at, added] = members_.emplace(kj::mv(id), kj::mv(member));
  KJ_REQUIRE(added, "the member is there already", at->first.c_str());
  count(at->second, +1);
  return at->second;
}

void MemberTable::remove(const std::string& id) {
  auto found = members_.find(id);
  if (found == members_.end()) return;
  Member removed = kj::mv(found->second);
  KJ_REQUIRE(removed.joinTicket == nullptr && removed.syncTicket == nullptr, "a member that waits was removed");
  members_.erase(found);
  count(removed, -1);
  if (removed.joined) --joinedCount_;
  KJ_IF_MAYBE(instance, removed.instance) instances_.erase(*instance);
  if (isLeader(removed.id)) {
    leader_ = nullptr;
    if (!members_.empty()) leader_ = members_.begin()->first;
  }
}

Member& MemberTable::rename(const std::string& from, const std::string& to) {
  auto node = members_.extract(from);
  KJ_REQUIRE(!node.empty(), "no such member", from.c_str());
  auto& member = node.mapped();
  KJ_REQUIRE(member.joinTicket == nullptr && member.syncTicket == nullptr, "a member that waits was renamed");
  if (isLeader(member.id)) leader_ = to;
  instances_[KJ_REQUIRE_NONNULL(member.instance, "only a static member gets another id")] = to;
  member.id = to;
  node.key() = to;
  return members_.insert(kj::mv(node)).position->second;
}

void MemberTable::setProtocols(Member& member, kj::Vector<GroupProtocol> protocols) {
  count(member, -1);
  member.protocols = kj::mv(protocols);
  count(member, +1);
}

void MemberTable::count(Member& member, int by) {
  bytes_ -= member.countedBytes;
  member.countedBytes = by > 0 ? bytesOf(member) : 0;
  bytes_ += member.countedBytes;
  for (auto& protocol : member.protocols) {
    auto at = offered_.emplace(protocol.name, 0).first;
    at->second += static_cast<size_t>(by);  // -1 wraps to one less
    if (at->second == 0) offered_.erase(at);
  }
}

bool MemberTable::isLeader(const std::string& id) const {
  KJ_IF_MAYBE(leader, leader_) return *leader == id;
  return false;
}

void MemberTable::setLeader(const std::string& id) {
  KJ_REQUIRE(members_.count(id) == 1, "the leader is no member", id.c_str());
  leader_ = id;
}

bool MemberTable::electLeader() {
  kj::Maybe<const Member&> joined;
  kj::Maybe<const Member&> answerable;
  auto consider = [&](const Member& member) {
    if (member.joined && joined == nullptr) joined = member;
    if (member.joined && member.joinTicket != nullptr && answerable == nullptr) answerable = member;
  };
  KJ_IF_MAYBE(leader, leader_) consider(members_.at(*leader));
  for (auto& [id, member] : members_) {
    if (answerable != nullptr) break;
    consider(member);
  }
  KJ_IF_MAYBE(member, answerable) {
    leader_ = member->id;
  } else KJ_IF_MAYBE(member, joined) {
    leader_ = member->id;
  } else {
    return false;
  }
  return true;
}

bool MemberTable::supportsAny(const kj::Vector<GroupProtocol>& protocols) const {
  for (auto& protocol : protocols) {
    auto found = offered_.find(protocol.name);
    size_t supporters = found == offered_.end() ? 0 : found->second;
    if (supporters == members_.size()) return true;
  }
  return false;
}

std::string MemberTable::selectProtocol() const {
  std::map<std::string, size_t> votes;
  for (auto& [id, member] : members_) {
    for (auto& protocol : member.protocols) {
      if (offered_.at(protocol.name) == members_.size()) {
        ++votes[protocol.name];
        break;
      }
    }
  }
  KJ_REQUIRE(!votes.empty(), "the members have no protocol in common");
  auto best = votes.begin();
  for (auto at = votes.begin(); at != votes.end(); ++at) {
    if (at->second > best->second) best = at;
  }
  return best->first;
}

void MemberTable::useTicket(Ticket ticket, const Member& member) {
  bool isFree = tickets_.emplace(ticket, member.id).second;
  KJ_REQUIRE(isFree, "the ticket is waiting already", ticket);
}

void MemberTable::awaitJoin(Member& member, Ticket ticket) {
  KJ_REQUIRE(member.joinTicket == nullptr, "the member waits already", member.id.c_str());
  useTicket(ticket, member);
  member.joinTicket = ticket;
  if (!member.joined) ++joinedCount_;
  member.joined = true;
}

void MemberTable::awaitSync(Member& member, Ticket ticket) {
  KJ_REQUIRE(member.syncTicket == nullptr, "the member waits already", member.id.c_str());
  useTicket(ticket, member);
  member.syncTicket = ticket;
}

kj::Maybe<Ticket> MemberTable::freeTicket(kj::Maybe<Ticket>& held) {
  kj::Maybe<Ticket> freed = held;
  KJ_IF_MAYBE(ticket, freed) tickets_.erase(*ticket);
  held = nullptr;
  return freed;
}

kj::Maybe<Ticket> MemberTable::endJoin(Member& member) {
  if (member.joined) --joinedCount_;
  member.joined = false;
  return freeTicket(member.joinTicket);
}

kj::Maybe<Ticket> MemberTable::endSync(Member& member) {
  return freeTicket(member.syncTicket);
}

kj::Maybe<Member&> MemberTable::forget(Ticket ticket) {
  auto found = tickets_.find(ticket);
  if (found == tickets_.end()) return nullptr;
  auto& member = members_.at(found->second);
  tickets_.erase(found);
  auto release = [&](kj::Maybe<Ticket>& held) {
    KJ_IF_MAYBE(h, held) {
      if (*h == ticket) held = nullptr;
    }
  };
  release(member.joinTicket);
  release(member.syncTicket);
  return member;
}

void MemberTable::addPending(std::string id, SteadyMs until) {
  KJ_REQUIRE(members_.count(id) == 0, "a member cannot be pending", id.c_str());
  pending_.insert_or_assign(kj::mv(id), until);
}

}  // namespace cambium
