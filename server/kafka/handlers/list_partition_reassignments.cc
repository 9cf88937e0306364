#include "server/kafka/handlers/handlers.h"

namespace cambium::kafka {

// One broker: nothing is ever on its way to another one.
kj::Promise<ListPartitionReassignmentsResponse> handle(RequestContext&, ListPartitionReassignmentsRequest&) {
  return ListPartitionReassignmentsResponse();
}

}  // namespace cambium::kafka
