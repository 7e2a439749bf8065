//! What the fuzzer calls, one entry for each kind of input, and what must hold of whatever comes out: values that
//! keep their invariants, or an error that names its place and says what to do. Ordinary tests replay the corpora
//! through the same entries (tests/it/corpora.rs).

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use clap::Parser as _;
use hindsight::analysis::{AnalysisSettings, analyze};
use hindsight::cli::Arguments;
use hindsight::data::RequestLog;
use hindsight::error::Error;
use hindsight::ingest::{
    Additions, Derived, LoadRequest, Loaded, Mapping, Role, Side, SideKind, ToolPreset, Tools,
    load, written_rows,
};
use hindsight::jobs::Progress;
use hindsight::language::Language;
use hindsight::project::Project;
use hindsight::report::{self, Context, Recipe, ReportForm, ReportInput};
use hindsight::rules::import::{Import, ImportSettings, import};
use hindsight::rules::{
    Replay, ReplaySettings, Rulebook, export, json, presets, replay_in_full, sentences,
};

/// A kind of input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry {
    /// A log as delimited text.
    Csv,
    /// A log as JSON.
    Json,
    /// A log as Parquet.
    Parquet,
    /// A log in gz, zst, bz2 or zip.
    Container,
    /// A column's name and values a line, of which a table is made: what is guessed of them.
    Detection,
    /// A mapping file for a sound log.
    Mapping,
    /// SQL for a derived column of a sound log.
    Derive,
    /// A table beside a sound log.
    Side,
    /// A tool preset.
    Preset,
    /// A rulebook, replayed over a sound log.
    Rulebook,
    /// The query of a Prometheus alert.
    Promql,
    /// A rule file of another system.
    Import,
    /// A project file.
    Project,
    /// An earlier report, or the context of one.
    Recipe,
    /// A command line, one argument a line.
    Arguments,
}

impl Entry {
    /// All of them.
    pub(crate) const ALL: [Self; 15] = [
        Self::Csv,
        Self::Json,
        Self::Parquet,
        Self::Container,
        Self::Detection,
        Self::Mapping,
        Self::Derive,
        Self::Side,
        Self::Preset,
        Self::Rulebook,
        Self::Promql,
        Self::Import,
        Self::Project,
        Self::Recipe,
        Self::Arguments,
    ];

    /// Its name, which is that of its folder of `fuzz/corpus`.
    pub(crate) fn name(self) -> String {
        format!("{self:?}").to_lowercase()
    }

    /// Tries an input; panics where something does not hold. `folder` is for files.
    pub(crate) fn run(self, data: &[u8], folder: &Path) {
        let text = String::from_utf8_lossy(data);
        match self {
            Self::Csv | Self::Json | Self::Parquet | Self::Container => log(data, folder),
            Self::Detection => detection(&text, folder),
            Self::Mapping => mapping(&text, folder),
            Self::Derive => derive(&text, folder),
            Self::Side => side(data, folder),
            Self::Preset => preset(&text, folder),
            Self::Rulebook => rulebook(&text),
            Self::Promql => promql(&text),
            Self::Import => foreign(&text),
            Self::Project => project(&text),
            Self::Recipe => recipe(&text),
            Self::Arguments => {
                // Refusals are clap's own texts.
                let _refused = Arguments::try_parse_from(text.lines()).is_err();
            }
        }
    }
}

fn log(data: &[u8], folder: &Path) {
    let path = folder.join("log");
    fs::write(&path, data).expect("a file");
    match load(&LoadRequest::of(&path), &Progress::unwatched()) {
        Ok(loaded) => {
            check_loaded(&loaded, data);
            let paths = [path];
            check_rows(&loaded, &paths);
        }
        Err(error) => check_error(&error, true),
    }
}

/// The rows of the log are found in the file again.
fn check_rows(loaded: &Loaded, paths: &[std::path::PathBuf]) {
    let mut rows = loaded.log.row.clone();
    rows.sort_unstable();
    rows.dedup();
    let found = written_rows(paths, &loaded.mapping, &rows, None, &Progress::unwatched());
    let found = found.expect("a file that was read can be read again");
    let again: Vec<u32> = found.rows.iter().map(|(row, _)| *row).collect();
    assert_eq!(again, rows, "rows of the log are rows of the file");
}

