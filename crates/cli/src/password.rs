//! Reading a password: from a file, from a pipe, or from a terminal that does not show it.

use crate::CliError;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use std::{
    fs,
    io::{self, BufRead, IsTerminal, Write},
    path::Path,
};

/// The first line of `file`, or of standard input; somebody at a terminal is asked `question`, twice.
///
/// # Errors
/// None was given, or two that differ.
pub(crate) async fn read_password(file: Option<&Path>, question: &str) -> Result<String, CliError> {
    let password = match file {
        Some(file) => {
            let text = fs::read_to_string(file);
            let text = text.map_err(|error| {
                CliError::Usage(format!("--password-file {}: {error}", file.display()))
            })?;
            first_line(&text)
        }
        None if io::stdin().is_terminal() => {
            let password = ask(question.to_owned()).await?;
            if ask("once more: ".to_owned()).await? != password {
                return Err(CliError::Usage("these are two different passwords".to_owned()));
            }
            password
        }
        None => {
            let mut line = String::new();
            io::stdin().lock().read_line(&mut line)?;
            first_line(&line)
        }
    };
    if password.is_empty() {
        return Err(CliError::Usage(
            "no password: give it as a line of standard input, or with --password-file".to_owned(),
        ));
    }
    Ok(password)
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

/// Asks at the terminal. Ctrl-C leaves it as it was.
async fn ask(question: String) -> Result<String, CliError> {
    let hidden = Hidden::begin()?;
    let mut out = io::stderr();
    out.write_all(question.as_bytes())?;
    let line = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line).map(|_| line)
    });
    let line = tokio::select! {
        line = line => line.map_err(io::Error::other)?,
        _ = tokio::signal::ctrl_c() => Err(io::ErrorKind::Interrupted.into()),
    };
    drop(hidden);
    writeln!(out)?;
    Ok(first_line(&line?))
}

/// While it lives, the terminal does not show what is typed.
struct Hidden(Termios);

impl Hidden {
    fn begin() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(io::stdin(), OptionalActions::Now, &silent)?;
        Ok(Self(before))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        // A terminal that is gone shows nothing anyway.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_gives_its_first_line_and_nothing_else() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "  s3cret \r\nnote\n").unwrap();
        let read = read_password(Some(file.path()), "").await.unwrap();
        assert_eq!(read, "  s3cret ");
        fs::write(file.path(), "\n").unwrap();
        let refused = read_password(Some(file.path()), "").await.unwrap_err();
        assert!(refused.to_string().contains("--password-file"), "{refused}");
        assert!(read_password(Some(Path::new("/nowhere")), "").await.is_err());
    }
}
