//! What cells are of: the log without its requests, and the place that a filter looks at.

use super::super::settings::AnalysisSettings;
use super::figures::Figures;
use crate::cells::{Cells, Measure, Place};
use crate::data::{Arm, Clock, Numbers, Quantity, RequestLog, Segment, Units};
use crate::error::{Error, ErrorKind, Result};

/// Later than anything that counts from a start: the year 1998.
const DATED_US: i64 = 900_000_000_000_000;

/// The place that the filter looks at: the whole log, or one value of a segment.
pub(super) fn place_of(cells: &Cells, settings: &AnalysisSettings) -> Result<usize> {
    let Some((segment, value)) = &settings.filter.segment else {
        return Ok(0);
    };
    let wanted = Place {
        segment: segment.clone(),
        value: value.clone(),
    };
    let place = cells.places.iter().position(|place| *place == wanted);
    place.ok_or_else(|| {
        let mut names: Vec<&str> = cells.places.iter().map(|p| p.segment.as_str()).collect();
        names.dedup();
        let message = format!("No request has {segment} = \"{value}\"");
        let names = names.join(", ");
        Error::new(ErrorKind::Settings, message)
            .key("segment")
            .hint(format!(
                "The segments are: {}",
                names.trim_start_matches(", ")
            ))
    })
}

/// The log without its requests: what its metrics are told from.
pub(super) fn log_without_requests(cells: &Cells, name: &str, whole: &[Figures]) -> RequestLog {
    let mut quantities = Vec::new();
    let mut has = [false; 2];
    for cell in cells.cells.iter().take_while(|cell| cell.place == 0) {
        match cell.measure {
            Measure::Of(quantity) if !quantities.contains(&quantity) => quantities.push(quantity),
            Measure::Outcome => has[0] = true,
            Measure::Users => has[1] = true,
            _ => {}
        }
    }
    quantities.sort_unstable();
    // A metric of the log's own is a share where all its values are 0 or 1; one value says so here.
    let value = |quantity: Quantity| {
        let is_share = whole.iter().all(|figures| figures.is_share(quantity));
        if is_share { 1.0 } else { 0.5 }
    };
    let times = cells.cells.iter().map(|cell| cell.time_us);
    RequestLog {
        name: name.to_owned(),
        clock: match times.min() {
            _ if !cells.has_times() => Clock::RowOrder,
            Some(first) if first > DATED_US => Clock::Epoch,
            _ => Clock::Relative,
        },
        arms: cells
            .arms
            .iter()
            .map(|name| Arm { name: name.clone() })
            .collect(),
        has_outcome: has[0],
        units: (has[1] || !cells.units.is_empty()).then(Units::default),
        quantities: quantities
            .into_iter()
            .map(|quantity| (quantity, Numbers::from(vec![value(quantity)])))
            .collect(),
        extra_names: cells.extra_names.clone(),
        segments: segments(cells),
        ..RequestLog::default()
    }
}

fn segments(cells: &Cells) -> Vec<Segment> {
    let named = cells.places.iter().filter(|p| !p.segment.is_empty());
    let places: Vec<&Place> = named.collect();
    places
        .chunk_by(|a, b| a.segment == b.segment)
        .map(|values| Segment {
            name: values[0].segment.clone(),
            values: values.iter().map(|place| place.value.clone()).collect(),
            code: Vec::new(),
        })
        .collect()
}
