import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.AbortTransactionSpec;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.AlterConfigOp.OpType;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.ListGroupsOptions;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.admin.RemoveMembersFromConsumerGroupOptions;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicCollection;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** A tour of Kafka's admin client. It prints what it sees, without ids, times and words: two clusters that are alike print the same. */
public final class AdminTour {
    private interface Step {
        Object run() throws Exception;
    }

    private static final TopicPartition FIRST = new TopicPartition("tour", 0);
    private static final TopicPartition SECOND = new TopicPartition("tour", 1);
    private static final ConfigResource TOPIC = new ConfigResource(ConfigResource.Type.TOPIC, "tour");

    private static String bootstrap;
    private static Admin admin;

    public static void main(String[] arguments) throws Exception {
        bootstrap = arguments[1];
        Map<String, Object> config = Map.of("bootstrap.servers", bootstrap, "default.api.timeout.ms", 30_000);
        try (Admin opened = Admin.create(config)) {
            admin = opened;
            cluster();
            topics();
            configs();
            records();
            groups();
            members();
            transactions();
            deletions();
        }
    }

    /** Prints a step's result, or the error that the cluster gave. */
    private static void show(String name, Step step) throws Exception {
        String shown;
        try {
            shown = String.valueOf(step.run());
        } catch (ExecutionException error) {
            shown = error.getCause().getClass().getSimpleName();
        }
        System.out.println(name + ": " + shown);
    }

    private static void cluster() throws Exception {
        var cluster = admin.describeCluster();
        show("brokers", () -> cluster.nodes().get().size());
        show("the controller is known", () -> cluster.controller().get() != null);
        show("the cluster has an id", () -> !cluster.clusterId().get().isEmpty());
        show("log dirs", () -> admin.describeLogDirs(List.of(1)).allDescriptions().get().get(1).size());
    }

    private static void topics() throws Exception {
        var topic = new NewTopic("tour", Optional.of(1), Optional.empty()).configs(Map.of("retention.ms", "86400000"));
        show("create", () -> admin.createTopics(List.of(topic)).numPartitions("tour").get());
        show("create again", () -> admin.createTopics(List.of(topic)).all().get());
        show("create with a bad config", () -> {
            var bad = new NewTopic("bad", 1, (short) 1).configs(Map.of("retention.ms", "soon"));
            return admin.createTopics(List.of(bad)).config("bad").get();
        });
        show("create without partitions", () -> admin.createTopics(List.of(new NewTopic("none", 0, (short) 1))).all().get());
        show("create with a bad name", () -> admin.createTopics(List.of(new NewTopic("a/b", 1, (short) 1))).all().get());
        show("more partitions", () -> admin.createPartitions(Map.of("tour", NewPartitions.increaseTo(2))).all().get());
        show("fewer partitions", () -> admin.createPartitions(Map.of("tour", NewPartitions.increaseTo(1))).all().get());
        show("describe", () -> {
            var description = admin.describeTopics(List.of("tour")).allTopicNames().get().get("tour");
            return description.partitions().size() + " partitions, internal: " + description.isInternal();
        });
        show("describe an unknown one", () -> admin.describeTopics(List.of("unknown")).allTopicNames().get());
        show("list", () -> admin.listTopics().names().get());
    }

    private static String config(String key) throws Exception {
        ConfigEntry entry = admin.describeConfigs(List.of(TOPIC)).all().get().get(TOPIC).get(key);
        return entry.value() + " from " + entry.source() + (entry.isReadOnly() ? ", read only" : "");
    }

    private static Object alter(String key, String value, OpType operation) throws Exception {
        var change = new AlterConfigOp(new ConfigEntry(key, value), operation);
        return admin.incrementalAlterConfigs(Map.of(TOPIC, List.of(change))).all().get();
    }

