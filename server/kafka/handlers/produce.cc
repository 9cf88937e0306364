#include "engine/base/coroutine.h"
#include "engine/record/batch_view.h"
#include "server/kafka/error_code.h"
#include "server/kafka/handlers/handlers.h"
#include "server/kafka/topic_lookup.h"

namespace cambium::kafka {

namespace {

using Answers = ProduceResponse::Topic::Partition;

// From this version on a batch may be compressed with zstd (KIP-110).
constexpr Version kZstdSince = 7;

// A frame belongs to its connection, in memory that is not constant; batches are stamped where they lie.
kj::ArrayPtr<kj::byte> inPlace(ByteView records) {
  return kj::arrayPtr(const_cast<kj::byte*>(records.begin()), records.size());
}

// What Kafka demands of the records of a produce request before it looks at the partition: exactly one batch of
// version 2.
Result<void> checkShape(const kj::Maybe<Records>& records, Version version) {
  constexpr size_t kMagicAt = 16;
  KJ_IF_MAYBE(given, records) {
    auto bytes = given->view();
    if (bytes.size() > kMagicAt && bytes[kMagicAt] < 2) {
      return makeError(ErrorCode::kInvalidRecord, "records of message format ", bytes[kMagicAt],
                       "; only record batches of version 2 are taken (Kafka 0.11 and later send them)");
    }
    BatchIterator batches(bytes);
    if (auto* first = batches.next()) {
      if (first->codec() == Codec::kZstd && version < kZstdSince) {
        return makeError(ErrorCode::kUnsupportedCompressionType, "zstd needs Produce version ", kZstdSince,
                         " or later, this is version ", version);
      }
      if (batches.rest().size() > 0) {
        return makeError(ErrorCode::kInvalidRecord, "a produce request has exactly one record batch per partition");
      }
      return Result<void>();
    }
    // Whatever else is wrong with it, validation says.
    if (bytes.size() > 0) return Result<void>();
  }
  return makeError(ErrorCode::kInvalidRecord, "a produce request has at least one record batch per partition");
}

void refuse(Answers& answer, const Error& error) {
  answer.errorCode = wireCode(error.code);
  answer.baseOffset = -1;
  answer.errorMessage = wireMessage(error);
  for (auto& fault : error.faults) {
    auto& record = answer.recordErrors.add();
    record.batchIndex = fault.index;
    record.batchIndexErrorMessage = Text(kj::str(fault.message));
  }
}

void fill(Answers& answer, const Result<AppendOutcome>& outcome) {
  if (!outcome.ok()) return refuse(answer, outcome.error());
  auto& appended = outcome.value();
  answer.baseOffset = appended.baseOffset.value();
  answer.logAppendTimeMs = appended.logAppendTime.value();
  answer.logStartOffset = appended.logStart.value();
}

// Whether a batch of a transaction is among them while the request names none, which Kafka refuses as a whole. With a
// transactional id the partition says that it has no transactions.
bool lacksTransactionalId(const ProduceRequest& request) {
  if (request.transactionalId != nullptr) return false;
  for (auto& topic : request.topicData) {
    for (auto& data : topic.partitionData) {
      KJ_IF_MAYBE(records, data.records) {
        KJ_IF_MAYBE(batch, BatchView::first(records->view())) {
          if (batch->isTransactional()) return true;
        }
      }
    }
  }
  return false;
}

// Why none of the request may be done; null when it may.
kj::Maybe<Error> checkRequest(const ProduceRequest& request) {
  if (request.acks < -1 || request.acks > 1) {
    return makeError(ErrorCode::kInvalidRequiredAcks, "acks is ", request.acks, ", expected -1, 0 or 1");
  }
  return nullptr;
}

}  // namespace

kj::Promise<ProduceResponse> handle(RequestContext& context, ProduceRequest& request) {
  auto refusal = checkRequest(request);
  bool unauthorized = refusal == nullptr && lacksTransactionalId(request);
  auto byId = context.version() >= 13;
  ProduceResponse response;
  kj::Vector<AppendPart> parts;
  struct Place {
    size_t topic, partition;
  };
  kj::Vector<Place> places;
  for (auto& wanted : request.topicData) {
    auto& answers = response.responses.add();
    answers.name = wanted.name.view();
    answers.topicId = wanted.topicId;
    auto topic = findTopic(context.broker(), byId, wanted.name, wanted.topicId);
    for (auto& data : wanted.partitionData) {
      auto& answer = answers.partitionResponses.add();
      answer.index = data.index;
      KJ_IF_MAYBE(error, refusal) {
        refuse(answer, *error);
        continue;
      }
      if (unauthorized) {
        answer.errorCode = wire_code::kTransactionalIdAuthorizationFailed;
        answer.baseOffset = -1;
        continue;
      }
      if (!topic.ok()) {
        refuse(answer, topic.error());
        continue;
      }
      auto checked = checkPartition(*topic.value(), data.index);
      if (checked.ok()) checked = checkShape(data.records, context.version());
      if (!checked.ok()) {
        refuse(answer, checked.error());
        continue;
      }
      places.add(Place{response.responses.size() - 1, answers.partitionResponses.size() - 1});
      parts.add(AppendPart{{topic.value()->id(), data.index}, inPlace(KJ_ASSERT_NONNULL(data.records).view())});
    }
  }
  auto acks = request.acks == -1 ? Acks::kAll : Acks::kLeader;
  auto outcomes = co_await context.broker().appendAll(parts, acks);
  for (size_t i = 0; i < outcomes.size(); ++i) {
    fill(response.responses[places[i].topic].partitionResponses[places[i].partition], outcomes[i]);
  }
  co_return response;
}

}  // namespace cambium::kafka
