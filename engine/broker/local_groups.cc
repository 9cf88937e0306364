#include <algorithm>

#include "engine/base/coroutine.h"
#include "engine/broker/local_broker.h"
#include "engine/broker/shard_groups.h"

// Calls for groups: each goes to the loop that owns the group's partition of the internal topic.

namespace cambium {

namespace {

kj::StringPtr view(const std::string& text) {
  return {text.c_str(), text.size()};
}

CommitOffsetsAnswer refuseAll(size_t count, const Error& error) {
  CommitOffsetsAnswer answer(count);
  for (size_t i = 0; i < count; ++i)
    answer.add(error.clone());
  return answer;
}

}  // namespace

kj::Promise<Result<CoordinatorPlace>> LocalBroker::coordinatorOf(std::string group) {
  using Answer = Result<CoordinatorPlace>;
  kj::Own<const Topic> topic;
  KJ_IF_MAYBE(known, here_.image().find(kOffsetsTopic)) {
    topic = kj::atomicAddRef(*known);
  } else {
    auto made =
        co_await on<Result<kj::Own<const Topic>>>(first(), [&c = shared_.controller] { return c.offsetsTopic(); });
    if (!made.ok()) {
      co_return Answer(makeError(ErrorCode::kCoordinatorNotAvailable, kOffsetsTopic, ": ", made.error().message));
    }
    topic = kj::mv(made.value());
  }
  auto index = partitionOfGroup(view(group), topic->partitionCount());
  PartitionKey key{topic->id(), index};
  co_return Answer(CoordinatorPlace{kj::mv(topic), key});
}

kj::Maybe<CoordinatorPlace> LocalBroker::knownCoordinatorOf(const std::string& group) {
  KJ_IF_MAYBE(topic, here_.image().find(kOffsetsTopic)) {
    PartitionKey key{topic->id(), partitionOfGroup(view(group), topic->partitionCount())};
    return CoordinatorPlace{kj::atomicAddRef(*topic), key};
  }
  return nullptr;
}

template <class T>
kj::Promise<Result<T>> LocalBroker::askCoordinator(CoordinatorPlace place,
                                                   kj::Function<kj::Promise<T>(GroupCoordinator&)> ask) {
  auto& shard = owner(place.key);
  return on<Result<T>>(shard, [&shard, place = kj::mv(place), ask = kj::mv(ask)]() mutable {
    return shard.groups()
        .coordinator(*place.topic, place.key.index)
        .then([&ask](Result<GroupCoordinator*>&& found) -> kj::Promise<Result<T>> {
          if (!found.ok()) return Result<T>(kj::mv(found.error()));
          return ask(*found.value()).then([](T&& answer) { return Result<T>(kj::mv(answer)); });
        });
  });
}

kj::Promise<JoinGroupAnswer> LocalBroker::joinGroup(JoinGroupRequest request) {
  auto member = request.who.member;
  auto refuse = [&member](Error& error) {
    JoinGroupAnswer answer;
    answer.error = kj::mv(error);
    answer.member = member;
    return answer;
  };
  auto place = co_await coordinatorOf(request.who.group);
  if (!place.ok()) co_return refuse(place.error());
  auto answer = co_await askCoordinator<JoinGroupAnswer>(
      kj::mv(place.value()),
      [request = kj::mv(request)](GroupCoordinator& c) mutable { return c.join(kj::mv(request)); });
  if (!answer.ok()) co_return refuse(answer.error());
  co_return kj::mv(answer.value());
}

kj::Promise<SyncGroupAnswer> LocalBroker::syncGroup(SyncGroupRequest request) {
  auto refuse = [](Error& error) {
    SyncGroupAnswer answer;
    answer.error = kj::mv(error);
    return answer;
  };
  auto place = co_await coordinatorOf(request.who.group);
  if (!place.ok()) co_return refuse(place.error());
  auto answer = co_await askCoordinator<SyncGroupAnswer>(
      kj::mv(place.value()),
      [request = kj::mv(request)](GroupCoordinator& c) mutable { return c.sync(kj::mv(request)); });
  if (!answer.ok()) co_return refuse(answer.error());
  co_return kj::mv(answer.value());
}

kj::Promise<Result<void>> LocalBroker::heartbeat(MemberIdentity who) {
  auto place = co_await coordinatorOf(who.group);
  if (!place.ok()) co_return Result<void>(kj::mv(place.error()));
  auto answer = co_await askCoordinator<Result<void>>(
      kj::mv(place.value()),
      [who = kj::mv(who)](GroupCoordinator& c) -> kj::Promise<Result<void>> { return c.heartbeat(who); });
  if (!answer.ok()) co_return Result<void>(kj::mv(answer.error()));
  co_return kj::mv(answer.value());
}

kj::Promise<Result<void>> LocalBroker::awaitRebalance(MemberIdentity who, int64_t waitMsMax) {
  auto place = co_await coordinatorOf(who.group);
  if (!place.ok()) co_return Result<void>(kj::mv(place.error()));
  auto answer = co_await askCoordinator<Result<void>>(
      kj::mv(place.value()),
      [who = kj::mv(who), waitMsMax](GroupCoordinator& c) mutable { return c.awaitRebalance(kj::mv(who), waitMsMax); });
  if (!answer.ok()) co_return Result<void>(kj::mv(answer.error()));
  co_return kj::mv(answer.value());
}

kj::Promise<LeaveGroupAnswer> LocalBroker::leaveGroup(LeaveGroupRequest request) {
  auto refuse = [](Error& error) {
    LeaveGroupAnswer answer;
    answer.error = kj::mv(error);
    return answer;
  };
  auto place = co_await coordinatorOf(request.group);
  if (!place.ok()) co_return refuse(place.error());
  auto answer = co_await askCoordinator<LeaveGroupAnswer>(
      kj::mv(place.value()),
      [request = kj::mv(request)](GroupCoordinator& c) -> kj::Promise<LeaveGroupAnswer> { return c.leave(request); });
  if (!answer.ok()) co_return refuse(answer.error());
  co_return kj::mv(answer.value());
}

kj::Promise<CommitOffsetsAnswer> LocalBroker::commitOffsets(CommitOffsetsRequest request) {
  auto count = request.offsets.size();
  auto place = co_await coordinatorOf(request.who.group);
  if (!place.ok()) co_return refuseAll(count, place.error());
  auto answer = co_await askCoordinator<CommitOffsetsAnswer>(
      kj::mv(place.value()),
      [request = kj::mv(request)](GroupCoordinator& c) mutable { return c.commitOffsets(kj::mv(request)); });
  if (!answer.ok()) co_return refuseAll(count, answer.error());
  co_return kj::mv(answer.value());
}

kj::Promise<Result<kj::Vector<OffsetOfKey>>> LocalBroker::fetchOffsets(FetchOffsetsRequest request) {
  using Answer = Result<kj::Vector<OffsetOfKey>>;
  KJ_IF_MAYBE(place, knownCoordinatorOf(request.who.group)) {
    auto answer = co_await askCoordinator<Answer>(
        kj::mv(*place),
        [request = kj::mv(request)](GroupCoordinator& c) -> kj::Promise<Answer> { return c.fetchOffsets(request); });
    if (!answer.ok()) co_return Answer(kj::mv(answer.error()));
    co_return kj::mv(answer.value());
  }
  // No group ever committed anything.
  kj::Vector<OffsetOfKey> none;
  KJ_IF_MAYBE(wanted, request.wanted) {
    for (auto& one : *wanted) {
      if (none.size() >= request.entriesMax) break;
      none.add(OffsetOfKey{{request.who.group, one.topic, one.partition}, {}});
    }
  }
  co_return Answer(kj::mv(none));
}

kj::Promise<Result<GroupDescription>> LocalBroker::describeGroup(std::string group) {
  KJ_IF_MAYBE(place, knownCoordinatorOf(group)) {
    co_return co_await askCoordinator<GroupDescription>(
        kj::mv(*place), [group](GroupCoordinator& c) -> kj::Promise<GroupDescription> { return c.describe(group); });
  }
  GroupDescription nothing;
  nothing.group = kj::mv(group);
  co_return Result<GroupDescription>(kj::mv(nothing));
}

kj::Promise<kj::Vector<GroupListing>> LocalBroker::listGroups() {
  using Listings = kj::Vector<GroupListing>;
  kj::Vector<GroupListing> all;
  for (auto* shard : shared_.shards) {
    auto some = co_await on<Listings>(*shard, [shard]() -> kj::Promise<Listings> {
      Listings listings;
      for (auto* coordinator : shard->groups().all()) {
        for (auto& listing : coordinator->list())
          listings.add(kj::mv(listing));
      }
      return kj::mv(listings);
    });
    for (auto& listing : some)
      all.add(kj::mv(listing));
  }
  std::sort(all.begin(), all.end(), [](auto& a, auto& b) { return a.group < b.group; });
  co_return kj::mv(all);
}

kj::Promise<Result<void>> LocalBroker::deleteGroup(std::string group) {
  KJ_IF_MAYBE(place, knownCoordinatorOf(group)) {
    auto answer = co_await askCoordinator<Result<void>>(kj::mv(*place),
                                                        [group](GroupCoordinator& c) { return c.deleteGroup(group); });
    if (!answer.ok()) co_return Result<void>(kj::mv(answer.error()));
    co_return kj::mv(answer.value());
  }
  co_return Result<void>(makeError(ErrorCode::kGroupIdNotFound, "group ", view(group), " is not found"));
}

kj::Promise<DeleteOffsetsAnswer> LocalBroker::deleteOffsets(DeleteOffsetsRequest request) {
  auto refuse = [](Error error) {
    DeleteOffsetsAnswer answer;
    answer.error = kj::mv(error);
    return answer;
  };
  KJ_IF_MAYBE(place, knownCoordinatorOf(request.group)) {
    auto answer = co_await askCoordinator<DeleteOffsetsAnswer>(
        kj::mv(*place),
        [request = kj::mv(request)](GroupCoordinator& c) mutable { return c.deleteOffsets(kj::mv(request)); });
    if (!answer.ok()) co_return refuse(kj::mv(answer.error()));
    co_return kj::mv(answer.value());
  }
  co_return refuse(makeError(ErrorCode::kGroupIdNotFound, "group ", view(request.group), " is not found"));
}

}  // namespace cambium
