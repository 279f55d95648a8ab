// Writes tests/golden/java-*.hex with Kafka's own Java client: the batches that ours are compared with.
// Run with kafka-clients 4.3.1 and its dependencies on the class path: java -cp 'lib/*' JavaBatches.java DIRECTORY

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.*;
import org.apache.kafka.common.utils.ByteBufferOutputStream;

class JavaBatches {
    public static void main(String[] arguments) throws Exception {
        Path directory = Path.of(arguments[0]);
        for (CompressionType codec : CompressionType.values()) {
            write(directory.resolve("java-" + codec.name + ".hex"), batch(codec));
        }
        EndTransactionMarker commit = new EndTransactionMarker(ControlRecordType.COMMIT, 3);
        MemoryRecords marker = MemoryRecords.withEndTransactionMarker(
            0L, 1_700_000_000_000L, 0, 4_000L, (short) 2, commit);
        write(directory.resolve("java-marker.hex"), marker.buffer());
    }

    private static ByteBuffer batch(CompressionType codec) {
        MemoryRecordsBuilder builder = new MemoryRecordsBuilder(
            new ByteBufferOutputStream(65_536), (byte) 2, Compression.of(codec).build(),
            TimestampType.CREATE_TIME, 1_000L, -1L, 4_000L, (short) 2, 77, true, false, 11, 1_000_000);
        Header[] headers = {
            new RecordHeader("twice", "1".getBytes()),
            new RecordHeader("twice", null),
            new RecordHeader("", new byte[0]),
        };
        builder.append(1_700_000_000_000L, "key".getBytes(), "value".getBytes(), headers);
        builder.append(1_699_999_999_000L, (byte[]) null, new byte[0]);
        builder.append(1_700_000_000_500L, new byte[0], (byte[]) null);
        for (int index = 0; index < 40; index++) {
            String value = "value number " + index + ", that is long enough to be worth compressing";
            builder.append(1_700_000_000_501L, (byte[]) null, value.getBytes());
        }
        return builder.build().buffer();
    }

    private static void write(Path path, ByteBuffer bytes) throws Exception {
        StringBuilder hex = new StringBuilder();
        for (int index = 1; bytes.hasRemaining(); index++) {
            hex.append(String.format("%02x", bytes.get()));
            if (index % 32 == 0 || !bytes.hasRemaining()) {
                hex.append('\n');
            }
        }
        Files.writeString(path, hex);
    }
}
