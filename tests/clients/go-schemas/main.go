// The schema registry through franz-go's sr client: its Serde writes and reads Avro, Protobuf and JSON; schemas evolve, refer and are refused.
package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"reflect"
	"slices"
	"time"

	"github.com/hamba/avro/v2"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

const (
	order    = `{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"id","type":"string"},{"name":"cents","type":"long"}]}`
	noted    = `{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"id","type":"string"},{"name":"cents","type":"long"},{"name":"note","type":["null","string"],"default":null}]}`
	required = `{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"id","type":"string"},{"name":"cents","type":"long"},{"name":"shop","type":"string"}]}`
	wrapper  = `syntax = "proto3"; package google.protobuf; message StringValue { string value = 1; }`
	changed  = `syntax = "proto3"; package google.protobuf; message StringValue { int64 value = 1; }`
	closed   = `{"title":"Order","type":"object","properties":{"id":{"type":"string"}},"additionalProperties":false}`
	narrowed = `{"title":"Order","type":"object","properties":{},"additionalProperties":false}`
	money    = `{"type":"record","name":"Money","namespace":"shop","fields":[{"name":"cents","type":"long"}]}`
	price    = `{"type":"record","name":"Price","fields":[{"name":"of","type":"shop.Money"}]}`
)

type avroOrder struct {
	ID    string `avro:"id"`
	Cents int64  `avro:"cents"`
}

type jsonOrder struct {
	ID string `json:"id"`
}

var (
	registry  = flag.String("registry", "", "the registry's address")
	bootstrap = flag.String("bootstrap", "", "the brokers' addresses")
	prefix    = flag.String("prefix", "t", "what names of subjects and topics begin with")
)

func check(err error) {
	if err != nil {
		log.Panic(err)
	}
}

func must[T any](value T, err error) T {
	check(err)
	return value
}

func same(found, expected any) {
	if !reflect.DeepEqual(found, expected) {
		log.Panicf("%v instead of %v", found, expected)
	}
}

func refused(err error, code int) {
	var told *sr.ResponseError
	if !errors.As(err, &told) || told.ErrorCode != code {
		log.Panicf("%v instead of %d", err, code)
	}
}

func write(ctx context.Context, topic string, value []byte) {
	client := must(kgo.NewClient(kgo.SeedBrokers(*bootstrap), kgo.AllowAutoTopicCreation(), kgo.DefaultProduceTopic(topic)))
	defer client.Close()
	check(client.ProduceSync(ctx, &kgo.Record{Value: value}).FirstErr())
}

func read(ctx context.Context, topic string) []byte {
	start := kgo.ConsumeResetOffset(kgo.NewOffset().AtStart())
	client := must(kgo.NewClient(kgo.SeedBrokers(*bootstrap), kgo.ConsumeTopics(topic), start))
	defer client.Close()
	for {
		fetches := client.PollFetches(ctx)
		check(fetches.Err())
		if records := fetches.Records(); len(records) > 0 {
			return records[0].Value
		}
	}
}

// roundTrip writes a value by the Serde, reads it back from the broker, and answers what it was decoded to.
func roundTrip(ctx context.Context, serde *sr.Serde, topic string, id int, value any) any {
	encoded := must(serde.Encode(value))
	same(int(binary.BigEndian.Uint32(encoded[1:5])), id)
	write(ctx, topic, encoded)
	stored := read(ctx, topic)
	same(bytes.Equal(stored, encoded), true)
	return must(serde.DecodeNew(stored))
}

