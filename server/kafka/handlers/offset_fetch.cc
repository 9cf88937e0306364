#include "engine/base/coroutine.h"
#include "server/kafka/duplicates.h"
#include "server/kafka/error_code.h"
#include "server/kafka/group_identity.h"
#include "server/kafka/handlers/handlers.h"

namespace cambium::kafka {

namespace {

constexpr Version kManyGroupsSince = 8;
constexpr Version kByIdSince = 10;
// From this version on an error may concern the group as a whole; before, each partition carries it.
constexpr Version kGroupErrorSince = 2;

using GroupAnswer = OffsetFetchResponse::Group;
using TopicAnswer = GroupAnswer::Topic;

// What a group has is fetched and answered in pieces, so that the room of each is taken and nobody waits for all.
constexpr size_t kEntriesPerPiece = 250;
constexpr uint64_t kBytesPerPiece = 64 << 10;  // of metadata
constexpr size_t kBytesPerEntry = 320;         // in memory and encoded, with a topic's name

// A partition without an offset, or with an error.
GroupAnswer::Topic::Partition blank(int32_t index, int16_t error) {
  GroupAnswer::Topic::Partition answer;
  answer.partitionIndex = index;
  answer.committedOffset = -1;
  answer.metadata = Text("");
  answer.errorCode = error;
  return answer;
}

void fill(GroupAnswer::Topic::Partition& answer, CommittedOffset& offset) {
  answer.committedOffset = offset.offset.value();
  answer.committedLeaderEpoch = offset.leaderEpoch.value();
  answer.metadata = Text(kj::mv(offset.metadata));
}

struct WantedTopic {
  std::string name;  // since kByIdSince empty when there is no topic of that id
  Uuid id;
  kj::ArrayPtr<const int32_t> partitions;
};

// One group's part of the answer, made piece by piece.
class GroupPart {
 public:
  GroupPart(RequestContext& context, WorkShare& share, MemberIdentity who)
      : context_(context), share_(share), who_(kj::mv(who)) {
    answer_.groupId = Text(who_.group);
  }

  // Everything the group has, topic by topic.
  kj::Promise<GroupAnswer> all() {
    kj::Maybe<OffsetKey> after;
    for (;;) {
      FetchOffsetsRequest request{.who = who_};
      request.after = kj::mv(after);
      auto entries = co_await fetch(kj::mv(request));
      if (entries.size() == 0) co_return finish();
      after = entries.back().key;
      for (auto& entry : entries)
        fill(place(entry.key), entry.offset);
    }
  }

  kj::Promise<GroupAnswer> those(kj::ArrayPtr<const WantedTopic> wanted) {
    NamedOnce<std::string_view, Uuid, int32_t> named;
    for (auto& topic : wanted) {
      auto& answers = answer_.topics.add();
      answers.name = Text(topic.name);
      answers.topicId = topic.id;
      bool isUnknown = context_.version() >= kByIdSince && topic.name.empty();
      auto error = isUnknown ? wireCode(ErrorCode::kUnknownTopicId) : kNoError;
      for (auto index : topic.partitions) {
        if (share_.use()) co_await share_.turn();
        if (!named.first(topic.name, topic.id, index)) continue;
        answers.partitions.add(blank(index, error));
        if (error != kNoError) continue;
        asked_.add(FetchOffsetsRequest::Wanted{topic.name, index});
        places_.add(Place{answer_.topics.size() - 1, answers.partitions.size() - 1});
        if (asked_.size() >= kEntriesPerPiece) co_await fillAsked();
      }
    }
    // Whether the group may be asked at all is told also to who asks for nothing.
    do {
      co_await fillAsked();
    } while (asked_.size() > 0);
    co_return finish();
  }

 private:
  struct Place {
    size_t topic, partition;
  };

  // None when the group cannot be asked; the answer says so then.
  kj::Promise<kj::Vector<OffsetOfKey>> fetch(FetchOffsetsRequest request) {
    if (answer_.errorCode != kNoError) co_return kj::Vector<OffsetOfKey>();
    if (share_.use(kEntriesPerPiece)) co_await share_.turn();
    request.entriesMax = kEntriesPerPiece;
    request.bytesMax = kBytesPerPiece;
    auto fetched = co_await context_.broker().fetchOffsets(kj::mv(request));
    if (!fetched.ok()) {
      answer_.errorCode = wireCode(fetched.error().code);
      co_return kj::Vector<OffsetOfKey>();
    }
    auto entries = kj::mv(fetched.value());
    size_t bytes = 0;
    for (auto& entry : entries)
      bytes += kBytesPerEntry + 2 * entry.offset.metadata.size();
    co_await context_.room.grow(Bytes(bytes));
    co_return kj::mv(entries);
  }

