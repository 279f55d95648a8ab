//! An error and what caused it.

use std::error::Error;

/// The error, its cause, the cause of that, and so on.
pub fn causes<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// The error and its causes in one line, without what a cause merely repeats: libraries' own texts leave out the one that helps.
pub fn in_full(error: &(dyn Error + 'static)) -> String {
    causes(error).skip(1).fold(error.to_string(), |line, cause| {
        let cause = cause.to_string();
        if line.contains(&cause) { line } else { format!("{line}: {cause}") }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fmt, io};

    #[derive(Debug)]
    struct Outer(&'static str, io::Error);

    impl fmt::Display for Outer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Outer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.1)
        }
    }

    #[test]
    fn causes_are_told_once() {
        let told = |text| in_full(&Outer(text, io::Error::other("refused")));
        assert_eq!(told("not sent"), "not sent: refused");
        assert_eq!(told("not sent: refused"), "not sent: refused");
    }
}
