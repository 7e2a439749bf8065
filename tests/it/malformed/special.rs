//! Paths that lead to no file that can be read: each is refused at once, whatever wanted it.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use hindsight::error::ErrorKind;

use super::{check_error, csv_of, read, rows};
use crate::support::program::Dir;

fn make_pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// What the program says of arguments that it must refuse; it must not wait for anything.
#[track_caller]
fn refusal(command: &mut Command) -> String {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let start = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if start.elapsed() > Duration::from_secs(20) {
            child.kill().unwrap();
            panic!("{command:?} hangs");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{command:?}: {said}");
    assert!(said.lines().count() >= 2, "says not what to do: {said}");
    said
}

fn program(dir: &Dir, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hindsight"));
    command.args(arguments).current_dir(dir.0.path());
    command
}

/// Wherever a file is named, a pipe, a socket, a device, a folder and a loop of links are refused.
#[test]
fn what_is_no_file_is_refused_wherever_it_is_named() {
    let dir = Dir::new();
    dir.write("log.csv", &csv_of(&rows(60)));
    make_pipe(&dir.path("pipe.csv"));
    let _socket = UnixListener::bind(dir.path("socket.csv")).unwrap();
    symlink("loop.csv", dir.path("back.csv")).unwrap();
    symlink("back.csv", dir.path("loop.csv")).unwrap();
    fs::create_dir(dir.path("empty.csv")).unwrap();
    for (name, message) in [
        ("pipe.csv", "This is a pipe, not a file"),
        ("socket.csv", "This is a socket, not a file"),
        ("/dev/zero", "This is a device, not a file"),
        ("/dev/null", "This is a device, not a file"),
        ("loop.csv", "Too many levels of symbolic links"),
        ("none.csv", "No such file"),
        ("log.csv/none", "Not a directory"),
        ("empty.csv", "folder"),
    ] {
        let asked = [
            vec!["inspect", name],
            vec!["analyze", "log.csv", "--mapping", name],
            vec!["analyze", "log.csv", "--ratings", name],
            vec!["analyze", "log.csv", "--assignments", name],
            vec!["analyze", "log.csv", "--events", name],
            vec!["inspect", "log.csv", "--preset-dir", name],
            vec!["inspect", "log.csv", "--tool", name],
            vec!["replay", "log.csv", "--rules", name],
            vec!["report", "log.csv", "--context", name],
            vec!["report", "log.csv", "--from", name],
            vec!["rules", "import", name],
        ];
        for arguments in asked {
            // The name of a preset, and a folder without presets, are no files that are asked for.
            let is_preset_name =
                arguments.contains(&"--tool") && Path::new(name).extension().is_none();
            let is_no_preset = arguments.contains(&"--preset-dir") && name == "empty.csv";
            if is_preset_name || is_no_preset {
                continue;
            }
            let said = refusal(&mut program(&dir, &arguments)).to_lowercase();
            let is_folder_of_presets = arguments.contains(&"--preset-dir");
            let expected = match message {
                _ if is_folder_of_presets => "",
                "folder" => "folder",
                message => message,
            };
            let is_dir = said.contains("is a directory");
            assert!(
                said.contains(&expected.to_lowercase()) || name == "empty.csv" && is_dir,
                "{arguments:?}: {said}"
            );
        }
    }
}

/// Written results go where a pipe or device leads, and a folder is refused.
#[test]
fn a_report_goes_to_a_pipe_and_not_over_a_folder() {
    let dir = Dir::new();
    dir.write("log.csv", &csv_of(&rows(60)));
    fs::create_dir(dir.path("folder.html")).unwrap();
    let said = refusal(&mut program(
        &dir,
        &["report", "log.csv", "-o", "folder.html"],
    ));
    assert!(said.contains("This is a folder"), "{said}");
    make_pipe(&dir.path("pipe.html"));
    let pipe = dir.path("pipe.html");
    let reader = std::thread::Builder::new()
        .spawn(move || fs::read_to_string(pipe).unwrap())
        .unwrap();
    dir.ok(&["report", "log.csv", "-o", "pipe.html"]);
    assert!(reader.join().unwrap().starts_with("<!DOCTYPE html>"));
}

/// Folders that links lead back to are listed once.
#[test]
fn loops_of_folders_end() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("log.csv"), csv_of(&rows(60))).unwrap();
    for name in [
        "a=1", "b=1", "c=1", "d=1", "e=1", "f=1", "g=1", "h=1", "i=1",
    ] {
        symlink(folder.path(), folder.path().join(name)).unwrap();
    }
    let start = Instant::now();
    assert_eq!(read(folder.path(), None).unwrap().log.n_rows(), 60);
    assert!(start.elapsed() < Duration::from_secs(10));
}

/// Without permission nothing is read and the message says so. Root may read everything, so that
/// the program is started as another user there.
#[test]
fn without_permission() {
    let dir = Dir::new();
    dir.write("log.csv", &csv_of(&rows(60)));
    let everyone = |name: &str, mode| {
        fs::set_permissions(dir.path(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    everyone("", 0o755);
    everyone("log.csv", 0o000);
    fs::create_dir(dir.path("closed")).unwrap();
    everyone("closed", 0o000);
    let mut command = program(&dir, &["inspect", "log.csv"]);
    if fs::read(dir.path("log.csv")).is_ok() {
        let is_there = Command::new("setpriv").arg("--version").output().is_ok();
        let Some(copy) = is_there.then(|| program_for_all(&dir)) else {
            println!("skipped: root reads everything, and there is no setpriv");
            return;
        };
        let nobody = ["--reuid=65534", "--regid=65534", "--clear-groups"];
        let as_nobody = |arguments: &[&str]| {
            let mut command = Command::new("setpriv");
            command.args(nobody).arg(&copy).args(arguments);
            command.current_dir(dir.0.path());
            command
        };
        command = as_nobody(&["inspect", "log.csv"]);
        let said = refusal(&mut as_nobody(&["inspect", "closed"]));
        assert!(said.contains("no permission"), "{said}");
        everyone("log.csv", 0o644);
        let said = refusal(&mut as_nobody(&["report", "log.csv", "-o", "report.html"]));
        assert!(said.contains("The folder cannot be written to"), "{said}");
        everyone("log.csv", 0o000);
    }
    let said = refusal(&mut command);
    assert!(said.contains("no permission"), "{said}");
    everyone("closed", 0o755);
}

/// The program where any user may start it.
fn program_for_all(dir: &Dir) -> PathBuf {
    let copy = dir.path("hindsight");
    fs::copy(env!("CARGO_BIN_EXE_hindsight"), &copy).unwrap();
    copy
}

/// What a shell hands over as `/dev/fd/N` is a pipe, and settings may come from it; a log may not.
#[test]
fn settings_may_come_from_a_shell() {
    let dir = Dir::new();
    dir.write("log.csv", &csv_of(&rows(60)));
    let rules = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/assets/presets/rules/auto-rollback.toml"
    );
    let run = |line: &str| {
        Command::new("bash")
            .args(["-c", line])
            .env("HINDSIGHT", env!("CARGO_BIN_EXE_hindsight"))
            .env("RULES", rules)
            .current_dir(dir.0.path())
            .output()
    };
    let Ok(output) = run("$HINDSIGHT replay log.csv --rules <(cat $RULES)") else {
        println!("skipped: no bash");
        return;
    };
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let output = run("$HINDSIGHT inspect <(cat log.csv)").unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("This is a pipe, not a file"), "{said}");
    let error = read(&dir.path("none.csv"), None).unwrap_err();
    check_error("none.csv", &error, ErrorKind::Unreadable, "no such file");
}
