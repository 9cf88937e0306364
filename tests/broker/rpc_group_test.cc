#include <algorithm>

#include "tests/broker/broker_fixture.h"

// Consumer groups over Cap'n Proto: who holds a Membership is a member.

namespace cambium {
namespace {

constexpr uint32_t kWaitMs = 60'000;

// What a member's listener and sink have heard.
struct Heard {
  std::vector<std::string> events;   // "assigned 1: words-0 words-1", "revoked 1: …", "ended …"
  std::vector<std::string> records;  // "words-0:value"
  kj::Maybe<kj::Own<kj::PromiseFulfiller<void>>> more;

  void tell() {
    KJ_IF_MAYBE(fulfiller, more) (*fulfiller)->fulfill();
  }
};

class Listener final : public rpc::AssignmentListener::Server {
 public:
  explicit Listener(Heard& heard) : heard_(heard) {}

 protected:
  kj::Promise<void> revoked(RevokedContext context) override {
    note(kj::str("revoked ", context.getParams().getGeneration()), context.getParams().getPartitions());
    return kj::READY_NOW;
  }
  kj::Promise<void> assigned(AssignedContext context) override {
    auto assignment = context.getParams().getAssignment();
    note(kj::str("assigned ", assignment.getGeneration()), assignment.getPartitions());
    return kj::READY_NOW;
  }
  kj::Promise<void> ended(EndedContext context) override {
    heard_.events.push_back("ended " + describe(context.getParams().getError()));
    heard_.tell();
    return kj::READY_NOW;
  }

 private:
  template <class List>
  void note(kj::String what, List partitions) {
    auto text = std::string(what.cStr()) + ":";
    for (auto one : partitions)
      text += kj::str(' ', one.getTopic(), '-', one.getPartition()).cStr();
    heard_.events.push_back(text);
    heard_.tell();
  }
  Heard& heard_;
};

class Sink final : public rpc::RecordSink::Server {
 public:
  explicit Sink(Heard& heard) : heard_(heard) {}

 protected:
  kj::Promise<void> push(PushContext context) override {
    auto delivery = context.getParams().getDelivery();
    for (auto record : delivery.getRecords()) {
      auto value = record.getValue();
      heard_.records.push_back(kj::str(delivery.getTopic(), '-', delivery.getPartition(), ':', value.asChars()).cStr());
    }
    heard_.tell();
    return kj::READY_NOW;
  }
  kj::Promise<void> done(DoneContext) override { return kj::READY_NOW; }

 private:
  Heard& heard_;
};

class RpcGroupTest : public BrokerTest {
 protected:
  void SetUp() override {
    BrokerTest::SetUp();
    ASSERT_EQ(client().createTopic("words", 6), "");
  }

  struct JoinWish {
    std::string group = "readers";
    std::vector<std::string> topics = {"words"};
    rpc::JoinOptions::Assignor assignor = rpc::JoinOptions::Assignor::STICKY;
    Heard* listener = nullptr;
    Heard* sink = nullptr;
    bool startAtEnd = false;
  };
  rpc::Membership::Client join(RpcClient& client, const JoinWish& wish) {
    auto request = client.group(wish.group.c_str()).joinRequest();
    auto topics = request.initTopics(static_cast<unsigned>(wish.topics.size()));
    for (unsigned i = 0; i < topics.size(); ++i)
      topics.set(i, wish.topics[i].c_str());
    auto options = request.initOptions();
    options.setAssignor(wish.assignor);
    options.setStartAtEnd(wish.startAtEnd);
    options.setClientName("test");
    if (wish.listener != nullptr) options.setListener(kj::heap<Listener>(*wish.listener));
    if (wish.sink != nullptr) options.setSink(kj::heap<Sink>(*wish.sink));
    auto response = request.send().wait(scope());
    EXPECT_EQ(errorOf(response), "");
    return response.getMembership();
  }
  rpc::Membership::Client join() { return join(client(), {}); }

