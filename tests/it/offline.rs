//! The promise that nothing leaves the machine, watched from outside: the system calls of the program
//! are traced, and none may make a socket, but for the window's to its display and desktop bus.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::program::{Dir, log_of};

/// Whether system calls can be traced here: the tool is there, and the kernel lets it.
fn can_trace() -> bool {
    let traced = Command::new("strace")
        .args(["-f", "-e", "trace=network", "true"])
        .output();
    let can = traced.is_ok_and(|output| output.status.success());
    if !can {
        println!("skipped: strace is not installed or may not trace");
    }
    can
}

/// The program under the tracer, which writes its lines to `trace`.
fn traced(trace: &Path) -> Command {
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-e", "trace=network", "-o"]);
    command.arg(trace).arg(env!("CARGO_BIN_EXE_hindsight"));
    command
}

/// The calls of a trace; ends of threads and signals are none, nor are threads that ended before the tracer
/// knew what they called.
fn calls(trace: &Path) -> Vec<String> {
    let text = fs::read_to_string(trace).unwrap_or_default();
    let is_call = |line: &&str| {
        let others = ["+++", "---", "<detached ...>"];
        others.iter().all(|other| !line.contains(other))
    };
    text.lines().filter(is_call).map(str::to_owned).collect()
}

#[test]
fn no_command_opens_a_socket() {
    if !can_trace() {
        return;
    }
    let dir = Dir::new();
    let log = dir.write("log.csv", &log_of(["stable", "canary"], [1, 9]));
    let events = dir.write("events.csv", "time,kind\n2026-03-02T06:10:00Z,deploy\n");
    let alert = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/data/imports/prometheus.yml"
    );
    let asked: Vec<Vec<&str>> = vec![
        vec!["--help"],
        vec!["--version"],
        vec!["help", "analyze"],
        vec!["inspect", &log, "--write-mapping", "mapping.toml"],
        vec!["analyze", &log, "--events", &events, "--json"],
        vec!["analyze", "none.csv"],
        vec!["replay", &log],
        vec!["lab", &log, "--replicates", "20"],
        vec!["rules", "import", alert],
        vec![
            "power",
            "proportions",
            "--baseline",
            "0.02",
            "--mde",
            "0.005",
        ],
        vec![
            "report", &log, "-o", "a.html", "-o", "a.pdf", "-o", "a.md", "-o", "a.json",
        ],
        vec!["report", &log, "--tables", "tables", "--charts", "charts"],
        vec!["sample", "samples"],
    ];
    for arguments in asked {
        let trace = dir.path("trace");
        let output = traced(&trace)
            .args(&arguments)
            .current_dir(dir.0.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_ne!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(trace.exists(), "{arguments:?} was not traced");
        assert_eq!(calls(&trace), Vec::<String>::new(), "{arguments:?}");
    }
}

/// Ends what was started, also when a test fails.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// A display of its own, on a number that is free; `None` without the server.
fn display() -> Option<(Ended, u32)> {
    (90..120).find_map(|number| {
        let socket = PathBuf::from(format!("/tmp/.X11-unix/X{number}"));
        let lock = PathBuf::from(format!("/tmp/.X{number}-lock"));
        if socket.exists() || lock.exists() {
            return None;
        }
        let server = Command::new("Xvfb")
            .args([
                &format!(":{number}"),
                "-screen",
                "0",
                "1280x800x24",
                "-nolisten",
                "tcp",
            ])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let server = Ended(server);
        wait_until(20, || socket.exists()).then_some((server, number))
    })
}

fn wait_until(seconds: u64, is_so: impl Fn() -> bool) -> bool {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(seconds) {
        if is_so() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    false
}

/// Every socket of the window is a local one, to the display or the desktop bus.
#[cfg(feature = "gui")]
#[test]
fn the_window_talks_to_its_display_alone() {
    if !can_trace() {
        return;
    }
    let Some((_server, number)) = display() else {
        println!("skipped: Xvfb is not installed");
        return;
    };
    let dir = Dir::new();
    let log = dir.write("log.csv", &log_of(["stable", "canary"], [1, 9]));
    let trace = dir.path("trace");
    fs::create_dir(dir.path("run")).unwrap();
    let started = traced(&trace)
        .args([&log, "--window-size", "1280x800"])
        .current_dir(dir.0.path())
        .env("DISPLAY", format!(":{number}"))
        .env("LIBGL_ALWAYS_SOFTWARE", "1")
        .env("XDG_DATA_HOME", dir.path("data"))
        .env("XDG_RUNTIME_DIR", dir.path("run"))
        .env_remove("WAYLAND_DISPLAY")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let mut window = Ended(started.unwrap());
    // The window's folder is there once it is open; then the log is read and shown.
    let is_open = wait_until(90, || dir.path("data/hindsight/recent.json").exists());
    std::thread::sleep(Duration::from_secs(3));
    let has_ended = window.0.try_wait().unwrap();
    assert!(
        has_ended.is_none() && is_open,
        "the window did not open: {has_ended:?}"
    );
    let calls = calls(&trace);
    assert!(
        calls.iter().any(|call| call.contains(".X11-unix")),
        "{calls:?}"
    );
    for call in &calls {
        for far in [
            "AF_INET",
            "AF_PACKET",
            "AF_BLUETOOTH",
            "AF_VSOCK",
            "sin_addr",
            "sin6_addr",
        ] {
            assert!(!call.contains(far), "{call}");
        }
        if call.contains("connect(") {
            let is_known = ["/tmp/.X11-unix", "/run", "bus", "/var/run/nscd"];
            assert!(is_known.iter().any(|part| call.contains(part)), "{call}");
        }
    }
}
