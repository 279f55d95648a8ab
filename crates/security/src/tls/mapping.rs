//! [`MappingRules`]: `ssl.principal.mapping.rules` (KIP-371), which make user names of certificates' subjects.

use regex::Regex;

/// Rules, of which the first that takes a subject names the user.
#[derive(Clone, Debug)]
pub struct MappingRules(Vec<Rule>);

/// Rules that can't be read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("ssl.principal.mapping.rules: {0}")]
pub struct MappingError(String);

#[derive(Clone, Debug)]
enum Rule {
    /// The subject as it is.
    Default,
    Replace {
        pattern: Regex,
        replacement: String,
        case: Case,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Case {
    Kept,
    Lower,
    Upper,
}

impl Default for MappingRules {
    fn default() -> Self {
        Self(vec![Rule::Default])
    }
}

impl MappingRules {
    /// Reads `RULE:pattern/replacement/[LU]` and `DEFAULT`, separated by commas. A slash in a pattern is written `\/`.
    ///
    /// # Errors
    /// [`MappingError`].
    pub fn parse(text: &str) -> Result<Self, MappingError> {
        let mut rest = text.trim();
        let mut rules = Vec::new();
        while !rest.is_empty() {
            let (rule, after) = rule(rest)?;
            rules.push(rule);
            let after = after.trim_start();
            rest = match after.strip_prefix(',') {
                Some(next) => next.trim_start(),
                None if after.is_empty() => after,
                None => return Err(MappingError(format!("{after:?} follows a rule"))),
            };
        }
        if rules.is_empty() { Ok(Self::default()) } else { Ok(Self(rules)) }
    }

    /// The user that a subject stands for; `None` when no rule takes it.
    pub fn apply(&self, subject: &str) -> Option<String> {
        self.0.iter().find_map(|rule| rule.apply(subject))
    }
}

impl Rule {
    fn apply(&self, subject: &str) -> Option<String> {
        let Self::Replace { pattern, replacement, case } = self else {
            return Some(subject.to_owned());
        };
        let captures = pattern.captures(subject)?;
        let mut name = String::new();
        captures.expand(replacement, &mut name);
        Some(match case {
            Case::Kept => name,
            Case::Lower => name.to_lowercase(),
            Case::Upper => name.to_uppercase(),
        })
    }
}

/// Takes a rule from the front.
fn rule(text: &str) -> Result<(Rule, &str), MappingError> {
    if let Some(rest) = text.strip_prefix("DEFAULT") {
        return Ok((Rule::Default, rest));
    }
    let unreadable = || MappingError(format!("{text:?} is not RULE:pattern/replacement/[LU]"));
    let rest = text.strip_prefix("RULE:").ok_or_else(unreadable)?;
    let (pattern, rest) = until_slash(rest).ok_or_else(unreadable)?;
    let (replacement, rest) = until_slash(rest).ok_or_else(unreadable)?;
    let (case, rest) = match rest.as_bytes().first() {
        Some(b'L') => (Case::Lower, rest.get(1..).unwrap_or_default()),
        Some(b'U') => (Case::Upper, rest.get(1..).unwrap_or_default()),
        _ => (Case::Kept, rest),
    };
    // As in Java, a rule takes whole subjects.
    let pattern = Regex::new(&format!("^(?:{pattern})$"))
        .map_err(|error| MappingError(format!("the pattern {pattern:?}: {error}")))?;
    Ok((Rule::Replace { pattern, replacement: replacement_of(replacement), case }, rest))
}

/// Splits at the first slash that no backslash stands before.
fn until_slash(text: &str) -> Option<(&str, &str)> {
    let mut escaped = false;
    for (at, letter) in text.char_indices() {
        match letter {
            '/' if !escaped => return Some((text.get(..at)?, text.get(at + 1..)?)),
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    None
}

/// Java's `$1` as the regex crate reads it, and `\x` as `x`.
fn replacement_of(java: &str) -> String {
    let mut replacement = String::new();
    let mut letters = java.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some('$') => replacement.push_str("$$"),
                Some(next) => replacement.push(next),
                None => {}
            },
            '$' if letters.peek().is_some_and(char::is_ascii_digit) => {
                replacement.push_str("${");
                while let Some(digit) = letters.next_if(char::is_ascii_digit) {
                    replacement.push(digit);
                }
                replacement.push('}');
            }
            '$' => replacement.push_str("$$"),
            _ => replacement.push(letter),
        }
    }
    replacement
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapped(rules: &str, subject: &str) -> Option<String> {
        MappingRules::parse(rules).unwrap().apply(subject)
    }

    #[test]
    fn the_first_rule_that_takes_a_subject_names_the_user() {
        let rules = "RULE:^CN=(.*?),OU=ServiceUsers.*$/$1/,RULE:^CN=(.*?),OU=(.*?),O=(.*?)$/$1@$2/L,DEFAULT";
        assert_eq!(mapped(rules, "CN=kafka,OU=ServiceUsers,O=X").unwrap(), "kafka");
        assert_eq!(mapped(rules, "CN=Alice,OU=Admin,O=X").unwrap(), "alice@admin");
        assert_eq!(mapped(rules, "CN=other").unwrap(), "CN=other");
    }

    #[test]
    fn a_rule_takes_whole_subjects_and_none_may_match() {
        assert_eq!(mapped("RULE:CN=(\\w+)/$1/U", "CN=bob"), Some("BOB".to_owned()));
        assert_eq!(mapped("RULE:CN=(\\w+)/$1/", "CN=bob,O=X"), None);
        assert_eq!(mapped("RULE:CN=a\\/b/slash$1x/", "CN=a/b"), Some("slashx".to_owned()));
        assert_eq!(mapped("", "CN=a"), Some("CN=a".to_owned()));
    }

    #[test]
    fn rules_that_can_not_be_read_are_refused() {
        for rules in ["RULE:a/b", "CN=x", "RULE:(/x/", "DEFAULT;DEFAULT", "RULE:a/b/X"] {
            assert!(MappingRules::parse(rules).is_err(), "{rules}");
        }
    }
}
