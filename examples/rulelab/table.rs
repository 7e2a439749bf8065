//! `QualityMonitor` as written and calibrated, with three windows.

use super::{Grid, Result, chance, errors, settings, trial};

/// Rollouts without a difference; half as many judge, a fifth as many have each regression.
const ROLLOUTS: u32 = 1000;

/// A window with a minimum, and what was expected of it.
struct Row {
    window: u32,
    minimum: u32,
    horizon: u32,
    thresholds: &'static str,
    false_rollback: &'static str,
    /// With 4, 6 and 10 % errors: how often it is found, and after how many requests (median).
    finds: [&'static str; 3],
}

const ROWS: [Row; 4] = [
    Row {
        window: 100,
        minimum: 20,
        horizon: 1_000,
        thresholds: "0.121 / 11 / 2.28 / 4.1",
        false_rollback: "3.4 %",
        finds: ["15 %, 27", "61 %, 36", "100 %, 27"],
    },
    Row {
        window: 100,
        minimum: 20,
        horizon: 10_000,
        thresholds: "0.125 / 11.1 / 2.59 / 3.8",
        false_rollback: "3.0 %",
        finds: ["35 %, 4,004", "100 %, 717", "100 %, 39"],
    },
    Row {
        window: 100,
        minimum: 100,
        horizon: 10_000,
        thresholds: "0.100 / 10 / 2.63 / 3.3",
        false_rollback: "2.5 %",
        finds: ["68 %, 3,185", "100 %, 659", "100 %, 115"],
    },
    Row {
        window: 500,
        minimum: 200,
        horizon: 10_000,
        thresholds: "0.050 / 18 / 1.30 / 1.66",
        false_rollback: "3.5 %",
        finds: ["99 %, 549", "100 %, 200", "100 %, 200"],
    },
];

pub(super) fn print() -> Result<()> {
    println!("## QualityMonitor, calibrated\n");
    println!(
        "Both arms fail in 2 % of requests. Four conditions share 5 % false rollbacks per rollout, 1.25 % each. Thresholds are those of \
         the error share / times the baseline's error share / drop of the mean rating / times the baseline's p95. They are chosen \
         from {ROLLOUTS} rollouts and judged on {} others. \"Finds\": share of {} rollouts in which the canary fails more often that are \
         rolled back, and after how many canary requests (median).\n",
        ROLLOUTS / 2,
        ROLLOUTS / 5
    );
    println!(
        "| window, first look, rollout | | thresholds | false rollbacks | finds 4 % | 6 % | 10 % |"
    );
    println!("|---|---|---|---|---|---|---|");
    let mut as_written = Vec::new();
    for (seed, row) in (1..).zip(&ROWS) {
        let settings = super::LabSettings {
            injections: [0.04, 0.06, 0.10].map(|to| errors(0.02, to)).to_vec(),
            calibrate: true,
            grid: Some(Grid {
                windows: vec![row.window],
                minimums: vec![row.minimum],
            }),
            ..settings(0.02, row.horizon, ROLLOUTS, seed)
        };
        let Some(trial) = trial("quality-monitor", &settings)? else {
            continue;
        };
        let Some(version) = trial.calibrated.first() else {
            continue;
        };
        let thresholds: Vec<String> = version
            .thresholds
            .iter()
            .map(|t| hindsight::lab::words::plain(t.is))
            .collect();
        let finds: Vec<String> = version
            .detection
            .iter()
            .map(|d| {
                let delay = d.median_delay_requests.unwrap_or(f64::NAN).round();
                format!("{}, {delay}", chance(&d.detected))
            })
            .collect();
        println!(
            "| {}, {}, {} | expected | {} | {} | {} |",
            row.window,
            row.minimum,
            row.horizon,
            row.thresholds,
            row.false_rollback,
            row.finds.join(" | ")
        );
        println!(
            "| | found | {} | {} | {} |",
            thresholds.join(" / "),
            chance(&version.false_rollback),
            finds.join(" | ")
        );
        let within = trial.within.iter().find(|w| w.requests == 1_000);
        as_written.push(format!(
            "{} of rollouts of {} canary requests{}",
            chance(&trial.false_rollback),
            row.horizon,
            within.map_or_else(String::new, |w| format!(
                ", {} within the first 1,000",
                chance(&w.chance)
            ))
        ));
    }
    println!(
        "\nAs written (0.05 / 3 / 0.5 / 2) it rolls back {}. Expected: 100 % within 1,000.\n",
        as_written.first().map_or("", String::as_str)
    );
    println!("{}", include_str!("table.md"));
    Ok(())
}
