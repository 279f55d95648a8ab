import java.io.FileReader;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** With the properties of a file: writes a record, and prints what it reads where it was written. */
public final class Secured {
    public static void main(String[] arguments) throws Exception {
        Map<String, String> options = new HashMap<>();
        for (int i = 0; i + 1 < arguments.length; i += 2) {
            options.put(arguments[i].substring(2), arguments[i + 1]);
        }
        Properties properties = new Properties();
        try (FileReader file = new FileReader(options.get("properties"))) {
            properties.load(file);
        }
        properties.put("bootstrap.servers", options.get("bootstrap"));
        long offset;
        try (var producer = new KafkaProducer<>(properties, new StringSerializer(), new StringSerializer())) {
            offset = producer.send(new ProducerRecord<String, String>(options.get("topic"), 0, null, options.get("value"))).get().offset();
        }
        var partition = new TopicPartition(options.get("topic"), 0);
        try (var consumer = new KafkaConsumer<>(properties, new StringDeserializer(), new StringDeserializer())) {
            consumer.assign(List.of(partition));
            consumer.seek(partition, offset);
            var records = consumer.poll(Duration.ofSeconds(30)).records(partition);
            System.out.println(records.get(0).value());
        }
    }
}
