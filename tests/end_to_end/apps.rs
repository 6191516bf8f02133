//! Podcast programs as their makers give them out: each subscribes to a public feed and to a private one, downloads and updates.

use std::{
    env,
    ffi::OsStr,
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use local::Stack;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    process::{Child, Command},
    sync::watch,
    time::{sleep, timeout},
};

use crate::{
    actors::Tenant,
    audio::mp3,
    flow::{publish, wait_for_feed},
    private_shows::listener,
    world::{run, unique},
};

const PATIENCE: Duration = Duration::from_secs(120);

#[test]
fn gpodder_subscribes_downloads_and_updates() {
    run(async |stack| {
        for visibility in ["public", "private"] {
            let machine = Machine::new(stack, visibility).await;

            machine.run("gpo", "gpodder", &["subscribe", &machine.feed]).await;
            machine.run("gpo", "gpodder", &["download"]).await;
            machine.assert_downloaded();
            machine.run("gpo", "gpodder", &["update"]).await;

            assert_eq!(machine.door.answers(), [200, 304], "{visibility}");
        }
    });
}

/// newsboat keeps the `ETag` of a feed that it knows already, so of the second answer and not of the first.
#[test]
fn newsboat_and_podboat_subscribe_download_and_update() {
    run(async |stack| {
        for visibility in ["public", "private"] {
            let machine = Machine::new(stack, visibility).await;
            let downloads = machine.path("downloads");
            let settings = format!("podcast-auto-enqueue yes\ndownload-path {}/\n", downloads.display());
            machine.write(".newsboat/config", &settings);
            machine.write(".newsboat/urls", &machine.feed);

            machine.run("newsboat", "newsboat", &["-x", "reload"]).await;
            download_with_podboat(&machine).await;
            machine.assert_downloaded();
            machine.run("newsboat", "newsboat", &["-x", "reload"]).await;
            machine.run("newsboat", "newsboat", &["-x", "reload"]).await;

            let answers = machine.door.answers();
            assert_eq!((answers.first(), answers.last()), (Some(&200), Some(&304)), "{visibility}");
        }
    });
}

/// podget keeps nothing that it could ask with: it fetches the whole feed each time, and no episode twice.
#[test]
fn podget_subscribes_downloads_and_updates() {
    run(async |stack| {
        for visibility in ["public", "private"] {
            let machine = Machine::new(stack, visibility).await;
            machine.run("podget", "podget", &["--create-config", "podgetrc"]).await;
            machine.write(".config/podget/serverlist", &format!("{} News Harbour\n", machine.feed));

            machine.run("podget", "podget", &[]).await;
            machine.assert_downloaded();
            let said = machine.run("podget", "podget", &[]).await;

            assert!(said.contains("Already downloaded"), "{said}");
            assert_eq!(machine.door.answers(), [200, 200], "{visibility}");
        }
    });
}

/// podcast-archiver remembers for as long as it runs when a feed was changed, and has no tag.
#[test]
fn podcast_archiver_subscribes_downloads_and_updates() {
    run(async |stack| {
        let python = local::python_environment().await.unwrap();
        for visibility in ["public", "private"] {
            let machine = Machine::new(stack, visibility).await;
            fs::create_dir(machine.path("downloads")).unwrap();

            let mut archiver = machine.command(python.with_file_name("podcast-archiver"));
            archiver.args(["--feed", &machine.feed, "--sleep-seconds", "1", "--dir"]);
            archiver.arg(machine.path("downloads")).stdout(Stdio::piped()).stderr(Stdio::piped());
            let archiver = start(&mut archiver, "podcast-archiver");
            tokio::select! {
                () = machine.door.wait_for_answers(2) => {}
                ended = archiver.wait_with_output() => panic!("podcast-archiver has ended: {ended:?}"),
            }

            machine.assert_downloaded();
            assert_eq!(machine.door.answers()[..2], [200, 304], "{visibility}");
        }
    });
}

/// podboat wants a terminal, which Python gives it, and goes on until somebody presses `q` while nothing is being downloaded.
async fn download_with_podboat(machine: &Machine) {
    let python = local::python_environment().await.unwrap();
    let in_a_terminal = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";
    let mut podboat = machine.command(python);
    podboat.args(["-c", in_a_terminal, "podboat", "-a"]).stdin(Stdio::piped()).stdout(Stdio::null());
    let mut podboat = start(&mut podboat, "newsboat");
    let mut keyboard = podboat.stdin.take().unwrap();

    let download = async {
        loop {
            if let Some(status) = podboat.try_wait().unwrap() {
                return assert!(status.success(), "podboat: {status}");
            }
            if !machine.downloads().is_empty() {
                // It may have ended since.
                keyboard.write_all(b"q").await.ok();
            }
            sleep(Duration::from_millis(100)).await;
        }
    };
    timeout(PATIENCE, download).await.expect("podboat downloads nothing");
}

/// Where a program is at home that has never heard of a feed before.
struct Machine {
    home: TempDir,
    door: Door,
    /// The feed's address at the door.
    feed: String,
    /// What was uploaded as the feed's only episode.
    audio: Bytes,
}

