package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// adminRun makes admin calls on a topic and a group of its own, named after the topic of the command line.
type adminRun struct {
	client *kgo.Client
	admin  *kadm.Client
	topic  string
	group  string
	broker int32
	failed int
}

const (
	adminRecords   = 10
	settleTimeout  = 10 * time.Second
	settleInterval = 100 * time.Millisecond
)

var errNotYet = errors.New("not what was asked for")

func admin(bootstrap, topic string) error {
	run := &adminRun{topic: topic + "-admin", group: topic + "-admin-group"}
	client, err := kgo.NewClient(kgo.SeedBrokers(bootstrap), kgo.DefaultProduceTopic(run.topic),
		kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		return err
	}
	defer client.Close()
	run.client = client
	run.admin = kadm.NewClient(client)
	run.cluster()
	run.topics()
	run.configs()
	run.groups()
	run.replicas()
	run.transactions()
	run.step("deleteTopics", func(ctx context.Context) error {
		_, err := run.admin.DeleteTopic(ctx, run.topic)
		return err
	})
	if run.failed > 0 {
		return fmt.Errorf("%d calls failed", run.failed)
	}
	return nil
}

// step makes a call, again where the answer says that it may be made again: a broker may still be electing a coordinator, or spreading
// what the last call changed.
func (run *adminRun) step(call string, body func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	err := body(ctx)
	for deadline := time.Now().Add(settleTimeout); mayRepeat(err) && time.Now().Before(deadline); err = body(ctx) {
		time.Sleep(settleInterval)
	}
	if err != nil {
		run.failed++
		fmt.Printf("failed %s: %v\n", call, err)
		return
	}
	fmt.Println("ok", call)
}

func mayRepeat(err error) bool {
	var shards *kadm.ShardErrors
	if errors.As(err, &shards) && len(shards.Errs) > 0 {
		err = shards.Errs[0].Err
	}
	return errors.Is(err, errNotYet) || kerr.IsRetriable(err)
}

// check is nil where it holds, and otherwise says what was found.
func check(holds bool, format string, values ...any) error {
	if holds {
		return nil
	}
	return fmt.Errorf(format, values...)
}

func (run *adminRun) partition(number int32) kadm.TopicsSet {
	set := kadm.TopicsSet{}
	set.Add(run.topic, number)
	return set
}

func (run *adminRun) cluster() {
	run.step("apiVersions", func(ctx context.Context) error {
		versions, err := run.admin.ApiVersions(ctx)
		return errors.Join(err, check(len(versions) == 1, "%d brokers", len(versions)))
	})
	run.step("metadata", func(ctx context.Context) error {
		brokers, err := run.admin.ListBrokers(ctx)
		if err == nil && len(brokers) == 1 {
			run.broker = brokers[0].NodeID
		}
		return errors.Join(err, check(len(brokers) == 1, "%d brokers", len(brokers)))
	})
	run.step("describeCluster", func(ctx context.Context) error {
		answer, err := kmsg.NewPtrDescribeClusterRequest().RequestWith(ctx, run.client)
		if err != nil {
			return err
		}
		return errors.Join(kerr.ErrorForCode(answer.ErrorCode), check(len(answer.Brokers) == 1 && answer.ClusterID != "",
			"%d brokers of cluster %q", len(answer.Brokers), answer.ClusterID))
	})
	run.step("describeQuorum", func(ctx context.Context) error {
		request := kmsg.NewPtrDescribeQuorumRequest()
		topic := kmsg.NewDescribeQuorumRequestTopic()
		topic.Topic = "__cluster_metadata"
		topic.Partitions = append(topic.Partitions, kmsg.NewDescribeQuorumRequestTopicPartition())
		request.Topics = append(request.Topics, topic)
		answer, err := request.RequestWith(ctx, run.client)
		if err != nil {
			return err
		}
		if err := kerr.ErrorForCode(answer.ErrorCode); err != nil {
			return err
		}
		if len(answer.Topics) != 1 || len(answer.Topics[0].Partitions) != 1 {
			return fmt.Errorf("%d topics", len(answer.Topics))
		}
		partition := answer.Topics[0].Partitions[0]
		return errors.Join(kerr.ErrorForCode(partition.ErrorCode),
			check(len(partition.CurrentVoters) == 1, "%d voters", len(partition.CurrentVoters)))
	})
	run.step("updateFeatures", func(ctx context.Context) error {
		update := kadm.FeatureUpdate{Feature: "no.such.feature", MaxVersionLevel: 1, UpgradeType: 1}
		updated, err := run.admin.UpdateFeatures(ctx, true, update)
		if err == nil {
			err = updated.Error()
		}
		refused := errors.Is(err, kerr.InvalidUpdateVersion) || errors.Is(err, kerr.FeatureUpdateFailed)
		return check(refused, "an unknown feature was not refused: %v", err)
	})
}

