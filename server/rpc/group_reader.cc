#include "server/rpc/group_reader.h"

#include <algorithm>

namespace cambium {

namespace {

FetchOffsetsRequest askFor(const std::string& group, kj::ArrayPtr<const GroupReader::Place> places) {
  FetchOffsetsRequest request{.who = {.group = group, .member = ""}, .wanted = {}};
  auto& wanted = request.wanted.emplace();
  for (auto& place : places)
    wanted.add(FetchOffsetsRequest::Wanted{place.partition.topic, place.partition.partition});
  return request;
}

}  // namespace

void GroupReader::stop() {
  reading_ = false;
  ++epoch_;
  stopped_.ring();
}

kj::Promise<void> GroupReader::assign(std::vector<GroupPartition> partitions) {
  stop();
  auto before = places_.releaseAsArray();
  for (auto& partition : partitions) {
    Place place{.partition = kj::mv(partition)};
    for (auto& old : before) {
      if (old.partition == place.partition && old.failure == nullptr) {
        place.next = old.next;
        place.topic = old.topic;
      }
    }
    places_.add(kj::mv(place));
  }
  auto committed = co_await session_.broker.fetchOffsets(askFor(group_, places_));
  for (size_t i = 0; i < places_.size(); ++i) {
    if (!committed.ok()) {
      places_[i].failure = committed.error().clone();
    } else {
      co_await findStart(places_[i], committed.value()[i].offset.offset);
    }
  }
  reading_ = true;
}

kj::Promise<void> GroupReader::findStart(Place& place, Offset committed) {
  auto& name = place.partition.topic;
  auto topic = session_.broker.topic(kj::StringPtr(name.c_str(), name.size()));
  if (!topic.ok()) {
    place.failure = kj::mv(topic.error());
    co_return;
  }
  // A topic that was made anew begins anew.
  bool stays = place.next != kNoOffset && place.topic == topic.value()->id();
  place.topic = topic.value()->id();
  // A client that reads by other ways than its membership says by its commits how far it is.
  place.next = stays ? kj::max(place.next, committed) : committed;
  if (place.next == kNoOffset) co_await beginAnew(place);
}

kj::Promise<void> GroupReader::beginAnew(Place& place) {
  using Kind = OffsetQuery::Kind;
  auto found = co_await session_.broker.findOffset({place.topic, place.partition.partition},
                                                   {startAtEnd_ ? Kind::kLatest : Kind::kEarliest});
  if (found.ok()) {
    place.next = found.value().offset;
  } else {
    place.failure = kj::mv(found.error());
  }
}

std::vector<GroupReader::Place*> GroupReader::readable() {
  std::vector<Place*> all;
  for (auto& place : places_) {
    if (place.failure == nullptr) all.push_back(&place);
  }
  if (!all.empty()) {
    auto first = static_cast<std::ptrdiff_t>(turn_++ % all.size());
    std::rotate(all.begin(), all.begin() + first, all.end());
  }
  return all;
}

kj::Promise<GroupReader::Round> GroupReader::read(Bytes bytesMax, int64_t waitMsMax) {
  auto& timer = session_.broker.loop().timer;
  auto deadline = timer.now() + waitMsMax * kj::MILLISECONDS;
  auto epoch = epoch_;
  for (;;) {
    auto left = millisecondsUntil(deadline, timer.now());
    auto round = co_await readOnce(bytesMax, left);
    if (epoch != epoch_) {
      round.pieces.clear();
      co_return kj::mv(round);
    }
    if (!round.pieces.empty() || timer.now() >= deadline) co_return kj::mv(round);
  }
}

kj::Promise<GroupReader::Round> GroupReader::readOnce(Bytes bytesMax, int64_t waitMs) {
  auto epoch = epoch_;
  auto asked = readable();
  auto wish = [&](int64_t wait) {
    FetchWish made{.parts = {}, .bytesMax = bytesMax, .bytesMin = Bytes(1), .waitMsMax = wait};
    for (auto* place : asked) {
      made.parts.add(FetchWish::Part{PartitionKey{place->topic, place->partition.partition}, place->next, bytesMax});
    }
    return made;
  };
  using Outcomes = kj::Vector<Result<ReadOutcome>>;
  Round round{{}, AnswerBudget::Share(session_.answers, 0)};
  tellFailures(round);
  if (!round.pieces.empty()) co_return kj::mv(round);
  // The wait reserves nothing and holds nothing: others would wait with it.
  if (waitMs > 0) {
    auto nothing = stopped_.wait().then([] { return Outcomes(); });
    (void)co_await session_.broker.fetch(wish(waitMs)).exclusiveJoin(kj::mv(nothing));
  }
  auto share = co_await session_.answers.share(bytesMax);
  if (epoch != epoch_) co_return kj::mv(round);
  auto outcomes = co_await session_.broker.fetch(wish(0));
  if (epoch != epoch_) co_return kj::mv(round);
  Round found{{}, kj::mv(share)};
  for (size_t i = 0; i < outcomes.size(); ++i) {
    auto& outcome = outcomes[i];
    if (outcome.ok()) {
      if (outcome.value().batches.size() > 0) found.pieces.add(Piece{asked[i], kj::mv(outcome)});
    } else if (outcome.error().code == ErrorCode::kOffsetOutOfRange) {
      co_await beginAnew(*asked[i]);
      if (epoch != epoch_) co_return kj::mv(round);
    } else {
      asked[i]->failure = outcome.error().clone();
    }
  }
  tellFailures(found);
  co_return kj::mv(found);
}

void GroupReader::tellFailures(Round& round) {
  for (auto& place : places_) {
    KJ_IF_MAYBE(failure, place.failure) {
      if (place.told) continue;
      place.told = true;
      round.pieces.add(Piece{&place, failure->clone()});
    }
  }
}

}  // namespace cambium