func main() {
	flag.Parse()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	client := must(sr.NewClient(sr.URLs(*registry)))
	serde := new(sr.Serde)

	// Avro: registered, evolved, refused.
	topic := *prefix + "-avro"
	subject := topic + "-value"
	first := must(client.CreateSchema(ctx, subject, sr.Schema{Schema: order, Type: sr.TypeAvro}))
	schema := avro.MustParse(order)
	serde.Register(first.ID, avroOrder{},
		sr.EncodeFn(func(value any) ([]byte, error) { return avro.Marshal(schema, value) }),
		sr.DecodeFn(func(data []byte, into any) error { return avro.Unmarshal(schema, data, into) }))
	same(roundTrip(ctx, serde, topic, first.ID, avroOrder{"a", 5}), &avroOrder{"a", 5})
	second := must(client.CreateSchema(ctx, subject, sr.Schema{Schema: noted, Type: sr.TypeAvro}))
	same([]int{first.Version, second.Version}, []int{1, 2})
	_, err := client.CreateSchema(ctx, subject, sr.Schema{Schema: required, Type: sr.TypeAvro})
	refused(err, 409)
	same(must(client.CheckCompatibility(ctx, subject, -1, sr.Schema{Schema: required, Type: sr.TypeAvro})).Is, false)
	same(must(client.CheckCompatibility(ctx, subject, -1, sr.Schema{Schema: noted, Type: sr.TypeAvro})).Is, true)
	same(must(client.SubjectVersions(ctx, subject)), []int{1, 2})
	same(must(client.LookupSchema(ctx, subject, sr.Schema{Schema: order, Type: sr.TypeAvro})).Version, 1)
	same(must(client.SchemaByVersion(ctx, subject, -1)).ID, second.ID)
	same(must(client.CreateSchema(ctx, *prefix+"-other", sr.Schema{Schema: order, Type: sr.TypeAvro})).ID, first.ID)
	uses := must(client.SchemaUsagesByID(ctx, first.ID))
	same(slices.ContainsFunc(uses, func(it sr.SubjectSchema) bool { return it.Subject == subject && it.Version == 1 }), true)

	// Protobuf, with the index of the message in its file.
	topic = *prefix + "-protobuf"
	subject = topic + "-value"
	first = must(client.CreateSchema(ctx, subject, sr.Schema{Schema: wrapper, Type: sr.TypeProtobuf}))
	serde.Register(first.ID, &wrapperspb.StringValue{}, sr.Index(0),
		sr.EncodeFn(func(value any) ([]byte, error) { return proto.Marshal(value.(proto.Message)) }),
		sr.DecodeFn(func(data []byte, into any) error { return proto.Unmarshal(data, into.(proto.Message)) }),
		sr.GenerateFn(func() any { return new(wrapperspb.StringValue) }))
	decoded := roundTrip(ctx, serde, topic, first.ID, wrapperspb.String("p"))
	same(decoded.(*wrapperspb.StringValue).Value, "p")
	_, err = client.CreateSchema(ctx, subject, sr.Schema{Schema: changed, Type: sr.TypeProtobuf})
	refused(err, 409)

	// JSON Schema.
	topic = *prefix + "-json"
	subject = topic + "-value"
	first = must(client.CreateSchema(ctx, subject, sr.Schema{Schema: closed, Type: sr.TypeJSON}))
	serde.Register(first.ID, jsonOrder{}, sr.EncodeFn(json.Marshal), sr.DecodeFn(json.Unmarshal))
	same(roundTrip(ctx, serde, topic, first.ID, jsonOrder{"j"}), &jsonOrder{"j"})
	_, err = client.CreateSchema(ctx, subject, sr.Schema{Schema: narrowed, Type: sr.TypeJSON})
	refused(err, 409)

	// References.
	referred := *prefix + "-money"
	must(client.CreateSchema(ctx, referred, sr.Schema{Schema: money, Type: sr.TypeAvro}))
	subject = *prefix + "-price"
	references := []sr.SchemaReference{{Name: "shop.Money", Subject: referred, Version: 1}}
	priced := must(client.CreateSchema(ctx, subject, sr.Schema{Schema: price, Type: sr.TypeAvro, References: references}))
	same(must(client.SchemaByID(ctx, priced.ID)).References, references)
	same(must(client.SchemaReferences(ctx, referred, 1))[0].ID, priced.ID)
	_, err = client.DeleteSubject(ctx, referred, sr.SoftDelete)
	refused(err, 42206)

	// Levels, modes, deletion.
	level := sr.SetCompatibility{Level: sr.CompatNone}
	check(client.SetCompatibility(ctx, level, subject)[0].Err)
	same(client.Compatibility(ctx, subject)[0].Level, sr.CompatNone)
	text := must(client.CreateSchema(ctx, subject, sr.Schema{Schema: `"string"`, Type: sr.TypeAvro}))
	same(text.Version, 2)
	check(client.SetMode(ctx, sr.ModeReadOnly, subject)[0].Err)
	_, err = client.CreateSchema(ctx, subject, sr.Schema{Schema: `"long"`, Type: sr.TypeAvro})
	refused(err, 42205)
	check(client.ResetMode(ctx, subject)[0].Err)
	same(must(client.DeleteSubject(ctx, subject, sr.SoftDelete)), []int{1, 2})
	same(must(client.DeleteSubject(ctx, subject, sr.HardDelete)), []int{1, 2})
	_, err = client.SubjectVersions(ctx, subject)
	refused(err, 40401)
	_, err = client.CreateSchema(ctx, *prefix+"-bad", sr.Schema{Schema: "{", Type: sr.TypeAvro})
	refused(err, 42201)
	fmt.Println("ok")
}
