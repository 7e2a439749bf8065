//! What the rule lab says, against figures that are known, and whether calibrated thresholds keep
//! their promise.
//!
//! `cargo run --release --example rulelab > docs/lab-figures.md` makes the document, the same bytes
//! at every run: each experiment has a seed of its own. `-- table`, `-- sample`,
//! `-- monitor` and `-- promise` make one chapter alone.

#![expect(clippy::print_stdout, reason = "a command that prints a document")]

use hindsight::error::Result;
use hindsight::jobs::Progress;
use hindsight::lab::words::chance;
use hindsight::lab::{
    Engine, Grid, Harm, Injection, LabPlan, LabSettings, Onset, RuleLab, RuleTrial, Traffic,
    TrafficModel, lab,
};
use hindsight::rules::{Rulebook, presets};

mod monitor;
mod promise;
mod sample;
mod table;

/// The canary's share in all experiments.
const SHARE: f64 = 0.05;
/// The false-rollback probability that is calibrated to.
const ALPHA: f64 = 0.05;

fn main() -> Result<()> {
    let wanted = std::env::args().nth(1);
    let wants = |chapter: &str| wanted.as_deref().is_none_or(|name| name == chapter);
    println!("# The rule lab against known figures\n");
    println!(
        "Made by `cargo run --release --example rulelab > docs/lab-figures.md`; the seeds are fixed, so every run gives this file. \
         Traffic is modelled: independent requests, a canary of 5 %, log-normal latencies, one request in ten rated 1 to 5. \
         \"Expected\" are the figures of an independent simulation in another language, with some hundred rollouts a cell. Intervals are Wilson's, 95 %.\n"
    );
    if wants("table") {
        table::print()?;
    }
    if wants("sample") {
        sample::print()?;
    }
    if wants("monitor") {
        monitor::print()?;
    }
    if wants("promise") {
        promise::print()?;
    }
    Ok(())
}

/// Modelled traffic with so many requests of the canary in every rollout.
fn settings(error_share: f64, horizon: u32, replicates: u32, seed: u64) -> LabSettings {
    LabSettings {
        engine: Engine::Parametric(Traffic::Model(TrafficModel {
            // A quarter more than the mean, so that every rollout reaches its end.
            requests: (f64::from(horizon) / SHARE * 1.25) as u32,
            error_share,
            latency_sd_log: 0.8,
            ..TrafficModel::default()
        })),
        plan: LabPlan::fixed(SHARE),
        replicates,
        alpha: ALPHA,
        seed,
        max_canary_requests: Some(horizon),
        injections: Vec::new(),
        calibrate: false,
        grid: None,
        focus: None,
        level: 0.95,
    }
}

/// The canary fails as often as `to` says instead of `from`.
fn errors(from: f64, to: f64) -> Injection {
    Injection {
        harm: Harm::Errors {
            share: (to - from) / (1.0 - from),
        },
        onset: Onset::Start,
    }
}

fn run(rulebook: &Rulebook, settings: &LabSettings) -> Result<RuleLab> {
    let progress = Progress::unwatched();
    lab(None, rulebook, settings, &progress, &mut |_| {})
}

/// The first rule of a preset in the lab.
fn trial(preset: &str, settings: &LabSettings) -> Result<Option<RuleTrial>> {
    let found = run(&presets::rulebook(&[preset])?, settings)?;
    Ok(found.rules.into_iter().next())
}