    private static void configs() throws Exception {
        show("its retention", () -> config("retention.ms"));
        show("set", () -> alter("cleanup.policy", "compact", OpType.SET));
        show("append", () -> alter("cleanup.policy", "delete", OpType.APPEND));
        show("its policy", () -> config("cleanup.policy"));
        show("subtract", () -> alter("cleanup.policy", "compact", OpType.SUBTRACT));
        show("its policy then", () -> config("cleanup.policy"));
        show("delete", () -> alter("retention.ms", "", OpType.DELETE));
        show("a bad value", () -> alter("retention.ms", "soon", OpType.SET));
        show("an unknown key", () -> alter("no.such.key", "1", OpType.SET));
    }

    private static Object offset(TopicPartition partition, OffsetSpec spec) throws Exception {
        return admin.listOffsets(Map.of(partition, spec)).partitionResult(partition).get().offset();
    }

    private static void records() throws Exception {
        Map<String, Object> config = Map.of("bootstrap.servers", bootstrap);
        try (var producer = new KafkaProducer<>(config, new StringSerializer(), new StringSerializer())) {
            for (int number = 0; number < 20; number++) {
                producer.send(new ProducerRecord<>("tour", number % 2, 1_000_000L + number, null, "" + number)).get();
            }
        }
        show("earliest", () -> offset(FIRST, OffsetSpec.earliest()));
        show("latest", () -> offset(FIRST, OffsetSpec.latest()));
        show("by time", () -> offset(FIRST, OffsetSpec.forTimestamp(1_000_009L)));
        show("after all time", () -> offset(FIRST, OffsetSpec.forTimestamp(2_000_000L)));
        show("largest time", () -> offset(SECOND, OffsetSpec.maxTimestamp()));
        show("delete records", () -> admin.deleteRecords(Map.of(FIRST, RecordsToDelete.beforeOffset(4))).all().get());
        show("earliest then", () -> offset(FIRST, OffsetSpec.earliest()));
        show("delete beyond the end", () -> admin.deleteRecords(Map.of(FIRST, RecordsToDelete.beforeOffset(40))).all().get());
    }

    private static Map<String, Object> committed() throws Exception {
        var offsets = admin.listConsumerGroupOffsets("readers").partitionsToOffsetAndMetadata().get();
        var shown = new TreeMap<String, Object>();
        offsets.forEach((partition, offset) -> shown.put(partition.toString(), offset.offset() + " " + offset.metadata()));
        return shown;
    }

    private static void groups() throws Exception {
        show("commit", () -> admin.alterConsumerGroupOffsets("readers", Map.of(
                FIRST, new OffsetAndMetadata(5, Optional.of(0), "by hand"), SECOND, new OffsetAndMetadata(6))).all().get());
        show("committed", AdminTour::committed);
        show("commit to an unknown topic", () -> admin.alterConsumerGroupOffsets("readers", Map.of(
                new TopicPartition("unknown", 0), new OffsetAndMetadata(1))).all().get());
        show("groups", () -> admin.listGroups().all().get().stream()
                .map(it -> it.groupId() + " " + it.type().get() + " " + it.groupState().get() + " '" + it.protocol() + "'").toList());
        show("groups in use", () -> admin.listGroups(ListGroupsOptions.forConsumerGroups()
                .inGroupStates(Set.of(org.apache.kafka.common.GroupState.STABLE))).all().get());
        show("describe a group", () -> {
            var group = admin.describeConsumerGroups(List.of("readers")).all().get().get("readers");
            return group.groupState() + ", " + group.members().size() + " members";
        });
        show("describe an unknown group", () -> admin.describeConsumerGroups(List.of("unknown")).all().get());
        show("delete an offset", () -> admin.deleteConsumerGroupOffsets("readers", Set.of(SECOND)).all().get());
        show("committed then", AdminTour::committed);
        show("delete a group", () -> admin.deleteConsumerGroups(List.of("readers")).all().get());
        show("delete it again", () -> admin.deleteConsumerGroups(List.of("readers")).all().get());
        show("committed at last", AdminTour::committed);
    }

