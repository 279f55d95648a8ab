//! Recipes: how each program is built from its registry, at a pinned version, once.

use crate::{Error, Purpose};
use rustix::fs::{Access, access};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// A program that the tests and `alluvium dev` use. All versions are pinned here and nowhere else.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tool {
    /// The metadata store of a cluster deployment.
    Etcd,
    /// The S3-compatible store of the development cluster. Upstream is archived: the last tagged state.
    Minio,
    /// A second S3 implementation, over a POSIX directory.
    Versitygw,
    /// Scrapes brokers and judges the rules of alerts; `promtool` lies beside it. The version is Debian's.
    Prometheus,
    /// Tells how far groups are behind, for comparison. Its build needs cmake and the headers of SASL (Debian's libsasl2-dev).
    KlagExporter,
}

enum Recipe {
    /// `go install module@version`; the binary has the tool's name.
    GoInstall { package: &'static str },
    /// `cargo install`; package and binary have the tool's name.
    CargoInstall { features: &'static str },
    /// Debian's package, unpacked: the binary has the tool's name.
    Debian,
    /// A module of our own whose main calls the server's: its replace directives forbid `go install`.
    GoModule { requires: &'static str, main: &'static str },
}

impl Tool {
    /// The program's file name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Etcd => "etcd",
            Self::Minio => "minio",
            Self::Versitygw => "versitygw",
            Self::Prometheus => "prometheus",
            Self::KlagExporter => "klag-exporter",
        }
    }