/// What holds of every log, and that everything can be made of it.
fn check_loaded(loaded: &Loaded, data: &[u8]) {
    let log = &loaded.log;
    assert!(log.n_rows() > 0 && log.n_rows() as u64 <= loaded.n_rows_in_file);
    assert!(log.event_us.is_sorted(), "in event-time order");
    for (_, values) in &log.quantities {
        assert!(values.iter().all(|x| !x.is_infinite()), "finite or missing");
    }
    for issue in &loaded.issues {
        assert!(!issue.message.is_empty());
    }
    // Comparing and replaying cost a hundred times what reading costs: one input in eight, told by its bytes.
    let seed: usize = data.iter().map(|byte| usize::from(*byte)).sum();
    if !seed.is_multiple_of(8) {
        return;
    }
    let settings = AnalysisSettings::default();
    match analyze(log, &settings, &Progress::unwatched()) {
        Ok(analysis) => {
            let shown = report::json::analysis(&analysis).expect("JSON");
            // An arm may bear that name, in either order of UTF-16 too.
            let letters: Vec<u8> = data.iter().copied().filter(|byte| *byte != 0).collect();
            let is_named = letters.windows(3).any(|three| three == b"NaN");
            assert!(is_named || !shown.to_string().contains("NaN"));
            let rules = presets::all().expect("sound presets");
            let replay = analysis.treatment.map(|treatment| {
                let arms = ReplaySettings {
                    control: analysis.control,
                    treatment,
                };
                replayed(log, &rules, arms)
            });
            // The forms of the report cost much more than the rest.
            let form = match seed / 8 % 16 {
                0 => ReportForm::Html,
                1 => ReportForm::Pdf,
                2 => ReportForm::Markdown,
                _ => return,
            };
            let notes = report::load_notes(loaded);
            let input = ReportInput {
                analysis: &analysis,
                replay: replay.as_ref(),
                rulebook: Some(&rules),
                lab: None,
                examples: None,
                language: Language::default(),
                load: &notes,
                mapping: Some(&loaded.mapping),
                context: &Context::default(),
                title: &log.name,
                version: "",
            };
            assert!(!form.render(&input).expect("a report").is_empty());
        }
        Err(error) => check_error(&error, false),
    }
}

fn replayed(log: &RequestLog, rulebook: &Rulebook, arms: ReplaySettings) -> Replay {
    let replay = replay_in_full(log, rulebook, &arms, &[], &Progress::unwatched());
    let replay = replay.expect("sound arms");
    check_replay(&replay);
    replay
}

fn check_replay(replay: &Replay) {
    for rule in &replay.rules {
        assert!(
            sentences(replay, rule, None)
                .iter()
                .all(|sentence| sentence.ends_with('.'))
        );
    }
    json::to_json(replay).expect("JSON");
}

/// An error says what happened and what to do, or names the line or key of the user's own text.
fn check_error(error: &Error, has_file: bool) {
    assert!(
        !error.message.is_empty() && !error.message.ends_with('.'),
        "{error}"
    );
    let place = &error.place;
    let is_own_text = place.line.is_some() || place.key.is_some();
    assert!(
        !error.hint.is_empty() || is_own_text && !has_file,
        "says not what to do: {error}"
    );
    assert!(!has_file || place.path.is_some(), "names no file: {error}");
}

/// A plain log of 120 requests by 17 users in two arms.
fn plain() -> String {
    let mut text =
        "timestamp,request_id,user_id,variant,status,latency_ms,rating,region,cost_usd\n"
            .to_owned();
    for i in 0..120_u32 {
        let (minute, second) = (i / 2 % 60, i * 17 % 60);
        let variant = ["stable", "canary"][usize::from(i % 3 == 0)];
        let status = if i % 11 == 0 { 500 } else { 200 };
        let region = ["eu", "us", "上海"][i as usize % 3];
        writeln!(
            text,
            "2026-03-02T06:{minute:02}:{second:02}Z,r{i},u{},{variant},{status},{}.5,{},{region},0.00{i}",
            i % 17,
            100 + i * 37 % 400,
            1 + i % 5,
        )
        .expect("text");
    }
    text
}

/// [`plain`], loaded once.
fn sound() -> &'static Loaded {
    static SOUND: OnceLock<Loaded> = OnceLock::new();
    SOUND.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("log.csv");
        fs::write(&path, plain()).expect("a file");
        load(&LoadRequest::of(&path), &Progress::unwatched()).expect("a sound log")
    })
}

/// Loads [`plain`] as asked for.
fn load_plain(folder: &Path, data: &[u8], ask: impl FnOnce(LoadRequest) -> LoadRequest) {
    let path = folder.join("log.csv");
    fs::write(&path, plain()).expect("a file");
    match load(&ask(LoadRequest::of(&path)), &Progress::unwatched()) {
        Ok(loaded) => check_loaded(&loaded, data),
        Err(error) => check_error(&error, false),
    }
}

/// Lines such as `latency|100|2,5|n/a`: a table of sixty rows that repeats the values of each. What
/// was guessed of it, written as a mapping file, reads the same log.
fn detection(text: &str, folder: &Path) {
    let columns: Vec<Vec<&str>> = text
        .lines()
        .take(20)
        .map(|line| line.split('|').collect())
        .collect();
    let mut table = String::new();
    for row in 0..61 {
        for (i, column) in columns.iter().enumerate() {
            let values = &column[1..];
            let value = match row {
                0 => column[0],
                _ if values.is_empty() => "",
                _ => values[(row - 1) * (i + 1) % values.len()],
            };
            let separator = if i == 0 { "" } else { "," };
            write!(table, "{separator}\"{}\"", value.replace('"', "\"\"")).expect("text");
        }
        table.push('\n');
    }
    let path = folder.join("log.csv");
    fs::write(&path, table).expect("a file");
    let first = match load(&LoadRequest::of(&path), &Progress::unwatched()) {
        Ok(loaded) => loaded,
        Err(error) => return check_error(&error, true),
    };
    check_loaded(&first, text.as_bytes());
    let written = folder.join("mapping.toml");
    fs::write(&written, first.mapping.to_toml()).expect("a file");
    let mapping = Mapping::read(&written).expect("a mapping that was written can be read");
    let request = LoadRequest {
        mapping: Some(mapping),
        ..LoadRequest::of(&path)
    };
    let again = load(&request, &Progress::unwatched()).expect("what was guessed can be read");
    let (first, again) = (&first.log, &again.log);
    assert_eq!(again.row, first.row);
    assert_eq!(again.event_us, first.event_us);
    assert_eq!(again.arms, first.arms);
    assert_eq!(again.arm, first.arm);
    assert_eq!(again.outcome, first.outcome);
    let values = |log: &RequestLog| format!("{:?}", log.quantities);
    assert_eq!(values(again), values(first));
}

