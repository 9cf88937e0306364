#include "server/kafka/authorized_operations.h"
#include "server/kafka/error_code.h"
#include "server/kafka/handlers/handlers.h"

namespace cambium::kafka {

kj::Promise<DescribeClusterResponse> handle(RequestContext& context, DescribeClusterRequest& request) {
  constexpr int8_t kBrokers = 1;
  DescribeClusterResponse response;
  response.endpointType = kBrokers;
  if (request.endpointType != kBrokers) {
    auto error = makeError(ErrorCode::kInvalidRequest, "this address serves brokers (endpoint type 1), not type ",
                           request.endpointType);
    response.errorCode = wireCode(error.code);
    response.errorMessage = wireMessage(error);
    return kj::mv(response);
  }
  auto& endpoint = context.advertised();
  response.clusterId = Text(context.broker().facts().clusterId);
  response.controllerId = context.brokerId();
  auto& self = response.brokers.add();
  self.brokerId = context.brokerId();
  self.host = Text(kj::str(endpoint.host));
  self.port = endpoint.port;
  if (request.includeClusterAuthorizedOperations) response.clusterAuthorizedOperations = kClusterOperations;
  return kj::mv(response);
}

}  // namespace cambium::kafka
