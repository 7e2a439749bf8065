//! The whole decision on whole logs: how often it says what where the truth is known.

use super::EXPERIMENTS;
use super::means::normal;
use hindsight::analysis::{AnalysisSettings, DecisionKind, MetricChoice, MetricRole, analyze};
use hindsight::data::{Arm, Outcome, Quantity, RequestLog, Segment, Units};
use hindsight::jobs::Progress;
use hindsight::units::Clock;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

/// Error share of the control, and its margin by default.
const ERRORS: f64 = 0.03;
const MARGIN: f64 = 0.01;
const HOUR_US: i64 = 3_600_000_000;

/// How users come to the treatment.
#[derive(Clone, Copy)]
enum Routing {
    /// Half of the users, all the time.
    Half,
    /// 1 % of the users, all the time.
    Small,
    /// 5, 15, 30 and 50 % of the users, while errors and latency climb for everybody.
    Growing,
}

/// Which decision would be an error.
#[derive(Clone, Copy)]
enum Truth {
    /// Nothing differs: rolling back is wrong.
    Same,
    /// Nothing differs, and a benefit was to be shown: shipping is wrong too.
    SameForBenefit,
    /// Errors are worse by just the margin: shipping is wrong.
    AtMargin,
    /// Errors are worse by three margins: shipping is wrong.
    Harmed,
}

struct Situation {
    what: &'static str,
    routing: Routing,
    users: u32,
    /// Latency, time to first token, rating and cost besides errors.
    has_several: bool,
    truth: Truth,
}

const SITUATIONS: [Situation; 11] = [
    situation(
        "errors alone, 600 users",
        Routing::Half,
        600,
        false,
        Truth::Same,
    ),
    situation(
        "errors alone, 4,000 users",
        Routing::Half,
        4000,
        false,
        Truth::Same,
    ),
    situation(
        "five metrics, 600 users",
        Routing::Half,
        600,
        true,
        Truth::Same,
    ),
    situation(
        "five metrics, 4,000 users",
        Routing::Half,
        4000,
        true,
        Truth::Same,
    ),
    situation(
        "five metrics, growing canary, 4,000 users",
        Routing::Growing,
        4000,
        true,
        Truth::Same,
    ),
    situation(
        "five metrics, errors primary, 4,000 users",
        Routing::Half,
        4000,
        true,
        Truth::SameForBenefit,
    ),
    situation(
        "errors worse by the margin, 4,000 users",
        Routing::Half,
        4000,
        false,
        Truth::AtMargin,
    ),
    situation(
        "the same in a growing canary",
        Routing::Growing,
        4000,
        false,
        Truth::AtMargin,
    ),
    situation(
        "a canary of 1 %, errors alone, 4,000 users",
        Routing::Small,
        4000,
        false,
        Truth::Same,
    ),
    situation(
        "the same, errors worse by the margin",
        Routing::Small,
        4000,
        false,
        Truth::AtMargin,
    ),
    situation(
        "errors worse by 3 margins, five metrics, 4,000 users",
        Routing::Half,
        4000,
        true,
        Truth::Harmed,
    ),
];

const fn situation(
    what: &'static str,
    routing: Routing,
    users: u32,
    has_several: bool,
    truth: Truth,
) -> Situation {
    Situation {
        what,
        routing,
        users,
        has_several,
        truth,
    }
}

/// Prints the chapter.
pub(super) fn print() {
    println!(
        "## The whole decision\n\n\
         {EXPERIMENTS} logs a row, decided with default settings: users send 1 to 9 requests and differ \
         in how often theirs fail ({} of all), how slow they are and how they rate; three segment values. A \
         decision that the truth makes wrong is set in italics, and in bold above 6.5 %. Where nothing \
         differs, shipping is right: no guardrail is worse than its margin. Guardrails are not corrected for \
         their number, since harm that is missed costs more than a rollback too many: in logs too small for their \
         margins each of them rolls back by chance in up to 2.5 %.\n",
        hindsight::units::share(ERRORS)
    );
    println!("| data | ship | hold | roll back | keep collecting | unsound |");
    println!("|---|---|---|---|---|---|");
    for (k, situation) in SITUATIONS.iter().enumerate() {
        println!("| {} | {} |", situation.what, row(situation, k as u64));
    }
    println!();
}

fn row(situation: &Situation, k: u64) -> String {
    let kinds: Vec<DecisionKind> = (0..EXPERIMENTS)
        .into_par_iter()
        .map(|number| {
            let mut rng = ChaCha8Rng::seed_from_u64((1000 + k) << 32 | number);
            decide(situation, &mut rng)
        })
        .collect();
    let cell = |kind: DecisionKind| {
        let n = kinds.iter().filter(|found| **found == kind).count();
        let share = 100.0 * n as f64 / kinds.len() as f64;
        if !situation.truth.is_wrong(kind) {
            format!("{share:.1} %")
        } else if share > 6.5 {
            format!("**{share:.1} %**")
        } else {
            format!("*{share:.1} %*")
        }
    };
    let all = [
        DecisionKind::Ship,
        DecisionKind::Hold,
        DecisionKind::RollBack,
        DecisionKind::KeepCollecting,
        DecisionKind::Unsound,
    ];
    all.map(cell).join(" | ")
}

