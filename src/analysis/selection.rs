//! Which part of a log an analysis or a replay looks at, and which of its arms it compares.

use std::borrow::Cow;

use super::model::CrossingLeftOut;
use super::rollouts::Rollouts;
use super::settings::AnalysisSettings;
use super::{arms, clusters};
use crate::data::RequestLog;
use crate::error::{Error, ErrorKind, Result};

/// The part of a log that the settings look at.
#[derive(Debug)]
pub struct Selection<'a> {
    /// The rows; the log itself where nothing is filtered.
    pub rows: Cow<'a, RequestLog>,
    /// Index of the control.
    pub control: usize,
    /// Index of the arm that the decision is about; `None` with a single arm.
    pub treatment: Option<usize>,
    /// What the choice about users in several arms left out; `None` where they are kept.
    pub crossing_left_out: Option<CrossingLeftOut>,
}

/// Applies the filter and the choice about users in several arms, and chooses the arms, for analyses
/// and replays alike. Arms are chosen and users judged on the whole log, so that a filter never swaps
/// the ones nor clears the others.
///
/// Fails when the settings name an arm or segment that the log does not have, or leave no request.
pub fn select<'a>(log: &'a RequestLog, settings: &AnalysisSettings) -> Result<Selection<'a>> {
    of(log, &Rollouts::default(), settings)
}

/// The same where the arms' sizes are known, or will be asked for again.
pub(super) fn of<'a>(
    log: &'a RequestLog,
    rollouts: &Rollouts,
    settings: &AnalysisSettings,
) -> Result<Selection<'a>> {
    let (control, treatment) = arms::choose(log, rollouts.sizes(log), settings)?;
    check_segment(log, settings)?;
    let (rows, crossing_left_out) = match clusters::leave_out(log, settings.crossing) {
        Some((rows, left_out)) => (Cow::Owned(rows), Some(left_out)),
        None => (Cow::Borrowed(log), None),
    };
    let rows = if settings.filter.is_all() {
        rows
    } else {
        Cow::Owned(settings.filter.apply(&rows))
    };
    if rows.n_rows() == 0 {
        return Err(
            Error::new(ErrorKind::NotEnoughData, "The filter leaves no request").hint(
                "Widen the time range and the ranges of latency, clear the segment, or keep users who are in several arms",
            ),
        );
    }
    Ok(Selection {
        rows,
        control,
        treatment,
        crossing_left_out,
    })
}

/// The filter names a column and a value that the log has.
fn check_segment(log: &RequestLog, settings: &AnalysisSettings) -> Result<()> {
    let Some((name, value)) = &settings.filter.segment else {
        return Ok(());
    };
    let listed = |names: Vec<&str>| names.into_iter().take(20).collect::<Vec<_>>().join(", ");
    let unknown = |message: String, hint: String| {
        Err(Error::new(ErrorKind::Settings, message)
            .key("segment")
            .hint(hint))
    };
    match log.segments.iter().find(|segment| segment.name == *name) {
        None if log.segments.is_empty() => unknown(
            format!("The log has no segment called \"{name}\""),
            "No column of the log is mapped as a segment".to_owned(),
        ),
        None => unknown(
            format!("The log has no segment called \"{name}\""),
            format!(
                "Its segments are: {}",
                listed(log.segments.iter().map(|s| s.name.as_str()).collect())
            ),
        ),
        Some(segment) if !segment.values.contains(value) => unknown(
            format!("No request has {name} = \"{value}\""),
            format!(
                "Its values are: {}",
                listed(segment.values.iter().map(String::as_str).collect())
            ),
        ),
        Some(_) => Ok(()),
    }
}
