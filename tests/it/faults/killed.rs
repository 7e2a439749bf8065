//! The program ended without warning (SIGKILL) while it saves, keeps its state and exports: what it had
//! said to be saved is there, whole. Long, so run by itself:
//! `cargo test --release --test it faults::killed -- --ignored --nocapture`.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command as Process, Stdio};
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use hindsight::app::Command;
use hindsight::ingest::LoadRequest;
use hindsight::project::Project;
use hindsight::report::write::write_atomic;
use rand::{RngExt as _, SeedableRng as _};

use crate::support::harness::{settle, step_until, window_with_storage};
use crate::support::program::{Dir, log_of};

/// Moments at which the program is ended.
const N_KILLS: usize = 200;

/// Says what is done, for whoever will end this process.
fn say(what: &str, number: u32) {
    println!("\n@{what} {number}");
    std::io::stdout().flush().unwrap();
}

/// The victim: a window that changes its settings, saves its project, keeps its state and writes a report, again
/// and again. The n-th state has the confidence level 0.5 + n / 10,000.
#[test]
#[ignore = "runs until it is killed"]
fn victim() {
    let Ok(folder) = std::env::var("HINDSIGHT_VICTIM") else {
        return;
    };
    let folder = Path::new(&folder);
    let first: u32 = std::env::var("HINDSIGHT_FIRST").unwrap().parse().unwrap();
    let mut window = window_with_storage(&folder.join("storage"));
    window.state_mut().state.storage.leftover = None;
    let project = folder.join("work.hindsight");
    let start = if project.exists() {
        &project
    } else {
        &folder.join("log.csv")
    };
    window
        .state_mut()
        .ask(Command::OpenLog(LoadRequest::of(start).into()));
    settle(&mut window);
    for number in first.. {
        let mut settings = window.state().state.document.settings.clone();
        settings.level = 0.5 + f64::from(number) / 1e4;
        window.state_mut().ask(Command::SetSettings(settings));
        settle(&mut window);
        if number % 2 == 0 {
            window.state_mut().state.notice = None;
            window
                .state_mut()
                .ask(Command::SaveProject(project.clone()));
            step_until(&mut window, "it is saved", |window| {
                window.state().state.notice.is_some()
            });
            let text = window.state().state.notice.as_ref().unwrap().text.clone();
            assert!(text.starts_with("Project saved"), "{text}");
            say("saved", number);
        } else {
            // Steps pass the time after which a changed state is kept.
            for _ in 0..30 {
                window.step();
            }
            settle(&mut window);
            say("kept", number);
        }
        let report = format!("<!DOCTYPE html>{}{number}</html>", "text ".repeat(40_000));
        write_atomic(&folder.join("report.html"), report.as_bytes()).unwrap();
        say("exported", number);
    }
}

/// The state that a project file holds.
fn number_of(project: &Project) -> u32 {
    ((project.settings.level - 0.5) * 1e4).round() as u32
}

#[test]
#[ignore = "takes many minutes"]
fn nothing_that_was_saved_is_lost() {
    let dir = Dir::new();
    dir.write("log.csv", &log_of(["stable", "canary"], [1, 9]));
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(9);
    let (mut saved, mut kept, mut exported, mut next) = (0, 0, 0, 1);
    let mut n_saves = 0;
    for kill in 0..N_KILLS {
        let mut victim = Process::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "faults::killed::victim",
                "--ignored",
                "--nocapture",
            ])
            .env("HINDSIGHT_VICTIM", dir.0.path())
            .env("HINDSIGHT_FIRST", next.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (sender, words) = sync_channel(1000);
        let output = BufReader::new(victim.stdout.take().unwrap());
        let reader = std::thread::Builder::new().spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                sender.send(line).unwrap();
            }
        });
        let mut heard = vec![words.recv_timeout(Duration::from_mins(1)).unwrap()];
        while !heard.last().unwrap().starts_with('@') {
            heard.push(
                words
                    .recv_timeout(Duration::from_mins(1))
                    .expect("the victim works"),
            );
        }
        std::thread::sleep(Duration::from_micros(random.random_range(0..600_000)));
        victim.kill().unwrap();
        victim.wait().unwrap();
        reader.unwrap().join().unwrap();
        heard.extend(words.try_iter());
        for word in heard.iter().filter_map(|line| line.strip_prefix('@')) {
            let (what, number) = word.split_once(' ').unwrap();
            let number: u32 = number.parse().unwrap();
            n_saves += 1;
            match what {
                "saved" => saved = number,
                "kept" => kept = number,
                _ => exported = number,
            }
            next = next.max(number + 1);
        }
        // What was said to be saved is there, or something later; whole in any case.
        let mut in_file = 0;
        let text = fs::read_to_string(dir.path("work.hindsight"));
        if let Ok(text) = text {
            let project = Project::from_json(&text, dir.0.path()).unwrap();
            in_file = number_of(&project);
            assert!(
                number_of(&project) >= saved,
                "kill {kill}: {saved} was lost"
            );
        } else {
            assert_eq!(saved, 0, "kill {kill}: the project is gone");
        }
        let report = fs::read_to_string(dir.path("report.html")).unwrap_or_default();
        if exported > 0 || !report.is_empty() {
            let number = report.strip_suffix("</html>").expect("a whole report");
            let number: u32 = number.rsplit(' ').next().unwrap().parse().unwrap();
            assert!(
                number >= exported,
                "kill {kill}: report {exported} was lost"
            );
        }
        // The kept state goes when the project is saved: then nothing is unsaved.
        let storage = dir.path("storage");
        let leftover = window_with_storage(&storage)
            .state()
            .state
            .storage
            .leftover
            .clone();
        let newest = leftover.as_ref().map_or(0, number_of).max(in_file);
        assert!(newest >= kept.max(saved), "kill {kill}: {kept} was lost");
        next = next.max(newest + 1);
    }
    let left = dir.files();
    println!("{N_KILLS} kills after {n_saves} saves: nothing lost; files: {left:?}");
}
