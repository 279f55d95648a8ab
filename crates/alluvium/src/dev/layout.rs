//! Who listens where, and the settings that each broker of `alluvium dev --brokers` starts with.

use crate::Failure;
use model::config::{broker, deployment, security};
use services::{Error, free_port, preferred_port};
use settings::Settings;
use std::path::Path;

const LISTENER: &str = "PLAINTEXT://localhost:9092";
const HTTP: &str = "127.0.0.1:9640";
/// Zones that brokers are put in, in turn.
const ZONES: [&str; 3] = ["a", "b", "c"];

/// A broker before it is started.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub(super) number: u16,
    /// `host:port` for clients.
    pub(super) kafka: String,
    /// `host:port` of the HTTP port.
    pub(super) http: String,
    pub(super) zone: String,
    pub(super) settings: Settings,
}

/// Lays out brokers 1 to `count` in `directory`. Ports count up from those of the first, or are others where one is taken.
///
/// # Errors
/// One line that names a setting that several brokers can't share.
pub(super) fn lay_out(
    settings: &Settings,
    directory: &Path,
    count: u16,
) -> Result<Vec<Layout>, Failure> {
    refuse_what_cannot_be_shared(settings)?;
    let listener = Address::parse("--listeners", settings.text(&broker::LISTENERS), LISTENER)?;
    let http = Address::parse("--http-address", settings.text(&deployment::HTTP_ADDRESS), HTTP)?;
    (0..count).map(|index| of(settings, directory, index, &listener, &http)).collect()
}

fn of(
    shared: &Settings,
    directory: &Path,
    index: u16,
    listener: &Address,
    http: &Address,
) -> Result<Layout, Failure> {
    let number = index + 1;
    let port = |address: &Address| address.port_of(index).map_err(Failure::from_display);
    let kafka = format!("{}:{}", listener.host, port(listener)?);
    let http = format!("{}:{}", http.host, port(http)?);
    let mut settings = shared.clone();
    settings.insert(&broker::NODE_ID, number.to_string());
    settings.insert(&broker::LISTENERS, format!("{}{kafka}", listener.scheme));
    settings.insert(&deployment::HTTP_ADDRESS, http.clone());
    // The first broker goes on where `alluvium dev` without --brokers left off.
    for (key, name) in [(&deployment::WAL_DIR, "wal"), (&deployment::CACHE_DIR, "cache")] {
        let name = if number == 1 { name.to_owned() } else { format!("{name}-{number}") };
        settings.insert(key, directory.join(name).display().to_string());
    }
    let zone = settings.text(&broker::BROKER_RACK).map_or_else(
        || ZONES.iter().cycle().nth(index.into()).copied().unwrap_or_default().to_owned(),
        str::to_owned,
    );
    settings.insert(&broker::BROKER_RACK, zone.clone());
    if number > 1 {
        settings.remove(&deployment::SCHEMA_REGISTRY_ADDRESS);
    }
    let guarded = settings.is_set(&security::AUTHORIZER_CLASS_NAME);
    if !settings.is_set(&deployment::CONSOLE_ENABLE) && !guarded && http.starts_with("127.") {
        settings.insert(&deployment::CONSOLE_ENABLE, "true".to_owned());
        let open = ["", "PLAINTEXT://"].contains(&listener.scheme.as_str());
        if open && !settings.is_set(&deployment::CONSOLE_WRITES_ENABLE) {
            settings.insert(&deployment::CONSOLE_WRITES_ENABLE, "true".to_owned());
        }
    }
    Ok(Layout { number, kafka, http, zone, settings })
}

fn refuse_what_cannot_be_shared(settings: &Settings) -> Result<(), Failure> {
    let keys = [
        broker::NODE_ID,
        broker::BROKER_ID,
        broker::ADVERTISED_LISTENERS,
        deployment::WAL_DIR,
        deployment::CACHE_DIR,
    ];
    match keys.iter().find(|key| settings.is_set(key)) {
        Some(key) => Err(Failure(format!(
            "{} is set, but `alluvium dev --brokers` gives each broker its own",
            key.name
        ))),
        None => Ok(()),
    }
}

