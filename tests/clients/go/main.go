// Writes and reads records through franz-go; the line format is in ../README.md.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// line is one record; encoding/json writes []byte as base64 and nil as null.
type line struct {
	Key     []byte `json:"key"`
	Value   []byte `json:"value"`
	Headers []any  `json:"headers"`
}

var codecs = map[string]kgo.CompressionCodec{
	"none":   kgo.NoCompression(),
	"gzip":   kgo.GzipCompression(),
	"snappy": kgo.SnappyCompression(),
	"lz4":    kgo.Lz4Compression(),
	"zstd":   kgo.ZstdCompression(),
}

// seeds takes brokers separated by commas.
func seeds(bootstrap string) kgo.Opt {
	return kgo.SeedBrokers(strings.Split(bootstrap, ",")...)
}

func main() {
	if len(os.Args) < 2 {
		fail("usage: roundtrip produce|consume --bootstrap host:port --topic name")
	}
	flags := flag.NewFlagSet(os.Args[1], flag.ExitOnError)
	bootstrap := flags.String("bootstrap", "", "")
	topic := flags.String("topic", "", "")
	partition := flags.Int("partition", 0, "")
	compression := flags.String("compression", "none", "")
	linger := flags.Int("linger", 5, "")
	offset := flags.Int64("offset", 0, "")
	count := flags.Int("count", 0, "")
	file := flags.String("file", "", "")
	group := flags.String("group", "", "")
	instance := flags.String("instance", "", "")
	protocol := flags.String("protocol", "classic", "")
	id := flags.String("id", "", "")
	partitions := flags.Int("partitions", 2, "")
	value := flags.String("value", "", "")
	var shown credentials
	flags.StringVar(&shown.authority, "authority", "", "")
	flags.StringVar(&shown.certificate, "certificate", "", "")
	flags.StringVar(&shown.mechanism, "mechanism", "", "")
	flags.StringVar(&shown.user, "user", "", "")
	flags.StringVar(&shown.password, "password", "", "")
	flags.StringVar(&shown.token, "token", "", "")
	_ = flags.Parse(os.Args[2:])
	switch os.Args[1] {
	case "produce":
		produce(*bootstrap, *topic, int32(*partition), *compression, *linger, *file)
	case "consume":
		consume(*bootstrap, *topic, int32(*partition), *offset, *count)
	case "group":
		member(*bootstrap, *topic, *group, *instance, *protocol)
	case "write":
		writeTransactions(*bootstrap, *topic, *id, *count, *partitions)
	case "secured":
		secured(*bootstrap, *topic, *value, shown)
	default:
		fail("unknown action " + os.Args[1])
	}
}

func produce(bootstrap, topic string, partition int32, compression string, linger int, file string) {
	client, err := kgo.NewClient(
		seeds(bootstrap),
		kgo.ProducerBatchCompression(codecs[compression]),
		kgo.ProducerLinger(time.Duration(linger)*time.Millisecond),
		kgo.ProducerBatchMaxBytes(12_000_000),
		kgo.BrokerMaxWriteBytes(100_000_000),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
	)
	check(err)
	defer client.Close()
	input, err := os.Open(file)
	check(err)
	lines := bufio.NewScanner(input)
	lines.Buffer(nil, 64<<20)
	var pending []*kgo.Record
	for lines.Scan() {
		record := decode(lines.Bytes())
		record.Topic, record.Partition = topic, partition
		if linger == 0 {
			check(client.ProduceSync(context.Background(), record).FirstErr())
			continue
		}
		pending = append(pending, record)
	}
	check(lines.Err())
	check(client.ProduceSync(context.Background(), pending...).FirstErr())
}

func decode(text []byte) *kgo.Record {
	var parsed struct {
		Key     *[]byte             `json:"key"`
		Value   *[]byte             `json:"value"`
		Headers [][]json.RawMessage `json:"headers"`
	}
	check(json.Unmarshal(text, &parsed))
	record := &kgo.Record{}
	if parsed.Key != nil {
		record.Key = present(*parsed.Key)
	}
	if parsed.Value != nil {
		record.Value = present(*parsed.Value)
	}
	for _, pair := range parsed.Headers {
		var header kgo.RecordHeader
		check(json.Unmarshal(pair[0], &header.Key))
		var value *[]byte
		check(json.Unmarshal(pair[1], &value))
		if value != nil {
			header.Value = present(*value)
		}
		record.Headers = append(record.Headers, header)
	}
	return record
}

// present keeps an empty value apart from a null one.
func present(value []byte) []byte {
	if value == nil {
		return []byte{}
	}
	return value
}

func consume(bootstrap, topic string, partition int32, offset int64, count int) {
	client, err := kgo.NewClient(
		seeds(bootstrap),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {partition: kgo.NewOffset().At(offset)}}),
		kgo.BrokerMaxReadBytes(200_000_000),
	)
	check(err)
	defer client.Close()
	output := bufio.NewWriterSize(os.Stdout, 1<<20)
	encoder := json.NewEncoder(output)
	for seen := 0; seen < count; {
		ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
		fetches := client.PollFetches(ctx)
		cancel()
		for _, failure := range fetches.Errors() {
			fail(failure.Err.Error())
		}
		fetches.EachRecord(func(record *kgo.Record) {
			if seen >= count {
				return
			}
			seen++
			headers := []any{}
			for _, header := range record.Headers {
				headers = append(headers, []any{header.Key, header.Value})
			}
			check(encoder.Encode(line{record.Key, record.Value, headers}))
		})
	}
	check(output.Flush())
}

// member joins a group, and prints and commits what it reads until standard input closes.
func member(bootstrap, topic, group, instance, protocol string) {
	options := []kgo.Opt{
		seeds(bootstrap),
		kgo.ConsumerGroup(group),
		kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.Balancers(kgo.RangeBalancer()),
		kgo.SessionTimeout(10 * time.Second),
		kgo.HeartbeatInterval(500 * time.Millisecond),
		kgo.DisableAutoCommit(),
	}
	if instance != "" {
		options = append(options, kgo.InstanceID(instance))
	}
	if protocol == "consumer" {
		// How the library is told to take the protocol of KIP-848 where the broker has it.
		ctx := context.WithValue(context.Background(), "opt_in_kafka_next_gen_balancer_beta", true)
		options = append(options, kgo.WithContext(ctx))
	}
	client, err := kgo.NewClient(options...)
	check(err)
	stop := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(stop)
	}()
	for {
		select {
		case <-stop:
			client.Close()
			return
		default:
		}
		ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
		fetches := client.PollFetches(ctx)
		cancel()
		fetches.EachRecord(func(record *kgo.Record) {
			fmt.Printf("[%d,%d,%q]\n", record.Partition, record.Offset, record.Value)
		})
		if fetches.NumRecords() > 0 {
			// A commit that fails is covered by the next one, or the next owner reads the records again.
			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
			_ = client.CommitUncommittedOffsets(ctx)
			cancel()
		}
	}
}

func check(err error) {
	if err != nil {
		fail(err.Error())
	}
}

func fail(message string) {
	fmt.Fprintln(os.Stderr, message)
	os.Exit(1)
}
