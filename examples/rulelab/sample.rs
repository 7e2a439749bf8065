//! `QualityMonitor` on the bundled A/A log, and what of its traffic makes the difference to the model.

use std::path::Path;

use hindsight::data::{Outcome, Quantity, RequestLog};
use hindsight::error::{Error, ErrorKind};
use hindsight::ingest::{LoadRequest, load};
use hindsight::rules::ReplaySettings;
use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

use super::{
    Engine, LabPlan, LabSettings, Progress, Result, RuleTrial, Traffic, TrafficModel, chance, lab,
    presets, settings,
};

const ROLLOUTS: u32 = 1000;
const HORIZON: u32 = 1_000;
/// Logs that are made with one property changed.
const LOGS: u32 = 20;

pub(super) fn print() -> Result<()> {
    println!("## QualityMonitor on the A/A sample\n");
    println!(
        "`sample-data/aa.csv`: the {ROLLOUTS} rollouts are made of its control, whose users are put into the canary at random. \
         False rollbacks within the first {HORIZON} canary requests, of the whole rule and of each condition on its own. \
         Below, one thing of its traffic is changed at a time, at a canary of 50 %, which is the sample's own: {LOGS} logs are made so, \
         with {} rollouts each, and the mean over the logs stands with the least and the most.\n",
        ROLLOUTS / LOGS
    );
    println!(
        "| traffic | canary | rolls back | errors above 5 % | errors 3 × the baseline's | rating 0.5 lower | p95 2 × the baseline's |"
    );
    println!("|---|---|---|---|---|---|---|");
    let log = sample()?;
    for (seed, share) in (200..).zip([0.05, 0.2, 0.5]) {
        let model = LabSettings {
            engine: Engine::Parametric(Traffic::Model(TrafficModel {
                requests: (f64::from(HORIZON) / share * 1.25) as u32,
                error_share: 0.02,
                latency_sd_log: 0.8,
                ..TrafficModel::default()
            })),
            ..of(share, seed)
        };
        row("modelled", share, &trial(None, &model)?);
    }
    for (seed, share) in (210..).zip([0.2, 0.5]) {
        row("the sample", share, &trial(Some(&log), &of(share, seed))?);
    }
    for (seed, (name, change)) in (220..).zip(CHANGES) {
        let mut trials = Vec::new();
        for i in 0..LOGS {
            let mut rng = ChaCha8Rng::seed_from_u64(1_000 * seed + u64::from(i));
            let mut changed = log.clone();
            change(&mut changed, &mut rng);
            let settings = LabSettings {
                replicates: ROLLOUTS / LOGS,
                ..of(0.5, 1_000 * seed + u64::from(i))
            };
            trials.push(trial(Some(&changed), &settings)?);
        }
        row_of_logs(name, &trials);
    }
    for (seed, share) in (230..).zip([0.2, 0.5]) {
        let drawn = LabSettings {
            engine: Engine::Parametric(Traffic::Log { error_share: None }),
            ..of(share, seed)
        };
        row(
            "its requests drawn one by one: no users, no bursts",
            share,
            &trial(Some(&log), &drawn)?,
        );
    }
    println!("\n{}", include_str!("sample.md"));
    Ok(())
}

/// A change of one property of the sample's traffic.
type Change = fn(&mut RequestLog, &mut ChaCha8Rng);

const CHANGES: [(&str, Change); 6] = [
    ("ratings 1 to 5 alike, of the same requests", |log, rng| {
        replace(log, Quantity::Rating, |_| {
            f64::from(rng.random_range(1..=5_u8))
        });
    }),
    ("latencies log-normal, σ 0.8, independent", |log, rng| {
        replace(log, Quantity::LatencyMs, |_| {
            let normal: f64 = rng.sample(StandardNormal);
            (libm::exp(0.8 * normal) * 10_000.0).round() / 10.0
        });
    }),
    (
        "its latencies dealt anew: of no user and no hour",
        |log, rng| shuffle(log, Quantity::LatencyMs, rng),
    ),
    (
        "its errors dealt anew: of no user and no burst",
        |log, rng| log.outcome.shuffle(rng),
    ),
    ("2 % errors instead of 1.8 %, independent", |log, rng| {
        for outcome in &mut log.outcome {
            *outcome = if rng.random_bool(0.02) {
                Outcome::Error
            } else {
                Outcome::Ok
            };
        }
    }),
    ("all of the first, second and fifth", |log, rng| {
        for change in [CHANGES[0].1, CHANGES[1].1, CHANGES[4].1] {
            change(log, rng);
        }
    }),
];

