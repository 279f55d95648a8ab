//! [`Jaas`]: the value of a `sasl.jaas.config`, such as `org.apache.….PlainLoginModule required username="a" password="b";`.

use std::{collections::BTreeMap, fmt};

/// One login module and its options.
#[derive(Clone, PartialEq, Eq)]
pub struct Jaas {
    /// The last part of the module's class name.
    pub module: String,
    /// Its options.
    pub options: BTreeMap<String, String>,
}

/// Text that is no login module. Never shows the text, which holds passwords.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("it must be one login module: module.class required name=\"value\" …;")]
pub struct JaasError;

impl Jaas {
    /// Reads one login module.
    ///
    /// # Errors
    /// [`JaasError`].
    pub fn parse(text: &str) -> Result<Self, JaasError> {
        let body = text.trim().strip_suffix(';').ok_or(JaasError)?;
        let (class, rest) = body.split_once(char::is_whitespace).ok_or(JaasError)?;
        let rest = rest.trim_start();
        let (flag, mut rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        if !["required", "requisite", "sufficient", "optional"].contains(&flag) {
            return Err(JaasError);
        }
        let mut options = BTreeMap::new();
        loop {
            rest = rest.trim_start();
            if rest.is_empty() {
                break;
            }
            let (name, after) = rest.split_once('=').ok_or(JaasError)?;
            let (value, after) = value(after.trim_start())?;
            if options.insert(name.trim().to_owned(), value).is_some() {
                return Err(JaasError);
            }
            rest = after;
        }
        let module = class.rsplit('.').next().unwrap_or(class).to_owned();
        Ok(Self { module, options })
    }
}

/// Takes a value from the front: quoted, with `\` before a quote or a backslash, or up to white space.
fn value(text: &str) -> Result<(String, &str), JaasError> {
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let is_plain = !value.is_empty() && !value.contains(['"', ';', '=']);
        return if is_plain { Ok((value.to_owned(), rest)) } else { Err(JaasError) };
    };
    let mut value = String::new();
    let mut letters = quoted.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Ok((value, quoted.get(at + 1..).unwrap_or_default())),
            '\\' => value.push(letters.next().ok_or(JaasError)?.1),
            _ => value.push(letter),
        }
    }
    Err(JaasError)
}

impl fmt::Debug for Jaas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jaas").field("module", &self.module).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_and_its_options_are_read() {
        let text = r#"org.apache.kafka.common.security.plain.PlainLoginModule required username="admin"
            password="a \"quoted\" ; = secret" user_alice=wonder;"#;
        let jaas = Jaas::parse(text).unwrap();
        assert_eq!(jaas.module, "PlainLoginModule");
        assert_eq!(jaas.options["password"], "a \"quoted\" ; = secret");
        assert_eq!(jaas.options["user_alice"], "wonder");
        assert!(!format!("{jaas:?}").contains("secret"));
    }

    #[test]
    fn what_is_no_module_is_refused_without_showing_it() {
        for text in [
            "",
            "a.B",
            "a.B required username=\"x\"",
            "a.B required username;",
            "a.B maybe;",
            "a.B required username=\"x;",
            "a.B required a=1 a=2;",
            "a.B required a=\"1\"; c.D required;",
        ] {
            assert_eq!(Jaas::parse(text), Err(JaasError), "{text}");
        }
    }
}