    private static void members() throws Exception {
        Map<String, Object> config = Map.of(
                "bootstrap.servers", bootstrap, "group.id", "static", "group.instance.id", "one", "auto.offset.reset", "earliest",
                "group.protocol", "classic", "client.id", "tour");
        try (var consumer = new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer())) {
            consumer.subscribe(List.of("tour"));
            while (consumer.poll(Duration.ofMillis(100)).isEmpty()) {
                // Until it has joined.
            }
            consumer.commitSync();
            show("a member", () -> {
                var group = admin.describeConsumerGroups(List.of("static")).all().get().get("static");
                var member = group.members().iterator().next();
                var partitions = member.assignment().topicPartitions().stream().map(Object::toString).sorted().toList();
                return group.groupState() + " " + group.partitionAssignor() + " " + member.groupInstanceId().get() + " " + member.clientId()
                        + " " + partitions;
            });
            show("delete a group in use", () -> admin.deleteConsumerGroups(List.of("static")).all().get());
            show("delete an offset in use", () -> admin.deleteConsumerGroupOffsets("static", Set.of(FIRST)).all().get());
            show("commit for a group in use", () -> admin.alterConsumerGroupOffsets("static", Map.of(
                    FIRST, new OffsetAndMetadata(5))).all().get());
        }
        show("a static member stays", () -> admin.describeConsumerGroups(List.of("static")).all().get().get("static").members().size());
        show("remove it", () -> admin.removeMembersFromConsumerGroup("static", new RemoveMembersFromConsumerGroupOptions()).all().get());
        show("nobody is left", () -> admin.describeConsumerGroups(List.of("static")).all().get().get("static").groupState());
    }

    private static void transactions() throws Exception {
        Map<String, Object> config = Map.of("bootstrap.servers", bootstrap, "transactional.id", "tour");
        try (var producer = new KafkaProducer<>(config, new StringSerializer(), new StringSerializer())) {
            producer.initTransactions();
            producer.beginTransaction();
            producer.send(new ProducerRecord<>("tour", 0, null, "committed")).get();
            producer.commitTransaction();
            producer.beginTransaction();
            producer.send(new ProducerRecord<>("tour", 0, null, "open")).get();
            show("transactions", () -> admin.listTransactions().all().get().stream()
                    .sorted(Comparator.comparing(it -> it.transactionalId()))
                    .map(it -> it.transactionalId() + " " + it.state()).toList());
            show("a transaction", () -> {
                var transaction = admin.describeTransactions(List.of("tour")).all().get().get("tour");
                return transaction.state() + " " + transaction.topicPartitions() + " " + transaction.transactionTimeoutMs();
            });
            show("an unknown transaction", () -> admin.describeTransactions(List.of("unknown")).all().get());
            var producers = admin.describeProducers(List.of(FIRST)).partitionResult(FIRST).get().activeProducers();
            var open = producers.stream().filter(it -> it.currentTransactionStartOffset().isPresent()).toList();
            show("producers in a transaction", () -> open.stream().map(it -> it.currentTransactionStartOffset().getAsLong()).toList());
            show("abort at an old coordinator epoch", () -> {
                var last = open.get(0);
                int epoch = last.coordinatorEpoch().getAsInt() - 1;
                return admin.abortTransaction(new AbortTransactionSpec(FIRST, last.producerId(), (short) last.producerEpoch(), epoch)).all().get();
            });
            show("fence", () -> admin.fenceProducers(List.of("tour")).all().get());
            try {
                producer.commitTransaction();
                System.out.println("it was not fenced");
            } catch (org.apache.kafka.common.KafkaException error) {
                System.out.println("fenced: " + error.getClass().getSimpleName());
            }
        }
        show("a transaction then", () -> admin.describeTransactions(List.of("tour")).all().get().get("tour").state());
    }

    private static void deletions() throws Exception {
        show("delete a topic by id", () -> {
            var id = admin.describeTopics(List.of("tour")).allTopicNames().get().get("tour").topicId();
            return admin.deleteTopics(TopicCollection.ofTopicIds(List.of(id))).all().get();
        });
        show("delete an unknown topic", () -> admin.deleteTopics(List.of("tour")).all().get());
        show("list then", () -> admin.listTopics().names().get());
    }
}
