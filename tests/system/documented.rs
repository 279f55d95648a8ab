//! What the documentation has people type, typed: the tutorial from its first command to its last, the README's first minute, and the clients'
//! snippets. Addresses that a test can't take are replaced, nothing else.

use crate::harness::{
    Deployment, Kind,
    broker::BINARY,
    eventually, only_dev,
    programs::{clients, java, run, text},
    until,
};
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

fn document(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A fenced block: what it says it is, and its lines.
#[derive(Debug)]
struct Block {
    kind: String,
    content: String,
}

fn blocks(document: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for line in document.lines() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(kind), None) => {
                open = Some(Block { kind: kind.to_owned(), content: String::new() });
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some(block)) => {
                block.content.push_str(line);
                block.content.push('\n');
            }
            (None, None) => {}
        }
    }
    blocks
}

/// The section under a heading.
fn section<'a>(document: &'a str, heading: &str) -> &'a str {
    let (_, rest) = document.split_once(&format!("## {heading}\n")).unwrap();
    rest.split("\n## ").next().unwrap()
}

/// A shell as a reader has it: `alluvium` is found, and its cluster is this one.
fn shell(script: &str, address: &str, directory: &Path) -> Command {
    let first = address.split(',').next().unwrap();
    let script = script.replace("localhost:9092", first);
    let mut shell = Command::new("bash");
    let programs = Path::new(BINARY).parent().unwrap().display();
    let path = std::env::var("PATH").unwrap_or_default();
    shell.args(["-euo", "pipefail", "-c", &script]).current_dir(directory);
    shell.env("PATH", format!("{programs}:{path}")).env("ALLUVIUM_BOOTSTRAP_SERVER", address);
    shell
}

/// `alluvium dev`, and what is typed at it.
struct Dev {
    child: Child,
    log: PathBuf,
}

impl Dev {
    fn start(command: &str, directory: &Path) -> Self {
        let log = directory.join("dev.log");
        let output = fs::File::create(&log).unwrap();
        let free = "--listeners PLAINTEXT://127.0.0.1:0 --http-address 127.0.0.1:0";
        let mut shell = shell(&format!("exec {} {free}", command.trim()), "", directory);
        shell.env_remove("ALLUVIUM_BOOTSTRAP_SERVER").stdin(Stdio::piped());
        let shell = shell.stdout(output.try_clone().unwrap()).stderr(output);
        let mut dev = Self { child: shell.spawn().unwrap(), log };
        until("it does not come up", || {
            assert!(dev.child.try_wait().unwrap().is_none(), "{}", dev.said());
            dev.said().contains("try:")
        });
        dev
    }

    fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    fn address(&self) -> String {
        let said = self.said();
        let line = said.lines().find(|line| line.contains("Kafka  ")).unwrap();
        line.split_whitespace().nth(1).unwrap().to_owned()
    }

