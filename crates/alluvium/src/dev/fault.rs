//! What a person types to break and mend the cluster of `alluvium dev --brokers`.

use std::fmt;

/// What the commands are, in one screen.
pub(super) const HELP: &str = "\
kill 2        kill -9 broker 2        stop 2        stop it with a drain (SIGTERM)
start 2       start it again          pause 2       hang it (SIGSTOP); resume 2 lets it go on
kill store    kill -9 MinIO           stop, start, pause, resume: the same for `store` and `etcd`
status        what there is now       quit          stop everything (also Ctrl-C)";

/// Something that runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Target {
    Broker(u16),
    /// MinIO.
    Store,
    Etcd,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broker(number) => write!(f, "broker {number}"),
            Self::Store => f.write_str("MinIO"),
            Self::Etcd => f.write_str("etcd"),
        }
    }
}

/// What becomes of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fault {
    Kill,
    Stop,
    Start,
    Pause,
    Resume,
}

/// A line that was typed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Typed {
    Fault(Fault, Target),
    Status,
    Help,
    Quit,
    /// An empty line.
    Nothing,
}

impl Typed {
    /// Reads a line: a word, for some the target, brokers by number.
    ///
    /// # Errors
    /// What is not understood, in a line.
    pub(super) fn parse(line: &str) -> Result<Self, String> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (word, target) = match words.as_slice() {
            [] => return Ok(Self::Nothing),
            [word] => (*word, None),
            [word, target] | [word, "broker", target] => (*word, Some(*target)),
            _ => return Err(not_understood(line)),
        };
        let fault = match (word, target) {
            ("status", None) => return Ok(Self::Status),
            ("help" | "?", None) => return Ok(Self::Help),
            ("quit" | "exit" | "q", None) => return Ok(Self::Quit),
            ("kill", _) => Fault::Kill,
            ("stop", _) => Fault::Stop,
            ("start" | "restart", _) => Fault::Start,
            ("pause", _) => Fault::Pause,
            ("resume", _) => Fault::Resume,
            _ => return Err(not_understood(line)),
        };
        let target = match target {
            Some("store" | "minio" | "MinIO") => Target::Store,
            Some("etcd") => Target::Etcd,
            Some(number) => Target::Broker(number.parse().map_err(|_| not_understood(line))?),
            None => return Err(format!("{word} what? A broker's number, store, or etcd")),
        };
        Ok(Self::Fault(fault, target))
    }
}

fn not_understood(line: &str) -> String {
    format!("{line:?} is not understood; type help")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_a_person_would_write_them() {
        let cases = [
            ("kill 2", Typed::Fault(Fault::Kill, Target::Broker(2))),
            ("  stop   broker 1 ", Typed::Fault(Fault::Stop, Target::Broker(1))),
            ("start store", Typed::Fault(Fault::Start, Target::Store)),
            ("pause minio", Typed::Fault(Fault::Pause, Target::Store)),
            ("resume etcd", Typed::Fault(Fault::Resume, Target::Etcd)),
            ("status", Typed::Status),
            ("q", Typed::Quit),
            ("", Typed::Nothing),
        ];
        for (line, typed) in cases {
            assert_eq!(Typed::parse(line), Ok(typed), "{line}");
        }
    }

    #[test]
    fn what_is_not_understood_says_so() {
        for line in ["kill", "kill -1", "kill 1 2 3", "explode 1", "status 1", "kill 70000"] {
            assert!(Typed::parse(line).is_err(), "{line}");
        }
    }
}
