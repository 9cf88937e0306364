#include "engine/base/coroutine.h"
#include "server/kafka/duplicates.h"
#include "server/kafka/error_code.h"
#include "server/kafka/handlers/handlers.h"

namespace cambium::kafka {

kj::Promise<DescribeTransactionsResponse> handle(RequestContext& context, DescribeTransactionsRequest& request) {
  DescribeTransactionsResponse response;
  NamedOnce<std::string_view> named;
  WorkShare share(context.turns());
  for (auto& id : request.transactionalIds) {
    if (share.use()) co_await share.turn();
    if (!named.first(id)) continue;
    auto& answer = response.transactionStates.add();
    answer.transactionalId = id.view();
    answer.errorCode = wireCode(ErrorCode::kTransactionalIdNotFound);
  }
  co_return kj::mv(response);
}

}  // namespace cambium::kafka
