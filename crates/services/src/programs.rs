//! Client programs of the tests: interpreters, jars and binaries, built once for each version of their sources.

use crate::{Error, cache_directory};
use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// A Python interpreter that has the packages of a requirements file.
///
/// # Errors
/// [`Error::Install`].
pub fn python(requirements: &Path) -> Result<PathBuf, Error> {
    let directory = once("python", &[requirements], |directory| {
        run("python3", Command::new("python3").args(["-m", "venv"]).arg(directory))?;
        let mut pip = Command::new(directory.join("bin/python"));
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]);
        run("pip", pip.arg(requirements))
    })?;
    Ok(directory.join("bin/python"))
}

/// The class path of a pom's dependencies, as `java -cp` takes it.
///
/// # Errors
/// [`Error::Install`].
pub fn java_class_path(pom: &Path) -> Result<String, Error> {
    let directory = once("java", &[pom], |directory| {
        let mut maven = Command::new("mvn");
        maven.args(["-q", "-B", "dependency:copy-dependencies", "-f"]).arg(pom);
        run("mvn", maven.arg(format!("-DoutputDirectory={}", directory.display())))
    })?;
    Ok(format!("{}/*", directory.display()))
}

/// The binary of a Go module's main package.
///
/// # Errors
/// [`Error::Install`].
pub fn go_program(module: &Path) -> Result<PathBuf, Error> {
    let mut sources: Vec<PathBuf> = fs::read_dir(module)
        .map_err(Error::io(format!("could not list {}", module.display())))?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| !path.is_dir())
        .collect();
    sources.sort_unstable();
    let sources: Vec<&Path> = sources.iter().map(PathBuf::as_path).collect();
    let directory = once("go", &sources, |directory| {
        let mut go = Command::new("go");
        go.args(["build", "-trimpath", "-o"]).arg(directory.join("program")).arg(".");
        run("go", go.current_dir(module).env("GOTOOLCHAIN", "local").env("CGO_ENABLED", "0"))
    })?;
    Ok(directory.join("program"))
}

/// The test binary of a package of `dependency`, at the version that a Go module requires.
///
/// # Errors
/// [`Error::Install`].
pub fn go_tests(module: &Path, dependency: &str, package: &str) -> Result<PathBuf, Error> {
    let sources = ["go.mod", "go.sum"].map(|name| module.join(name));
    let sources: Vec<&Path> = sources.iter().map(PathBuf::as_path).collect();
    let directory = once("go-tests", &sources, |directory| {
        let go = |arguments: &[&str], at: &Path| {
            let mut go = Command::new("go");
            go.args(arguments).env("GOTOOLCHAIN", "local").env("CGO_ENABLED", "0");
            output("go", go.current_dir(at))
        };
        go(&["mod", "download", dependency], module)?;
        let found = go(&["list", "-m", "-f", "{{.Dir}}", dependency], module)?;
        let program = directory.join("program").display().to_string();
        let package = Path::new(found.trim()).join(package);
        go(&["test", "-c", "-trimpath", "-o", &program, "."], &package).map(drop)
    })?;
    Ok(directory.join("program"))
}

/// The modules of a package of Node.js, as its lock file pins them.
///
/// # Errors
/// [`Error::Install`].
pub fn node_modules(package: &Path) -> Result<PathBuf, Error> {
    let files = ["package.json", "package-lock.json"].map(|name| package.join(name));
    let sources: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
    let directory = once("node", &sources, |directory| {
        for source in &sources {
            let copy = directory.join(source.file_name().unwrap_or_default());
            fs::copy(source, copy)
                .map_err(Error::io(format!("could not copy {}", source.display())))?;
        }
        let mut npm = Command::new("npm");
        npm.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]);
        run("npm", npm.current_dir(directory))
    })?;
    Ok(directory.join("node_modules"))
}

/// Chromium: the distribution's, installed when it is missing.
///
/// # Errors
/// [`Error::Install`].
pub fn chromium() -> Result<PathBuf, Error> {
    let program = Path::new("/usr/bin/chromium");
    if program.exists() {
        return Ok(program.to_owned());
    }
    // Only root may install; elsewhere whoever runs the tests may become root.
    let as_root = if rustix::process::getuid().is_root() { "" } else { "sudo" };
    let install = format!(
        "{as_root} apt-get update -qq && {as_root} apt-get install -y -qq --no-install-recommends chromium fonts-noto-core"
    );
    run(
        "apt-get",
        Command::new("sh").args(["-c", &install]).env("DEBIAN_FRONTEND", "noninteractive"),
    )?;
    Ok(program.to_owned())
}

/// A binary of a Cargo package that is a workspace of its own. Cargo itself knows whether it is up to date.
///
/// # Errors
/// [`Error::Install`].
pub fn rust_program(package: &Path, name: &str) -> Result<PathBuf, Error> {
    let directory = cache_directory().join("rust");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--quiet", "--locked", "--target-dir"]).arg(&directory);
    run("cargo", cargo.current_dir(package))?;
    Ok(directory.join("debug").join(name))
}

/// A directory of the cache, filled once for this content of `sources`. One process fills it, the others wait.
fn once(
    kind: &str,
    sources: &[&Path],
    fill: impl FnOnce(&Path) -> Result<(), Error>,
) -> Result<PathBuf, Error> {
    let mut hasher = DefaultHasher::new();
    for source in sources {
        let read =
            fs::read(source).map_err(Error::io(format!("could not read {}", source.display())))?;
        read.hash(&mut hasher);
    }
    let directory = cache_directory().join(format!("{kind}-{:016x}", hasher.finish()));
    fs::create_dir_all(&directory)
        .map_err(Error::io(format!("could not create {}", directory.display())))?;
    let lock_path = directory.with_extension("lock");
    let lock = fs::File::create(&lock_path)
        .map_err(Error::io(format!("could not create {}", lock_path.display())))?;
    lock.lock().map_err(Error::io(format!("could not lock {}", lock_path.display())))?;
    let ready = directory.join(".ready");
    if !ready.exists() {
        fill(&directory)?;
        fs::write(&ready, "").map_err(Error::io(format!("could not write {}", ready.display())))?;
    }
    Ok(directory)
}

fn run(tool: &'static str, command: &mut Command) -> Result<(), Error> {
    output(tool, command).map(drop)
}

/// What a program prints that must succeed.
fn output(tool: &'static str, command: &mut Command) -> Result<String, Error> {
    let failed = |reason: String| Error::Install { tool, reason };
    let ended = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| failed(format!("could not run it: {error}")))?;
    if ended.status.success() {
        return Ok(String::from_utf8_lossy(&ended.stdout).into_owned());
    }
    let text = [ended.stdout, ended.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    let tail: Vec<&str> = text.lines().rev().take(5).collect();
    Err(failed(tail.into_iter().rev().collect::<Vec<_>>().join(" | ")))
}
