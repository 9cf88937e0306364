#include <set>

#include "server/kafka/handlers/handlers.h"

namespace cambium::kafka {

// There are no transactions; states that do not exist are told, as Kafka does (KIP-664).
kj::Promise<ListTransactionsResponse> handle(RequestContext&, ListTransactionsRequest& request) {
  static const std::set<std::string_view> kStates = {"Empty",        "Ongoing",          "PrepareCommit",
                                                     "PrepareAbort", "CompleteCommit",   "CompleteAbort",
                                                     "Dead",         "PrepareEpochFence"};
  ListTransactionsResponse response;
  for (auto& state : request.stateFilters)
    if (kStates.count(state) == 0) response.unknownStateFilters.add(state.view());
  return kj::mv(response);
}

}  // namespace cambium::kafka
