// Everything that the tests ask of a client, through sarama; the actions are in ../README.md.
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

	"github.com/IBM/sarama"
)

var (
	bootstrap   = flag.String("bootstrap", "", "")
	topic       = flag.String("topic", "", "")
	partition   = flag.Int("partition", -1, "")
	partitions  = flag.Int("partitions", 1, "")
	compression = flag.String("compression", "none", "")
	file        = flag.String("file", "", "")
	count       = flag.Int("count", 0, "")
	group       = flag.String("group", "", "")
	id          = flag.String("id", "", "")
)

var codecs = map[string]sarama.CompressionCodec{
	"none":   sarama.CompressionNone,
	"gzip":   sarama.CompressionGZIP,
	"snappy": sarama.CompressionSnappy,
	"lz4":    sarama.CompressionLZ4,
	"zstd":   sarama.CompressionZSTD,
}

var actions = map[string]func() error{
	"create":  create,
	"delete":  remove,
	"produce": produce,
	"consume": consume,
	"group":   member,
	"write":   write,
}

func main() {
	action := os.Args[1]
	_ = flag.CommandLine.Parse(os.Args[2:])
	if err := actions[action](); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func config() *sarama.Config {
	config := sarama.NewConfig()
	config.Version = sarama.MaxVersion
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	return config
}

func create() error {
	admin, err := sarama.NewClusterAdmin(strings.Split(*bootstrap, ","), config())
	if err != nil {
		return err
	}
	defer admin.Close()
	detail := &sarama.TopicDetail{NumPartitions: int32(*partitions), ReplicationFactor: 1}
	if err := admin.CreateTopic(*topic, detail, false); err != nil {
		return err
	}
	described, err := admin.DescribeTopics([]string{*topic})
	if err != nil {
		return err
	}
	fmt.Println(len(described[0].Partitions))
	return nil
}

func remove() error {
	admin, err := sarama.NewClusterAdmin(strings.Split(*bootstrap, ","), config())
	if err != nil {
		return err
	}
	defer admin.Close()
	if err := admin.DeleteTopic(*topic); err != nil {
		return err
	}
	topics, err := admin.ListTopics()
	_, listed := topics[*topic]
	fmt.Println(listed)
	return err
}

// line is one record; encoding/json writes []byte as base64 and nil as null.
type line struct {
	Key     []byte `json:"key"`
	Value   []byte `json:"value"`
	Headers []any  `json:"headers"`
}

func produce() error {
	config := config()
	config.Producer.Compression = codecs[*compression]
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Idempotent = true
	config.Producer.Return.Successes = true
	config.Net.MaxOpenRequests = 1
	if *partition >= 0 {
		config.Producer.Partitioner = sarama.NewManualPartitioner
	}
	messages, err := readLines()
	if err != nil {
		return err
	}
	producer, err := sarama.NewSyncProducer(strings.Split(*bootstrap, ","), config)
	if err != nil {
		return err
	}
	defer producer.Close()
	return producer.SendMessages(messages)
}

func readLines() ([]*sarama.ProducerMessage, error) {
	input, err := os.Open(*file)
	if err != nil {
		return nil, err
	}
	defer input.Close()
	var messages []*sarama.ProducerMessage
	for lines := bufio.NewScanner(input); lines.Scan(); {
		message, err := decode(lines.Bytes())
		if err != nil {
			return nil, err
		}
		messages = append(messages, message)
	}
	return messages, nil
}

func decode(text []byte) (*sarama.ProducerMessage, error) {
	var parsed struct {
		Key     *[]byte             `json:"key"`
		Value   *[]byte             `json:"value"`
		Headers [][]json.RawMessage `json:"headers"`
	}
	if err := json.Unmarshal(text, &parsed); err != nil {
		return nil, err
	}
	message := &sarama.ProducerMessage{Topic: *topic, Partition: int32(*partition)}
	if parsed.Key != nil {
		message.Key = sarama.ByteEncoder(*parsed.Key)
	}
	if parsed.Value != nil {
		message.Value = sarama.ByteEncoder(*parsed.Value)
	}
	for _, pair := range parsed.Headers {
		var name string
		var header sarama.RecordHeader
		if err := json.Unmarshal(pair[0], &name); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(pair[1], &header.Value); err != nil {
			return nil, err
		}
		header.Key = []byte(name)
		message.Headers = append(message.Headers, header)
	}
	return message, nil
}

func consume() error {
	consumer, err := sarama.NewConsumer(strings.Split(*bootstrap, ","), config())
	if err != nil {
		return err
	}
	defer consumer.Close()
	records, err := consumer.ConsumePartition(*topic, int32(max(*partition, 0)), sarama.OffsetOldest)
	if err != nil {
		return err
	}
	defer records.Close()
	output := json.NewEncoder(os.Stdout)
	for range *count {
		record := <-records.Messages()
		headers := []any{}
		for _, header := range record.Headers {
			headers = append(headers, []any{string(header.Key), header.Value})
		}
		if err := output.Encode(line{record.Key, record.Value, headers}); err != nil {
			return err
		}
	}
	return nil
}

// handler prints and commits what its claims bring.
type handler struct{}

func (handler) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (handler) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (handler) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for {
		select {
		case record, open := <-claim.Messages():
			if !open {
				return nil
			}
			fmt.Printf("[%d,%d,%q]\n", record.Partition, record.Offset, record.Value)
			session.MarkMessage(record, "")
		case <-session.Context().Done():
			return nil
		}
	}
}

// member joins a group until standard input closes.
func member() error {
	config := config()
	config.Consumer.Offsets.AutoCommit.Interval = 100 * time.Millisecond
	config.Consumer.Group.Session.Timeout = 10 * time.Second
	config.Consumer.Group.Heartbeat.Interval = 500 * time.Millisecond
	consumers, err := sarama.NewConsumerGroup(strings.Split(*bootstrap, ","), *group, config)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	for ctx.Err() == nil {
		if err := consumers.Consume(ctx, []string{*topic}, handler{}); err != nil && ctx.Err() == nil {
			return err
		}
	}
	return consumers.Close()
}

// write writes three records in each of count transactions, and aborts every second one.
func write() error {
	config := config()
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Idempotent = true
	config.Producer.Return.Successes = true
	config.Producer.Partitioner = sarama.NewManualPartitioner
	config.Producer.Transaction.ID = *id
	config.Net.MaxOpenRequests = 1
	producer, err := sarama.NewSyncProducer(strings.Split(*bootstrap, ","), config)
	if err != nil {
		return err
	}
	defer producer.Close()
	for number := range *count {
		if err := transaction(producer, number); err != nil {
			return err
		}
	}
	return nil
}

func transaction(producer sarama.SyncProducer, number int) error {
	if err := producer.BeginTxn(); err != nil {
		return err
	}
	messages := make([]*sarama.ProducerMessage, 3)
	for record := range messages {
		value := fmt.Sprintf("%s-%d-%d", *id, number, record)
		messages[record] = &sarama.ProducerMessage{
			Topic:     *topic,
			Partition: int32(record % *partitions),
			Value:     sarama.StringEncoder(value),
		}
	}
	if err := producer.SendMessages(messages); err != nil {
		return err
	}
	if number%2 == 1 {
		return producer.AbortTxn()
	}
	return producer.CommitTxn()
}