  kj::Promise<void> fillAsked() {
    FetchOffsetsRequest request{.who = who_};
    auto& wanted = request.wanted.emplace();
    for (auto& one : asked_)
      wanted.add(one);
    auto entries = co_await fetch(kj::mv(request));
    for (size_t i = 0; i < entries.size(); ++i)
      fill(answer_.topics[places_[i].topic].partitions[places_[i].partition], entries[i].offset);
    // The rest is for the next piece; of what failed there is none.
    kj::Vector<FetchOffsetsRequest::Wanted> asked;
    kj::Vector<Place> places;
    for (size_t i = answer_.errorCode == kNoError ? entries.size() : asked_.size(); i < asked_.size(); ++i) {
      asked.add(kj::mv(asked_[i]));
      places.add(places_[i]);
    }
    asked_ = kj::mv(asked);
    places_ = kj::mv(places);
  }

  TopicAnswer::Partition& place(const OffsetKey& key) {
    auto& topics = answer_.topics;
    if (topics.size() == 0 || topics.back().name.view() != key.topic) {
      auto& topic = topics.add();
      topic.name = Text(key.topic);
      auto known = context_.broker().topic(kj::StringPtr(key.topic.c_str()));
      if (known.ok()) topic.topicId = known.value()->id();
    }
    return topics.back().partitions.add(blank(key.partition, kNoError));
  }

  GroupAnswer finish() {
    if (answer_.errorCode != kNoError) answer_.topics.clear();
    return kj::mv(answer_);
  }

  RequestContext& context_;
  WorkShare& share_;
  const MemberIdentity who_;
  GroupAnswer answer_;
  kj::Vector<FetchOffsetsRequest::Wanted> asked_;  // and not fetched yet
  kj::Vector<Place> places_;                       // of each in the answer
};

kj::Promise<GroupAnswer> answerGroup(RequestContext& context, WorkShare& share, MemberIdentity who,
                                     kj::Maybe<kj::Vector<WantedTopic>> wanted) {
  GroupPart part(context, share, kj::mv(who));
  KJ_IF_MAYBE(topics, wanted) co_return co_await part.those(*topics);
  co_return co_await part.all();
}

// The answer to a request for one group, in the words of versions 1 to 7.
void answerSingle(OffsetFetchResponse& response, const OffsetFetchRequest& request, GroupAnswer group,
                  Version version) {
  response.errorCode = group.errorCode;
  for (auto& topic : group.topics) {
    auto& answers = response.topics.add();
    answers.name = kj::mv(topic.name);
    for (auto& partition : topic.partitions) {
      auto& answer = answers.partitions.add();
      answer.partitionIndex = partition.partitionIndex;
      answer.committedOffset = partition.committedOffset;
      answer.committedLeaderEpoch = partition.committedLeaderEpoch;
      answer.metadata = kj::mv(partition.metadata);
      answer.errorCode = partition.errorCode;
    }
  }
  if (group.errorCode == kNoError || version >= kGroupErrorSince) return;
  KJ_IF_MAYBE(topics, request.topics) {
    for (auto& topic : *topics) {
      auto& answers = response.topics.add();
      answers.name = topic.name.view();
      for (auto index : topic.partitionIndexes) {
        auto& answer = answers.partitions.add();
        answer.partitionIndex = index;
        answer.committedOffset = -1;
        answer.metadata = Text("");
        answer.errorCode = group.errorCode;
      }
    }
  }
}

}  // namespace

kj::Promise<OffsetFetchResponse> handle(RequestContext& context, OffsetFetchRequest& request) {
  OffsetFetchResponse response;
  WorkShare share(context.turns());
  if (context.version() < kManyGroupsSince) {
    kj::Maybe<kj::Vector<WantedTopic>> wanted;
    KJ_IF_MAYBE(topics, request.topics) {
      auto& list = wanted.emplace();
      for (auto& topic : *topics)
        list.add(WantedTopic{topic.name.str(), Uuid(), topic.partitionIndexes});
    }
    auto group = co_await answerGroup(context, share, MemberIdentity{.group = request.groupId.str(), .member = ""},
                                      kj::mv(wanted));
    answerSingle(response, request, kj::mv(group), context.version());
    co_return kj::mv(response);
  }
  NamedOnce<std::string_view> named;
  for (auto& group : request.groups) {
    if (share.use(2)) co_await share.turn();
    if (!named.first(group.groupId)) continue;
    kj::Maybe<kj::Vector<WantedTopic>> wanted;
    KJ_IF_MAYBE(topics, group.topics) {
      auto& list = wanted.emplace();
      for (auto& topic : *topics) {
        if (share.use()) co_await share.turn();
        auto name = topic.name.str();
        if (context.version() >= kByIdSince) {
          auto known = context.broker().topic(topic.topicId);
          if (known.ok()) name = known.value()->name().cStr();
        }
        list.add(WantedTopic{kj::mv(name), topic.topicId, topic.partitionIndexes});
      }
    }
    // The member and its epoch are for groups of the newer protocol. In those that there are here Kafka looks at
    // neither, and franz-go relies on it: it says them also while the group is at its next generation already.
    MemberIdentity who{.group = group.groupId.str(), .member = ""};
    response.groups.add(co_await answerGroup(context, share, kj::mv(who), kj::mv(wanted)));
  }
  co_return kj::mv(response);
}

}  // namespace cambium::kafka