  struct Assigned {
    std::string error;
    int generation = -1;
    std::vector<std::string> partitions;  // "words-0@7"
  };
  Assigned assignment(rpc::Membership::Client membership, int knownGeneration = -1) {
    auto request = membership.assignmentRequest();
    request.setKnownGeneration(knownGeneration);
    request.setWaitMsMax(kWaitMs);
    auto response = request.send().wait(scope());
    Assigned assigned{errorOf(response), response.getAssignment().getGeneration(), {}};
    for (auto one : response.getAssignment().getPartitions()) {
      assigned.partitions.push_back(kj::str(one.getTopic(), '-', one.getPartition(), '@', one.getOffset()).cStr());
    }
    return assigned;
  }
  // Until all of them are in the same generation, and have `count` partitions in all.
  std::vector<Assigned> settle(const std::vector<rpc::Membership::Client*>& members, size_t count = 6) {
    std::vector<Assigned> all(members.size());
    for (int round = 0; round < 20; ++round) {
      for (size_t i = 0; i < members.size(); ++i)
        all[i] = assignment(*members[i]);
      size_t partitions = 0;
      bool together = true;
      for (auto& one : all) {
        partitions += one.partitions.size();
        together = together && one.generation == all[0].generation && one.error.empty();
      }
      if (together && partitions == count) return all;
      // Whoever is behind hears of the next generation. When nobody is, somebody else still holds partitions, and the
      // next generation begins when the broker hears that they are free.
      auto latest = std::max_element(all.begin(), all.end(), [](auto& a, auto& b) {
                      return a.generation < b.generation;
                    })->generation;
      for (size_t i = 0; i < members.size(); ++i) {
        if (all[i].generation < latest || together) assignment(*members[i], all[i].generation);
      }
    }
    ADD_FAILURE() << "the group does not come together";
    return all;
  }
  struct Polled {
    std::string error;
    int generation = -1;
    std::vector<std::string> records;
  };
  Polled poll(rpc::Membership::Client membership, uint32_t waitMs = kWaitMs) {
    auto request = membership.pollRequest();
    request.setWaitMsMax(waitMs);
    auto response = request.send().wait(scope());
    Polled polled{errorOf(response), -1, {}};
    for (auto delivery : response.getDeliveries()) {
      polled.generation = delivery.getGeneration();
      for (auto record : delivery.getRecords()) {
        polled.records.push_back(
            kj::str(delivery.getTopic(), '-', delivery.getPartition(), ':', record.getValue().asChars()).cStr());
      }
    }
    return polled;
  }
  std::vector<std::string> pollMany(rpc::Membership::Client membership, size_t count) {
    std::vector<std::string> all;
    while (all.size() < count) {
      auto polled = poll(membership);
      EXPECT_EQ(polled.error, "");
      if (polled.records.empty()) break;
      all.insert(all.end(), polled.records.begin(), polled.records.end());
    }
    std::sort(all.begin(), all.end());
    return all;
  }
  std::string commit(rpc::Membership::Client membership, int generation, int partition, int64_t offset) {
    auto request = membership.commitRequest();
    request.setGeneration(generation);
    auto list = request.initOffsets(1);
    list[0].setTopic("words");
    list[0].setPartition(partition);
    list[0].setOffset(offset);
    return errorOf(request.send().wait(scope()));
  }
  void await(Heard& heard, std::function<bool()> condition) {
    while (!condition()) {
      auto paf = kj::newPromiseAndFulfiller<void>();
      heard.more = kj::mv(paf.fulfiller);
      paf.promise.wait(scope());
    }
  }
  std::string describeGroup(kj::StringPtr name) {
    auto response = otherClient().group(name).describeRequest().send().wait(scope());
    if (response.hasError()) return errorOf(response);
    auto group = response.getGroup();
    auto text = std::string(kj::str(group.getState(), '/', group.getProtocolType(), '/', group.getAssignor()).cStr());
    for (auto member : group.getMembers())
      text += kj::str(' ', member.getClientName(), member.getHost(), ':', member.getPartitions().size()).cStr();
    return text;
  }
  template <class Fill>
  std::string reset(Fill fill, bool validateOnly = false, const std::vector<int>& partitions = {}) {
    auto request = client().group("readers").resetRequest();
    fill(request.initTo());
    request.setValidateOnly(validateOnly);
    auto list = request.initPartitions(static_cast<unsigned>(partitions.size()));
    for (unsigned i = 0; i < list.size(); ++i) {
      list[i].setTopic("words");
      list[i].setPartition(partitions[i]);
    }
    auto response = request.send().wait(scope());
    auto text = errorOf(response);
    for (auto change : response.getChanges())
      text += kj::str(change.getPartition(), ':', change.getBefore(), '>', change.getAfter(), ' ').cStr();
    return text;
  }
};
CAMBIUM_EVERY_DEPLOYMENT(RpcGroupTest);

TEST_P(RpcGroupTest, WhoDropsItsMembershipLeavesAtOnce) {
  auto a = join(client(), {});
  auto b = join(otherClient(), {});
  kj::Maybe<rpc::Membership::Client> c = join(otherClient(), {});
  auto before = settle({&a, &b, &KJ_ASSERT_NONNULL(c)});
  for (auto& one : before)
    EXPECT_EQ(one.partitions.size(), 2u);
  EXPECT_EQ(describeGroup("readers"), "Stable/cambium/sticky test/127.0.0.1:2 test/127.0.0.1:2 test/127.0.0.1:2");

  auto begin = io.provider->getTimer().now();
  c = nullptr;
  auto rest = settle({&a, &b});
  // Far less than a session timeout.
  EXPECT_LT(io.provider->getTimer().now() - begin, 5 * kj::SECONDS);
  for (size_t i = 0; i < rest.size(); ++i) {
    EXPECT_EQ(rest[i].partitions.size(), 3u);
    for (auto& kept : before[i].partitions)
      EXPECT_EQ(std::count(rest[i].partitions.begin(), rest[i].partitions.end(), kept), 1) << "sticky: " << kept;
  }
}

TEST_P(RpcGroupTest, ALostConnectionLeavesAtOnce) {
  auto other = broker->connect(GetParam().cores - 1);
  auto a = join();
  auto b = join(*other, {});
  settle({&a, &b});
  {
    auto gone = kj::mv(b);
  }
  other = nullptr;
  EXPECT_EQ(settle({&a})[0].partitions.size(), 6u);
}

TEST_P(RpcGroupTest, CommittedOffsetsAreWhereTheNextMemberBegins) {
  for (int p = 0; p < 6; ++p)
    append(scope(), client().partition("words", p), {"a", "b", "c"});
  {
    auto member = join();
    auto generation = settle({&member})[0].generation;
    EXPECT_EQ(pollMany(member, 18).size(), 18u);
    EXPECT_EQ(commit(member, generation, 2, 1), "");
    EXPECT_PRED2(startsWith, commit(member, generation - 1, 2, 3), "illegalGeneration: ");
    EXPECT_PRED2(startsWith, commit(member, generation + 1, 2, 3), "illegalGeneration: ");
    EXPECT_PRED2(startsWith, commit(member, generation, 9, 3), "unknownTopicOrPartition: ");
    EXPECT_EQ(poll(member, 0).records.size(), 0u);
  }
  auto member = join(otherClient(), {.startAtEnd = true});
  settle({&member});
  EXPECT_EQ(pollMany(member, 2), (std::vector<std::string>{"words-2:b", "words-2:c"}));
  append(scope(), client().partition("words", 4), {"d"});
  EXPECT_EQ(pollMany(member, 1), std::vector<std::string>{"words-4:d"});
}

// A member of an older generation does not overwrite what its successor has committed.
TEST_P(RpcGroupTest, AStaleGenerationIsRefused) {
  auto a = join();
  auto first = settle({&a})[0].generation;
  auto b = join(otherClient(), {});
  auto second = settle({&a, &b})[0].generation;
  EXPECT_GT(second, first);
  EXPECT_PRED2(startsWith, commit(a, first, 0, 0), "illegalGeneration: ");
  EXPECT_EQ(commit(a, second, 0, 0), "");
  // Nor does somebody outside the group.
  auto outside = client().group("readers").commitRequest();
  auto list = outside.initOffsets(1);
  list[0].setTopic("words");
  EXPECT_PRED2(startsWith, errorOf(outside.send().wait(scope())), "unknownMemberId: ");
}

TEST_P(RpcGroupTest, RecordsArePushedToWhoHasThePartition) {
  Heard first, second;
  auto a = join(client(), {.listener = &first, .sink = &first});
  await(first, [&] { return first.events.size() == 1; });
  EXPECT_EQ(first.events[0], "assigned 1: words-0 words-1 words-2 words-3 words-4 words-5");
  for (int p = 0; p < 6; ++p)
    append(scope(), client().partition("words", p), {"a"});
  await(first, [&] { return first.records.size() == 6; });
  EXPECT_PRED2(startsWith, poll(a, 0).error, "invalidRequest: ");

  auto b = join(otherClient(), {.listener = &second, .sink = &second, .startAtEnd = true});
  await(second, [&] { return !second.events.empty(); });
  await(first, [&] { return first.events.size() == 3; });
  EXPECT_PRED2(startsWith, first.events[1], "revoked 1: words-0 ");
  EXPECT_PRED2(startsWith, first.events[2], "assigned 2: ");
  for (int p = 0; p < 6; ++p)
    append(scope(), client().partition("words", p), {"b"});
  await(first, [&] { return first.records.size() == 9; });
  await(second, [&] { return second.records.size() == 3; });
  std::vector<std::string> all(first.records.begin() + 6, first.records.end());
  all.insert(all.end(), second.records.begin(), second.records.end());
  std::sort(all.begin(), all.end());
  EXPECT_EQ(all,
            (std::vector<std::string>{"words-0:b", "words-1:b", "words-2:b", "words-3:b", "words-4:b", "words-5:b"}))
      << "each once: kept partitions go on where they stood";
}

TEST_P(RpcGroupTest, AGroupNoticesNewPartitions) {
  auto member = join(client(), {.topics = {"words", "later"}});
  auto first = settle({&member})[0];
  ASSERT_EQ(otherClient().createTopic("later", 2), "");
  auto second = assignment(member, first.generation);
  EXPECT_EQ(second.partitions.size(), 8u);
}

TEST_P(RpcGroupTest, WhatDoesNotFitTogetherIsRefused) {
  auto a = join();
  settle({&a});
  Heard heard;
  auto other = join(otherClient(), {.assignor = rpc::JoinOptions::Assignor::RANGE, .listener = &heard});
  EXPECT_PRED2(startsWith, assignment(other).error, "inconsistentGroupProtocol: ");
  await(heard, [&] { return !heard.events.empty(); });
  EXPECT_PRED2(startsWith, heard.events[0], "ended inconsistentGroupProtocol: ");
  EXPECT_PRED2(startsWith, poll(other, 0).error, "inconsistentGroupProtocol: ");

  // A client of the Kafka protocol in a group of ours.
  JoinGroupRequest kafka{.who = {.group = "readers", .member = ""},
                         .clientId = "k",
                         .clientHost = "/",
                         .protocolType = "consumer",
                         .protocols = {},
                         .sessionTimeoutMs = 10'000,
                         .rebalanceTimeoutMs = 10'000,
                         .memberIdRequired = false};
  kafka.protocols.add(GroupProtocol{"range", nullptr});
  auto answer = wait(broker->local().joinGroup(kj::mv(kafka)));
  EXPECT_TRUE(KJ_ASSERT_NONNULL(answer.error).code == ErrorCode::kInconsistentGroupProtocol);

  auto request = client().group("readers").joinRequest();
  request.initTopics(1).set(0, "no such name!");
  EXPECT_PRED2(startsWith, errorOf(request.send().wait(scope())), "invalidTopicException: ");
}

TEST_P(RpcGroupTest, OffsetsAreResetWhileNobodyReads) {
  append(scope(), client().partition("words", 0), {"a", "b", "c", "d"});
  append(scope(), client().partition("words", 1), {"a"});
  {
    auto member = join();
    auto generation = settle({&member})[0].generation;
    EXPECT_EQ(commit(member, generation, 0, 2), "");
    EXPECT_EQ(commit(member, generation, 1, 1), "");
    auto earliest = [](rpc::ResetTarget::Builder to) { to.setEarliest(); };
    EXPECT_PRED2(startsWith, reset(earliest), "nonEmptyGroup: ");
    EXPECT_PRED2(startsWith, errorOf(client().group("readers").deleteGroupRequest().send().wait(scope())),
                 "nonEmptyGroup: ");
  }
  while (describeGroup("readers").rfind("Empty", 0) != 0) {
  }
  EXPECT_EQ(reset([](auto to) { to.setEarliest(); }, true), "0:2>0 1:1>0 ");
  EXPECT_EQ(reset([](auto to) { to.setShift(1); }), "0:2>3 1:1>1 ") << "not beyond the end";
  EXPECT_EQ(reset([](auto to) { to.setShift(INT64_MIN); }, true), "0:3>0 1:1>0 ");
  EXPECT_EQ(reset([](auto to) { to.setOffset(99); }, false, {0}), "0:3>4 ");
  EXPECT_EQ(reset([](auto to) { to.setTimestamp(0); }), "0:4>0 1:1>0 ");
  EXPECT_EQ(reset([](auto to) { to.setTimestamp(INT64_MAX); }, true), "0:0>4 1:0>1 ");
  EXPECT_EQ(reset([](auto to) { to.setLatest(); }, false, {5}), "5:-1>0 ");
  EXPECT_PRED2(startsWith, reset([](auto to) { to.setLatest(); }, false, {6}), "unknownTopicOrPartition: ");

  auto listed = client().broker().listGroupDetailsRequest().send().wait(scope());
  ASSERT_EQ(listed.getGroups().size(), 1u);
  EXPECT_EQ(kj::str(listed.getGroups()[0].getName(), listed.getGroups()[0].getState()), "readersEmpty");
  EXPECT_EQ(errorOf(otherClient().group("readers").deleteGroupRequest().send().wait(scope())), "");
  EXPECT_PRED2(startsWith, describeGroup("readers"), "groupIdNotFound: ");
  EXPECT_PRED2(startsWith, errorOf(client().group("readers").deleteGroupRequest().send().wait(scope())),
               "groupIdNotFound: ");
}

}  // namespace
}  // namespace cambium
