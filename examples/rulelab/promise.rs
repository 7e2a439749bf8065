//! A hundred calibrations, each judged on fresh rollouts.

use hindsight::lab::{Chance, LabSettings};
use hindsight::rules::Rulebook;

use super::{ALPHA, Grid, Result, run, settings};

const CALIBRATIONS: u64 = 100;
const ROLLOUTS: u32 = 1000;

/// One condition whose values are fine enough for any threshold.
const LATENCY: &str = r#"
[[rule]]
id = "latency"
clock = "request"
min = { canary = 100, window = { last = 100 } }
all = [
  { name = "p95", metric = "quantile(latency,0.95)", window = { last = 100 }, cmp = ">", times_baseline = 2.0 },
]
"#;

pub(super) fn print() -> Result<()> {
    println!("## Do calibrated thresholds keep their promise?\n");
    println!(
        "{CALIBRATIONS} times over, thresholds are chosen from {ROLLOUTS} rollouts without a difference for at most 5 % false rollbacks and judged on \
         {} fresh ones; rollouts of 500 canary requests, both arms fail in 2 % of requests. The promise is \"at most 5 %\": it is kept \
         where the interval of the fresh rollouts does not lie above 5 %.\n",
        ROLLOUTS / 2
    );
    println!(
        "| rule | promise kept | interval holds 5 % | fresh false rollbacks, mean | least | most |"
    );
    println!("|---|---|---|---|---|---|");
    let latency = Rulebook::parse(LATENCY)?;
    row(
        "p95 of the last 100 against the baseline's",
        &latency,
        1_000,
    )?;
    println!("\n{}", include_str!("promise.md"));
    Ok(())
}

fn row(name: &str, rulebook: &Rulebook, seed: u64) -> Result<()> {
    let mut fresh: Vec<Chance> = Vec::new();
    for i in 0..CALIBRATIONS {
        let settings = LabSettings {
            calibrate: true,
            grid: Some(Grid::default()),
            ..settings(0.02, 500, ROLLOUTS, seed + i)
        };
        let found = run(rulebook, &settings)?;
        let versions = found.rules.iter().flat_map(|trial| &trial.calibrated);
        fresh.extend(versions.map(|version| version.false_rollback));
    }
    let kept = fresh.iter().filter(|c| c.lower <= ALPHA).count();
    let holds = |c: &&Chance| c.lower <= ALPHA && ALPHA <= c.upper;
    let shares = || fresh.iter().map(|c| c.share);
    println!(
        "| {name} | {kept} of {} | {} | {:.1} % | {:.1} % | {:.1} % |",
        fresh.len(),
        fresh.iter().filter(holds).count(),
        100.0 * shares().sum::<f64>() / fresh.len().max(1) as f64,
        100.0 * shares().fold(1.0, f64::min),
        100.0 * shares().fold(0.0, f64::max)
    );
    Ok(())
}
