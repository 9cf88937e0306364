#pragma once

#include "server/kafka/wire/shape.h"

// DescribeLogDirs (key 35). Source of the fields: DescribeLogDirsRequest.json and DescribeLogDirsResponse.json of
// kafka-clients 4.3.1.

namespace cambium::kafka {

struct DescribeLogDirsRequest {
  static constexpr MessageFacts kFacts{35, "DescribeLogDirsRequest", versions(1, 5), 2};

  struct Topic {
    Text topic;
    kj::Vector<int32_t> partitions;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("topic", m.topic);
      v("partitions", m.partitions);
    }
  };

  kj::Maybe<kj::Vector<Topic>> topics;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("topics", m.topics, nullable());
  }
};

struct DescribeLogDirsResponse {
  static constexpr MessageFacts kFacts{35, "DescribeLogDirsResponse", versions(1, 5), 2};

  struct LogDir {
    struct Topic {
      struct Partition {
        int32_t partitionIndex = 0;
        int64_t partitionSize = 0;
        int64_t offsetLag = 0;
        bool isFutureKey = false;

        template <class Self, class Visitor>
        static void describe(Self& m, Visitor& v) {
          v("partitionIndex", m.partitionIndex);
          v("partitionSize", m.partitionSize);
          v("offsetLag", m.offsetLag);
          v("isFutureKey", m.isFutureKey);
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
    Text logDir;
    kj::Vector<Topic> topics;
    int64_t totalBytes = -1;
    int64_t usableBytes = -1;
    bool isCordoned = false;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("errorCode", m.errorCode);
      v("logDir", m.logDir);
      v("topics", m.topics);
      v("totalBytes", m.totalBytes, since(4));
      v("usableBytes", m.usableBytes, since(4));
      v("isCordoned", m.isCordoned, since(5));
    }
  };

  int32_t throttleTimeMs = 0;
  int16_t errorCode = 0;
  kj::Vector<LogDir> results;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("throttleTimeMs", m.throttleTimeMs);
    v("errorCode", m.errorCode, since(3));
    v("results", m.results);
  }
};

}  // namespace cambium::kafka
