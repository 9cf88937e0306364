#pragma once

#include "server/kafka/wire/shape.h"

// OffsetDelete (key 47). Source of the fields: OffsetDeleteRequest.json and OffsetDeleteResponse.json of
// kafka-clients 4.3.1.

namespace cambium::kafka {

struct OffsetDeleteRequest {
  static constexpr MessageFacts kFacts{47, "OffsetDeleteRequest", versions(0, 0), kVersionMax};

  struct Topic {
    struct Partition {
      int32_t partitionIndex = 0;

      template <class Self, class Visitor>
      static void describe(Self& m, Visitor& v) {
        v("partitionIndex", m.partitionIndex);
      }
    };

    Text name;
    kj::Vector<Partition> partitions;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("name", m.name);
      v("partitions", m.partitions);
    }
  };

  Text groupId;
  kj::Vector<Topic> topics;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("groupId", m.groupId);
    v("topics", m.topics);
  }
};

struct OffsetDeleteResponse {
  static constexpr MessageFacts kFacts{47, "OffsetDeleteResponse", versions(0, 0), kVersionMax};

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
    kj::Vector<Partition> partitions;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("name", m.name);
      v("partitions", m.partitions);
    }
  };

  int16_t errorCode = 0;
  int32_t throttleTimeMs = 0;
  kj::Vector<Topic> topics;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("errorCode", m.errorCode);
    v("throttleTimeMs", m.throttleTimeMs);
    v("topics", m.topics);
  }
};

}  // namespace cambium::kafka
