package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	sessionTimeout = 6 * time.Second
	commitInterval = 500 * time.Millisecond
)

// tell prints what changed in the assignment, as "assigned 0,2"; nothing where nothing did.
func tell(change string, topics map[string][]int32) {
	var names []string
	for _, partitions := range topics {
		slices.Sort(partitions)
		for _, partition := range partitions {
			names = append(names, strconv.Itoa(int(partition)))
		}
	}
	if len(names) > 0 {
		fmt.Fprintln(os.Stderr, change, strings.Join(names, ","))
	}
}

// consume is a member of the group until count records came (0: until SIGTERM). What was printed is committed before it is given up.
func consume(bootstrap, topic, group, countText string) error {
	count, err := strconv.Atoi(countText)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	client, err := kgo.NewClient(kgo.SeedBrokers(bootstrap), kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.SessionTimeout(sessionTimeout), kgo.HeartbeatInterval(sessionTimeout/6),
		kgo.AutoCommitMarks(), kgo.AutoCommitInterval(commitInterval), kgo.BlockRebalanceOnPoll(),
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, assigned map[string][]int32) {
			tell("assigned", assigned)
		}),
		kgo.OnPartitionsRevoked(func(_ context.Context, client *kgo.Client, revoked map[string][]int32) {
			if err := commit(client); err != nil {
				fmt.Fprintln(os.Stderr, "commit:", err)
			}
			tell("revoked", revoked)
		}),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, lost map[string][]int32) {
			tell("revoked", lost)
		}))
	if err != nil {
		return err
	}
	if err := poll(ctx, client, count); err != nil {
		client.CloseAllowingRebalance()
		return err
	}
	err = commit(client)
	client.CloseAllowingRebalance()
	return err
}

func commit(client *kgo.Client) error {
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	return client.CommitMarkedOffsets(ctx)
}

func poll(ctx context.Context, client *kgo.Client, count int) error {
	out := bufio.NewWriter(os.Stdout)
	for printed := 0; ctx.Err() == nil && (count == 0 || printed < count); client.AllowRebalance() {
		fetches := client.PollRecords(ctx, 1000)
		for _, failed := range fetches.Errors() {
			if !errors.Is(failed.Err, context.Canceled) {
				return fmt.Errorf("partition %d: %w", failed.Partition, failed.Err)
			}
		}
		for each := fetches.RecordIter(); !each.Done() && (count == 0 || printed < count); printed++ {
			record := each.Next()
			line := ""
			for _, header := range record.Headers {
				if header.Key == "line" {
					line = string(header.Value)
				}
			}
			fmt.Fprintf(out, "%d\t%d\t%s\t%s\t%s\n", record.Partition, record.Offset, record.Key, record.Value, line)
			client.MarkCommitRecords(record)
		}
		if err := out.Flush(); err != nil {
			return err
		}
	}
	return nil
}
