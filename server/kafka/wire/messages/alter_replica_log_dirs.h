#pragma once

#include "server/kafka/wire/shape.h"

// AlterReplicaLogDirs (key 34). Source of the fields: AlterReplicaLogDirsRequest.json and
// AlterReplicaLogDirsResponse.json of kafka-clients 4.3.1.

namespace cambium::kafka {

struct AlterReplicaLogDirsRequest {
  static constexpr MessageFacts kFacts{34, "AlterReplicaLogDirsRequest", versions(1, 2), 2};

  struct Dir {
    struct Topic {
      Text name;
      kj::Vector<int32_t> partitions;

      template <class Self, class Visitor>
      static void describe(Self& m, Visitor& v) {
        v("name", m.name);
        v("partitions", m.partitions);
      }
    };

    Text path;
    kj::Vector<Topic> topics;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("path", m.path);
      v("topics", m.topics);
    }
  };

  kj::Vector<Dir> dirs;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("dirs", m.dirs);
  }
};

struct AlterReplicaLogDirsResponse {
  static constexpr MessageFacts kFacts{34, "AlterReplicaLogDirsResponse", versions(1, 2), 2};

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

    Text topicName;
    kj::Vector<Partition> partitions;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("topicName", m.topicName);
      v("partitions", m.partitions);
    }
  };

  int32_t throttleTimeMs = 0;
  kj::Vector<Topic> results;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("throttleTimeMs", m.throttleTimeMs);
    v("results", m.results);
  }
};

}  // namespace cambium::kafka
