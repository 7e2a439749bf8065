//! What a blue-green switch itself did to metrics that are worse after it: a trend that ran all the time makes
//! whatever came later look worse.

use super::decision::reason;
use super::headline::Read;
use super::model::{Direction, Reason, ReasonWeight, ScorecardRow, SwitchFinding};
use crate::stats::Estimate;

/// What happened to worse metrics where one arm took over from the other.
#[derive(Default)]
pub(super) struct AtSwitch {
    /// Whether all of them are known around the switch, and none moved for the worse there.
    pub(super) is_none_moved: bool,
    pub(super) told: Vec<Reason>,
}

pub(super) fn at_switch(
    switch: Option<&SwitchFinding>,
    treatment: usize,
    worse: &[Read<'_>],
) -> AtSwitch {
    // Where the treatment ran first, the switch is back to the control.
    let Some(switch) = switch.filter(|switch| switch.after == treatment) else {
        return AtSwitch::default();
    };
    let series = |(row, _): &Read<'_>| switch.series.iter().find(|s| s.metric == row.id);
    let is_harm = |row: &ScorecardRow, e: &Estimate| match row.direction {
        Direction::LowerIsBetter => e.interval.lower > 0.0,
        Direction::HigherIsBetter => e.interval.upper < 0.0,
        Direction::Neutral => !e.interval.contains(0.0),
    };
    let told = worse.iter().filter_map(|read| {
        let level = series(read)?.level;
        let (row, moved) = (read.0, level.interval);
        let text = format!(
            "{}: with a steady trend taken out, it moved at the switch by {}",
            row.label,
            row.form
                .change_with_interval(level.value, moved.lower, moved.upper)
        );
        Some(reason(ReasonWeight::Open, text))
    });
    AtSwitch {
        is_none_moved: !worse.is_empty()
            && worse.iter().all(|read| {
                series(read).is_some_and(|s| {
                    !is_harm(read.0, &s.level) && !is_harm(read.0, &s.slope_per_day)
                })
            }),
        told: told.collect(),
    }
}
