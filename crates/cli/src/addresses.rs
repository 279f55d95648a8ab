//! The brokers of `--bootstrap-server`.

/// The port of an address that names none: Kafka's.
const PORT: u16 = 9092;

/// The addresses in a list separated by commas, each as `host:port`. An IPv6 address with a port stands in brackets.
pub fn addresses(servers: &str) -> Vec<String> {
    servers.split(',').map(str::trim).filter(|server| !server.is_empty()).map(address).collect()
}

fn address(server: &str) -> String {
    let colons = server.bytes().filter(|byte| *byte == b':').count();
    let is_bracketed = server.starts_with('[');
    match colons {
        2.. if !is_bracketed => format!("[{server}]:{PORT}"),
        1 if !is_bracketed => server.to_owned(),
        _ if server.contains("]:") => server.to_owned(),
        _ => format!("{server}:{PORT}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_without_a_port_gets_kafkas() {
        let given = "a, b:1,,127.0.0.1,[::1],[::1]:2,::1";
        let read = ["a:9092", "b:1", "127.0.0.1:9092", "[::1]:9092", "[::1]:2", "[::1]:9092"];
        assert_eq!(addresses(given), read);
        assert_eq!(addresses(" , "), [""; 0]);
        assert_eq!(addresses("[1"), ["[1:9092"], "no address, as connecting to it will say");
    }
}
