//! [`ConfigKey`]: all that is known about one key.

use super::{InvalidConfig, value};
use std::{collections::BTreeMap, time::Duration};

/// One config key.
#[derive(Clone, Copy, Debug)]
pub struct ConfigKey {
    /// Its name: Kafka's where Kafka has the key.
    pub name: &'static str,
    /// Type on the wire.
    pub kind: ConfigType,
    /// Built-in default; `None` is Kafka's null.
    pub default: Option<&'static str>,
    /// What it means, one sentence or two.
    pub documentation: &'static str,
    /// Whose key it is.
    pub scope: Scope,
    /// How it may be changed while brokers run.
    pub dynamic: Dynamic,
    /// How likely a person needs it.
    pub importance: Importance,
    /// Never shown.
    pub sensitive: bool,
    /// What values it takes, beyond its type.
    pub validator: Validator,
}

/// A key's type, as DescribeConfigs names them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ConfigType {
    /// `true` or `false`.
    Boolean,
    /// Text.
    String,
    /// 32 bits, signed.
    Int,
    /// 64 bits, signed.
    Long,
    /// A floating point number.
    Double,
    /// Comma-separated texts.
    List,
    /// A Java class name.
    Class,
    /// Text that is never shown.
    Password,
}

/// Whose key it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scope {
    /// A topic's; a topic without an override takes the first of these broker keys that is set.
    Topic(&'static [Synonym]),
    /// A broker's.
    Broker,
}

/// A broker key that a topic key inherits from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Synonym {
    /// The broker key.
    pub name: &'static str,
    /// The topic's value is the broker's times this (hours to milliseconds); 1 takes any text as it is.
    pub factor: i64,
}

/// How a broker key may be changed while brokers run.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Dynamic {
    /// Only by a restart.
    ReadOnly,
    /// For one broker or for all.
    PerBroker,
    /// For all brokers alike.
    ClusterWide,
}

/// Kafka's grade of a key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Importance {
    /// Look at it.
    High,
    /// Know that it is there.
    Medium,
    /// Leave it.
    Low,
}

/// What values a key takes, beyond its type.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Validator {
    /// Any of its type.
    Any,
    /// A number not below this.
    AtLeast(i64),
    /// Zero, or a number not below this.
    ZeroOrAtLeast(i64),
    /// A number in this range, ends included.
    Between(i64, i64),
    /// A fraction in this range, ends included.
    Fraction(f64, f64),
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// A list of these texts.
    EachOneOf(&'static [&'static str]),
    /// Text with at least one character.
    NotEmpty,
    /// A number of milliseconds, or a number with a unit: `250ms`, `2s`, `5m`, `1h`, `7d`.
    Duration,
    /// Like `Duration`, and not zero.
    PositiveDuration,
}

impl Synonym {
    /// The same value.
    pub const fn same(name: &'static str) -> Self {
        Self { name, factor: 1 }
    }

    /// The broker's value times `factor`.
    pub const fn times(name: &'static str, factor: i64) -> Self {
        Self { name, factor }
    }

    /// The topic's value for the broker's: a factor applies to positive numbers only (`-1` stays "no limit").
    pub fn convert(&self, value: &str) -> String {
        match value.trim().parse::<i64>() {
            Ok(number) if self.factor != 1 && number > 0 => {
                number.saturating_mul(self.factor).to_string()
            }
            _ => value.to_owned(),
        }
    }
}

impl ConfigKey {
    const fn new(
        scope: Scope,
        name: &'static str,
        kind: ConfigType,
        default: Option<&'static str>,
    ) -> Self {
        Self {
            name,
            kind,
            default,
            documentation: "",
            scope,
            dynamic: Dynamic::ReadOnly,
            importance: Importance::Medium,
            sensitive: matches!(kind, ConfigType::Password),
            validator: Validator::Any,
        }
    }

    /// A broker key with a built-in default, read-only.
    pub(super) const fn broker(
        name: &'static str,
        kind: ConfigType,
        default: &'static str,
    ) -> Self {
        Self::new(Scope::Broker, name, kind, Some(default))
    }

    /// A broker key whose default is null.
    pub(super) const fn unset(name: &'static str, kind: ConfigType) -> Self {
        Self::new(Scope::Broker, name, kind, None)
    }

    /// A topic key, which can always be changed.
    pub(super) const fn topic(
        name: &'static str,
        kind: ConfigType,
        default: &'static str,
        synonyms: &'static [Synonym],
    ) -> Self {
        let mut key = Self::new(Scope::Topic(synonyms), name, kind, Some(default));
        key.dynamic = Dynamic::ClusterWide;
        key
    }

    pub(super) const fn dynamic(mut self, dynamic: Dynamic) -> Self {
        self.dynamic = dynamic;
        self
    }

    pub(super) const fn important(mut self, importance: Importance) -> Self {
        self.importance = importance;
        self
    }

    pub(super) const fn takes(mut self, validator: Validator) -> Self {
        self.validator = validator;
        self
    }

    pub(super) const fn documented(mut self, documentation: &'static str) -> Self {
        self.documentation = documentation;
        self
    }

    /// The broker keys that a topic key inherits from, the first set one first; none for a broker key.
    pub fn synonyms(&self) -> &'static [Synonym] {
        match self.scope {
            Scope::Topic(synonyms) => synonyms,
            Scope::Broker => &[],
        }
    }

    /// Checks a value.
    ///
    /// # Errors
    /// [`InvalidConfig::BadValue`].
    pub fn validate(&self, text: &str) -> Result<(), InvalidConfig> {
        value::check(self.kind, self.validator, text).map_err(|reason| InvalidConfig::BadValue {
            key: self.name,
            value: if self.sensitive { "[hidden]".to_owned() } else { text.to_owned() },
            reason,
        })
    }

    /// The value under this key's own name, else the default. `None` when there is neither.
    pub fn text_in<'a>(&self, values: &'a BTreeMap<String, String>) -> Option<&'a str> {
        values.get(self.name).map(String::as_str).or(self.default)
    }

    /// The value as a number; a value that was never validated and is none counts as the default.
    pub fn number_in(&self, values: &BTreeMap<String, String>) -> Option<i64> {
        self.parsed_in(values, |text| text.trim().parse().ok())
    }

    /// The value as a truth value, likewise.
    pub fn boolean_in(&self, values: &BTreeMap<String, String>) -> Option<bool> {
        self.parsed_in(values, value::parse_boolean)
    }

    /// The value as a duration, likewise; a plain number is milliseconds.
    pub fn duration_in(&self, values: &BTreeMap<String, String>) -> Option<Duration> {
        self.parsed_in(values, value::parse_duration)
    }

    fn parsed_in<T>(
        &self,
        values: &BTreeMap<String, String>,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let stored = values.get(self.name).and_then(|text| parse(text));
        stored.or_else(|| self.default.and_then(parse))
    }
}
