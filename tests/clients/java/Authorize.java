import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.metrics.Metrics;
import org.apache.kafka.common.metrics.internals.PluginMetricsImpl;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;
import org.apache.kafka.common.security.auth.KafkaPrincipal;
import org.apache.kafka.common.security.auth.SecurityProtocol;
import org.apache.kafka.metadata.authorizer.StandardAcl;
import org.apache.kafka.metadata.authorizer.StandardAuthorizer;
import org.apache.kafka.server.authorizer.Action;
import org.apache.kafka.server.authorizer.AuthorizableRequestContext;
import org.apache.kafka.server.authorizer.AuthorizationResult;

/**
 * Asks Kafka's own authorizer. It reads a line at a time, fields parted by tabs and types as numbers of the wire: "new" with what holds
 * without rules and the super users; "add" and "remove" with a rule; "may" and "some" with a request, each answered by "true" or "false".
 */
public final class Authorize {
    private record Asker(KafkaPrincipal principal, InetAddress clientAddress) implements AuthorizableRequestContext {
        @Override public String listenerName() { return "PLAINTEXT"; }
        @Override public SecurityProtocol securityProtocol() { return SecurityProtocol.PLAINTEXT; }
        @Override public int requestType() { return 0; }
        @Override public int requestVersion() { return 0; }
        @Override public String clientId() { return "test"; }
        @Override public int correlationId() { return 0; }
    }

    private StandardAuthorizer authorizer;
    private final Map<StandardAcl, Uuid> rules = new HashMap<>();

    public static void main(String[] arguments) throws IOException {
        Authorize program = new Authorize();
        PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            Boolean answer = program.take(line.split("\t", -1));
            if (answer != null) {
                out.println(answer);
            }
        }
        out.flush();
    }

    private Boolean take(String[] fields) throws IOException {
        switch (fields[0]) {
            case "new" -> {
                rules.clear();
                authorizer = new StandardAuthorizer();
                authorizer.configure(Map.of(
                    StandardAuthorizer.ALLOW_EVERYONE_IF_NO_ACL_IS_FOUND_CONFIG, fields[1],
                    StandardAuthorizer.SUPER_USERS_CONFIG, fields[2], "node.id", "1"));
                authorizer.withPluginMetrics(new PluginMetricsImpl(new Metrics(), Map.of()));
                authorizer.completeInitialLoad();
            }
            case "add" -> {
                Uuid id = Uuid.randomUuid();
                rules.put(rule(fields), id);
                authorizer.addAcl(id, rule(fields));
            }
            case "remove" -> authorizer.removeAcl(rules.remove(rule(fields)));
            case "may" -> {
                ResourcePattern pattern = new ResourcePattern(type(fields[4]), fields[5], PatternType.LITERAL);
                Action action = new Action(operation(fields[3]), pattern, 1, false, false);
                return authorizer.authorize(asker(fields), List.of(action)).get(0) == AuthorizationResult.ALLOWED;
            }
            default -> {
                return authorizer.authorizeByResourceType(asker(fields), operation(fields[3]), type(fields[4]))
                    == AuthorizationResult.ALLOWED;
            }
        }
        return null;
    }

    private static StandardAcl rule(String[] fields) {
        return new StandardAcl(type(fields[1]), fields[3], PatternType.fromCode(Byte.parseByte(fields[2])), fields[4],
            fields[5], operation(fields[6]), AclPermissionType.fromCode(Byte.parseByte(fields[7])));
    }

    private static Asker asker(String[] fields) throws IOException {
        return new Asker(new KafkaPrincipal("User", fields[1]), InetAddress.getByName(fields[2]));
    }

    private static AclOperation operation(String number) {
        return AclOperation.fromCode(Byte.parseByte(number));
    }

    private static ResourceType type(String number) {
        return ResourceType.fromCode(Byte.parseByte(number));
    }
}
