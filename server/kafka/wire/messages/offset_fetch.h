#pragma once

#include "server/kafka/wire/shape.h"

// OffsetFetch (key 9). Source of the fields: OffsetFetchRequest.json and OffsetFetchResponse.json of
// kafka-clients 4.3.1.

namespace cambium::kafka {

struct OffsetFetchRequest {
  static constexpr MessageFacts kFacts{9, "OffsetFetchRequest", versions(1, 10), 6};

  struct Topic {
    Text name;
    kj::Vector<int32_t> partitionIndexes;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("name", m.name, until(7));
      v("partitionIndexes", m.partitionIndexes, until(7));
    }
  };

  struct Group {
    struct Topic {
      Text name;
      Uuid topicId;
      kj::Vector<int32_t> partitionIndexes;

      template <class Self, class Visitor>
      static void describe(Self& m, Visitor& v) {
        v("name", m.name, between(8, 9));
        v("topicId", m.topicId, since(10));
        v("partitionIndexes", m.partitionIndexes, since(8));
      }
    };

    Text groupId;
    kj::Maybe<Text> memberId;
    int32_t memberEpoch = -1;
    kj::Maybe<kj::Vector<Topic>> topics;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("groupId", m.groupId, since(8));
      v("memberId", m.memberId, since(9).nullable());
      v("memberEpoch", m.memberEpoch, since(9));
      v("topics", m.topics, since(8).nullable());
    }
  };

  Text groupId;
  kj::Maybe<kj::Vector<Topic>> topics;
  kj::Vector<Group> groups;
  bool requireStable = false;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("groupId", m.groupId, until(7));
    v("topics", m.topics, until(7).nullableSince(2));
    v("groups", m.groups, since(8));
    v("requireStable", m.requireStable, since(7));
  }
};

struct OffsetFetchResponse {
  static constexpr MessageFacts kFacts{9, "OffsetFetchResponse", versions(1, 10), 6};

  struct Topic {
    struct Partition {
      int32_t partitionIndex = 0;
      int64_t committedOffset = 0;
      int32_t committedLeaderEpoch = -1;
      kj::Maybe<Text> metadata;
      int16_t errorCode = 0;

      template <class Self, class Visitor>
      static void describe(Self& m, Visitor& v) {
        v("partitionIndex", m.partitionIndex, until(7));
        v("committedOffset", m.committedOffset, until(7));
        v("committedLeaderEpoch", m.committedLeaderEpoch, between(5, 7));
        v("metadata", m.metadata, until(7).nullable());
        v("errorCode", m.errorCode, until(7));
      }
    };

    Text name;
    kj::Vector<Partition> partitions;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("name", m.name, until(7));
      v("partitions", m.partitions, until(7));
    }
  };

  struct Group {
    struct Topic {
      struct Partition {
        int32_t partitionIndex = 0;
        int64_t committedOffset = 0;
        int32_t committedLeaderEpoch = -1;
        kj::Maybe<Text> metadata;
        int16_t errorCode = 0;

        template <class Self, class Visitor>
        static void describe(Self& m, Visitor& v) {
          v("partitionIndex", m.partitionIndex, since(8));
          v("committedOffset", m.committedOffset, since(8));
          v("committedLeaderEpoch", m.committedLeaderEpoch, since(8));
          v("metadata", m.metadata, since(8).nullable());
          v("errorCode", m.errorCode, since(8));
        }
      };

      Text name;
      Uuid topicId;
      kj::Vector<Partition> partitions;

      template <class Self, class Visitor>
      static void describe(Self& m, Visitor& v) {
        v("name", m.name, between(8, 9));
        v("topicId", m.topicId, since(10));
        v("partitions", m.partitions, since(8));
      }
    };

    Text groupId;
    kj::Vector<Topic> topics;
    int16_t errorCode = 0;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("groupId", m.groupId, since(8));
      v("topics", m.topics, since(8));
      v("errorCode", m.errorCode, since(8));
    }
  };

  int32_t throttleTimeMs = 0;
  kj::Vector<Topic> topics;
  int16_t errorCode = 0;
  kj::Vector<Group> groups;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("throttleTimeMs", m.throttleTimeMs, since(3));
    v("topics", m.topics, until(7));
    v("errorCode", m.errorCode, between(2, 7));
    v("groups", m.groups, since(8));
  }
};

}  // namespace cambium::kafka