impl Machine {
    /// With a show of its own.
    async fn new(stack: &'static Stack, visibility: &str) -> Self {
        let acme = Tenant::new(stack).await;
        let show = acme.show(visibility).await;
        let audio = mp3(61, &unique("audio"));
        publish(&acme, &show, "First light", &audio).await;
        let told = if visibility == "public" { show } else { listener(&acme, &show, "A laptop").await };
        let url = told["feed_url"].as_str().unwrap();
        wait_for_feed(stack, url, |text| text.contains("First light")).await;

        let door = Door::open(stack).await;
        let feed = url.replace(stack.listener(), &door.address);
        Self { home: TempDir::new().unwrap(), door, feed, audio }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.home.path().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// A program that knows nothing of this test's surroundings. It reaches this machine, and the door for everything else.
    fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let home = self.home.path();
        let mut command = Command::new(program);
        command.env_clear().env("PATH", env::var_os("PATH").unwrap());
        command.envs([("HOME", home), ("TMPDIR", home)]).envs([("LANG", "C.UTF-8"), ("TERM", "vt100")]);
        command.envs([("http_proxy", &self.door.address), ("https_proxy", &self.door.address)]);
        command.env("no_proxy", "127.0.0.1,localhost");
        command.current_dir(home).stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    /// Runs a program of a package to its end, which must be a good one, and answers what it said.
    async fn run(&self, program: &str, package: &str, arguments: &[&str]) -> String {
        let mut command = self.command(program);
        command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
        let running = start(&mut command, package).wait_with_output();
        let output = timeout(PATIENCE, running).await.unwrap_or_else(|_| panic!("{program} does not end"));
        let output = output.unwrap();
        let said =
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{program} {arguments:?}: {said}");
        said
    }

    /// Every recording at home, wherever the program has put it.
    fn downloads(&self) -> Vec<PathBuf> {
        let mut found = files(self.home.path());
        found.retain(|path| path.extension() == Some("mp3".as_ref()));
        found
    }

    #[track_caller]
    fn assert_downloaded(&self) {
        let found = self.downloads();
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(fs::read(&found[0]).unwrap() == self.audio, "other bytes than were uploaded");
    }
}

fn start(command: &mut Command, package: &str) -> Child {
    command.spawn().unwrap_or_else(|error| match error.kind() {
        ErrorKind::NotFound => panic!(
            "These tests need {package}, and the PATH has none: install it (Debian: apt install {package}) and test again."
        ),
        _ => panic!("{package}: {error}"),
    })
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// Where a program asks for its feed. It passes that on to the listener API, refuses all else, and remembers how it has answered.
struct Door {
    address: String,
    answered: watch::Receiver<Vec<u16>>,
}

impl Door {
    async fn open(stack: &'static Stack) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", socket.local_addr().unwrap());
        let (sender, answered) = watch::channel(Vec::new());
        tokio::spawn(async move {
            loop {
                let (stream, _) = socket.accept().await.unwrap();
                let sender = sender.clone();
                tokio::spawn(async move { answer(stack, stream, &sender).await });
            }
        });
        Self { address, answered }
    }

    fn answers(&self) -> Vec<u16> {
        self.answered.borrow().clone()
    }

    async fn wait_for_answers(&self, count: usize) {
        let mut answered = self.answered.clone();
        let enough = answered.wait_for(|answers| answers.len() >= count);
        timeout(PATIENCE, enough).await.expect("the feed is not asked for again").unwrap();
    }
}

/// Answers one request and hangs up.
async fn answer(stack: &Stack, stream: TcpStream, answered: &watch::Sender<Vec<u16>>) {
    let mut stream = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).await.unwrap() == 0 {
            return;
        }
    }

    let answer = match feed_request(stack, &head) {
        Some(request) => stack.http().send(request).await.unwrap(),
        None => Response::builder().status(StatusCode::FORBIDDEN).body(Bytes::new()).unwrap(),
    };

    answered.send_modify(|answers| answers.push(answer.status().as_u16()));
    let mut bytes = format!("HTTP/1.1 {}\r\nconnection: close\r\n", answer.status()).into_bytes();
    for (name, value) in answer.headers() {
        if ["connection", "transfer-encoding"].contains(&name.as_str()) {
            continue;
        }
        bytes.extend_from_slice(&[name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    bytes.extend_from_slice(&[b"\r\n", answer.body().as_ref()].concat());
    stream.write_all(&bytes).await.unwrap();
}

/// The request to the listener API; `None` where the door is used as a proxy for somewhere else.
fn feed_request(stack: &Stack, head: &str) -> Option<Request<Bytes>> {
    let mut lines = head.lines();
    let mut line = lines.next()?.split(' ');
    let (method, path) = (line.next()?, line.next()?.strip_prefix('/')?);
    let mut request = Request::builder().method(method).uri(format!("{}/{path}", stack.listener()));
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        if !["host", "connection"].contains(&name.to_lowercase().as_str()) {
            request = request.header(name, value.trim());
        }
    }
    Some(request.body(Bytes::new()).unwrap())
}
