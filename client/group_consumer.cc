#include "client/group_consumer.h"

#include <kj/debug.h>

#include "client/error_mapping.h"
#include "client/topic_access.h"

namespace cambium::client {

namespace {

// A poll is cut into waits of at most this length, between which it looks after the group.
constexpr uint32_t kSliceMs = 100;

rpc::JoinOptions::Assignor toRpc(Assignor assignor) {
  switch (assignor) {
    case Assignor::kSticky:
      return rpc::JoinOptions::Assignor::STICKY;
    case Assignor::kRange:
      return rpc::JoinOptions::Assignor::RANGE;
    case Assignor::kRoundRobin:
      return rpc::JoinOptions::Assignor::ROUND_ROBIN;
  }
  KJ_UNREACHABLE;
}

struct Received {
  int32_t generation;
  kj::Vector<Assignment> partitions;
};

// What the broker has told and poll() has not yet dealt with. Shared with the listener, which may outlive the consumer.
struct News final : public kj::Refcounted {
  kj::Maybe<kj::Own<kj::PromiseFulfiller<void>>> revocation;  // the group waits for it
  kj::Maybe<Received> assignment;
  kj::Maybe<Error> ending;
  kj::Maybe<kj::Own<kj::PromiseFulfiller<void>>> waiting;

  void tell() {
    KJ_IF_MAYBE(fulfiller, waiting) (*fulfiller)->fulfill();
    waiting = nullptr;
  }
};

class Listener final : public rpc::AssignmentListener::Server {
 public:
  explicit Listener(kj::Own<News> news) : news_(kj::mv(news)) {}

 protected:
  kj::Promise<void> revoked(RevokedContext context) override {
    auto paf = kj::newPromiseAndFulfiller<void>();
    news_->revocation = kj::mv(paf.fulfiller);
    news_->assignment = nullptr;
    news_->tell();
    return kj::mv(paf.promise);
  }
  kj::Promise<void> assigned(AssignedContext context) override {
    auto told = context.getParams().getAssignment();
    Received received{told.getGeneration(), {}};
    for (auto one : told.getPartitions()) {
      received.partitions.add(
          Assignment{kj::str(one.getTopic()), PartitionIndex(one.getPartition()), Offset(one.getOffset())});
    }
    news_->assignment = kj::mv(received);
    news_->tell();
    return kj::READY_NOW;
  }
  kj::Promise<void> ended(EndedContext context) override {
    news_->ending = errorIn(context.getParams().getError());
    news_->tell();
    return kj::READY_NOW;
  }

 private:
  kj::Own<News> news_;
};

}  // namespace

class GroupConsumer::Impl {
 public:
  Impl(Connection& connection, GroupConsumerOptions options)
      : connection_(connection),
        timer_(connection.timer()),
        options_(kj::mv(options)),
        group_(kj::str(options_.consumer.group)),
        consumer_(connection, kj::mv(options_.consumer)),
        lastCommit_(timer_.now()) {}

  kj::Promise<Result<ConsumedRecords>> poll(PollOptions options);
  kj::Promise<Result<void>> commit(kj::String metadata);
  bool isReading() const { return generation_ >= 0; }
  int32_t generation() const { return generation_; }
  const Consumer& consumer() const { return consumer_; }

 private:
  struct Joined {
    rpc::Membership::Client membership;
    uint64_t connection;
    kj::Own<News> news;
  };

  kj::Promise<Result<void>> join();
  // Deals with what the broker has told.
  kj::Promise<Result<void>> follow();
  kj::Promise<Result<void>> take(Received received);
  kj::Promise<void> waitForNews(kj::TimePoint deadline);
  kj::Promise<Result<void>> commitIfDue();

