//! Config providers: values that stand elsewhere than in the file, such as passwords in a mounted secret.
//!
//! `config.providers` names them, `config.providers.{name}.class` says by Kafka's class names what they are, and `${name:path:key}` in a
//! value is what one has there. It is read once, and nothing in it is replaced again. Sources: KIP-297, KIP-632, KIP-887, KIP-993.

use super::parse_properties;
use std::{
    collections::BTreeMap,
    env, fs,
    path::{Component, Path, PathBuf},
};

const PROVIDERS: &str = "config.providers";
const CLASSES: &str = "org.apache.kafka.common.config.provider.";
const ALLOWED_PATHS: &str = "param.allowed.paths";

/// Where values are.
enum Kind {
    /// `${name:directory:file}`: the content of a file, without the line's end.
    Directory,
    /// `${name:file:key}`: the value of a key in a file of properties.
    File,
    /// `${name:variable}`.
    Environment,
}

struct Provider {
    kind: Kind,
    /// Paths below which alone it reads, when there are any.
    allowed: Vec<PathBuf>,
}

/// Replaces what the file's own providers have, and takes their keys out. Other uses of `${` stay as they are.
///
/// # Errors
/// What is wrong, with the key; never a value.
pub fn provide(values: &mut BTreeMap<String, String>) -> Result<(), String> {
    let providers = take_providers(values)?;
    for (key, value) in values.iter_mut() {
        *value = replaced(value, &providers).map_err(|problem| format!("{key}: {problem}"))?;
    }
    Ok(())
}

fn take_providers(
    values: &mut BTreeMap<String, String>,
) -> Result<BTreeMap<String, Provider>, String> {
    let names = values.remove(PROVIDERS).unwrap_or_default();
    let mut providers = BTreeMap::new();
    for name in names.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        let key = |rest: &str| format!("{PROVIDERS}.{name}.{rest}");
        let class = values.remove(&key("class")).unwrap_or_default();
        let kind = match class.strip_prefix(CLASSES) {
            Some("DirectoryConfigProvider") => Kind::Directory,
            Some("FileConfigProvider") => Kind::File,
            Some("EnvVarConfigProvider") => Kind::Environment,
            _ => {
                return Err(format!(
                    "{} must be {CLASSES}DirectoryConfigProvider, FileConfigProvider or EnvVarConfigProvider",
                    key("class")
                ));
            }
        };
        let allowed = values.remove(&key(ALLOWED_PATHS)).unwrap_or_default();
        let allowed = allowed.split(',').filter(|path| !path.is_empty()).map(PathBuf::from);
        providers.insert(name.to_owned(), Provider { kind, allowed: allowed.collect() });
    }
    match values.keys().find(|key| key.starts_with("config.providers.")) {
        Some(key) => Err(format!("{key} is not known, or names none of {PROVIDERS}")),
        None => Ok(providers),
    }
}

fn replaced(value: &str, providers: &BTreeMap<String, Provider>) -> Result<String, String> {
    let (mut made, mut rest) = (String::new(), value);
    while let Some((before, from)) = rest.split_once("${") {
        made.push_str(before);
        let reference = from.split_once('}').and_then(|(reference, behind)| {
            let (name, place) = reference.split_once(':')?;
            Some((providers.get(name)?, reference, place, behind))
        });
        if let Some((provider, reference, place, behind)) = reference {
            let found = provider.get(place);
            made.push_str(&found.map_err(|problem| format!("${{{reference}}}: {problem}"))?);
            rest = behind;
        } else {
            made.push_str("${");
            rest = from;
        }
    }
    made.push_str(rest);
    Ok(made)
}

