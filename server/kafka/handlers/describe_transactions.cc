#include "server/kafka/error_code.h"
#include "server/kafka/handlers/handlers.h"

namespace cambium::kafka {

kj::Promise<DescribeTransactionsResponse> handle(RequestContext&, DescribeTransactionsRequest& request) {
  DescribeTransactionsResponse response;
  for (auto& id : request.transactionalIds) {
    auto& answer = response.transactionStates.add();
    answer.transactionalId = id.view();
    answer.errorCode = wireCode(ErrorCode::kTransactionalIdNotFound);
  }
  return kj::mv(response);
}

}  // namespace cambium::kafka
