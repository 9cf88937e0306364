#include <map>

#include "engine/base/coroutine.h"
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
using Offsets = Result<kj::Vector<OffsetOfKey>>;

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

// Everything the group has, topic by topic.
kj::Vector<TopicAnswer> answerAll(RequestContext& context, kj::Vector<OffsetOfKey> entries) {
  kj::Vector<TopicAnswer> topics;
  for (auto& entry : entries) {
    if (topics.size() == 0 || topics.back().name.view() != entry.key.topic) {
      auto& topic = topics.add();
      topic.name = Text(entry.key.topic);
      auto known = context.broker().topic(kj::StringPtr(entry.key.topic.c_str()));
      if (known.ok()) topic.topicId = known.value()->id();
    }
    auto& answer = topics.back().partitions.add(blank(entry.key.partition, kNoError));
    fill(answer, entry.offset);
  }
  return topics;
}

struct WantedTopic {
  std::string name;  // empty: there is no topic of that id
  Uuid id;
  kj::ArrayPtr<const int32_t> partitions;
};

kj::Vector<TopicAnswer> answerWanted(kj::ArrayPtr<const WantedTopic> wanted, kj::Vector<OffsetOfKey> entries) {
  std::map<OffsetKey, CommittedOffset*> found;
  for (auto& entry : entries)
    found[{"", entry.key.topic, entry.key.partition}] = &entry.offset;
  kj::Vector<TopicAnswer> topics;
  for (auto& topic : wanted) {
    auto& answers = topics.add();
    answers.name = Text(topic.name);
    answers.topicId = topic.id;
    for (auto index : topic.partitions) {
      auto error = topic.name.empty() ? wireCode(ErrorCode::kUnknownTopicId) : kNoError;
      auto& answer = answers.partitions.add(blank(index, error));
      auto at = found.find({"", topic.name, index});
      if (at != found.end()) fill(answer, *at->second);
    }
  }
  return topics;
}

kj::Promise<GroupAnswer> answerGroup(RequestContext& context, MemberIdentity who,
                                     kj::Maybe<kj::Vector<WantedTopic>> wanted) {
  GroupAnswer answer;
  answer.groupId = Text(who.group);
  FetchOffsetsRequest request{.who = kj::mv(who)};
  KJ_IF_MAYBE(topics, wanted) {
    auto& list = request.wanted.emplace();
    for (auto& topic : *topics)
      for (auto index : topic.partitions)
        if (!topic.name.empty()) list.add(FetchOffsetsRequest::Wanted{topic.name, index});
  }
  auto offsets = co_await context.broker().fetchOffsets(kj::mv(request));
  if (!offsets.ok()) {
    answer.errorCode = wireCode(offsets.error().code);
    co_return kj::mv(answer);
  }
  KJ_IF_MAYBE(topics, wanted) {
    answer.topics = answerWanted(*topics, kj::mv(offsets.value()));
  } else {
    answer.topics = answerAll(context, kj::mv(offsets.value()));
  }
  co_return kj::mv(answer);
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
  if (context.version() < kManyGroupsSince) {
    kj::Maybe<kj::Vector<WantedTopic>> wanted;
    KJ_IF_MAYBE(topics, request.topics) {
      auto& list = wanted.emplace();
      for (auto& topic : *topics)
        list.add(WantedTopic{topic.name.str(), Uuid(), topic.partitionIndexes});
    }
    auto group =
        co_await answerGroup(context, MemberIdentity{.group = request.groupId.str(), .member = ""}, kj::mv(wanted));
    answerSingle(response, request, kj::mv(group), context.version());
    co_return kj::mv(response);
  }
  for (auto& group : request.groups) {
    kj::Maybe<kj::Vector<WantedTopic>> wanted;
    KJ_IF_MAYBE(topics, group.topics) {
      auto& list = wanted.emplace();
      for (auto& topic : *topics) {
        auto name = topic.name.str();
        if (context.version() >= kByIdSince) {
          auto known = context.broker().topic(topic.topicId);
          if (known.ok()) name = known.value()->name().cStr();
        }
        list.add(WantedTopic{kj::mv(name), topic.topicId, topic.partitionIndexes});
      }
    }
    MemberIdentity who{.group = group.groupId.str(), .member = "", .generation = group.memberEpoch};
    KJ_IF_MAYBE(member, group.memberId) who.member = member->str();
    response.groups.add(co_await answerGroup(context, kj::mv(who), kj::mv(wanted)));
  }
  co_return kj::mv(response);
}

}  // namespace cambium::kafka
