package main

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"
)

// writeTransactions writes three records in each of count transactions, and aborts every second one.
func writeTransactions(bootstrap, topic, id string, count, partitions int) {
	client, err := kgo.NewClient(
		seeds(bootstrap),
		kgo.TransactionalID(id),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
	)
	check(err)
	defer client.Close()
	ctx := context.Background()
	for number := range count {
		check(client.BeginTransaction())
		for record := range 3 {
			value := fmt.Sprintf("%s-%d-%d", id, number, record)
			client.Produce(ctx, &kgo.Record{Topic: topic, Partition: int32(record % partitions), Value: []byte(value)}, nil)
		}
		check(client.Flush(ctx))
		check(client.EndTransaction(ctx, kgo.TransactionEndTry(number%2 == 0)))
	}
}