fn replace(log: &mut RequestLog, quantity: Quantity, mut value: impl FnMut(f64) -> f64) {
    let found = log.quantities.iter_mut().find(|(q, _)| *q == quantity);
    if let Some((_, numbers)) = found {
        let values = numbers.to_vec().into_iter();
        let changed = values.map(|old| if old.is_nan() { old } else { value(old) });
        *numbers = changed.collect::<Vec<f64>>().into();
    }
}

fn shuffle(log: &mut RequestLog, quantity: Quantity, rng: &mut ChaCha8Rng) {
    let found = log.quantities.iter_mut().find(|(q, _)| *q == quantity);
    if let Some((_, numbers)) = found {
        let mut values = numbers.to_vec();
        values.shuffle(rng);
        *numbers = values.into();
    }
}

/// The control of the bundled A/A log.
fn sample() -> Result<RequestLog> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-data/aa.csv");
    let loaded = load(&LoadRequest::of(path), &Progress::unwatched())?;
    let control = loaded
        .log
        .arm_index("control")
        .ok_or_else(|| Error::new(ErrorKind::Internal, "The sample has no control"))?;
    let rows: Vec<u32> = loaded.log.rows_of_arm(control).map(|r| r as u32).collect();
    Ok(loaded.log.gathered(&rows))
}

fn of(share: f64, seed: u64) -> LabSettings {
    LabSettings {
        engine: Engine::Relabel,
        plan: LabPlan::fixed(share),
        ..settings(0.02, HORIZON, ROLLOUTS, seed)
    }
}

fn trial(log: Option<&RequestLog>, settings: &LabSettings) -> Result<RuleTrial> {
    let arms = |log: &RequestLog| {
        let control = log.arm.first().map_or(0, |arm| usize::from(*arm));
        ReplaySettings {
            control,
            treatment: control,
        }
    };
    let rulebook = presets::rulebook(&["quality-monitor"])?;
    let log = log.map(|log| (log, arms(log)));
    let found = lab(
        log,
        &rulebook,
        settings,
        &Progress::unwatched(),
        &mut |_| {},
    )?;
    let trial = found.rules.into_iter().next();
    trial.ok_or_else(|| Error::new(ErrorKind::Internal, "The lab tried no rule"))
}

/// Means over logs.
fn row_of_logs(name: &str, trials: &[RuleTrial]) {
    let of_logs = |share: &dyn Fn(&RuleTrial) -> f64| -> (f64, f64, f64) {
        let shares: Vec<f64> = trials.iter().map(|trial| 100.0 * share(trial)).collect();
        let mean = shares.iter().sum::<f64>() / shares.len() as f64;
        let (least, most) = shares
            .iter()
            .fold((100.0_f64, 0.0_f64), |(a, b), s| (a.min(*s), b.max(*s)));
        (mean, least, most)
    };
    let (mean, least, most) = of_logs(&|trial| trial.false_rollback.share);
    let alone: Vec<String> = (0..4)
        .map(|i| {
            format!(
                "{:.0} %",
                of_logs(&|trial| trial.conditions[i].alone.share).0
            )
        })
        .collect();
    println!(
        "| {name} | 50 % | {mean:.1} % ({least:.0} % to {most:.0} %) | {} |",
        alone.join(" | ")
    );
}

fn row(name: &str, share: f64, trial: &RuleTrial) {
    let alone: Vec<String> = trial
        .conditions
        .iter()
        .map(|condition| format!("{:.0} %", 100.0 * condition.alone.share))
        .collect();
    println!(
        "| {name} | {:.0} % | {} | {} |",
        100.0 * share,
        chance(&trial.false_rollback),
        alone.join(" | ")
    );
}
