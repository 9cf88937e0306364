package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kgo"
)

const lineBytesMax = 1 << 20

func codecOf(name string) (kgo.CompressionCodec, error) {
	switch name {
	case "none":
		return kgo.NoCompression(), nil
	case "gzip":
		return kgo.GzipCompression(), nil
	case "snappy":
		return kgo.SnappyCompression(), nil
	case "lz4":
		return kgo.Lz4Compression(), nil
	case "zstd":
		return kgo.ZstdCompression(), nil
	}
	return kgo.CompressionCodec{}, fmt.Errorf("no codec %q", name)
}

// produce sends each line of the file (key, tab, value) with its number from 1 in the header "line", idempotently.
func produce(bootstrap, topic, codecName, path string) error {
	codec, err := codecOf(codecName)
	if err != nil {
		return err
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	client, err := kgo.NewClient(kgo.SeedBrokers(bootstrap), kgo.DefaultProduceTopic(topic), kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.ProducerBatchCompression(codec))
	if err != nil {
		return err
	}
	defer client.Close()

	var acked atomic.Int64
	var firstError atomic.Pointer[error]
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, lineBytesMax)
	number := int64(0)
	for lines.Scan() && firstError.Load() == nil {
		number++
		key, value, found := strings.Cut(lines.Text(), "\t")
		if !found {
			return fmt.Errorf("line %d of %s has no tab", number, path)
		}
		header := kgo.RecordHeader{Key: "line", Value: []byte(strconv.FormatInt(number, 10))}
		record := &kgo.Record{Key: []byte(key), Value: []byte(value), Headers: []kgo.RecordHeader{header}}
		client.Produce(context.Background(), record, func(_ *kgo.Record, err error) {
			if err != nil {
				firstError.CompareAndSwap(nil, &err)
				return
			}
			acked.Add(1)
		})
	}
	if err := lines.Err(); err != nil {
		return err
	}
	if err := client.Flush(context.Background()); err != nil {
		return err
	}
	if err := firstError.Load(); err != nil {
		return *err
	}
	fmt.Println("acked", acked.Load())
	return nil
}