fn mapping(text: &str, folder: &Path) {
    let path = folder.join("mapping.toml");
    fs::write(&path, text).expect("a file");
    match Mapping::read(&path) {
        Ok(mapping) => load_plain(folder, text.as_bytes(), |request| LoadRequest {
            mapping: Some(mapping),
            ..request
        }),
        Err(error) => check_error(&error, true),
    }
}

/// The first line is the role.
fn derive(text: &str, folder: &Path) {
    let (role, expression) = text.split_once('\n').unwrap_or(("", text));
    let role: Option<Role> = serde_json::from_value(role.into()).ok();
    let derived = Derived {
        name: "made".to_owned(),
        expression: expression.to_owned(),
        role: Some(role.unwrap_or(Role::Segment)),
    };
    load_plain(folder, text.as_bytes(), |request| LoadRequest {
        added: Additions {
            derive: vec![derived],
            ..Additions::default()
        },
        ..request
    });
}

fn side(data: &[u8], folder: &Path) {
    let kinds = [SideKind::Ratings, SideKind::Assignments, SideKind::Events];
    let file = folder.join("side");
    let (kind, table) = data.split_first().map_or((0, data), |(k, rest)| (*k, rest));
    fs::write(&file, table).expect("a file");
    let side = Side {
        kind: kinds[usize::from(kind) % kinds.len()],
        file,
        ..Side::default()
    };
    load_plain(folder, data, |request| LoadRequest {
        added: Additions {
            side: vec![side],
            ..Additions::default()
        },
        ..request
    });
}

fn preset(text: &str, folder: &Path) {
    match ToolPreset::parse(text) {
        Ok(preset) => load_plain(folder, text.as_bytes(), |request| LoadRequest {
            tools: Tools {
                own: Vec::new(),
                forced: Some(preset),
            },
            ..request
        }),
        Err(error) => check_error(&error, false),
    }
}

fn rulebook(text: &str) {
    match Rulebook::parse(text) {
        Ok(rulebook) => check_rulebook(&rulebook),
        Err(error) => check_error(&error, false),
    }
}

/// A rulebook survives its own file, can be replayed, and be told in Prometheus' words or not.
fn check_rulebook(rulebook: &Rulebook) {
    let written = rulebook.to_toml().expect("a rulebook has a file");
    let again = Rulebook::parse(&written).expect("a rulebook that was written can be read");
    assert_eq!(&again, rulebook, "{written}");
    match export::to_prometheus(rulebook) {
        Ok(_) => {}
        Err(error) => check_error(&error, false),
    }
    let log = &sound().log;
    let arms = ReplaySettings {
        control: 1,
        treatment: 0,
    };
    match replay_in_full(log, rulebook, &arms, &[], &Progress::unwatched()) {
        Ok(replay) => check_replay(&replay),
        Err(error) => check_error(&error, false),
    }
}

fn promql(query: &str) {
    let rule = serde_json::json!({
        "groups": [{ "name": "g", "rules": [{ "alert": "a", "expr": query, "for": "1m" }] }]
    });
    check_import(import(&rule.to_string(), &ImportSettings::default()));
}

fn foreign(text: &str) {
    check_import(import(text, &ImportSettings::default()));
}

fn check_import(found: hindsight::error::Result<Import>) {
    match found {
        Ok(found) => {
            assert!(
                found.rulebook.is_some() || !found.notes.is_empty(),
                "nothing in silence"
            );
            if let Some(rulebook) = &found.rulebook {
                check_rulebook(rulebook);
            }
        }
        Err(error) => check_error(&error, false),
    }
}

fn project(text: &str) {
    let folder = Path::new("/folder");
    match Project::from_json(text, folder) {
        Ok(project) => {
            let written = project.to_json(folder).expect("a project has a file");
            let again = Project::from_json(&written, folder).expect("what was written can be read");
            assert_eq!(again, project);
        }
        Err(error) => check_error(&error, false),
    }
}

fn recipe(text: &str) {
    if let Err(error) = Context::parse(text) {
        check_error(&error, false);
    }
    match Recipe::parse(text) {
        Ok(recipe) => {
            let other = serde_json::json!({ "analysis": 1 });
            drop(recipe.differences(&other));
        }
        Err(error) => check_error(&error, false),
    }
}
