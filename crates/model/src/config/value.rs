//! Values: text to typed, and whether a text fits a key.

use super::{ConfigType, Validator};
use std::time::Duration;

/// `true` or `false`, in any case.
pub fn parse_boolean(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// The items of a comma-separated list, trimmed; empty text is an empty list.
pub fn parse_list(text: &str) -> Vec<&str> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty()).collect()
}

/// A number of milliseconds, or a number with a unit: `250ms`, `2s`, `5m`, `1h`, `7d`.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor: u64 = match unit.trim_start() {
        "" | "ms" => 1,
        "s" => 1_000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    Some(Duration::from_millis(number.parse::<u64>().ok()?.checked_mul(factor)?))
}

/// Checks `text` against a type and a validator; the error says what is wanted.
pub(super) fn check(kind: ConfigType, validator: Validator, text: &str) -> Result<(), String> {
    match kind {
        ConfigType::Boolean => {
            parse_boolean(text).map(|_| ()).ok_or_else(|| "must be true or false".to_owned())
        }
        ConfigType::Int => check_number(validator, text.trim().parse::<i32>().ok().map(i64::from)),
        ConfigType::Long => check_number(validator, text.trim().parse().ok()),
        ConfigType::Double => check_fraction(validator, text.trim().parse().ok()),
        ConfigType::List => check_list(validator, &parse_list(text)),
        ConfigType::String | ConfigType::Class | ConfigType::Password => {
            check_text(validator, text)
        }
    }
}

fn check_number(validator: Validator, number: Option<i64>) -> Result<(), String> {
    let number = number.ok_or_else(|| "must be a whole number within its type".to_owned())?;
    let (lowest, highest) = match validator {
        Validator::ZeroOrAtLeast(lowest) => {
            let fits = number == 0 || number >= lowest;
            return if fits { Ok(()) } else { Err(format!("must be 0, or at least {lowest}")) };
        }
        Validator::AtLeast(lowest) => (lowest, i64::MAX),
        Validator::Between(lowest, highest) => (lowest, highest),
        _ => return Ok(()),
    };
    if number < lowest {
        Err(format!("must be at least {lowest}"))
    } else if number > highest {
        Err(format!("must be at most {highest}"))
    } else {
        Ok(())
    }
}

fn check_fraction(validator: Validator, number: Option<f64>) -> Result<(), String> {
    let number = number.ok_or_else(|| "must be a number".to_owned())?;
    match validator {
        Validator::Fraction(lowest, highest) if !(lowest..=highest).contains(&number) => {
            Err(format!("must lie between {lowest} and {highest}"))
        }
        _ if number.is_nan() => Err("must be a number".to_owned()),
        _ => Ok(()),
    }
}

fn check_list(validator: Validator, items: &[&str]) -> Result<(), String> {
    match validator {
        Validator::EachOneOf(allowed) => match items.iter().find(|item| !allowed.contains(item)) {
            Some(_) => Err(format!("must be a list of {}", allowed.join(", "))),
            None => Ok(()),
        },
        Validator::NotEmpty if items.is_empty() => Err("must not be empty".to_owned()),
        _ => Ok(()),
    }
}

fn check_text(validator: Validator, text: &str) -> Result<(), String> {
    const DURATION: &str =
        "must be a number of milliseconds or a number with a unit: 250ms, 2s, 5m, 1h, 7d";
    match validator {
        Validator::OneOf(allowed) if !allowed.contains(&text.trim()) => {
            Err(format!("must be one of {}", allowed.join(", ")))
        }
        Validator::NotEmpty if text.trim().is_empty() => Err("must not be empty".to_owned()),
        Validator::Duration if parse_duration(text).is_none() => Err(DURATION.to_owned()),
        Validator::PositiveDuration => match parse_duration(text) {
            None => Err(DURATION.to_owned()),
            Some(Duration::ZERO) => Err("must be longer than zero".to_owned()),
            Some(_) => Ok(()),
        },
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_take_milliseconds_or_a_unit() {
        let table = [
            ("250", Some(250)),
            ("250ms", Some(250)),
            ("2s", Some(2_000)),
            ("5 m", Some(300_000)),
            ("1h", Some(3_600_000)),
            ("7d", Some(604_800_000)),
            ("", None),
            ("-1", None),
            ("2 weeks", None),
            ("99999999999999999999d", None),
        ];
        for (text, milliseconds) in table {
            assert_eq!(parse_duration(text), milliseconds.map(Duration::from_millis), "{text:?}");
        }
    }

    #[test]
    fn numbers_outside_their_type_or_range_are_refused() {
        assert!(check(ConfigType::Int, Validator::Any, "2147483648").is_err());
        assert!(check(ConfigType::Long, Validator::Any, "2147483648").is_ok());
        assert!(check(ConfigType::Long, Validator::AtLeast(-1), "-2").is_err());
        assert!(check(ConfigType::Int, Validator::Between(1, 9), "10").is_err());
        for (text, fits) in [("-1", false), ("0", true), ("1", false), ("9", false), ("10", true)] {
            assert_eq!(check(ConfigType::Long, Validator::ZeroOrAtLeast(10), text).is_ok(), fits);
        }
        assert!(check(ConfigType::Double, Validator::Fraction(0.0, 1.0), "NaN").is_err());
        assert!(check(ConfigType::Double, Validator::Fraction(0.0, 1.0), "0.5").is_ok());
    }

    #[test]
    fn lists_are_checked_item_by_item() {
        let policies = Validator::EachOneOf(&["compact", "delete"]);
        assert!(check(ConfigType::List, policies, "compact, delete").is_ok());
        assert!(check(ConfigType::List, policies, "compact,shred").is_err());
        assert!(check(ConfigType::List, policies, "").is_ok());
    }
}
