//! What cells cannot say: settings that are refused, and what is left out of the analysis.

use super::super::CrossingUnits;
use super::super::model::{LogSummary, NeedsRequestLog, SegmentEffect, Strategy, StrategyFinding};
use super::super::settings::AnalysisSettings;
use crate::error::{Error, ErrorKind, Result};

/// Refuses what cells cannot be asked for.
pub(super) fn check(settings: &AnalysisSettings) -> Result<()> {
    let filter = &settings.filter;
    let what = if filter.from_us.is_some() || filter.to_us.is_some() {
        "A stretch of time"
    } else if filter.latency.is_some() || filter.ttft.is_some() {
        "A range of latencies"
    } else if settings.crossing != CrossingUnits::Keep {
        "Another choice about users in several arms"
    } else if settings.strategy == Some(Strategy::Shadow) {
        "A shadow test, which is decided on pairs of requests,"
    } else {
        return Ok(());
    };
    let message = format!("{what} needs the request log: cells hold no single requests");
    Err(Error::new(ErrorKind::Settings, message)
        .hint("Make the choice in the query or the log that the cells are computed from, or analyze the log itself"))
}

const OF_LOG: &str = "“hindsight analyze” of the request log, or of some days of it";

/// What is not shown, because single requests are needed for it.
pub(super) fn needs(
    log: &LogSummary,
    root: usize,
    strategy: &StrategyFinding,
    (segments, is_carrier_open): (&[SegmentEffect], bool),
) -> Vec<NeedsRequestLog> {
    let mut needs = Vec::new();
    let mut add = |field, what: &str, advice: &str| {
        needs.push(NeedsRequestLog {
            field,
            what: what.to_owned(),
            advice: advice.to_owned(),
        });
    };
    add(
        "health",
        "Checks of single requests: repeated rows and retries, clocks that jumped, pauses, values missing more often in one arm, latencies of failed requests, neighbours in time, the router",
        "“hindsight inspect” of some days of the log",
    );
    add(
        "tests",
        "Tests beside the one that decides, which rank or resample single requests, such as Mann-Whitney",
        OF_LOG,
    );
    add(
        "latency",
        "The exact distribution of latencies: curves and histograms are of bins of 2 %",
        OF_LOG,
    );
    if log.has_outcome {
        add("arms.errors", "Errors by code", OF_LOG);
    }
    if log.n_units.is_some() {
        add(
            "scorecard.effects.each_unit_once",
            "The difference with each user counted once",
            OF_LOG,
        );
    }
    if strategy.strategy.is_concurrent() {
        add(
            "over_time",
            "The effect at every look over time, which follows users from look to look",
            OF_LOG,
        );
        add(
            "novelty",
            "The effect by day since users met the treatment, and an adjustment for what was known of them before",
            OF_LOG,
        );
        add(
            "shadow",
            "Pairs of a shadow test, which are told by request ids",
            OF_LOG,
        );
    }
    if strategy.strategy == Strategy::BlueGreen {
        add(
            "switch",
            "Before and after the switch, minute by minute",
            OF_LOG,
        );
    }
    if segments.iter().any(|effect| effect.harm.is_some()) {
        add(
            "segments",
            "Whether harmed segments of different columns are the same requests",
            OF_LOG,
        );
    }
    if is_carrier_open {
        add(
            "segments.harm.without",
            "Whether a harmed segment carries the harm to the whole log: users have requests of several of its column's values, so that their totals without it are not known",
            OF_LOG,
        );
    }
    if root != 0 {
        add(
            "segments",
            "Segments within a segment: cells are split by one column at a time",
            "Compute cells of that segment alone",
        );
    }
    if log.n_units.is_none() {
        add(
            "log.n_units",
            "How many users there are over all arms",
            "Compute units.parquet where users are known (docs/cells.md); of more than two arms that share users, the request log tells",
        );
    }
    needs
}
