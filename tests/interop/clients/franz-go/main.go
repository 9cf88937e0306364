// The interop client on franz-go: client COMMAND BOOTSTRAP ARGS..., with the commands that every client of this folder's parent has.
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// callTimeout bounds one admin call or one commit.
const callTimeout = 30 * time.Second

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "failed:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	arguments := map[string]int{"create": 2, "produce": 3, "consume": 3, "admin": 1}
	if len(args) < 2 || arguments[args[0]] == 0 || len(args)-2 != arguments[args[0]] {
		return fmt.Errorf("usage: client create|produce|consume|admin BOOTSTRAP ARGS..., not %q", args)
	}
	bootstrap, rest := args[1], args[2:]
	switch args[0] {
	case "create":
		return create(bootstrap, rest[0], rest[1])
	case "produce":
		return produce(bootstrap, rest[0], rest[1], rest[2])
	case "consume":
		return consume(bootstrap, rest[0], rest[1], rest[2])
	default:
		return admin(bootstrap, rest[0])
	}
}

func create(bootstrap, topic, partitions string) error {
	count, err := strconv.ParseInt(partitions, 10, 32)
	if err != nil {
		return err
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(bootstrap))
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	created, err := kadm.NewClient(client).CreateTopic(ctx, int32(count), 1, nil, topic)
	if err != nil {
		return fmt.Errorf("%w %s", err, created.ErrMessage)
	}
	if created.NumPartitions != int32(count) {
		return fmt.Errorf("%d partitions were made, not %d", created.NumPartitions, count)
	}
	return nil
}
