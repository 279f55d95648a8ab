//! What is made of the commands' own descriptions: completions, man pages, and the reference in the documentation.

use crate::Arguments;
use clap::{Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;
use cli::CliError;
use std::{
    fs,
    io::{self, Write},
    path::Path,
};

const NAME: &str = "alluvium";

/// Prints what lets `shell` complete.
///
/// # Errors
/// Standard output.
pub(crate) fn completions(shell: Shell, out: &mut dyn Write) -> io::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), NAME, &mut script);
    out.write_all(&script)
}

/// Prints the page about all commands, or writes one for each of them to `directory`.
///
/// # Errors
/// Standard output, or the directory.
pub(crate) fn man(directory: Option<&Path>, out: &mut dyn Write) -> Result<(), CliError> {
    let commands = pages(&built(), NAME);
    let Some(directory) = directory else {
        let Some((_, all)) = commands.into_iter().next() else { return Ok(()) };
        return Ok(Man::new(all).render(out)?);
    };
    let failed =
        |error: io::Error| CliError::Usage(format!("--directory {}: {error}", directory.display()));
    fs::create_dir_all(directory).map_err(failed)?;
    for (name, command) in commands {
        let mut page = Vec::new();
        Man::new(command).render(&mut page)?;
        fs::write(directory.join(name).with_extension("1"), page).map_err(failed)?;
    }
    Ok(())
}

/// The commands with everything that clap itself adds.
fn built() -> Command {
    let mut command = Arguments::command();
    command.build();
    command
}

/// The command and those below it, under the names of their pages.
fn pages(command: &Command, name: &str) -> Vec<(String, Command)> {
    let mut all = vec![(name.to_owned(), command.clone())];
    for below in command.get_subcommands().filter(|it| it.get_name() != "help") {
        all.extend(pages(below, &format!("{name}-{}", below.get_name())));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write as _;

    /// The reference as Markdown: every command with its help, as it is printed.
    fn reference() -> String {
        let mut text = "# Commands and their flags\n\nMade of the program's own descriptions (`crates/alluvium/src/reference.rs`); `alluvium COMMAND --help` prints the same.\n".to_owned();
        for (name, command) in pages(&built(), NAME) {
            // Whatever this machine's terminal and environment are.
            let mut command = command.term_width(100).mut_args(|it| it.hide_env_values(true));
            let typed = command.get_bin_name().unwrap_or(&name).to_owned();
            let _ = writeln!(text, "\n## {typed}\n\n```text");
            let help = command.render_help().to_string();
            for line in help.lines() {
                let _ = writeln!(text, "{}", line.trim_end());
            }
            text.push_str("```\n");
        }
        text
    }

    #[test]
    fn the_documentation_has_every_command_as_it_is() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../docs/operations/command-reference.md");
        let expected = reference();
        if std::env::var_os("UPDATE_REFERENCE").is_some() {
            fs::write(&path, &expected).unwrap();
        }
        let written = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            written == expected,
            "UPDATE_REFERENCE=1 cargo test -p alluvium reference writes docs/operations/command-reference.md anew"
        );
    }

    #[test]
    fn each_command_has_a_man_page() {
        let directory = tempfile::tempdir().unwrap();
        man(Some(directory.path()), &mut io::sink()).unwrap();
        let page = |name: &str| fs::read_to_string(directory.path().join(name)).unwrap();
        assert!(page("alluvium.1").contains("alluvium\\-serve(1)"));
        let seek = page("alluvium-group-seek.1");
        assert!(seek.contains("\\-\\-dry\\-run") && seek.contains("alluvium\\-group\\-seek"));
        let mut all = Vec::new();
        man(None, &mut all).unwrap();
        assert!(String::from_utf8(all).unwrap().starts_with(".ie"));
    }

    #[test]
    fn every_shell_completes_commands() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let mut script = Vec::new();
            completions(shell, &mut script).unwrap();
            let script = String::from_utf8(script).unwrap();
            for word in ["quota", "dry-run", "scram-sha-512", "brokers"] {
                assert!(script.contains(word), "{shell} knows nothing of {word}");
            }
        }
    }
}