func (run *adminRun) topics() {
	run.step("createTopics", func(ctx context.Context) error {
		created, err := run.admin.CreateTopic(ctx, 1, 1, map[string]*string{"retention.ms": kadm.StringPtr("3600000")}, run.topic)
		return errors.Join(err, check(err != nil || created.NumPartitions == 1, "%d partitions", created.NumPartitions))
	})
	run.step("createTopics again", func(ctx context.Context) error {
		_, err := run.admin.CreateTopic(ctx, 1, 1, nil, run.topic)
		return check(errors.Is(err, kerr.TopicAlreadyExists), "%v", err)
	})
	run.step("createPartitions", func(ctx context.Context) error {
		created, err := run.admin.UpdatePartitions(ctx, 3, run.topic)
		return errors.Join(err, created.Error())
	})
	run.step("listTopics", func(ctx context.Context) error {
		topics, err := run.admin.ListTopics(ctx, run.topic)
		return errors.Join(err, topics.Error(), check(len(topics[run.topic].Partitions) == 3, "%w: %v", errNotYet, topics))
	})
	run.step("describeTopicPartitions", func(ctx context.Context) error {
		request := kmsg.NewPtrDescribeTopicPartitionsRequest()
		topic := kmsg.NewDescribeTopicPartitionsRequestTopic()
		topic.Topic = run.topic
		request.Topics = append(request.Topics, topic)
		answer, err := request.RequestWith(ctx, run.client)
		if err != nil {
			return err
		}
		if len(answer.Topics) != 1 {
			return fmt.Errorf("%d topics", len(answer.Topics))
		}
		return errors.Join(kerr.ErrorForCode(answer.Topics[0].ErrorCode),
			check(len(answer.Topics[0].Partitions) == 3, "%d partitions", len(answer.Topics[0].Partitions)))
	})
	run.records()
}

// records puts records into partition 0 and looks at their offsets.
func (run *adminRun) records() {
	begun := time.Now()
	run.step("produce", func(ctx context.Context) error {
		var records []*kgo.Record
		for i := range adminRecords {
			records = append(records, kgo.StringRecord(strconv.Itoa(i)))
		}
		return run.client.ProduceSync(ctx, records...).FirstErr()
	})
	offset := func(call string, wanted int64, list func(context.Context) (kadm.ListedOffsets, error)) {
		run.step(call, func(ctx context.Context) error {
			offsets, err := list(ctx)
			got, _ := offsets.Lookup(run.topic, 0)
			return errors.Join(err, offsets.Error(), check(got.Offset == wanted, "%d, not %d", got.Offset, wanted))
		})
	}
	offset("listOffsets earliest", 0, func(ctx context.Context) (kadm.ListedOffsets, error) {
		return run.admin.ListStartOffsets(ctx, run.topic)
	})
	offset("listOffsets latest", adminRecords, func(ctx context.Context) (kadm.ListedOffsets, error) {
		return run.admin.ListEndOffsets(ctx, run.topic)
	})
	offset("listOffsets committed", adminRecords, func(ctx context.Context) (kadm.ListedOffsets, error) {
		return run.admin.ListCommittedOffsets(ctx, run.topic)
	})
	offset("listOffsets by time", 0, func(ctx context.Context) (kadm.ListedOffsets, error) {
		return run.admin.ListOffsetsAfterMilli(ctx, begun.Add(-time.Minute).UnixMilli(), run.topic)
	})
	run.step("listOffsets max timestamp", func(ctx context.Context) error {
		offsets, err := run.admin.ListMaxTimestampOffsets(ctx, run.topic)
		got, _ := offsets.Lookup(run.topic, 0)
		return errors.Join(err, offsets.Error(), check(got.Offset >= 0 && got.Offset < adminRecords, "%d", got.Offset))
	})
	run.step("offsetForLeaderEpoch", func(ctx context.Context) error {
		offsets, _ := run.admin.ListEndOffsets(ctx, run.topic)
		end, _ := offsets.Lookup(run.topic, 0)
		var request kadm.OffsetForLeaderEpochRequest
		request.Add(run.topic, 0, max(end.LeaderEpoch, 0))
		epochs, err := run.admin.OffsetForLeaderEpoch(ctx, request)
		got := epochs[run.topic][0]
		return errors.Join(err, got.Err, check(got.EndOffset == adminRecords, "%d", got.EndOffset))
	})
	run.step("describeProducers", func(ctx context.Context) error {
		producers, err := run.admin.DescribeProducers(ctx, run.partition(0))
		got := producers[run.topic].Partitions[0]
		return errors.Join(err, got.Err, check(len(got.ActiveProducers) == 1, "%d producers", len(got.ActiveProducers)))
	})
	run.step("deleteRecords", func(ctx context.Context) error {
		var offsets kadm.Offsets
		offsets.Add(kadm.Offset{Topic: run.topic, Partition: 0, At: 4})
		deleted, err := run.admin.DeleteRecords(ctx, offsets)
		got, _ := deleted.Lookup(run.topic, 0)
		return errors.Join(err, deleted.Error(), check(got.LowWatermark == 4, "low watermark %d", got.LowWatermark))
	})
}

