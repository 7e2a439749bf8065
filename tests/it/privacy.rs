//! What SECURITY.md says is kept of a log, and where: ids and prompts stay in the log's own file.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use hindsight::ingest::{LoadRequest, load};
use hindsight::jobs::Progress;

use crate::support::program::Dir;

/// In every user id, request id and prompt of [`log`], and nowhere else.
const SECRET: &str = "zqx";

fn log() -> String {
    let mut text =
        "timestamp,request_id,user_id,variant,status,latency_ms,prompt,region\n".to_owned();
    for i in 0..1200 {
        let (minute, second) = (i / 60 % 60, i % 60);
        let variant = ["stable", "canary"][i % 2];
        // Users in both arms, repeated request ids and values that cannot be read are all listed somewhere.
        writeln!(
            text,
            "2026-03-02T06:{minute:02}:{second:02}Z,{SECRET}-r-{},{SECRET}-user-{},{variant},200,{},{SECRET} prompt {i},{}",
            i % 1100,
            i % 301,
            if i == 700 { "fast".to_owned() } else { format!("{}.5", 100 + i % 50) },
            ["eu", "us"][i / 2 % 2],
        )
        .unwrap();
    }
    text
}

#[track_caller]
fn check_no_secret(what: &str, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Some(at) = text.find(SECRET) {
        let around: String = text[at..].chars().take(80).collect();
        panic!("{what} holds {around:?}");
    }
}

/// All files below a folder.
fn check_folder(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            check_folder(&path);
        } else if !path.ends_with("log.csv") {
            check_no_secret(&path.display().to_string(), &fs::read(&path).unwrap());
        }
    }
}

/// Once a log is read, its ids are numbers.
#[test]
fn a_log_in_memory_holds_no_ids() {
    let dir = Dir::new();
    dir.write("log.csv", &log());
    let loaded = load(
        &LoadRequest::of(dir.path("log.csv")),
        &Progress::unwatched(),
    )
    .unwrap();
    let units = loaded.log.units.as_ref().unwrap();
    assert_eq!(units.n_units, 301);
    assert!(loaded.log.request_id.is_some());
    check_no_secret("the log", format!("{:?}", loaded.log).as_bytes());
    check_no_secret("the mapping", loaded.mapping.to_toml().as_bytes());
}

/// No written result holds an id or a prompt, and nothing is left in the folder for temporary files.
#[test]
fn results_hold_no_ids_and_nothing_is_left_behind() {
    let dir = Dir::new();
    let log = dir.write("log.csv", &log());
    fs::create_dir(dir.path("tmp")).unwrap();
    for arguments in [
        vec!["inspect", &log, "--write-mapping", "mapping.toml"],
        vec![
            "report", &log, "-o", "a.html", "-o", "a.md", "-o", "a.json", "-o", "a.pdf",
        ],
        vec!["report", &log, "--tables", "tables", "--charts", "charts"],
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_hindsight"))
            .args(&arguments)
            .current_dir(dir.0.path())
            .env("TMPDIR", dir.path("tmp"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
    }
    check_folder(dir.0.path());
    assert_eq!(fs::read_dir(dir.path("tmp")).unwrap().count(), 0);
    let expected = [
        "a.html",
        "a.json",
        "a.md",
        "a.pdf",
        "charts",
        "log.csv",
        "mapping.toml",
        "tables",
        "tmp",
    ];
    assert_eq!(dir.files(), expected);
}

/// The window's folder is the account's own, and what is kept for a crash holds no text of the log.
#[cfg(feature = "gui")]
#[test]
fn the_kept_state_and_projects_hold_no_ids() {
    use crate::support::harness::{settle, step_until, window_with_storage};
    use hindsight::app::Command;

    let dir = Dir::new();
    dir.write("log.csv", &log());
    let storage = dir.path("storage");
    let mut window = window_with_storage(&storage);
    window.state_mut().ask(Command::OpenLog(
        LoadRequest::of(dir.path("log.csv")).into(),
    ));
    settle(&mut window);
    let mut settings = window.state().state.document.settings.clone();
    settings.level = 0.9;
    window.state_mut().ask(Command::SetSettings(settings));
    settle(&mut window);
    let kept = storage.join("window-0.hindsight");
    step_until(&mut window, "the state is kept", |_| kept.exists());
    window
        .state_mut()
        .ask(Command::SaveProject(dir.path("work.hindsight")));
    step_until(&mut window, "the project is saved", |window| {
        window.state().state.project.path.is_some()
    });
    assert!(
        fs::read_to_string(dir.path("work.hindsight"))
            .unwrap()
            .contains("log.csv")
    );
    check_folder(dir.0.path());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(&storage).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }
}

/// Examples hold text of the named columns alone, without digits, addresses, keys and ids.
#[test]
fn examples_are_opt_in_and_redacted() {
    let dir = Dir::new();
    let log = dir.write(
        "log.csv",
        &log().replace(
            " prompt ",
            " asks Ada of ada.l+x@example.org; +49 151 23456; key sk-live-a1b2c3d4e5f6; ",
        ),
    );
    let forms = ["a.html", "a.md", "a.json", "a.pdf"];
    let mut arguments = vec!["report", &log, "--examples", "3"];
    for form in forms {
        arguments.extend(["-o", form]);
    }
    dir.ok(&arguments);
    for form in forms {
        let bytes = fs::read(dir.path(form)).unwrap();
        check_no_secret(form, &bytes);
        assert!(!String::from_utf8_lossy(&bytes).contains("asks Ada"));
    }
    arguments.extend(["--example-text", "prompt,region"]);
    dir.ok(&arguments);
    let text = fs::read_to_string(dir.path("a.md")).unwrap();
    assert!(text.contains("Slowest answers: 3 of 600"), "{text}");
    assert!(
        text.contains("asks Ada of ⟨e-mail⟩; +⟨number⟩; key ⟨key⟩; ⟨number⟩"),
        "{text}"
    );
    for form in ["a.html", "a.md", "a.json"] {
        let text = fs::read_to_string(dir.path(form)).unwrap();
        for secret in ["zqx-", "example.org", "23456", "sk-live"] {
            assert!(!text.contains(secret), "{form}: {secret}");
        }
    }
    let name_users = [
        "report",
        &log,
        "--examples",
        "3",
        "--example-text",
        "user_id",
    ];
    dir.fails(&name_users, 1, "says who sent a request");
    let unknown = ["report", &log, "--examples", "3", "--example-text", "nope"];
    dir.fails(&unknown, 1, "no column nope");
    dir.fails(
        &["report", &log, "--example-text", "prompt"],
        2,
        "--examples",
    );
}
