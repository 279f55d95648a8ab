import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** Transactions through kafka-clients; what the actions do is in ../README.md. */
public final class Transactions {
    private static final Map<String, String> OPTIONS = new HashMap<>();
    private static volatile boolean stop;

    public static void main(String[] arguments) throws Exception {
        for (int i = 1; i + 1 < arguments.length; i += 2) {
            OPTIONS.put(arguments[i].substring(2), arguments[i + 1]);
        }
        if (arguments[0].equals("write")) {
            write();
        } else if (arguments[0].equals("fence")) {
            fence();
        } else {
            copy();
        }
    }

    private static KafkaProducer<String, String> producer() {
        Properties config = new Properties();
        config.put("bootstrap.servers", OPTIONS.get("bootstrap"));
        config.put("transactional.id", OPTIONS.get("id"));
        config.put("reconnect.backoff.max.ms", 500);
        config.put("delivery.timeout.ms", 40_000);
        config.put("max.block.ms", 60_000);
        var producer = new KafkaProducer<>(config, new StringSerializer(), new StringSerializer());
        try {
            producer.initTransactions();
        } catch (KafkaException error) {
            producer.close(Duration.ZERO);
            throw error;
        }
        return producer;
    }

    private static void write() throws Exception {
        String topic = OPTIONS.get("topic");
        int partitions = Integer.parseInt(OPTIONS.getOrDefault("partitions", "2"));
        try (var producer = producer()) {
            for (int number = 0; number < Integer.parseInt(OPTIONS.get("count")); number++) {
                producer.beginTransaction();
                for (int record = 0; record < 3; record++) {
                    String value = OPTIONS.get("id") + "-" + number + "-" + record;
                    producer.send(new ProducerRecord<>(topic, record % partitions, null, value));
                }
                if (number % 2 == 1) {
                    producer.flush();
                    producer.abortTransaction();
                } else {
                    producer.commitTransaction();
                }
            }
        }
    }

    /** A second producer takes the id while the first is in a transaction: the first is fenced, what it wrote aborted. */
    private static void fence() throws Exception {
        String topic = OPTIONS.get("topic");
        var first = producer();
        first.beginTransaction();
        first.send(new ProducerRecord<>(topic, 0, null, "zombie")).get();
        try (var second = producer()) {
            second.beginTransaction();
            second.send(new ProducerRecord<>(topic, 0, null, "successor")).get();
            try {
                first.send(new ProducerRecord<>(topic, 0, null, "zombie")).get();
                System.out.println("not fenced");
            } catch (Exception expected) {
                System.out.println("fenced");
            }
            try {
                first.commitTransaction();
                System.out.println("committed");
            } catch (KafkaException expected) {
                System.out.println("fenced");
            }
            second.commitTransaction();
        }
        first.close(Duration.ZERO);
    }

    private static void copy() throws Exception {
        var watcher = new Thread(() -> {
            try {
                System.in.readAllBytes();
            } catch (java.io.IOException ignored) {
                // Standard input is gone: stop.
            }
            stop = true;
        });
        watcher.setDaemon(true);
        watcher.start();
        while (!stop) {
            try {
                copyUntilFailure();
            } catch (KafkaException error) {
                // Whatever happened to the broker: begin anew where the last committed transaction ended.
                System.err.println(error);
                Thread.sleep(100);
            }
        }
    }

    private static void copyUntilFailure() {
        Properties config = new Properties();
        config.put("bootstrap.servers", OPTIONS.get("bootstrap"));
        config.put("group.id", OPTIONS.get("group"));
        config.put("isolation.level", "read_committed");
        config.put("enable.auto.commit", false);
        config.put("auto.offset.reset", "earliest");
        config.put("session.timeout.ms", 6_000);
        // Two heartbeats in a row may come to a coordinator that moved just then.
        config.put("heartbeat.interval.ms", 500);
        config.put("max.poll.records", 200);
        config.put("reconnect.backoff.max.ms", 500);
        try (var consumer = new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer())) {
            var producer = producer();
            try {
                consumer.subscribe(List.of(OPTIONS.get("source")));
                while (!stop) {
                    ConsumerRecords<String, String> records = consumer.poll(Duration.ofMillis(200));
                    if (records.isEmpty()) {
                        continue;
                    }
                    producer.beginTransaction();
                    records.forEach(it -> producer.send(new ProducerRecord<>(OPTIONS.get("topic"), it.partition(), null, it.value())));
                    Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
                    for (TopicPartition partition : records.partitions()) {
                        offsets.put(partition, new OffsetAndMetadata(consumer.position(partition)));
                    }
                    producer.sendOffsetsToTransaction(offsets, consumer.groupMetadata());
                    producer.commitTransaction();
                    System.out.println(records.count());
                }
                producer.close();
            } catch (KafkaException error) {
                producer.close(Duration.ZERO);
                throw error;
            }
        }
    }
}