    /// Types, and waits for what is said to it; for a broker that is started until it is there, as a person would.
    fn enter(&mut self, line: &str) {
        let before = self.said().len();
        let awaited = if line.starts_with("start") { ": ready" } else { "\n" };
        self.child.stdin.as_mut().unwrap().write_all(line.as_bytes()).unwrap();
        until("nothing is said to it", || self.said()[before..].contains(awaited));
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_first_ten_minutes_go_as_the_tutorial_says() {
    let _only = only_dev();
    let directory = tempfile::tempdir().unwrap();
    let mut dev = None;
    let mut printed = None;
    for Block { kind, content } in blocks(&document("docs/tutorial.md")) {
        match kind.as_str() {
            // That is how this binary came to be.
            "sh build" => assert!(content.contains("cargo build --release -p alluvium")),
            "sh background" => dev = Some(Dev::start(&content, directory.path())),
            "sh" => {
                let address = dev.as_ref().unwrap().address();
                let output = run(&mut shell(&content, &address, directory.path()), b"");
                printed = Some((content, text(&output.stdout)));
            }
            "text typed" => dev.as_mut().unwrap().enter(&content),
            "text" => {
                let (commands, printed) = printed.take().unwrap();
                assert_eq!(printed, content, "{commands}");
            }
            other => panic!("nobody knows how to try {other:?}"),
        }
    }
    let mut dev = dev.unwrap();
    let ended = eventually(|| dev.child.try_wait().unwrap().ok_or_else(|| dev.said()));
    assert!(ended.success(), "{}", dev.said());
}

#[test]
fn the_first_minute_goes_as_the_readme_says() {
    let deployment = Deployment::start(Kind::Embedded);
    let broker = deployment.broker(&[]);
    let readme = document("README.md");
    let minute = blocks(section(&readme, "The first minute"));
    let [Block { kind, content }] = &minute[..] else { panic!("{minute:?}") };
    assert_eq!(kind, "sh");
    let output = run(&mut shell(content, &broker.address(), deployment.directory()), b"");
    let mut lines: Vec<String> = text(&output.stdout).lines().map(str::to_owned).collect();
    lines.sort_unstable();
    assert_eq!(lines, ["again", "hello", "hello"]);
}

/// The snippet of a language, for this broker.
fn snippet(language: &str, address: &str) -> String {
    let found = blocks(&document("docs/clients.md"));
    let block = found.into_iter().find(|block| block.kind == language).unwrap();
    assert!(block.content.contains("localhost:9092"));
    block.content.replace("localhost:9092", address)
}

fn write(directory: &Path, name: &str, content: &str) -> PathBuf {
    let path = directory.join(name);
    fs::write(&path, content).unwrap();
    path
}

/// Takes files of a client's package, so that a snippet has its packages.
fn borrow(package: &str, files: &[&str], directory: &Path) {
    for file in files {
        fs::copy(clients().join(package).join(file), directory.join(file)).unwrap();
    }
}

/// What was written to the topic of all snippets, sorted.
fn greetings(address: &str) -> Vec<String> {
    let mut consume = Command::new(BINARY);
    let read = run(consume.args(["consume", "-b", address, "greetings", "--exit"]), b"");
    let mut read: Vec<String> = text(&read.stdout).lines().map(str::to_owned).collect();
    read.sort_unstable();
    read
}

#[test]
fn the_snippets_for_clients_run_as_they_stand() {
    let deployment = Deployment::start(Kind::Embedded);
    let broker = deployment.broker(&[]);
    let address = broker.address();
    let directory = deployment.directory().join("snippets");
    fs::create_dir_all(&directory).unwrap();
    let written = |language: &str, command: &mut Command| {
        let said = text(&run(command, b"").stdout);
        assert!(said.lines().any(|line| line.starts_with("offset ")), "{language}: {said}");
    };

    let requirements = clients().join("python/requirements.txt");
    let program = write(&directory, "hello.py", &snippet("python", &address));
    let mut python = Command::new(services::programs::python(&requirements).unwrap());
    written("Python", python.arg(program));

    let program = write(&directory, "Hello.java", &snippet("java", &address));
    written("Java", java().arg(program));

    let program = write(&directory, "hello.js", &snippet("javascript", &address));
    let modules = services::programs::node_modules(&clients().join("javascript")).unwrap();
    written("Node.js", Command::new("node").env("NODE_PATH", modules).arg(program));

    borrow("go", &["go.mod", "go.sum"], &directory);
    write(&directory, "main.go", &snippet("go", &address));
    let mut go = Command::new("go");
    go.args(["run", "."]).env("GOTOOLCHAIN", "local").env("CGO_ENABLED", "0");
    written("Go", go.current_dir(&directory));

    let from = |language| format!("hello from {language}");
    assert_eq!(greetings(&address), ["Go", "Java", "Node.js", "Python"].map(from));
}

/// It is built with the same librdkafka as the client of the tests.
#[test]
fn the_snippet_for_rust_runs_as_it_stands() {
    let deployment = Deployment::start(Kind::Embedded);
    let broker = deployment.broker(&[]);
    let package = deployment.directory().join("snippet");
    fs::create_dir_all(package.join("src")).unwrap();
    for file in ["Cargo.toml", "Cargo.lock"] {
        let content = fs::read_to_string(clients().join("rust").join(file)).unwrap();
        write(&package, file, &content.replace("\"rdkafka-client\"", "\"documented-snippet\""));
    }
    write(&package.join("src"), "main.rs", &snippet("rust", &broker.address()));
    let program = services::programs::rust_program(&package, "documented-snippet").unwrap();
    run(&mut Command::new(program), b"");
    assert_eq!(greetings(&broker.address()), ["hello from Rust"]);
}