/// An address whose port counts up from broker to broker.
struct Address {
    /// `PLAINTEXT://`, or nothing.
    scheme: String,
    host: String,
    port: u16,
}

impl Address {
    fn parse(flag: &str, text: Option<&str>, default: &str) -> Result<Self, Failure> {
        let text = text.unwrap_or(default);
        let at = text.find("://").map_or(0, |at| at + 3);
        let (scheme, rest) = text.split_at(at);
        let parsed = rest.rsplit_once(':').and_then(|(host, port)| {
            let port = port.parse().ok()?;
            Some(Self { scheme: scheme.to_owned(), host: host.to_owned(), port })
        });
        // The flag's default need not have been given by anybody, so what is taken for it never fails.
        parsed.filter(|_| !text.contains(',')).ok_or_else(|| {
            Failure(format!(
                "{flag} {text:?}: `alluvium dev --brokers` takes one address with a port, which is the first broker's (such as {default})"
            ))
        })
    }

    fn port_of(&self, index: u16) -> Result<u16, Error> {
        match self.port {
            0 => free_port(),
            first => preferred_port(first.saturating_add(index)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use settings::Sources;

    fn laid_out(flags: &[(&str, &str)]) -> Result<Vec<Layout>, String> {
        let flags = flags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        let sources = Sources { flags: flags.collect(), ..Sources::default() };
        let settings = Settings::resolve(sources).unwrap();
        lay_out(&settings, Path::new("/d"), 4).map_err(|Failure(line)| line)
    }

    #[test]
    fn each_broker_has_an_identity_a_zone_ports_and_a_wal_of_its_own() {
        let all =
            laid_out(&[("listeners", "PLAINTEXT://127.0.0.1:0"), ("http.address", "127.0.0.1:0")]);
        let all = all.unwrap();
        let unique = |of: fn(&Layout) -> String| {
            all.iter().map(of).collect::<std::collections::BTreeSet<_>>().len()
        };
        assert_eq!(unique(|it| it.kafka.clone()), 4);
        assert_eq!(unique(|it| it.http.clone()), 4);
        assert_eq!(unique(|it| it.settings.wal_directory().display().to_string()), 4);
        assert_eq!(unique(|it| it.settings.cache_directory().display().to_string()), 4);
        assert_eq!(unique(|it| it.settings.text(&broker::NODE_ID).unwrap().to_owned()), 4);
        let zones: Vec<&str> = all.iter().map(|it| it.zone.as_str()).collect();
        assert_eq!(zones, ["a", "b", "c", "a"]);
        assert_eq!(all[0].settings.wal_directory(), Path::new("/d/wal"));
    }

    #[test]
    fn what_several_brokers_cannot_share_is_refused_by_name() {
        for key in ["node.id", "broker.id", "wal.dir", "cache.dir"] {
            assert!(laid_out(&[(key, "7")]).unwrap_err().contains(key));
        }
        let two = "PLAINTEXT://localhost:9092,SSL://localhost:9093";
        assert!(laid_out(&[("listeners", two)]).unwrap_err().contains("--listeners"));
        assert!(laid_out(&[("http.address", "off")]).unwrap_err().contains("--http-address"));
    }

    #[test]
    fn a_schema_registry_is_the_first_brokers_alone() {
        let all = laid_out(&[
            ("schema.registry.address", "127.0.0.1:8081"),
            ("listeners", "PLAINTEXT://127.0.0.1:0"),
            ("http.address", "127.0.0.1:0"),
        ]);
        let key = &deployment::SCHEMA_REGISTRY_ADDRESS;
        let has: Vec<bool> = all.unwrap().iter().map(|it| it.settings.is_set(key)).collect();
        assert_eq!(has, [true, false, false, false]);
    }
}
