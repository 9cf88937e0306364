#include "server/rpc/membership_server.h"

#include "server/rpc/error_mapping.h"
#include "server/rpc/group_server.h"
#include "server/rpc/record_writer.h"

namespace cambium {

namespace {

// What one answer holds; the largest message that a reader of Cap'n Proto takes by default has 8 Mi words.
constexpr uint64_t kAnswerWordsMax = uint64_t{4} << 20;
constexpr Offset kNoEnd(INT64_MAX);

// Records, or batches, of one partition on their way into a message.
struct Parcel {
  GroupReader::Place* place;
  kj::Array<const kj::byte> batches;    // when they go as they are
  kj::Maybe<DecodedRecords> records{};  // when they go as records
  kj::Maybe<Error> error{};
  Offset highWatermark = kNoOffset;
  Offset next = kNoOffset;

  uint64_t words() const {
    KJ_IF_MAYBE(decoded, records) return decoded->wordsHint();
    return batches.size() / sizeof(capnp::word) + 32;
  }
};

Parcel pack(GroupReader::Piece& piece, bool asBatches) {
  Parcel parcel{.place = piece.place, .batches = nullptr};
  parcel.next = piece.place->next;
  if (!piece.outcome.ok()) {
    parcel.error = piece.outcome.error().clone();
    return parcel;
  }
  auto& read = piece.outcome.value();
  parcel.highWatermark = read.highWatermark;
  if (asBatches) {
    parcel.next = read.nextOffset;
    parcel.batches = kj::mv(read.batches);
    return parcel;
  }
  auto decoded = DecodedRecords::decode(read.batches, piece.place->next, kNoEnd);
  if (decoded.ok()) {
    parcel.next = decoded.value().nextOffset();
    parcel.records = kj::mv(decoded.value());
  } else {
    // It would be read again and again.
    piece.place->failure = decoded.error().clone();
    piece.place->told = true;
    parcel.error = kj::mv(decoded.error());
  }
  return parcel;
}

// Moves the place on.
void write(rpc::Delivery::Builder delivery, const Parcel& parcel, int32_t generation) {
  auto& partition = parcel.place->partition;
  delivery.setTopic(partition.topic.c_str());
  delivery.setPartition(partition.partition);
  delivery.setGeneration(generation);
  delivery.setHighWatermark(parcel.highWatermark.value());
  delivery.setNextOffset(parcel.next.value());
  KJ_IF_MAYBE(error, parcel.error) writeError(delivery.initError(), *error);
  KJ_IF_MAYBE(records, parcel.records) {
    records->write(delivery.initRecords(static_cast<unsigned>(records->count())));
  } else {
    delivery.setBatches(parcel.batches);
  }
  parcel.place->next = parcel.next;
}

}  // namespace

MembershipServer::MembershipServer(kj::Own<Session> session, Options options,
                                   kj::Maybe<rpc::AssignmentListener::Client> listener,
                                   kj::Maybe<rpc::RecordSink::Client> sink)
    : session_(kj::mv(session), SessionHold::kStanding),
      asBatches_(options.asBatches),
      bytesPerPush_(options.bytesPerPush),
      listener_(kj::mv(listener)),
      sink_(kj::mv(sink)),
      pushes_(sink_ != nullptr),
      reader_(*session_, options.member.group, options.startAtEnd),
      member_(kj::heap<GroupMember>(*session_, kj::mv(options.member), static_cast<GroupMember::Owner&>(*this))) {
  if (!pushes_) return;
  pushing_ = kj::evalLater([this] { return pushAll(); }).eagerlyEvaluate([this](kj::Exception&& e) {
    // Nobody takes what this member is given: others shall have it.
    member_ = nullptr;
    sink_ = nullptr;
    if (ending_ == nullptr) ended(makeError(ErrorCode::kUnknown, "the member's sink failed: ", e.getDescription()));
  });
}

// --- What the member hears
// ----------------------------------------------------------------------------------------------------

kj::Promise<void> MembershipServer::revoked() {
  auto had = kj::heapArrayBuilder<const GroupReader::Place*>(reader_.places().size());
  for (auto& place : reader_.places())
    had.add(&place);
  reader_.stop();
  KJ_IF_MAYBE(listener, listener_) {
    auto request = listener->revokedRequest();
    request.setGeneration(generation_);
    auto list = request.initPartitions(static_cast<unsigned>(had.size()));
    for (unsigned i = 0; i < list.size(); ++i) {
      list[i].setTopic(had[i]->partition.topic.c_str());
      list[i].setPartition(had[i]->partition.partition);
    }
    // A client whose listener fails has nothing more to say.
    return request.send().ignoreResult().catch_([](kj::Exception&&) {});
  }
  return kj::READY_NOW;
}

kj::Promise<void> MembershipServer::assigned(int32_t generation, std::vector<GroupPartition> partitions) {
  co_await reader_.assign(kj::mv(partitions));
  generation_ = generation;
  changed_.ring();
  KJ_IF_MAYBE(listener, listener_) {
    auto request = listener->assignedRequest();
    writeAssignment(request.initAssignment());
    // Deliveries may follow before it returns: they are behind it on the wire.
    telling_ = request.send().eagerlyEvaluate([](kj::Exception&&) {});
  }
}

void MembershipServer::ended(Error error) {
  reader_.stop();
  KJ_IF_MAYBE(listener, listener_) {
    auto request = listener->endedRequest();
    writeError(request.initError(), error);
    telling_ = request.send().ignoreResult().eagerlyEvaluate([](kj::Exception&&) {});
  }
  KJ_IF_MAYBE(sink, sink_) {
    auto request = sink->doneRequest();
    writeError(request.initError(), error);
    session_->runInBackground(request.send().ignoreResult().catch_([](kj::Exception&&) {}));
  }
  ending_ = kj::mv(error);
  // They may hold what holds this membership.
  listener_ = nullptr;
  changed_.ring();
}

void MembershipServer::writeAssignment(rpc::GroupAssignment::Builder builder) const {
  builder.setGeneration(generation_);
  auto places = reader_.places();
  auto list = builder.initPartitions(static_cast<unsigned>(places.size()));
  for (unsigned i = 0; i < list.size(); ++i) {
    list[i].setTopic(places[i].partition.topic.c_str());
    list[i].setPartition(places[i].partition.partition);
    list[i].setOffset(places[i].next.value());
  }
}

// --- What the client asks
// ----------------------------------------------------------------------------------------------------

kj::Promise<void> MembershipServer::assignment(AssignmentContext context) {
  context.allowCancellation();
  auto& timer = session_->broker.loop().timer;
  auto wait = kj::min(int64_t{context.getParams().getWaitMsMax()}, session_->limits.waitMsMax);
  auto deadline = timer.now() + wait * kj::MILLISECONDS;
  auto known = context.getParams().getKnownGeneration();
  while ((!isSettled() || (ending_ == nullptr && generation_ == known)) && timer.now() < deadline)
    co_await changed_.wait().exclusiveJoin(timer.atTime(deadline));
  KJ_IF_MAYBE(error, ending_) {
    writeError(context.getResults().initError(), *error);
    co_return;
  }
  writeAssignment(context.getResults().initAssignment());
}

kj::Promise<void> MembershipServer::poll(PollContext context) {
  context.allowCancellation();
  if (pushes_ || polling_) {
    writeError(context.getResults(kSmallResults).initError(),
               makeError(ErrorCode::kInvalidRequest, pushes_ ? "this member gets its records pushed into its sink"
                                                             : "this member polls already; one poll at a time"));
    co_return;
  }
  polling_ = true;
  KJ_DEFER(polling_ = false);
  auto& timer = session_->broker.loop().timer;
  auto bytes = kj::min(Bytes(context.getParams().getBytesMax()), session_->limits.readBytesMax);
  auto wait = kj::min(int64_t{context.getParams().getWaitMsMax()}, session_->limits.waitMsMax);
  auto deadline = timer.now() + wait * kj::MILLISECONDS;
  for (;;) {
    if (ending_ == nullptr && reader_.isReading()) {
      auto left = millisecondsUntil(deadline, timer.now());
      auto round = co_await reader_.read(bytes, left);
      if (!round.pieces.empty()) {
        writeDeliveries(context, round);
        co_return;
      }
    }
    KJ_IF_MAYBE(error, ending_) {
      writeError(context.getResults(kSmallResults).initError(), *error);
      co_return;
    }
    if (timer.now() >= deadline) co_return;
    if (!reader_.isReading()) co_await changed_.wait().exclusiveJoin(timer.atTime(deadline));
  }
}

void MembershipServer::writeDeliveries(PollContext& context, GroupReader::Round& round) {
  kj::Vector<Parcel> parcels;
  uint64_t words = 0;
  for (auto& piece : round.pieces) {
    auto parcel = pack(piece, asBatches_);
    // The rest is read again.
    if (!parcels.empty() && words + parcel.words() > kAnswerWordsMax) break;
    words += parcel.words();
    parcels.add(kj::mv(parcel));
  }
  auto list = context.getResults(capnp::MessageSize{words + 32 * parcels.size(), 0})
                  .initDeliveries(static_cast<unsigned>(parcels.size()));
  for (unsigned i = 0; i < list.size(); ++i)
    write(list[i], parcels[i], generation_);
  round.share.answered(words * sizeof(capnp::word));
}

kj::Promise<void> MembershipServer::commit(CommitContext context) {
  WorkInFlight::Lease lease(session_->work);
  auto offsets = offsetsToCommit(*session_, context.getParams().getOffsets());
  if (!offsets.ok()) {
    writeError(context.getResults(kSmallResults).initError(), offsets.error());
    co_return;
  }
  KJ_IF_MAYBE(error, ending_) {
    writeError(context.getResults(kSmallResults).initError(), *error);
    co_return;
  }
  auto answers = co_await member_->commit(context.getParams().getGeneration(), kj::mv(offsets.value()));
  writeFirstError(context.getResults(kSmallResults), answers);
}

// --- Pushing
// ----------------------------------------------------------------------------------------------------

kj::Promise<void> MembershipServer::pushAll() {
  while (ending_ == nullptr) {
    if (!reader_.isReading()) {
      co_await changed_.wait();
      continue;
    }
    auto epoch = reader_.epoch();
    auto round = co_await reader_.read(bytesPerPush_, session_->limits.waitMsMax);
    for (auto& piece : round.pieces) {
      if (epoch != reader_.epoch()) break;
      co_await push(piece);
    }
  }
}

kj::Promise<void> MembershipServer::push(GroupReader::Piece& piece) {
  auto parcel = pack(piece, asBatches_);
  auto request = KJ_ASSERT_NONNULL(sink_).pushRequest(capnp::MessageSize{parcel.words() + 32, 0});
  write(request.initDelivery(), parcel, generation_);
  // What the round reserved is given back with the round; this is on its way now.
  AnswerBudget::Share(session_->answers, 0).answered(parcel.words() * sizeof(capnp::word));
  return request.send();
}

}  // namespace cambium