impl Provider {
    fn get(&self, place: &str) -> Result<String, String> {
        let (path, key) = place.split_once(':').unwrap_or(("", place));
        match self.kind {
            Kind::Environment if path.is_empty() => {
                env::var(key).map_err(|_| "the environment has no such variable".to_owned())
            }
            Kind::Environment => Err("the environment has no paths".to_owned()),
            Kind::Directory if Path::new(key).components().count() != 1 => {
                Err("a file of the directory must be named".to_owned())
            }
            Kind::Directory => {
                let text = self.read(&Path::new(path).join(key))?;
                Ok(text.strip_suffix('\n').unwrap_or(&text).to_owned())
            }
            Kind::File => {
                let found = parse_properties(&self.read(Path::new(path))?).remove(key);
                found.ok_or_else(|| "the file has no such key".to_owned())
            }
        }
    }

    fn read(&self, path: &Path) -> Result<String, String> {
        let climbs = path.components().any(|part| part == Component::ParentDir);
        let is_allowed = self.allowed.is_empty()
            || (!climbs && self.allowed.iter().any(|allowed| path.starts_with(allowed)));
        if !is_allowed {
            return Err(format!("{ALLOWED_PATHS} does not allow it"));
        }
        fs::read_to_string(path).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provided(text: &str) -> Result<BTreeMap<String, String>, String> {
        let mut values = parse_properties(text);
        provide(&mut values).map(|()| values)
    }

    fn with_secrets(line: impl FnOnce(&str) -> String) -> Result<String, String> {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("password"), "se${cret:it}\n").unwrap();
        fs::write(directory.path().join("users.properties"), "alice=one\nbob=two\n").unwrap();
        let place = directory.path().display().to_string();
        let declared = format!(
            "config.providers=d, f, e\nconfig.providers.d.class={CLASSES}DirectoryConfigProvider\nconfig.providers.d.param.allowed.paths=/nowhere,{place}\nconfig.providers.f.class={CLASSES}FileConfigProvider\nconfig.providers.e.class={CLASSES}EnvVarConfigProvider\nkey="
        );
        let mut values = provided(&(declared + &line(&place)))?;
        assert_eq!(values.len(), 1, "{values:?}");
        Ok(values.remove("key").unwrap())
    }

    #[test]
    fn values_come_from_directories_files_and_the_environment() {
        let line = |place: &str| {
            format!("<${{d:{place}:password}}|${{f:{place}/users.properties:bob}}|${{e:PATH}}>")
        };
        let path = env::var("PATH").unwrap();
        assert_eq!(with_secrets(line).unwrap(), format!("<se${{cret:it}}|two|{path}>"));
    }

    #[test]
    fn what_no_provider_is_named_for_stays() {
        for text in ["${other:a:b}", "${d", "$1${}", "${d}", "a$"] {
            assert_eq!(with_secrets(|_| text.to_owned()).unwrap(), text);
        }
    }

    #[test]
    fn what_is_not_there_or_not_allowed_is_told() {
        let cases: [(&str, &str); 6] = [
            ("${d:PLACE:missing}", "No such file"),
            ("${d:PLACE/..:password}", "allowed.paths"),
            ("${d:/etc:hostname}", "allowed.paths"),
            ("${d:PLACE:a/b}", "must be named"),
            ("${f:PLACE/users.properties:carol}", "no such key"),
            ("${e:ALLUVIUM_NOBODY_SETS_THIS}", "no such variable"),
        ];
        for (text, told) in cases {
            let problem = with_secrets(|place| text.replace("PLACE", place)).unwrap_err();
            assert!(problem.starts_with("key: ${") && problem.contains(told), "{text}: {problem}");
        }
    }

    #[test]
    fn a_provider_that_is_not_known_is_refused() {
        let classes = provided("config.providers=v\nconfig.providers.v.class=com.example.Vault\n");
        assert!(classes.unwrap_err().contains("DirectoryConfigProvider"));
        let parameter = format!(
            "config.providers=e\nconfig.providers.e.class={CLASSES}EnvVarConfigProvider\nconfig.providers.e.param.allowlist.pattern=A.*\n"
        );
        assert!(provided(&parameter).unwrap_err().contains("allowlist.pattern is not known"));
        assert!(provided("config.providers.x.class=y").unwrap_err().contains("names none"));
    }
}
