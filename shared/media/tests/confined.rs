//! A confined process, tried from inside: this program again, as its own child.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests are tests")]

use std::{
    env,
    fs::File,
    io::{ErrorKind, Seek, Write},
    net::{TcpListener, TcpStream, UdpSocket},
    os::{fd::AsFd, unix::process::ExitStatusExt},
    process::{self, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use media::{Codec, Limits, confine, probe};
use rustix::process::{Signal, getppid, kill_process};

const FLAC: &[u8] = include_bytes!("../../../tests/fixtures/audio/flac.flac");

const LIMITS: Limits = Limits { memory_bytes: 1 << 30, cpu_seconds: 2, written_bytes: 1 << 20 };

/// Names what the child does. Without it this is the parent.
const DEED: &str = "CONFINED_TO";

/// The test's own program again, confined, with this file as its standard input.
fn confined(deed: &str, stdin: File) -> Output {
    let child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "the_child_does_as_it_is_told", "--nocapture"])
        .env(DEED, deed)
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.wait_with_output().unwrap()
}

fn nothing() -> File {
    tempfile::tempfile().unwrap()
}

fn flac() -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(FLAC).unwrap();
    file.rewind().unwrap();
    file
}

/// What the child printed last before it exited by itself.
fn said(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    String::from_utf8_lossy(&output.stdout).lines().last().unwrap_or_default().to_owned()
}

/// Runs in the child only; its claims are made by the tests that start it.
#[test]
fn the_child_does_as_it_is_told() {
    let Some(deed) = env::var_os(DEED) else { return };
    let outcome = |result: std::io::Result<()>| match result {
        Ok(()) => "done".to_owned(),
        Err(error) => format!("{:?}", error.kind()),
    };

    let parent = getppid().unwrap();
    confine(&LIMITS).unwrap();
    let said = match deed.to_str().unwrap() {
        "probe" => {
            let file: File = std::io::stdin().as_fd().try_clone_to_owned().unwrap().into();
            let probed = probe(file).unwrap();
            assert_eq!(probed.codec, Codec::Flac);
            format!("{} ms", probed.duration.as_millis())
        }
        "read a file" => outcome(File::open("/etc/passwd").map(drop)),
        "make a file" => outcome(File::create("/tmp/confined").map(drop)),
        "connect" => outcome(TcpStream::connect("127.0.0.1:9").map(drop)),
        "listen" => outcome(TcpListener::bind("127.0.0.1:0").map(drop)),
        "send" => outcome(UdpSocket::bind("127.0.0.1:0").map(drop)),
        "start a program" => outcome(Command::new("/bin/true").status().map(drop)),
        "start a thread" => outcome(thread::Builder::new().spawn(|| ()).map(drop)),
        "signal the parent" => outcome(kill_process(parent, Signal::CONT).map_err(Into::into)),
        "allocate little" => vec![1_u8; 64 << 20].len().to_string(),
        "allocate much" => vec![1_u8; 2 << 30].len().to_string(),
        "spin" => {
            let start = Instant::now();
            while start.elapsed() < Duration::from_secs(60) {}
            "done".to_owned()
        }
        "write much" => {
            let mut file: File = std::io::stdin().as_fd().try_clone_to_owned().unwrap().into();
            outcome(file.write_all(&vec![0; 2 << 20]))
        }
        "abort" => process::abort(),
        other => panic!("{other}"),
    };
    println!("\n{said}");
    process::exit(0);
}

#[test]
fn a_file_on_standard_input_can_be_probed() {
    assert_eq!(said(&confined("probe", flac())), "2000 ms");
}

#[test]
fn no_file_can_be_opened() {
    let denied = format!("{:?}", ErrorKind::PermissionDenied);
    assert_eq!(said(&confined("read a file", nothing())), denied);
    assert_eq!(said(&confined("make a file", nothing())), denied);
}

#[test]
fn no_socket_can_be_opened() {
    let denied = format!("{:?}", ErrorKind::PermissionDenied);
    for deed in ["connect", "listen", "send"] {
        assert_eq!(said(&confined(deed, nothing())), denied, "{deed}");
    }
}

#[test]
fn nothing_can_be_started_or_signalled() {
    let denied = format!("{:?}", ErrorKind::PermissionDenied);
    for deed in ["start a program", "start a thread", "signal the parent"] {
        assert_eq!(said(&confined(deed, nothing())), denied, "{deed}");
    }
}

#[test]
fn memory_ends_at_its_limit() {
    assert_eq!(said(&confined("allocate little", nothing())), (64 << 20).to_string());

    let output = confined("allocate much", nothing());
    assert_eq!(output.status.signal(), Some(libc::SIGABRT), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("memory allocation"), "{output:?}");
}

#[test]
fn processor_time_ends_at_its_limit() {
    let output = confined("spin", nothing());
    assert_eq!(output.status.signal(), Some(libc::SIGXCPU), "{output:?}");
}

#[test]
fn a_file_ends_at_its_limit() {
    let file = nothing();
    let output = confined("write much", file.try_clone().unwrap());
    assert_eq!(output.status.signal(), Some(libc::SIGXFSZ), "{output:?}");
    assert_eq!(file.metadata().unwrap().len(), LIMITS.written_bytes);
}

#[test]
fn aborting_still_works() {
    assert_eq!(confined("abort", nothing()).status.signal(), Some(libc::SIGABRT));
}