// configIs is an error unless the topic's config has that value.
func (run *adminRun) configIs(ctx context.Context, name, value string) error {
	described, err := run.admin.DescribeTopicConfigs(ctx, run.topic)
	if err != nil {
		return err
	}
	resource, err := described.On(run.topic, func(resource *kadm.ResourceConfig) error { return resource.Err })
	if err != nil {
		return err
	}
	for _, config := range resource.Configs {
		if config.Key == name {
			return check(config.MaybeValue() == value, "%s is %q, not %q", name, config.MaybeValue(), value)
		}
	}
	return fmt.Errorf("no config %s", name)
}

func (run *adminRun) configs() {
	run.step("describeConfigs topic", func(ctx context.Context) error { return run.configIs(ctx, "retention.ms", "3600000") })
	run.step("describeConfigs broker", func(ctx context.Context) error {
		described, err := run.admin.DescribeBrokerConfigs(ctx, run.broker)
		if err != nil {
			return err
		}
		_, err = described.On(strconv.Itoa(int(run.broker)), func(resource *kadm.ResourceConfig) error {
			return errors.Join(resource.Err, check(len(resource.Configs) > 0, "no configs"))
		})
		return err
	})
	alter := func(call, wanted string, change func(context.Context) (kadm.AlterConfigsResponses, error)) {
		run.step(call, func(ctx context.Context) error {
			altered, err := change(ctx)
			if err == nil {
				_, err = altered.On(run.topic, func(answer *kadm.AlterConfigsResponse) error { return answer.Err })
			}
			if err != nil {
				return err
			}
			return run.configIs(ctx, "retention.ms", wanted)
		})
	}
	retention := func(value string) []kadm.AlterConfig {
		return []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "retention.ms", Value: kadm.StringPtr(value)}}
	}
	alter("incrementalAlterConfigs", "7200000", func(ctx context.Context) (kadm.AlterConfigsResponses, error) {
		return run.admin.AlterTopicConfigs(ctx, retention("7200000"), run.topic)
	})
	alter("incrementalAlterConfigs validate only", "7200000", func(ctx context.Context) (kadm.AlterConfigsResponses, error) {
		return run.admin.ValidateAlterTopicConfigs(ctx, retention("10800000"), run.topic)
	})
	alter("alterConfigs", "14400000", func(ctx context.Context) (kadm.AlterConfigsResponses, error) {
		return run.admin.AlterTopicConfigsState(ctx, retention("14400000"), run.topic)
	})
	run.step("listConfigResources", func(ctx context.Context) error {
		listed, err := run.admin.ListConfigResources(ctx, kadm.ConfigResourceTopic)
		found := false
		for _, resource := range listed.Resources {
			found = found || resource.Name == run.topic
		}
		return errors.Join(err, listed.Err, check(found, "the topic is not among %d resources", len(listed.Resources)))
	})
}

