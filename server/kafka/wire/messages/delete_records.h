#pragma once

#include "server/kafka/wire/shape.h"

// DeleteRecords (key 21). Source of the fields: DeleteRecordsRequest.json and DeleteRecordsResponse.json of
// kafka-clients 4.3.1.

namespace cambium::kafka {

struct DeleteRecordsRequest {
  static constexpr MessageFacts kFacts{21, "DeleteRecordsRequest", versions(0, 2), 2};

  struct Topic {
    struct Partition {
      int32_t partitionIndex = 0;
      int64_t offset = 0;

      template <class Self, class Visitor>
      static void describe(Self& m, Visitor& v) {
        v("partitionIndex", m.partitionIndex);
        v("offset", m.offset);
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

  kj::Vector<Topic> topics;
  int32_t timeoutMs = 0;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("topics", m.topics);
    v("timeoutMs", m.timeoutMs);
  }
};

struct DeleteRecordsResponse {
  static constexpr MessageFacts kFacts{21, "DeleteRecordsResponse", versions(0, 2), 2};

  struct Topic {
    struct Partition {
      int32_t partitionIndex = 0;
      int64_t lowWatermark = 0;
      int16_t errorCode = 0;

      template <class Self, class Visitor>
      static void describe(Self& m, Visitor& v) {
        v("partitionIndex", m.partitionIndex);
        v("lowWatermark", m.lowWatermark);
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

  int32_t throttleTimeMs = 0;
  kj::Vector<Topic> topics;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("throttleTimeMs", m.throttleTimeMs);
    v("topics", m.topics);
  }
};

}  // namespace cambium::kafka
