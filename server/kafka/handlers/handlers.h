#pragma once

#include "server/kafka/request_context.h"
#include "server/kafka/wire/all_messages.h"

namespace cambium::kafka {

// One handler per API, each in a file of its name. `context` and `request` live until the promise is done, and what the
// response borrows from them is encoded by then. A handler that throws ends the connection: what a client may be told
// is in the response.

kj::Promise<ProduceResponse> handle(RequestContext& context, ProduceRequest& request);
kj::Promise<FetchResponse> handle(RequestContext& context, FetchRequest& request);
kj::Promise<ListOffsetsResponse> handle(RequestContext& context, ListOffsetsRequest& request);
kj::Promise<MetadataResponse> handle(RequestContext& context, MetadataRequest& request);
kj::Promise<ApiVersionsResponse> handle(RequestContext& context, ApiVersionsRequest& request);
kj::Promise<CreateTopicsResponse> handle(RequestContext& context, CreateTopicsRequest& request);
kj::Promise<DeleteTopicsResponse> handle(RequestContext& context, DeleteTopicsRequest& request);
kj::Promise<CreatePartitionsResponse> handle(RequestContext& context, CreatePartitionsRequest& request);
kj::Promise<DeleteRecordsResponse> handle(RequestContext& context, DeleteRecordsRequest& request);
kj::Promise<DescribeClusterResponse> handle(RequestContext& context, DescribeClusterRequest& request);
kj::Promise<DescribeTopicPartitionsResponse> handle(RequestContext& context, DescribeTopicPartitionsRequest& request);
kj::Promise<OffsetForLeaderEpochResponse> handle(RequestContext& context, OffsetForLeaderEpochRequest& request);
kj::Promise<ElectLeadersResponse> handle(RequestContext& context, ElectLeadersRequest& request);
kj::Promise<AlterPartitionReassignmentsResponse> handle(RequestContext& context,
                                                        AlterPartitionReassignmentsRequest& request);
kj::Promise<ListPartitionReassignmentsResponse> handle(RequestContext& context,
                                                       ListPartitionReassignmentsRequest& request);
kj::Promise<DescribeQuorumResponse> handle(RequestContext& context, DescribeQuorumRequest& request);
kj::Promise<UpdateFeaturesResponse> handle(RequestContext& context, UpdateFeaturesRequest& request);
kj::Promise<ListTransactionsResponse> handle(RequestContext& context, ListTransactionsRequest& request);
kj::Promise<DescribeTransactionsResponse> handle(RequestContext& context, DescribeTransactionsRequest& request);
kj::Promise<ListConfigResourcesResponse> handle(RequestContext& context, ListConfigResourcesRequest& request);
kj::Promise<DescribeConfigsResponse> handle(RequestContext& context, DescribeConfigsRequest& request);
kj::Promise<AlterConfigsResponse> handle(RequestContext& context, AlterConfigsRequest& request);
kj::Promise<IncrementalAlterConfigsResponse> handle(RequestContext& context, IncrementalAlterConfigsRequest& request);
kj::Promise<DescribeLogDirsResponse> handle(RequestContext& context, DescribeLogDirsRequest& request);
kj::Promise<InitProducerIdResponse> handle(RequestContext& context, InitProducerIdRequest& request);
kj::Promise<DescribeProducersResponse> handle(RequestContext& context, DescribeProducersRequest& request);
kj::Promise<FindCoordinatorResponse> handle(RequestContext& context, FindCoordinatorRequest& request);
kj::Promise<JoinGroupResponse> handle(RequestContext& context, JoinGroupRequest& request);
kj::Promise<SyncGroupResponse> handle(RequestContext& context, SyncGroupRequest& request);
kj::Promise<HeartbeatResponse> handle(RequestContext& context, HeartbeatRequest& request);
kj::Promise<LeaveGroupResponse> handle(RequestContext& context, LeaveGroupRequest& request);
kj::Promise<OffsetCommitResponse> handle(RequestContext& context, OffsetCommitRequest& request);
kj::Promise<OffsetFetchResponse> handle(RequestContext& context, OffsetFetchRequest& request);
kj::Promise<DescribeGroupsResponse> handle(RequestContext& context, DescribeGroupsRequest& request);
kj::Promise<ListGroupsResponse> handle(RequestContext& context, ListGroupsRequest& request);
kj::Promise<DeleteGroupsResponse> handle(RequestContext& context, DeleteGroupsRequest& request);
kj::Promise<OffsetDeleteResponse> handle(RequestContext& context, OffsetDeleteRequest& request);
kj::Promise<DescribeAclsResponse> handle(RequestContext& context, DescribeAclsRequest& request);
kj::Promise<CreateAclsResponse> handle(RequestContext& context, CreateAclsRequest& request);
kj::Promise<DeleteAclsResponse> handle(RequestContext& context, DeleteAclsRequest& request);
kj::Promise<AlterReplicaLogDirsResponse> handle(RequestContext& context, AlterReplicaLogDirsRequest& request);
kj::Promise<DescribeClientQuotasResponse> handle(RequestContext& context, DescribeClientQuotasRequest& request);
kj::Promise<AlterClientQuotasResponse> handle(RequestContext& context, AlterClientQuotasRequest& request);
kj::Promise<DescribeUserScramCredentialsResponse> handle(RequestContext& context,
                                                         DescribeUserScramCredentialsRequest& request);
kj::Promise<AlterUserScramCredentialsResponse> handle(RequestContext& context,
                                                      AlterUserScramCredentialsRequest& request);

}  // namespace cambium::kafka