    const fn version(self) -> &'static str {
        match self {
            Self::Etcd => "v3.7.3",
            Self::Minio => "v0.0.0-20260212201848-7aac2a2c5b7c",
            Self::Versitygw => "v1.8.0",
            Self::Prometheus => "debian",
            Self::KlagExporter => "0.1.29",
        }
    }

    const fn recipe(self) -> Recipe {
        match self {
            Self::Etcd => Recipe::GoModule {
                requires: "go.etcd.io/etcd/server/v3",
                main: "package main\n\nimport (\n\t\"os\"\n\n\t\"go.etcd.io/etcd/server/v3/etcdmain\"\n)\n\nfunc main() { etcdmain.Main(os.Args) }\n",
            },
            Self::KlagExporter => Recipe::CargoInstall { features: "curl-static" },
            Self::Prometheus => Recipe::Debian,
            Self::Minio => Recipe::GoInstall { package: "github.com/minio/minio" },
            Self::Versitygw => {
                Recipe::GoInstall { package: "github.com/versity/versitygw/cmd/versitygw" }
            }
        }
    }

    /// The program's path for `purpose`.
    ///
    /// # Errors
    /// As [`Tool::path`].
    pub fn path_for(self, purpose: Purpose) -> Result<PathBuf, Error> {
        match purpose {
            Purpose::Test => self.path(),
            Purpose::Development => self.on_path().map_or_else(|| self.path(), Ok),
        }
    }

    /// The first program of that name on `PATH`.
    fn on_path(self) -> Option<PathBuf> {
        let directories = std::env::var_os("PATH")?;
        std::env::split_paths(&directories)
            .map(|directory| directory.join(self.name()))
            .find(|program| program.is_file() && access(program, Access::EXEC_OK).is_ok())
    }

    /// The pinned build's path: from the cache, else built into it. One process builds at a time; the others wait.
    ///
    /// # Errors
    /// [`Error::Install`] with the end of the build's output.
    pub fn path(self) -> Result<PathBuf, Error> {
        let directory = cache_directory().join(format!("{}-{}", self.name(), self.version()));
        let binary = directory.join(self.name());
        if binary.exists() {
            return Ok(binary);
        }
        fs::create_dir_all(&directory)
            .map_err(Error::io(format!("could not create {}", directory.display())))?;
        let lock_path = directory.join("lock");
        let lock = fs::File::create(&lock_path)
            .map_err(Error::io(format!("could not create {}", lock_path.display())))?;
        lock.lock().map_err(Error::io(format!("could not lock {}", lock_path.display())))?;
        if !binary.exists() {
            self.build(&directory)?;
        }
        Ok(binary)
    }

    fn build(self, directory: &Path) -> Result<(), Error> {
        eprintln!(
            "building {} {} into {} (once)",
            self.name(),
            self.version(),
            directory.display()
        );
        match self.recipe() {
            Recipe::CargoInstall { features } => {
                let staging = directory.join("staging");
                let mut cargo = Command::new("cargo");
                cargo.args(["install", "--quiet", "--locked", "--no-default-features"]);
                cargo.args(["--features", features, "--root"]);
                cargo.arg(&staging).args([self.name(), "--version", self.version()]);
                self.run("cargo", cargo.current_dir(directory))?;
                self.rename(&staging.join("bin").join(self.name()), directory)
            }
            Recipe::Debian => {
                let staging = directory.join("staging");
                self.unpack(&staging)?;
                fs::rename(staging.join("usr/bin/promtool"), directory.join("promtool"))
                    .map_err(Error::io("could not move promtool"))?;
                self.rename(&staging.join("usr/bin").join(self.name()), directory)?;
                // The rest is of no use; what can't be removed does no harm.
                let _ = fs::remove_dir_all(&staging);
                Ok(())
            }
            Recipe::GoInstall { package } => {
                let staging = directory.join("staging");
                let argument = format!("{package}@{}", self.version());
                self.go(directory, &["install", "-trimpath", &argument], &staging)?;
                self.rename(&staging.join(self.name()), directory)
            }
            Recipe::GoModule { requires, main } => {
                let module = directory.join("module");
                fs::create_dir_all(&module)
                    .and_then(|()| fs::write(module.join("main.go"), main))
                    .and_then(|()| {
                        fs::write(
                            module.join("go.mod"),
                            format!(
                                "module launcher\n\ngo 1.24\n\nrequire {requires} {}\n",
                                self.version()
                            ),
                        )
                    })
                    .map_err(Error::io(format!("could not write {}", module.display())))?;
                self.go(&module, &["mod", "tidy"], directory)?;
                self.go(&module, &["build", "-trimpath", "-o", self.name(), "."], directory)?;
                self.rename(&module.join(self.name()), directory)
            }
        }
    }

    /// Downloads Debian's package and unpacks it, as any user. Its lists are read anew beside the machine's when that knows no such package.
    fn unpack(self, staging: &Path) -> Result<(), Error> {
        let (lists, archives) = (staging.join("lists/partial"), staging.join("archives/partial"));
        for directory in [staging, lists.as_path(), archives.as_path()] {
            fs::create_dir_all(directory)
                .map_err(Error::io(format!("could not create {}", directory.display())))?;
        }
        let apt = |own: bool, action: &[&str]| {
            let mut apt = Command::new("apt-get");
            if own {
                apt.arg(format!("-oDir::State::lists={}", staging.join("lists").display()));
                apt.arg(format!("-oDir::Cache::archives={}", staging.join("archives").display()));
            }
            apt.arg("-oAPT::Sandbox::User=").arg("-qq").args(action).current_dir(staging);
            self.run("apt-get", &mut apt)
        };
        let download = ["download", self.name()];
        if apt(false, &download).is_err() {
            apt(true, &["update"])?;
            apt(true, &download)?;
        }
        let found = fs::read_dir(staging).map_err(Error::io("could not look for the package"))?;
        let mut paths = found.filter_map(|entry| entry.ok().map(|entry| entry.path()));
        let package = paths.find(|path| path.extension().is_some_and(|it| it == "deb"));
        let package = package.ok_or_else(|| Error::Install {
            tool: self.name(),
            reason: "apt-get downloaded no package".to_owned(),
        })?;
        self.run("dpkg", Command::new("dpkg").arg("-x").arg(package).arg(staging))
    }

    /// The binary appears under its final name whole or not at all.
    fn rename(self, built: &Path, directory: &Path) -> Result<(), Error> {
        fs::rename(built, directory.join(self.name()))
            .map_err(Error::io(format!("could not move {}", built.display())))
    }

    fn go(self, working: &Path, arguments: &[&str], go_bin: &Path) -> Result<(), Error> {
        let mut go = Command::new("go");
        go.args(arguments).current_dir(working).env("GOBIN", go_bin).env("GOFLAGS", "-mod=mod");
        self.run("go", go.env("GOTOOLCHAIN", "local").env("CGO_ENABLED", "0"))
    }

    fn run(self, builder: &str, command: &mut Command) -> Result<(), Error> {
        let output = command.stdin(Stdio::null()).output().map_err(|error| Error::Install {
            tool: self.name(),
            reason: format!("could not run {builder}: {error}"),
        })?;
        if output.status.success() {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&output.stderr);
        let tail: Vec<&str> = text.lines().rev().take(5).collect();
        Err(Error::Install {
            tool: self.name(),
            reason: tail.into_iter().rev().collect::<Vec<_>>().join(" | "),
        })
    }
}

/// Where built programs are kept: `$ALLUVIUM_TOOLS`, else `alluvium-tools` below the user's cache directory.
pub fn cache_directory() -> PathBuf {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    if let Some(directory) = variable("ALLUVIUM_TOOLS") {
        return directory.into();
    }
    let cache = variable("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| variable("HOME").map(|home| PathBuf::from(home).join(".cache")))
        .unwrap_or_else(std::env::temp_dir);
    cache.join("alluvium-tools")
}