  Connection& connection_;
  kj::Timer& timer_;
  GroupConsumerOptions options_;
  const kj::String group_;
  Consumer consumer_;
  kj::Maybe<Joined> joined_;
  int32_t generation_ = -1;      // of what is read now
  int32_t lastGeneration_ = -1;  // of what was read before that
  kj::TimePoint lastCommit_;
};

// --- The group
// ----------------------------------------------------------------------------------------------------

kj::Promise<Result<void>> GroupConsumer::Impl::join() {
  auto session = co_await connection_.session();
  KJ_IF_MAYBE(joined, joined_) {
    if (joined->connection == session.generation) co_return Result<void>();
    // The membership went with its connection, and others may have read on since.
    joined_ = nullptr;
    generation_ = lastGeneration_ = -1;
  }
  auto opening = session.broker.groupRequest();
  opening.setName(group_);
  auto opened = opening.send();
  auto request = opened.getGroup().joinRequest();
  auto topics = request.initTopics(static_cast<unsigned>(options_.topics.size()));
  for (unsigned i = 0; i < topics.size(); ++i)
    topics.set(i, options_.topics[i]);
  auto news = kj::refcounted<News>();
  auto wish = request.initOptions();
  wish.setAssignor(toRpc(options_.assignor));
  wish.setSessionTimeoutMs(static_cast<int32_t>(options_.sessionTimeoutMs));
  wish.setRebalanceTimeoutMs(static_cast<int32_t>(options_.rebalanceTimeoutMs));
  wish.setListener(kj::heap<Listener>(kj::addRef(*news)));
  wish.setStartAtEnd(options_.startAtEnd);
  wish.setClientName(options_.clientName);
  auto call = request.send();
  // When there is no group, only the first answer says why.
  auto group = co_await opened;
  KJ_IF_MAYBE(error, errorIn(group.getError())) co_return kj::mv(*error);
  auto response = co_await call;
  KJ_IF_MAYBE(error, errorIn(response.getError())) co_return kj::mv(*error);
  joined_ = Joined{response.getMembership(), session.generation, kj::mv(news)};
  co_return Result<void>();
}

kj::Promise<Result<void>> GroupConsumer::Impl::follow() {
  auto& news = *KJ_ASSERT_NONNULL(joined_).news;
  KJ_IF_MAYBE(error, news.ending) {
    generation_ = -1;
    co_return error->clone();
  }
  if (news.revocation != nullptr) {
    // A commit that fails leaves the records to whoever has the partition next.
    if (isReading() && options_.autoCommitMs > 0) (void)co_await commit(nullptr);
    lastGeneration_ = generation_;
    generation_ = -1;
    KJ_IF_MAYBE(fulfiller, news.revocation) (*fulfiller)->fulfill();
    news.revocation = nullptr;
  }
  KJ_IF_MAYBE(received, news.assignment) {
    auto taken = kj::mv(*received);
    news.assignment = nullptr;
    co_return co_await take(kj::mv(taken));
  }
  co_return Result<void>();
}

kj::Promise<Result<void>> GroupConsumer::Impl::take(Received received) {
  // Nobody else had in between what is kept from the generation before.
  if (lastGeneration_ >= 0 && received.generation == lastGeneration_ + 1) {
    for (auto& position : consumer_.positions()) {
      for (auto& partition : received.partitions) {
        bool isSame = partition.topic == position.topic && partition.partition == position.partition;
        if (isSame && !position.failed) partition.start = position.position;
      }
    }
  }
  auto generation = received.generation;
  auto assigned = co_await consumer_.assign(received.partitions.releaseAsArray());
  if (assigned.ok()) generation_ = generation;
  lastCommit_ = timer_.now();
  co_return kj::mv(assigned);
}

kj::Promise<void> GroupConsumer::Impl::waitForNews(kj::TimePoint deadline) {
  auto paf = kj::newPromiseAndFulfiller<void>();
  KJ_ASSERT_NONNULL(joined_).news->waiting = kj::mv(paf.fulfiller);
  // The broker's end of the membership goes with the connection.
  co_await paf.promise.exclusiveJoin(connection_.onDisconnect()).exclusiveJoin(timer_.atTime(deadline));
}

// --- Reading
// ----------------------------------------------------------------------------------------------------

kj::Promise<Result<ConsumedRecords>> GroupConsumer::Impl::poll(PollOptions options) {
  using Answer = Result<ConsumedRecords>;
  auto deadline = timer_.now() + options.waitMsMax * kj::MILLISECONDS;
  for (;;) {
    auto joined = co_await join().catch_([](kj::Exception&& e) -> Result<void> { return errorFrom(e); });
    if (joined.ok()) joined = co_await follow();
    if (!joined.ok() && !isRetryable(joined.error().code)) co_return Answer(kj::mv(joined.error()));
    if (isReading()) {
      auto committed = co_await commitIfDue();
      if (!committed.ok() && !isRetryable(committed.error().code)) co_return Answer(kj::mv(committed.error()));
      auto slice = options;
      // Rounded up: in a wait of none no time passes.
      auto left = (deadline - timer_.now()) / kj::MILLISECONDS + 1;
      slice.waitMsMax = timer_.now() < deadline ? static_cast<uint32_t>(kj::min(left, int64_t{kSliceMs})) : 0;
      auto polled = co_await consumer_.poll(slice);
      bool atEnd = options.returnAtEnd && consumer_.atEnd();
      if (!polled.ok() || !polled.value().empty() || atEnd) co_return kj::mv(polled);
    } else if (joined_ != nullptr && joined.ok()) {
      co_await waitForNews(deadline);
    } else {
      co_await timer_.atTime(kj::min(deadline, timer_.now() + kSliceMs * kj::MILLISECONDS));
    }
    if (timer_.now() >= deadline) co_return Answer(ConsumedRecords());
  }
}

kj::Promise<Result<void>> GroupConsumer::Impl::commitIfDue() {
  if (options_.autoCommitMs == 0) co_return Result<void>();
  if (timer_.now() - lastCommit_ < options_.autoCommitMs * kj::MILLISECONDS) co_return Result<void>();
  auto committed = co_await commit(nullptr);
  // The group divides: the revocation is on its way, and commits again.
  auto isPassing = [](ErrorCode code) {
    return code == ErrorCode::kRebalanceInProgress || code == ErrorCode::kIllegalGeneration ||
           code == ErrorCode::kUnknownMemberId || code == ErrorCode::kGroupIdNotFound;
  };
  if (!committed.ok() && isPassing(committed.error().code)) co_return Result<void>();
  co_return kj::mv(committed);
}

kj::Promise<Result<void>> GroupConsumer::Impl::commit(kj::String metadata) {
  lastCommit_ = timer_.now();
  if (joined_ == nullptr || !isReading()) {
    co_return makeError(ErrorCode::kRebalanceInProgress, "group ", group_, " has not assigned anything; poll on");
  }
  auto positions = consumer_.positions();
  auto request = KJ_ASSERT_NONNULL(joined_).membership.commitRequest();
  request.setGeneration(generation_);
  auto list = request.initOffsets(static_cast<unsigned>(positions.size()));
  for (unsigned i = 0; i < list.size(); ++i) {
    list[i].setTopic(positions[i].topic);
    list[i].setPartition(positions[i].partition.value());
    list[i].setOffset(positions[i].position.value());
    list[i].setMetadata(metadata);
  }
  try {
    auto response = co_await request.send();
    KJ_IF_MAYBE(error, errorIn(response.getError())) co_return kj::mv(*error);
  } catch (const kj::Exception& e) {
    co_return errorFrom(e);
  }
  co_return Result<void>();
}

// --- The door
// ----------------------------------------------------------------------------------------------------

GroupConsumer::GroupConsumer(Connection& connection, GroupConsumerOptions options)
    : impl_(kj::heap<Impl>(connection, kj::mv(options))) {}

GroupConsumer::~GroupConsumer() noexcept(false) = default;

kj::Promise<Result<ConsumedRecords>> GroupConsumer::poll(PollOptions options) {
  return impl_->poll(options);
}

kj::Promise<Result<void>> GroupConsumer::commit(kj::String metadata) {
  return impl_->commit(kj::mv(metadata));
}

kj::Array<PartitionPosition> GroupConsumer::positions() const {
  if (!impl_->isReading()) return nullptr;
  return impl_->consumer().positions();
}

int32_t GroupConsumer::generation() const {
  return impl_->generation();
}

bool GroupConsumer::atEnd() const {
  return impl_->isReading() && impl_->consumer().atEnd();
}

}  // namespace cambium::client
