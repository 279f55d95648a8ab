import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.serialization.StringDeserializer;

/** A member of a consumer group through kafka-clients; the line format is in ../README.md. */
public final class GroupMember {
    public static void main(String[] arguments) throws Exception {
        Map<String, String> options = new HashMap<>();
        for (int i = 0; i + 1 < arguments.length; i += 2) {
            options.put(arguments[i].substring(2), arguments[i + 1]);
        }
        Map<String, Object> config = new HashMap<>();
        config.put("bootstrap.servers", options.get("bootstrap"));
        config.put("group.id", options.get("group"));
        if (options.containsKey("instance")) {
            config.put("group.instance.id", options.get("instance"));
        }
        if (options.containsKey("rack")) {
            config.put("client.rack", options.get("rack"));
        }
        config.put("isolation.level", options.getOrDefault("isolation", "read_uncommitted"));
        config.put("auto.offset.reset", "earliest");
        config.put("enable.auto.commit", false);
        if ("consumer".equals(options.get("protocol"))) {
            // Time-outs and assignors are the broker's.
            config.put("group.protocol", "consumer");
        } else {
            config.put("partition.assignment.strategy", "org.apache.kafka.clients.consumer.RangeAssignor");
            config.put("session.timeout.ms", 10_000);
            config.put("heartbeat.interval.ms", 500);
        }
        config.put("default.api.timeout.ms", 120_000);
        var stop = new AtomicBoolean();
        var reader = new Thread(() -> {
            try {
                System.in.readAllBytes();
            } catch (java.io.IOException e) {
                // It is closed: what was waited for.
            }
            stop.set(true);
        });
        reader.setDaemon(true);
        reader.start();
        try (var consumer = new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer())) {
            consumer.subscribe(List.of(options.get("topic")));
            while (!stop.get()) {
                var records = consumer.poll(Duration.ofMillis(200));
                for (ConsumerRecord<String, String> record : records) {
                    System.out.println("[" + record.partition() + "," + record.offset() + ",\"" + record.value() + "\"]");
                }
                System.out.flush();
                if (!records.isEmpty()) {
                    try {
                        consumer.commitSync();
                    } catch (KafkaException e) {
                        // The next commit covers it, or the next owner reads the records again.
                        System.err.println(e);
                    }
                }
            }
        }
    }
}
