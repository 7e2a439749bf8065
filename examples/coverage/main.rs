//! How often intervals hold the truth and tests cry wolf, by simulation.
//!
//! `cargo run --release --example coverage > docs/coverage.md` makes the table of the documentation,
//! the same bytes at every run: each experiment has a seed of its own.

#![expect(clippy::print_stdout, reason = "a command that prints a document")]

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

mod clustered;
mod decisions;
mod growing;
mod looks;
mod means;
mod shares;

/// Experiments a row.
const EXPERIMENTS: u64 = 2000;
/// Level of all intervals.
const LEVEL: f64 = 0.95;
/// Size of all tests.
const ALPHA: f64 = 0.05;

/// What one method said in one experiment.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    /// Whether its interval held the truth; `None` where it has no interval.
    covered: Option<bool>,
    /// Whether its test rejected; `None` where it has no test.
    rejected: Option<bool>,
}

impl Seen {
    /// An interval; one that could not be made covers nothing.
    fn interval(interval: Option<hindsight::stats::Interval>, truth: f64) -> Self {
        Self {
            covered: Some(interval.is_some_and(|i| i.contains(truth))),
            rejected: None,
        }
    }

    /// A test; one that could not be made does not reject.
    fn test(p: Option<f64>) -> Self {
        Self {
            covered: None,
            rejected: Some(p.is_some_and(|p| p < ALPHA)),
        }
    }

    /// Interval and test of one method.
    fn both(interval: Option<hindsight::stats::Interval>, truth: f64, p: Option<f64>) -> Self {
        Self {
            rejected: Self::test(p).rejected,
            ..Self::interval(interval, truth)
        }
    }

    fn comparison(comparison: Option<hindsight::stats::Comparison>, truth: f64) -> Self {
        let interval = comparison.map(|c| c.difference.interval);
        Self::both(interval, truth, comparison.map(|c| c.test.p))
    }
}

type Experiment = Box<dyn Fn(&mut ChaCha8Rng) -> Vec<Seen> + Sync>;

/// One way to draw data, looked at with several methods.
struct Situation {
    what: String,
    /// Whether there is no difference, so that rejecting is a false positive.
    is_null: bool,
    methods: Vec<&'static str>,
    experiment: Experiment,
}

struct Chapter {
    title: &'static str,
    about: &'static str,
    situations: Vec<Situation>,
}

fn main() {
    println!("{}", introduction());
    let chapters = [
        shares::chapters(),
        means::chapters(),
        clustered::chapters(),
        looks::chapters(),
        growing::chapters(),
    ];
    let mut seed = 0;
    for chapter in chapters.into_iter().flatten() {
        println!("## {}\n\n{}\n", chapter.title, chapter.about);
        println!("| data | method | coverage | false positives | power |");
        println!("|---|---|---|---|---|");
        for situation in &chapter.situations {
            seed += 1;
            print_rows(situation, seed);
        }
        println!();
    }
    decisions::print();
}

fn introduction() -> String {
    format!(
        "# How well the statistics keep their promises\n\n\
         Each row is {EXPERIMENTS} simulated experiments with known truth. **Coverage**: how often the \
         {:.0} % interval held it. **False positives**: how often the test at {ALPHA} rejected where \
         nothing differs. **Power**: how often it rejected where something does.\n\n\
         A row of {EXPERIMENTS} experiments is right to about ±1 percentage point. Coverage below \
         93.5 % and false positives above 6.5 % are in bold: some methods are here to show why \
         another is used. Higher coverage than promised means wider intervals than needed, which \
         counts of few events cannot avoid.\n\n\
         Made by `cargo run --release --example coverage > docs/coverage.md`; the seeds are fixed, so \
         every run gives this file.\n",
        100.0 * LEVEL
    )
}

fn print_rows(situation: &Situation, seed: u64) {
    let all: Vec<Vec<Seen>> = (0..EXPERIMENTS)
        .into_par_iter()
        .map(|number| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed << 32 | number);
            (situation.experiment)(&mut rng)
        })
        .collect();
    for (i, method) in situation.methods.iter().enumerate() {
        let share = |pick: fn(&Seen) -> Option<bool>| {
            let seen: Vec<bool> = all.iter().filter_map(|row| pick(&row[i])).collect();
            let yes = seen.iter().filter(|yes| **yes).count();
            (!seen.is_empty()).then(|| 100.0 * yes as f64 / seen.len() as f64)
        };
        let covered = share(|s| s.covered);
        let rejected = share(|s| s.rejected);
        let cell = |value: Option<f64>, is_off: fn(f64) -> bool| match value {
            None => String::new(),
            Some(v) if is_off(v) => format!("**{v:.1} %**"),
            Some(v) => format!("{v:.1} %"),
        };
        if covered.is_none() && rejected.is_none() {
            continue;
        }
        let what = if i == 0 { situation.what.as_str() } else { "" };
        let coverage = cell(covered, |v| v < 93.5);
        let (false_positives, power) = if situation.is_null {
            (cell(rejected, |v| v > 6.5), String::new())
        } else {
            (String::new(), cell(rejected, |_| false))
        };
        println!("| {what} | {method} | {coverage} | {false_positives} | {power} |");
    }
}
