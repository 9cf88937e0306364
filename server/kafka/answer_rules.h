#pragma once

#include "server/kafka/wire/all_messages.h"

namespace cambium::kafka {

// How large the answer to a request may become: the one place that says so. The room is taken before the answer is
// built. Bytes are those of the response in memory, where lists double as they grow, and of its encoding; texts are
// those of the request, or an error's message (wireMessage() bounds it).
struct AnswerRule {
  size_t fixed = 1024;
  size_t perByte = 2;            // of the request: a name of it is in the answer twice, in memory and encoded
  size_t perElement = 1536;      // of all lists of the request: an entry with an error's message
  size_t elementsMax = 200'000;  // of all lists of the request: they are read in one go
  // What the request does not say (how many partitions a topic has, what a group keeps) the handler adds, piece by
  // piece, by AnswerRoom::grow() before it builds a piece.

  size_t boundFor(size_t requestBytes, size_t elements) const {
    return fixed + perByte * requestBytes + perElement * elements;
  }
};

template <class Request>
inline constexpr AnswerRule kAnswerRule{};

// Entries of numbers.
template <>
inline constexpr AnswerRule kAnswerRule<ListOffsetsRequest>{.perElement = 160};
template <>
inline constexpr AnswerRule kAnswerRule<OffsetForLeaderEpochRequest>{.perElement = 160};
template <>
inline constexpr AnswerRule kAnswerRule<OffsetCommitRequest>{.perElement = 64, .elementsMax = 20'000};
template <>
inline constexpr AnswerRule kAnswerRule<DeleteRecordsRequest>{.perElement = 128};
// Those that may wait for long hold little meanwhile; the handlers take the rest when they know what there is.
template <>
inline constexpr AnswerRule kAnswerRule<FetchRequest>{.fixed = 256, .perByte = 0, .perElement = 0};
template <>
inline constexpr AnswerRule kAnswerRule<JoinGroupRequest>{.perByte = 0, .perElement = 0};
template <>
inline constexpr AnswerRule kAnswerRule<SyncGroupRequest>{.perByte = 0, .perElement = 0};
// What they list is taken by the handlers.
template <>
inline constexpr AnswerRule kAnswerRule<MetadataRequest>{.perElement = 256};
template <>
inline constexpr AnswerRule kAnswerRule<OffsetFetchRequest>{.perElement = 320};
template <>
inline constexpr AnswerRule kAnswerRule<DescribeLogDirsRequest>{.perElement = 16};
// Appends begin before the next request does, so nothing of it may wait for a turn.
template <>
inline constexpr AnswerRule kAnswerRule<ProduceRequest>{.elementsMax = 20'000};
// Served in one go, or a resource with all its configs is.
template <>
inline constexpr AnswerRule kAnswerRule<AlterConfigsRequest>{.elementsMax = 20'000};
template <>
inline constexpr AnswerRule kAnswerRule<IncrementalAlterConfigsRequest>{.elementsMax = 20'000};
template <>
inline constexpr AnswerRule kAnswerRule<AlterReplicaLogDirsRequest>{.elementsMax = 20'000};
template <>
inline constexpr AnswerRule kAnswerRule<CreateAclsRequest>{.elementsMax = 20'000};
template <>
inline constexpr AnswerRule kAnswerRule<DeleteAclsRequest>{.elementsMax = 20'000};
template <>
inline constexpr AnswerRule kAnswerRule<AlterClientQuotasRequest>{.elementsMax = 20'000};
template <>
inline constexpr AnswerRule kAnswerRule<DescribeUserScramCredentialsRequest>{.elementsMax = 20'000};
template <>
inline constexpr AnswerRule kAnswerRule<AlterUserScramCredentialsRequest>{.elementsMax = 20'000};
template <>
inline constexpr AnswerRule kAnswerRule<UpdateFeaturesRequest>{.elementsMax = 20'000};
template <>
inline constexpr AnswerRule kAnswerRule<LeaveGroupRequest>{.elementsMax = 20'000};
template <>
inline constexpr AnswerRule kAnswerRule<OffsetDeleteRequest>{.perElement = 64, .elementsMax = 20'000};
template <>
inline constexpr AnswerRule kAnswerRule<ListTransactionsRequest>{.elementsMax = 20'000};

// It lists every API that is served, and the features.
template <>
inline constexpr AnswerRule kAnswerRule<ApiVersionsRequest>{.fixed = 8192};

}  // namespace cambium::kafka