impl Truth {
    fn is_wrong(self, decision: DecisionKind) -> bool {
        match self {
            Self::Same => decision == DecisionKind::RollBack,
            Self::SameForBenefit => {
                matches!(decision, DecisionKind::RollBack | DecisionKind::Ship)
            }
            Self::AtMargin | Self::Harmed => decision == DecisionKind::Ship,
        }
    }

    fn more_errors(self) -> f64 {
        match self {
            Self::Same | Self::SameForBenefit => 0.0,
            Self::AtMargin => MARGIN,
            Self::Harmed => 3.0 * MARGIN,
        }
    }
}

fn decide(situation: &Situation, rng: &mut ChaCha8Rng) -> DecisionKind {
    let mut settings = AnalysisSettings {
        control: Some("stable".into()),
        ..AnalysisSettings::default()
    };
    if let Truth::SameForBenefit = situation.truth {
        let choice = MetricChoice {
            role: Some(MetricRole::Primary),
            ..MetricChoice::default()
        };
        settings.metrics.insert("error_share".into(), choice);
    }
    let log = log(situation, rng);
    let analysis = analyze(&log, &settings, &Progress::unwatched());
    analysis.map_or(DecisionKind::Unsound, |found| found.decision.kind)
}

struct Row {
    time_us: i64,
    user: u32,
    arm: u16,
    is_error: bool,
    /// Latency, time to first token, rating, cost.
    values: [f64; 4],
}

fn log(situation: &Situation, rng: &mut ChaCha8Rng) -> RequestLog {
    let mut rows = Vec::new();
    for user in 0..situation.users {
        // Half of the users meet one and a half times the errors, half a half.
        let proneness = if rng.random::<bool>() { 1.5 } else { 0.5 };
        let place: f64 = rng.random();
        let (slow, kind) = (normal(rng) * 0.3, normal(rng) * 0.3);
        for _ in 0..rng.random_range(1..10_u32) {
            let time_us = rng.random_range(0..48 * HOUR_US);
            let stage = (time_us / (12 * HOUR_US)) as usize;
            let (share, climb) = match situation.routing {
                Routing::Half => (0.5, 0.0),
                Routing::Small => (0.01, 0.0),
                Routing::Growing => ([0.05, 0.15, 0.30, 0.50][stage], stage as f64),
            };
            let arm = u16::from(place < share);
            let more = f64::from(arm) * situation.truth.more_errors();
            let p = proneness * ERRORS * (1.0 + 0.3 * climb) + more;
            let latency = (7.0 + slow + 0.2 * climb + 0.5 * normal(rng)).exp();
            let rating = (4.0 + kind + normal(rng)).clamp(1.0, 5.0).round();
            rows.push(Row {
                time_us,
                user,
                arm,
                is_error: rng.random::<f64>() < p,
                values: [
                    latency,
                    0.2 * latency * (0.3 * normal(rng)).exp(),
                    if rng.random::<f64>() < 0.3 {
                        rating
                    } else {
                        f64::NAN
                    },
                    0.002 * (0.4 * normal(rng)).exp(),
                ],
            });
        }
    }
    rows.sort_by_key(|row| row.time_us);
    assembled(&rows, situation)
}

fn assembled(rows: &[Row], situation: &Situation) -> RequestLog {
    let times: Vec<i64> = rows.iter().map(|row| row.time_us).collect();
    let arm = |name: &str| Arm { name: name.into() };
    let quantities = [
        Quantity::LatencyMs,
        Quantity::TtftMs,
        Quantity::Rating,
        Quantity::Cost,
    ];
    let outcome = |row: &Row| {
        if row.is_error {
            Outcome::Error
        } else {
            Outcome::Ok
        }
    };
    RequestLog {
        clock: Clock::Epoch,
        arms: vec![arm("stable"), arm("canary")],
        arm: rows.iter().map(|row| row.arm).collect(),
        row: (0..rows.len() as u32).collect(),
        start_us: times.clone(),
        event_us: times,
        outcome: rows.iter().map(outcome).collect(),
        has_outcome: true,
        quantities: quantities
            .into_iter()
            .enumerate()
            .filter(|_| situation.has_several)
            .map(|(k, quantity)| {
                let values: Vec<f64> = rows.iter().map(|row| row.values[k]).collect();
                (quantity, values.into())
            })
            .collect(),
        units: Some(Units {
            column: "user".into(),
            id: rows.iter().map(|row| row.user).collect(),
            n_units: situation.users,
        }),
        segments: vec![Segment {
            name: "region".into(),
            values: vec!["eu".into(), "us".into(), "kr".into()],
            code: rows.iter().map(|row| (row.user % 3) as u16).collect(),
        }],
        ..RequestLog::default()
    }
    .assemble()
}
