#include "engine/base/coroutine.h"
#include "server/kafka/answer_rules.h"
#include "server/kafka/api.h"
#include "server/kafka/handlers/handlers.h"
#include "server/kafka/wire/reader.h"

namespace cambium::kafka {

namespace {

// What a length on the wire can say, and more than any honest request asks for.
constexpr size_t kAnswerBytesMax = size_t{1} << 30;

// ApiVersions answers with the old header in every version, because the client does not know yet what the broker
// understands (KIP-511).
bool hasFlexibleHeader(const MessageFacts& response, Version version) {
  constexpr int16_t kApiVersions = 18;
  return response.key != kApiVersions && response.flexible(version);
}

// The answer as a frame. Takes the response along when it has records: they are sent from where they lie.
template <class Response>
Encoded frame(Response response, const RequestHeader& header) {
  bool flexible = hasFlexibleHeader(Response::kFacts, header.version);
  auto encoded = encodeBehind(response, header.version, [&](auto& out, size_t total) {
    KJ_REQUIRE(total <= kAnswerBytesMax, "an answer is larger than a broker sends", Response::kFacts.name, total);
    out.number(static_cast<int32_t>(total) - 4);
    out.number(header.correlationId);
    if (flexible) out.unsignedVarint(0);
  });
  if (encoded.splices.size() > 0) encoded.inlined = encoded.inlined.attach(kj::heap<Response>(kj::mv(response)));
  return encoded;
}

bool anyFailed(const ProduceResponse& response) {
  for (auto& topic : response.responses)
    for (auto& partition : topic.partitionResponses)
      if (partition.errorCode != 0) return true;
  return false;
}

// What of a request is in no answer.
template <class Request>
size_t recordBytes(const Request&) {
  return 0;
}
size_t recordBytes(const ProduceRequest& request) {
  size_t bytes = 0;
  for (auto& topic : request.topicData)
    for (auto& partition : topic.partitionData)
      KJ_IF_MAYBE(records, partition.records) bytes += records->size();
  return bytes;
}

template <class Request>
constexpr bool kMayStaySilent = std::is_same_v<Request, ProduceRequest>;

template <class Request, class Response>
kj::Promise<kj::OneOf<Reply, Malformed>> serve(RequestContext& context, ByteView body) {
  using Outcome = kj::OneOf<Reply, Malformed>;
  Request request;
  kj::String failure;
  size_t elements = 0;
  constexpr AnswerRule kRule = kAnswerRule<Request>;
  if (!decodeRequest(body, context.version(), kRule.elementsMax, request, elements, failure)) {
    co_return Outcome(Malformed{kj::mv(failure)});
  }
  Bytes bound(kRule.boundFor(body.size() - recordBytes(request), elements));
  if (!context.room.tryGrow(bound)) co_await context.room.grow(bound);
  Response response = co_await handle(context, request);
  if constexpr (kMayStaySilent<Request>) {
    // Nobody hears of a failure but by the end of the connection, which makes the client ask for metadata anew.
    if (request.acks == 0 && anyFailed(response)) co_return Outcome(Malformed{kj::str("acks=0 and not appended")});
    if (request.acks == 0) co_return Outcome(Reply(nullptr));
  }
  co_return Outcome(Reply(frame(kj::mv(response), context.header)));
}

struct Traits {
  Version advertisedFirst = kNever;  // kNever: what is served
  bool pipelined = false;
};

template <class Request, class Response>
constexpr Api api(const char* name, Traits traits = {}) {
  constexpr auto& facts = Request::kFacts;
  static_assert(facts.key == Response::kFacts.key);
  static_assert(facts.versions.first == Response::kFacts.versions.first);
  static_assert(facts.versions.last == Response::kFacts.versions.last);
  return {.key = facts.key,
          .name = name,
          .served = facts.versions,
          .advertisedFirst = traits.advertisedFirst == kNever ? facts.versions.first : traits.advertisedFirst,
          .flexibleSince = facts.flexibleSince,
          .pipelined = traits.pipelined,
          .serve = serve<Request, Response>};
}

#define CAMBIUM_API(Name, ...) api<Name##Request, Name##Response>(#Name __VA_OPT__(, ) __VA_ARGS__)

// By key.
constexpr Api kApis[] = {
    // Kafka itself says 0 here and refuses 0 to 2 (KAFKA-18659): librdkafka before 2.11 looks for them.
    CAMBIUM_API(Produce, {.advertisedFirst = 0, .pipelined = true}),
    CAMBIUM_API(Fetch),
    CAMBIUM_API(ListOffsets),
    CAMBIUM_API(Metadata),
    CAMBIUM_API(OffsetCommit),
    CAMBIUM_API(OffsetFetch),
    CAMBIUM_API(FindCoordinator),
    CAMBIUM_API(JoinGroup),
    CAMBIUM_API(Heartbeat),
    CAMBIUM_API(LeaveGroup),
    CAMBIUM_API(SyncGroup),
    CAMBIUM_API(DescribeGroups),
    CAMBIUM_API(ListGroups),
    CAMBIUM_API(ApiVersions),
    CAMBIUM_API(CreateTopics),
    CAMBIUM_API(DeleteTopics),
    CAMBIUM_API(DeleteRecords),
    CAMBIUM_API(InitProducerId),
    CAMBIUM_API(OffsetForLeaderEpoch),
    CAMBIUM_API(DescribeAcls),
    CAMBIUM_API(CreateAcls),
    CAMBIUM_API(DeleteAcls),
    CAMBIUM_API(DescribeConfigs),
    CAMBIUM_API(AlterConfigs),
    CAMBIUM_API(AlterReplicaLogDirs),
    CAMBIUM_API(DescribeLogDirs),
    CAMBIUM_API(CreatePartitions),
    CAMBIUM_API(DeleteGroups),
    CAMBIUM_API(ElectLeaders),
    CAMBIUM_API(IncrementalAlterConfigs),
    CAMBIUM_API(AlterPartitionReassignments),
    CAMBIUM_API(ListPartitionReassignments),
    CAMBIUM_API(OffsetDelete),
    CAMBIUM_API(DescribeClientQuotas),
    CAMBIUM_API(AlterClientQuotas),
    CAMBIUM_API(DescribeUserScramCredentials),
    CAMBIUM_API(AlterUserScramCredentials),
    CAMBIUM_API(DescribeQuorum),
    CAMBIUM_API(UpdateFeatures),
    CAMBIUM_API(DescribeCluster),
    CAMBIUM_API(DescribeProducers),
    CAMBIUM_API(DescribeTransactions),
    CAMBIUM_API(ListTransactions),
    CAMBIUM_API(ListConfigResources),
    CAMBIUM_API(DescribeTopicPartitions),
};

#undef CAMBIUM_API

}  // namespace

kj::ArrayPtr<const Api> apis() {
  return kApis;
}

kj::Maybe<const Api&> findApi(int16_t key) {
  for (auto& api : kApis) {
    if (api.key == key) return api;
  }
  return nullptr;
}

}  // namespace cambium::kafka
