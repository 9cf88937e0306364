#include "server/kafka/error_code.h"
#include "server/kafka/handlers/handlers.h"

// DescribeAcls, CreateAcls and DeleteAcls. This broker has no authorizer: everything is allowed, so there are no
// entries to show, and none can be made. The answers are those of a Kafka broker without an authorizer.

namespace cambium::kafka {

namespace {

Error noAuthorizer() {
  return makeError(ErrorCode::kSecurityDisabled,
                   "this broker has no authorizer: every client may do everything, and there are no ACLs");
}

template <class Answer>
void refuse(Answer& answer) {
  auto error = noAuthorizer();
  answer.errorCode = wireCode(error.code);
  answer.errorMessage = wireMessage(error);
}

}  // namespace

kj::Promise<DescribeAclsResponse> handle(RequestContext&, DescribeAclsRequest&) {
  DescribeAclsResponse response;
  refuse(response);
  return kj::mv(response);
}

kj::Promise<CreateAclsResponse> handle(RequestContext&, CreateAclsRequest& request) {
  CreateAclsResponse response;
  for (size_t i = 0; i < request.creations.size(); ++i)
    refuse(response.results.add());
  return kj::mv(response);
}

kj::Promise<DeleteAclsResponse> handle(RequestContext&, DeleteAclsRequest& request) {
  DeleteAclsResponse response;
  for (size_t i = 0; i < request.filters.size(); ++i)
    refuse(response.filterResults.add());
  return kj::mv(response);
}

}  // namespace cambium::kafka
