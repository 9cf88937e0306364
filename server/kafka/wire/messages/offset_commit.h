#pragma once

#include "server/kafka/wire/shape.h"

// OffsetCommit (key 8). Source of the fields: OffsetCommitRequest.json and OffsetCommitResponse.json of
// kafka-clients 4.3.1.

namespace cambium::kafka {

struct OffsetCommitRequest {
  static constexpr MessageFacts kFacts{8, "OffsetCommitRequest", versions(2, 10), 8};

  struct Topic {
    struct Partition {
      int32_t partitionIndex = 0;
      int64_t committedOffset = 0;
      int32_t committedLeaderEpoch = -1;
      kj::Maybe<Text> committedMetadata;

      template <class Self, class Visitor>
      static void describe(Self& m, Visitor& v) {
        v("partitionIndex", m.partitionIndex);
        v("committedOffset", m.committedOffset);
        v("committedLeaderEpoch", m.committedLeaderEpoch, since(6));
        v("committedMetadata", m.committedMetadata, nullable());
      }
    };

    Text name;
    Uuid topicId;
    kj::Vector<Partition> partitions;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("name", m.name, until(9));
      v("topicId", m.topicId, since(10));
      v("partitions", m.partitions);
    }
  };

  Text groupId;
  int32_t generationIdOrMemberEpoch = -1;
  Text memberId;
  kj::Maybe<Text> groupInstanceId;
  int64_t retentionTimeMs = -1;
  kj::Vector<Topic> topics;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("groupId", m.groupId);
    v("generationIdOrMemberEpoch", m.generationIdOrMemberEpoch);
    v("memberId", m.memberId);
    v("groupInstanceId", m.groupInstanceId, since(7).nullable());
    v("retentionTimeMs", m.retentionTimeMs, until(4));
    v("topics", m.topics);
  }
};

struct OffsetCommitResponse {
  static constexpr MessageFacts kFacts{8, "OffsetCommitResponse", versions(2, 10), 8};

  struct Topic {
    struct Partition {
      int32_t partitionIndex = 0;
      int16_t errorCode = 0;

      template <class Self, class Visitor>
      static void describe(Self& m, Visitor& v) {
        v("partitionIndex", m.partitionIndex);
        v("errorCode", m.errorCode);
      }
    };

    Text name;
    Uuid topicId;
    kj::Vector<Partition> partitions;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("name", m.name, until(9));
      v("topicId", m.topicId, since(10));
      v("partitions", m.partitions);
    }
  };

  int32_t throttleTimeMs = 0;
  kj::Vector<Topic> topics;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("throttleTimeMs", m.throttleTimeMs, since(3));
    v("topics", m.topics);
  }
};

}  // namespace cambium::kafka
