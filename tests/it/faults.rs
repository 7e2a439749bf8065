//! Faults of the machine and of this program: a full disk, too little memory, a worker that stops on a
//! defect, two windows on one project, an end without warning. Nothing that was saved is lost, and the
//! user is told what to do.

#[cfg(feature = "gui")]
mod killed;
#[cfg(feature = "gui")]
mod window;

use std::fs;
use std::path::Path;
use std::process::Command;

use hindsight::report::write::write_atomic;

use crate::support::program::{Dir, log_of};

/// A disk of 256 kB; gone when it is dropped.
struct SmallDisk<'a>(&'a Path);

impl<'a> SmallDisk<'a> {
    /// `None` where no file system may be mounted.
    fn at(path: &'a Path) -> Option<Self> {
        fs::create_dir(path).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=256k", "tmpfs"])
            .arg(path)
            .output();
        if !mounted.is_ok_and(|output| output.status.success()) {
            println!("skipped: no file system may be mounted here");
            return None;
        }
        Some(Self(path))
    }

    /// Leaves no room for anything.
    fn fill(&self) {
        for size in [64 << 10, 4 << 10, 512] {
            for i in 0..2000 {
                let rest = self.0.join(format!("rest-{size}-{i}"));
                if fs::write(&rest, vec![b'x'; size]).is_err() {
                    fs::remove_file(&rest).ok();
                    break;
                }
            }
        }
    }

    fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0).unwrap();
        let name = |e: std::io::Result<fs::DirEntry>| e.unwrap().file_name().into_string().unwrap();
        entries
            .map(name)
            .filter(|name| !name.starts_with("rest-"))
            .collect()
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        Command::new("umount").arg(self.0).status().ok();
    }
}

/// Every written file says that the disk is full; the old one stays, and nothing half-written.
#[test]
fn a_full_disk() {
    let dir = Dir::new();
    let log = dir.write("log.csv", &log_of(["stable", "canary"], [1, 9]));
    let path = dir.path("disk");
    let Some(disk) = SmallDisk::at(&path) else {
        return;
    };
    fs::write(path.join("report.html"), "old").unwrap();
    disk.fill();
    let full = "The disk is full";
    dir.fails(&["report", &log, "-o", "disk/report.html"], 1, full);
    dir.fails(&["report", &log, "-o", "disk/report.pdf"], 1, full);
    dir.fails(&["report", &log, "--charts", "disk"], 1, full);
    dir.fails(&["sample", "disk"], 1, "No space left");
    let mapping = dir.run(&["inspect", &log, "--write-mapping", "disk/m.toml"]);
    assert_eq!(mapping.status.code(), Some(1));
    assert_eq!(disk.files(), ["report.html"]);
    assert_eq!(fs::read(path.join("report.html")).unwrap(), b"old");
    let error = write_atomic(&path.join("project.hindsight"), &vec![0; 1 << 20]).unwrap_err();
    assert!(
        error.message.contains(full) && error.hint.contains("unchanged"),
        "{error}"
    );
    assert_eq!(disk.files(), ["report.html"]);
}

/// Standard output that takes nothing more is told, not ignored.
#[cfg(target_os = "linux")]
#[test]
fn output_that_cannot_be_written() {
    let dir = Dir::new();
    let log = dir.write("log.csv", &log_of(["stable", "canary"], [1, 9]));
    let full = fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_hindsight"))
        .args(["analyze", &log, "--json"])
        .current_dir(dir.0.path())
        .stdout(full)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(!output.stderr.is_empty());
}

/// A log that would take more memory than it may is refused before it does, with what to do.
#[test]
fn a_log_that_needs_too_much_memory() {
    let dir = Dir::new();
    let log = dir.write("log.csv", &log_of(["stable", "canary"], [1, 9]));
    for command in ["inspect", "analyze", "replay", "report"] {
        dir.ok(&[command, &log, "--memory", "200MB"]);
        dir.ok(&[command, &log, "--memory", "none"]);
        dir.fails(
            &[command, &log, "--memory", "100MB"],
            1,
            "of memory, more than the 100 MB it may take",
        );
    }
    dir.fails(
        &["analyze", &log, "--memory", "100MB"],
        1,
        "Allow more with --memory",
    );
    dir.fails(&["analyze", &log, "--memory", "much"], 2, "4GB or 512MB");
}
