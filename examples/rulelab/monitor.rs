//! `CanaryMonitor` within 10,000 canary requests, by how often both arms fail.

use super::{Result, chance, settings, trial};

const ROLLOUTS: u32 = 400;

pub(super) fn print() -> Result<()> {
    println!("## CanaryMonitor within 10,000 canary requests\n");
    println!(
        "Counters since the start, both arms alike, {ROLLOUTS} rollouts a row. Expected: 64 to 81 % where both arms fail in less than 1 % of \
         requests. Counts as they grow follow a Poisson process, and such a process exceeds 1.5 times its mean at some time with \
         a probability of 1/1.5 = 67 %, whatever its rate: that is the condition \"more than 1.5 times the baseline's\". From 1 % on, the \
         condition \"more than 1 % errors\" must hold sooner or later.\n"
    );
    println!(
        "| both arms fail in | false rollbacks | more than 1 % errors, on its own | more than 1.5 × the baseline's errors, on its own |"
    );
    println!("|---|---|---|---|");
    for (seed, error_share) in (100..).zip([0.001, 0.002, 0.005, 0.008, 0.01, 0.02]) {
        let settings = settings(error_share, 10_000, ROLLOUTS, seed);
        let Some(trial) = trial("canary-monitor", &settings)? else {
            continue;
        };
        println!(
            "| {} | {} | {} | {} |",
            hindsight::units::share(error_share),
            chance(&trial.false_rollback),
            chance(&trial.conditions[0].alone),
            chance(&trial.conditions[1].alone)
        );
    }
    println!();
    Ok(())
}
