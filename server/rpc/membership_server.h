#pragma once

#include "engine/base/bell.h"
#include "schema/cambium.capnp.h"
#include "server/rpc/group_member.h"
#include "server/rpc/group_reader.h"

namespace cambium {

// rpc::Membership: a client's place in a group. Dropping it leaves the group.
class MembershipServer final : public rpc::Membership::Server, private GroupMember::Owner {
 public:
  struct Options {
    GroupMember::Options member;
    bool asBatches;
    bool startAtEnd;
    Bytes bytesPerPush;
  };

  MembershipServer(kj::Own<Session> session, Options options, kj::Maybe<rpc::AssignmentListener::Client> listener,
                   kj::Maybe<rpc::RecordSink::Client> sink);

 protected:
  kj::Promise<void> assignment(AssignmentContext context) override;
  kj::Promise<void> poll(PollContext context) override;
  kj::Promise<void> commit(CommitContext context) override;

 private:
  kj::Promise<void> revoked() override;
  kj::Promise<void> assigned(int32_t generation, std::vector<GroupPartition> partitions) override;
  void ended(Error error) override;

  // Into the client's sink, for ever.
  kj::Promise<void> pushAll();
  kj::Promise<void> push(GroupReader::Piece& piece);
  // As many of a round's pieces as one message takes.
  void writeDeliveries(PollContext& context, GroupReader::Round& round);
  void writeAssignment(rpc::GroupAssignment::Builder builder) const;
  bool isSettled() const { return ending_ != nullptr || reader_.isReading(); }

  SessionHold session_;
  const bool asBatches_;
  const Bytes bytesPerPush_;
  kj::Maybe<rpc::AssignmentListener::Client> listener_;  // null also once the membership has ended
  kj::Maybe<rpc::RecordSink::Client> sink_;              // the same
  const bool pushes_;
  GroupReader reader_;
  int32_t generation_ = -1;
  kj::Maybe<Error> ending_;
  Bell changed_;  // assigned, or ended
  bool polling_ = false;
  kj::Promise<void> telling_ = kj::READY_NOW;  // the listener
  kj::Promise<void> pushing_ = kj::READY_NOW;
  kj::Own<GroupMember> member_;  // last: calls back; null once the sink has failed
};

}  // namespace cambium
