#pragma once

#include "server/kafka/wire/shape.h"

// DescribeCluster (key 60). Source of the fields: DescribeClusterRequest.json and DescribeClusterResponse.json of
// kafka-clients 4.3.1.

namespace cambium::kafka {

struct DescribeClusterRequest {
  static constexpr MessageFacts kFacts{60, "DescribeClusterRequest", versions(0, 2), 0};

  bool includeClusterAuthorizedOperations = false;
  int8_t endpointType = 1;
  bool includeFencedBrokers = false;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("includeClusterAuthorizedOperations", m.includeClusterAuthorizedOperations);
    v("endpointType", m.endpointType, since(1));
    v("includeFencedBrokers", m.includeFencedBrokers, since(2));
  }
};

struct DescribeClusterResponse {
  static constexpr MessageFacts kFacts{60, "DescribeClusterResponse", versions(0, 2), 0};

  struct Broker {
    int32_t brokerId = 0;
    Text host;
    int32_t port = 0;
    kj::Maybe<Text> rack;
    bool isFenced = false;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("brokerId", m.brokerId);
      v("host", m.host);
      v("port", m.port);
      v("rack", m.rack, nullable());
      v("isFenced", m.isFenced, since(2));
    }
  };

  int32_t throttleTimeMs = 0;
  int16_t errorCode = 0;
  kj::Maybe<Text> errorMessage;
  int8_t endpointType = 1;
  Text clusterId;
  int32_t controllerId = -1;
  kj::Vector<Broker> brokers;
  int32_t clusterAuthorizedOperations = -2147483648;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("throttleTimeMs", m.throttleTimeMs);
    v("errorCode", m.errorCode);
    v("errorMessage", m.errorMessage, nullable());
    v("endpointType", m.endpointType, since(1));
    v("clusterId", m.clusterId);
    v("controllerId", m.controllerId);
    v("brokers", m.brokers);
    v("clusterAuthorizedOperations", m.clusterAuthorizedOperations);
  }
};

}  // namespace cambium::kafka
