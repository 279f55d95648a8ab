import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Writes and reads records through kafka-clients; the line format is in ../README.md. */
public final class RoundTrip {
    private static final ObjectMapper JSON = new ObjectMapper();

    public static void main(String[] arguments) throws Exception {
        Map<String, String> options = new HashMap<>();
        for (int i = 1; i + 1 < arguments.length; i += 2) {
            options.put(arguments[i].substring(2), arguments[i + 1]);
        }
        if (arguments[0].equals("produce")) {
            produce(options);
        } else {
            consume(options);
        }
    }

    private static void produce(Map<String, String> options) throws Exception {
        boolean single = options.getOrDefault("linger", "5").equals("0");
        Map<String, Object> config = new HashMap<>();
        config.put("bootstrap.servers", options.get("bootstrap"));
        config.put("compression.type", options.getOrDefault("compression", "none"));
        config.put("linger.ms", single ? 0 : 50);
        config.put("batch.size", 1_000_000);
        config.put("max.request.size", 12_000_000);
        config.put("buffer.memory", 128_000_000);
        List<Future<?>> sent = new ArrayList<>();
        try (var producer = new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer());
                Stream<String> lines = Files.lines(Path.of(options.get("file")))) {
            for (String line : (Iterable<String>) lines::iterator) {
                JsonNode node = JSON.readTree(line);
                int partition = Integer.parseInt(options.getOrDefault("partition", "0"));
                var record = new ProducerRecord<>(options.get("topic"), partition, bytes(node.get("key")), bytes(node.get("value")));
                for (JsonNode header : node.get("headers")) {
                    record.headers().add(header.get(0).asText(), bytes(header.get(1)));
                }
                Future<?> future = producer.send(record);
                if (single) {
                    future.get();
                } else {
                    sent.add(future);
                }
            }
            for (Future<?> future : sent) {
                future.get();
            }
        }
    }

    private static void consume(Map<String, String> options) throws IOException {
        Map<String, Object> config = new HashMap<>();
        config.put("bootstrap.servers", options.get("bootstrap"));
        config.put("enable.auto.commit", false);
        config.put("auto.offset.reset", "none");
        int count = Integer.parseInt(options.get("count"));
        var partition = new TopicPartition(options.get("topic"), Integer.parseInt(options.getOrDefault("partition", "0")));
        try (var consumer = new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer());
                var out = new BufferedWriter(new OutputStreamWriter(System.out, StandardCharsets.UTF_8))) {
            consumer.assign(List.of(partition));
            consumer.seek(partition, Long.parseLong(options.getOrDefault("offset", "0")));
            int seen = 0;
            while (seen < count) {
                var records = consumer.poll(Duration.ofSeconds(60));
                if (records.isEmpty()) {
                    throw new IOException("nothing for 60 s after " + seen + " of " + count + " records");
                }
                for (ConsumerRecord<byte[], byte[]> record : records) {
                    if (seen++ < count) {
                        out.write(JSON.writeValueAsString(line(record)));
                        out.write('\n');
                    }
                }
            }
        }
    }

    private static ObjectNode line(ConsumerRecord<byte[], byte[]> record) {
        ObjectNode node = JSON.createObjectNode();
        node.put("key", text(record.key()));
        node.put("value", text(record.value()));
        ArrayNode headers = node.putArray("headers");
        for (Header header : record.headers()) {
            headers.addArray().add(header.key()).add(text(header.value()));
        }
        return node;
    }

    private static byte[] bytes(JsonNode node) {
        return node.isNull() ? null : Base64.getDecoder().decode(node.asText());
    }

    private static String text(byte[] data) {
        return data == null ? null : Base64.getEncoder().encodeToString(data);
    }
}
