//! What the user looks at: the screen, fields being typed, choices of charts.

use std::path::PathBuf;
use std::sync::Arc;

use super::document::Document;
use super::history::History;
use super::palette::Palette;
use super::paths::AskedPath;
use super::pictures::Picture;
use super::planner::Planner;
use super::requests::Query;
use super::rivals::Rival;
use super::rule_files::RuleFile;
use super::saving::ProjectState;
use super::sources::SourceFields;
use super::storage::Storage;
use crate::cli::MemoryLimit;
use crate::ingest::Tools;
use crate::lab::Engine;
use crate::language::Language;
use crate::rules::Replay;
use crate::sample::ROLLOUT_PARQUET;

/// The nine screens, in the order of work.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Screen {
    /// Open a log, see and correct how it was read.
    #[default]
    Log,
    /// Decision, health, scorecard.
    Overview,
    /// Latency distributions.
    Latency,
    /// Metrics over time.
    Trends,
    /// Tests with their assumptions.
    Tests,
    /// Sample-size calculators.
    Plan,
    /// Rollback rules.
    Rollback,
    /// Whether the rules are any good.
    Lab,
    /// The decision report.
    Report,
}

impl Screen {
    /// All screens.
    pub const ALL: [Self; 9] = [
        Self::Log,
        Self::Overview,
        Self::Latency,
        Self::Trends,
        Self::Tests,
        Self::Plan,
        Self::Rollback,
        Self::Lab,
        Self::Report,
    ];

    /// As shown to people.
    pub fn label(self) -> &'static str {
        match self {
            Self::Log => "Log",
            Self::Overview => "Overview",
            Self::Latency => "Latency",
            Self::Trends => "Trends",
            Self::Tests => "Tests",
            Self::Plan => "Plan",
            Self::Rollback => "Rollback",
            Self::Lab => "Lab",
            Self::Report => "Report",
        }
    }

    /// What the screen answers.
    pub fn question(self) -> &'static str {
        match self {
            Self::Log => "Open a log and check how it was read",
            Self::Overview => "Ship, hold or roll back, and why",
            Self::Latency => "How the latency of the arms differs",
            Self::Trends => "How the arms went over time",
            Self::Tests => "Whether the differences are real",
            Self::Plan => "How much data is needed",
            Self::Rollback => "What rollback rules would have done",
            Self::Lab => "Whether a rollback rule is any good",
            Self::Report => "Write the decision report",
        }
    }
}

/// What is typed and chosen on the screens; not part of the document.
#[derive(Debug, Default)]
pub struct AppState {
    /// The screen in view.
    pub screen: Screen,
    /// The language of the window.
    pub language: Language,
    /// The choices that results follow from.
    pub document: Document,
    /// Its earlier and later states.
    pub history: History,
    /// The tools whose exports are recognised.
    pub tools: Tools,
    /// How much memory a log may take.
    pub memory: MemoryLimit,
    /// Whether the window opened on the sample by itself, and says so.
    pub shows_start: bool,
    /// Counts requests to open a log, so that the same path is read again when asked for again.
    pub n_opened: u64,
    /// The path field of the Log screen.
    pub path_text: String,
    /// Whether it is to have the focus.
    pub wants_path: bool,
    /// Fields of the Log screen for tables and columns that are added.
    pub sources: SourceFields,
    /// Which latency the Latency screen shows, an index into the panels.
    pub latency_panel: usize,
    /// Which metric the Tests screen shows.
    pub test_metric: Option<String>,
    /// Which metric the segment table shows.
    pub segment_metric: Option<String>,
    /// Which metric is shown of every arm by segment.
    pub segment_arms_metric: Option<String>,
    /// Calculator inputs.
    pub planner: Planner,
    /// Which rule the Rollback screen shows.
    pub rule: usize,
    /// The file that the rules came from or went into last, until it is closed.
    pub rule_file: Option<RuleFile>,
    /// The Lab screen.
    pub lab: LabChoices,
    /// The Report screen.
    pub report: ReportFields,
    /// The plan that the log is replayed under; `None` for the rollout as it was.
    pub replay_plan: Option<String>,
    /// Rules of another file, to compare with.
    pub rival: Option<Rival>,
    /// What the rules did when it was kept, to compare with.
    pub kept_replay: Option<Arc<Replay>>,
    /// The table of requests.
    pub requests: RequestsPanel,
    /// Text on its way to the clipboard.
    pub to_copy: Option<String>,
    /// The project that the document belongs to.
    pub project: ProjectState,
    /// Recent logs and the state kept for a crash.
    pub storage: Storage,
    /// The chart that is about to be saved as a picture.
    pub picture: Option<Picture>,
    /// The file that is asked for.
    pub asked_path: Option<AskedPath>,
    /// The command palette, while it is open.
    pub palette: Option<Palette>,
    /// Whether the list of shortcuts is open.
    pub shows_shortcuts: bool,
    /// The last thing worth saying, until the next.
    pub notice: Option<Notice>,
}

