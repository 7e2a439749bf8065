//! Reports as files: whatever happens while one is written, the old one stays whole or the new one
//! is.
#![cfg(unix)]

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use crate::support::program::{Dir, log_of, stderr};

const FORMS: [&str; 4] = ["r.html", "r.pdf", "r.md", "r.json"];
const OUTPUTS: [&str; 8] = ["-o", "r.html", "-o", "r.pdf", "-o", "r.md", "-o", "r.json"];

fn started(dir: &Dir, log: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_hindsight"))
        .args(["report", log])
        .args(OUTPUTS)
        .current_dir(dir.0.path())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn read(dir: &Dir) -> Vec<Option<Vec<u8>>> {
    FORMS
        .iter()
        .map(|form| fs::read(dir.path(form)).ok())
        .collect()
}

#[test]
fn a_report_killed_at_any_moment_leaves_the_old_file_or_the_new_one() {
    let dir = Dir::new();
    let old = dir.write("old.csv", &log_of(["stable", "canary"], [1, 1]));
    let new = dir.write("new.csv", &log_of(["stable", "canary"], [1, 9]));
    started(&dir, &new).wait().unwrap();
    let made = read(&dir);
    let start = Instant::now();
    started(&dir, &old).wait().unwrap();
    let whole = start.elapsed();
    let kept = read(&dir);
    assert_ne!(kept, made);
    // Most of the time goes before the first byte is written: the last half is tried more densely.
    let mut n_killed = 0;
    for k in 0..24 {
        started(&dir, &old).wait().unwrap();
        let mut child = started(&dir, &new);
        std::thread::sleep(whole.mul_f64(0.3 + 0.7 * f64::from(k) / 24.0));
        n_killed += u32::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
        for ((found, old), new) in read(&dir).iter().zip(&kept).zip(&made) {
            assert!(found == old || found == new, "moment {k}: a torn file");
        }
    }
    assert!(n_killed > 4, "killed {n_killed} times only");
}

#[test]
fn a_full_disk_leaves_the_old_file_and_says_so() {
    let dir = Dir::new();
    let log = dir.write("log.csv", &log_of(["stable", "canary"], [1, 9]));
    for form in FORMS {
        dir.write(form, "the old report");
        // No file may grow beyond 4 kB: what a disk without room does.
        let output = Command::new("sh")
            .args(["-c", "trap '' XFSZ; ulimit -f 8; exec \"$@\"", "sh"])
            .args([env!("CARGO_BIN_EXE_hindsight"), "report", &log, "-o", form])
            .current_dir(dir.0.path())
            .output()
            .unwrap();
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{form}: {said}");
        assert!(said.contains("unchanged"), "{form}: {said}");
        assert_eq!(
            fs::read(dir.path(form)).unwrap(),
            b"the old report",
            "{form}"
        );
        assert!(
            dir.files()
                .iter()
                .all(|name| !name.starts_with(".hindsight"))
        );
    }
}

#[test]
fn a_device_without_room_is_told() {
    if !std::path::Path::new("/dev/full").exists() {
        println!("skipped: there is no /dev/full here");
        return;
    }
    let dir = Dir::new();
    let log = dir.write("log.csv", &log_of(["stable", "canary"], [1, 9]));
    dir.fails(&["report", &log, "-o", "/dev/full"], 1, "The disk is full");
}

#[test]
fn a_folder_that_may_not_be_written_to_is_told() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = Dir::new();
    let log = dir.write("log.csv", &log_of(["stable", "canary"], [1, 9]));
    let folder = dir.path("locked");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("r.html"), "the old report").unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o555)).unwrap();
    if fs::write(folder.join("probe"), "").is_ok() {
        println!("skipped: this user may write anywhere");
        return;
    }
    dir.fails(
        &["report", &log, "-o", "locked/r.html"],
        1,
        "The folder cannot be written to",
    );
    assert_eq!(fs::read(folder.join("r.html")).unwrap(), b"the old report");
}