func (run *adminRun) groups() {
	run.step("findCoordinator", func(ctx context.Context) error {
		found := run.admin.FindGroupCoordinators(ctx, run.group)
		return errors.Join(found.Error(), check(found[run.group].NodeID == run.broker, "broker %d", found[run.group].NodeID))
	})
	run.step("offsetCommit", func(ctx context.Context) error {
		var offsets kadm.Offsets
		offsets.Add(kadm.Offset{Topic: run.topic, Partition: 0, At: 7, LeaderEpoch: -1, Metadata: "seven"})
		offsets.Add(kadm.Offset{Topic: run.topic, Partition: 1, At: 0, LeaderEpoch: -1})
		return run.admin.CommitAllOffsets(ctx, run.group, offsets)
	})
	run.step("offsetFetch", func(ctx context.Context) error {
		offsets, err := run.admin.FetchOffsets(ctx, run.group)
		got, _ := offsets.Lookup(run.topic, 0)
		return errors.Join(err, offsets.Error(), check(got.At == 7 && got.Metadata == "seven", "%d %q", got.At, got.Metadata))
	})
	run.step("listGroups", func(ctx context.Context) error {
		groups, err := run.admin.ListGroups(ctx, "Empty")
		_, found := groups[run.group]
		return errors.Join(err, check(found, "not among %d groups", len(groups)))
	})
	run.step("describeGroups", func(ctx context.Context) error {
		groups, err := run.admin.DescribeGroups(ctx, run.group)
		return errors.Join(err, groups.Error(), check(groups[run.group].State == "Empty", "state %q", groups[run.group].State))
	})
	run.step("offsetDelete", func(ctx context.Context) error {
		deleted, err := run.admin.DeleteOffsets(ctx, run.group, run.partition(1))
		if err := errors.Join(err, deleted.Error()); err != nil {
			return err
		}
		offsets, err := run.admin.FetchOffsets(ctx, run.group)
		_, found := offsets.Lookup(run.topic, 1)
		return errors.Join(err, check(!found, "the offset is still there"))
	})
	run.step("deleteGroups", func(ctx context.Context) error {
		_, err := run.admin.DeleteGroup(ctx, run.group)
		return err
	})
}

func (run *adminRun) replicas() {
	run.step("describeLogDirs", func(ctx context.Context) error {
		folders, err := run.admin.DescribeBrokerLogDirs(ctx, run.broker, run.partition(0))
		got, found := folders.LookupPartition(run.topic, 0)
		return errors.Join(err, folders.Error(), check(found && got.Size > 0, "found %v, %d bytes", found, got.Size))
	})
	run.step("electLeaders", func(ctx context.Context) error {
		elected, err := run.admin.ElectLeaders(ctx, kadm.ElectPreferredReplica, run.partition(0))
		got := elected[run.topic][0].Err
		return errors.Join(err, check(got == nil || errors.Is(got, kerr.ElectionNotNeeded), "%v", got))
	})
	run.step("alterPartitionReassignments", func(ctx context.Context) error {
		var request kadm.AlterPartitionAssignmentsReq
		request.Assign(run.topic, 0, []int32{run.broker})
		altered, err := run.admin.AlterPartitionAssignments(ctx, request)
		return errors.Join(err, altered.Error(), check(len(altered[run.topic]) == 1, "no answer for the partition"))
	})
	run.step("listPartitionReassignments", func(ctx context.Context) error {
		listed, err := run.admin.ListPartitionReassignments(ctx, run.partition(0))
		return errors.Join(err, check(len(listed[run.topic]) == 0, "%v", listed))
	})
}

func (run *adminRun) transactions() {
	run.step("listTransactions", func(ctx context.Context) error {
		_, err := run.admin.ListTransactions(ctx, nil, nil)
		return err
	})
	run.step("describeTransactions", func(ctx context.Context) error {
		described, err := run.admin.DescribeTransactions(ctx, run.topic)
		got := described[run.topic].Err
		return errors.Join(err, check(errors.Is(got, kerr.TransactionalIDNotFound), "an unknown id gives %v", got))
	})
}
