#pragma once

#include "server/kafka/request_context.h"
#include "server/kafka/wire/messages/api_versions.h"
#include "server/kafka/wire/messages/fetch.h"
#include "server/kafka/wire/messages/list_offsets.h"
#include "server/kafka/wire/messages/metadata.h"
#include "server/kafka/wire/messages/produce.h"

namespace cambium::kafka {

// One handler per API, each in a file of its name. `context` and `request` live until the promise is done, and what the
// response borrows from them is encoded by then. A handler that throws ends the connection: what a client may be told
// is in the response.

kj::Promise<ProduceResponse> handle(RequestContext& context, ProduceRequest& request);
kj::Promise<FetchResponse> handle(RequestContext& context, FetchRequest& request);
kj::Promise<ListOffsetsResponse> handle(RequestContext& context, ListOffsetsRequest& request);
kj::Promise<MetadataResponse> handle(RequestContext& context, MetadataRequest& request);
kj::Promise<ApiVersionsResponse> handle(RequestContext& context, ApiVersionsRequest& request);

}  // namespace cambium::kafka