impl AppState {
    /// Whether the sample that the window opened by itself is still what it shows, and nobody took it for that.
    pub fn is_at_start(&self) -> bool {
        let is_sample = |path: &PathBuf| path.ends_with(ROLLOUT_PARQUET);
        self.shows_start && self.document.log.first().is_some_and(is_sample)
    }
}

/// What is tried on the Lab screen, and what is looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct LabChoices {
    /// How rollouts are made.
    pub engine: Engine,
    /// How the canary's share grows.
    pub plan: LabPlanChoice,
    /// Rollouts without a difference.
    pub replicates: u32,
    /// False-rollback probability to calibrate to.
    pub alpha: f64,
    /// Windows and first looks to calibrate with, as typed: numbers between commas; empty for the
    /// usual ones.
    pub grid_text: [String; 2],
    /// The condition whose threshold is moved.
    pub condition: usize,
    /// The threshold that is tried; `None` for the one as written.
    pub threshold: Option<f64>,
    /// The chosen point among the rules.
    pub point: Option<usize>,
}

impl LabChoices {
    /// The grid that was typed; `None` without one. Fails at what is no number of requests.
    pub fn grid(&self) -> Result<Option<crate::lab::Grid>, String> {
        let numbers = |text: &String| -> Result<Vec<u32>, String> {
            let parts = text.split(',').map(str::trim);
            parts
                .filter(|part| !part.is_empty())
                .map(|part| {
                    let n = part.parse().ok().filter(|n: &u32| *n > 0);
                    n.ok_or_else(|| format!("{part:?} is no number of requests"))
                })
                .collect()
        };
        let [windows, minimums] = &self.grid_text;
        let grid = crate::lab::Grid {
            windows: numbers(windows)?,
            minimums: numbers(minimums)?,
        };
        Ok(Some(grid).filter(|grid| *grid != crate::lab::Grid::default()))
    }
}

/// Where the lab's stages come from.
#[derive(Debug, Clone, PartialEq)]
pub enum LabPlanChoice {
    /// The log.
    Log,
    /// A plan of the rulebook.
    Named(String),
    /// One share throughout.
    Fixed(f64),
}

impl Default for LabChoices {
    fn default() -> Self {
        Self {
            engine: Engine::Relabel,
            plan: LabPlanChoice::Log,
            replicates: 400,
            alpha: 0.05,
            grid_text: [String::new(), String::new()],
            condition: 0,
            threshold: None,
            point: None,
        }
    }
}

/// The table of requests below the screens.
#[derive(Debug, Default)]
pub struct RequestsPanel {
    /// Whether it is there.
    pub is_open: bool,
    /// What it lists.
    pub query: Query,
    /// The request shown in full.
    pub chosen: Option<ChosenRequest>,
}

/// A request of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChosenRequest {
    /// Its data row, from 0.
    pub row: u32,
    /// Its unit, if it names one.
    pub unit: Option<u32>,
}

/// Fields of the Report screen.
#[derive(Debug)]
pub struct ReportFields {
    /// Where it is written.
    pub path_text: String,
}

impl Default for ReportFields {
    fn default() -> Self {
        Self {
            path_text: "report.html".to_owned(),
        }
    }
}

/// Something worth saying.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Whether it failed.
    pub is_error: bool,
    /// The text.
    pub text: String,
    /// A file that it speaks of.
    pub path: Option<PathBuf>,
}

impl Notice {
    /// Something went well.
    pub fn done(text: impl Into<String>) -> Self {
        Self {
            is_error: false,
            text: text.into(),
            path: None,
        }
    }

    /// Something failed, or has to be known before going on.
    pub fn failed(text: impl Into<String>) -> Self {
        Self {
            is_error: true,
            ..Self::done(text)
        }
    }

    /// The same, about a file.
    #[must_use]
    pub fn of_file(mut self, path: PathBuf) -> Self {
        self.path = Some(path);
        self
    }
}
