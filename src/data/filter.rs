//! Which rows of a log are looked at.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::{Clock, Quantity, RequestLog};
use crate::units;
use crate::with_codes;

/// A selection of rows; all parts must hold. The default selects every row.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Filter {
    /// Event time at or after this, microseconds of the log's clock.
    pub from_us: Option<i64>,
    /// Event time before this.
    pub to_us: Option<i64>,
    /// Column and value of a segment.
    pub segment: Option<(String, String)>,
    /// End-to-end latency; a request without one does not pass.
    pub latency: Option<MsRange>,
    /// Time to first token, likewise.
    pub ttft: Option<MsRange>,
}

/// A stretch of milliseconds, closed on the left and open on the right; a missing end is open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MsRange {
    /// At or above this.
    pub from_ms: Option<f64>,
    /// Below this.
    pub to_ms: Option<f64>,
}

/// One of the parts that must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FilterPart {
    /// The stretch of event time.
    Time,
    /// The segment's value.
    Segment,
    /// End-to-end latency.
    Latency,
    /// Time to first token.
    Ttft,
}

impl FilterPart {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 4] = [Self::Time, Self::Segment, Self::Latency, Self::Ttft];
}

impl Filter {
    /// Whether every row passes.
    pub fn is_all(&self) -> bool {
        *self == Self::default()
    }

    /// The same without one of its parts.
    #[must_use]
    pub fn without(mut self, part: FilterPart) -> Self {
        match part {
            FilterPart::Time => (self.from_us, self.to_us) = (None, None),
            FilterPart::Segment => self.segment = None,
            FilterPart::Latency => self.latency = None,
            FilterPart::Ttft => self.ttft = None,
        }
        self
    }

    /// The range of a quantity, where it can have one.
    pub fn range_mut(&mut self, quantity: Quantity) -> Option<&mut Option<MsRange>> {
        match quantity {
            Quantity::LatencyMs => Some(&mut self.latency),
            Quantity::TtftMs => Some(&mut self.ttft),
            _ => None,
        }
    }

    /// One part as people read it; `None` where everything passes. Times of a log without dates
    /// count from `time_zero_us`.
    pub fn part_text(&self, part: FilterPart, clock: Clock, time_zero_us: i64) -> Option<String> {
        match part {
            FilterPart::Time => {
                let at = |us: i64| match clock {
                    Clock::Epoch => units::instant(us, clock),
                    Clock::Relative | Clock::RowOrder => units::duration_us(us - time_zero_us),
                };
                ends_text("", self.from_us.map(at), self.to_us.map(at))
            }
            FilterPart::Segment => {
                self.segment
                    .as_ref()
                    .map(|(name, value)| match value.as_str() {
                        "" => format!("{name} is empty"),
                        value => format!("{name} = {value}"),
                    })
            }
            FilterPart::Latency => self.latency.and_then(|range| range.text("latency ")),
            FilterPart::Ttft => self.ttft.and_then(|range| range.text("first token ")),
        }
    }

    /// The indices of the rows of `log` that pass, ascending. A segment or a latency that the log
    /// does not have selects nothing.
    pub fn rows(&self, log: &RequestLog) -> Vec<u32> {
        let stretch = self.stretch(log);
        let all = stretch.start as u32..stretch.end as u32;
        let mut rows: Vec<u32> = match &self.segment {
            None => all.collect(),
            Some((name, value)) => {
                let found = log.segments.iter().find(|s| s.name == *name);
                let code = found.and_then(|s| s.values.iter().position(|v| v == value));
                match found.zip(code) {
                    Some((segment, code)) => all
                        .filter(|row| usize::from(segment.code[*row as usize]) == code)
                        .collect(),
                    None => Vec::new(),
                }
            }
        };
        for (quantity, range) in [
            (Quantity::LatencyMs, self.latency),
            (Quantity::TtftMs, self.ttft),
        ] {
            match (range, log.quantity(quantity)) {
                (None, _) => {}
                (Some(_), None) => rows.clear(),
                (Some(range), Some(values)) => {
                    let codes = range.codes(values.table());
                    with_codes!(values.codes(), code => {
                        rows.retain(|&row| codes.contains(&(code[row as usize] as usize)));
                    });
                }
            }
        }
        rows
    }

    /// The rows of `log` that pass.
    #[must_use]
    pub fn apply(&self, log: &RequestLog) -> RequestLog {
        if self.clone().without(FilterPart::Time).is_all() {
            log.range(self.stretch(log))
        } else {
            log.gathered(&self.rows(log))
        }
    }

    /// The rows whose time passes.
    fn stretch(&self, log: &RequestLog) -> Range<usize> {
        let at = |us: i64| log.event_us.partition_point(|&t| t < us);
        let from = self.from_us.map_or(0, at);
        from..self.to_us.map_or(log.n_rows(), at).max(from)
    }
}

impl MsRange {
    /// The indices of an ascending table, NaN at its end, whose values lie in the range.
    fn codes(self, table: &[f64]) -> Range<usize> {
        let from = self.from_ms.unwrap_or(f64::NEG_INFINITY);
        let to = self.to_ms.unwrap_or(f64::INFINITY);
        table.partition_point(|v| *v < from)..table.partition_point(|v| *v < to)
    }

    fn text(self, name: &str) -> Option<String> {
        ends_text(
            name,
            self.from_ms.map(units::latency),
            self.to_ms.map(units::latency),
        )
    }
}

fn ends_text(name: &str, from: Option<String>, to: Option<String>) -> Option<String> {
    match (from, to) {
        (None, None) => None,
        (Some(from), None) => Some(format!("{name}from {from}")),
        (None, Some(to)) => Some(format!("{name}before {to}")),
        (Some(from), Some(to)) => Some(format!("{name}{from} to {to}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Arm, Outcome, Segment};

    fn log() -> RequestLog {
        RequestLog {
            arms: vec![Arm { name: "a".into() }],
            arm: vec![0; 4],
            row: vec![0, 1, 2, 3],
            start_us: vec![0, 10, 20, 30],
            event_us: vec![0, 10, 20, 30],
            outcome: vec![Outcome::Ok; 4],
            quantities: vec![(
                Quantity::LatencyMs,
                vec![100.0, 250.5, f64::NAN, 2_000.0].into(),
            )],
            segments: vec![Segment {
                name: "region".into(),
                values: vec!["eu".into(), "서울".into()],
                code: vec![0, 1, 1, 0],
            }],
            ..RequestLog::default()
        }
    }

    fn check(filter: &Filter, rows: &[u32]) {
        assert_eq!(filter.apply(&log()).row, rows, "{filter:?}");
    }

    #[test]
    fn time_is_closed_on_the_left_and_open_on_the_right() {
        check(&Filter::default(), &[0, 1, 2, 3]);
        check(
            &Filter {
                from_us: Some(10),
                to_us: Some(30),
                ..Filter::default()
            },
            &[1, 2],
        );
        check(
            &Filter {
                from_us: Some(31),
                to_us: Some(5),
                ..Filter::default()
            },
            &[],
        );
    }

    #[test]
    fn a_stretch_of_time_is_what_its_rows_are() {
        let filter = Filter {
            from_us: Some(10),
            ..Filter::default()
        };
        let log = log();
        let by_rows = log.gathered(&filter.rows(&log));
        assert_eq!(format!("{:?}", filter.apply(&log)), format!("{by_rows:?}"));
    }

    #[test]
    fn segments_select_by_value() {
        let of = |name: &str, value: &str| Filter {
            segment: Some((name.into(), value.into())),
            ..Filter::default()
        };
        check(&of("region", "서울"), &[1, 2]);
        check(&of("region", "nowhere"), &[]);
        check(&of("planet", "eu"), &[]);
    }

    #[test]
    fn a_latency_range_is_closed_on_the_left_and_needs_a_value() {
        let of = |from_ms: Option<f64>, to_ms: Option<f64>| Filter {
            latency: Some(MsRange { from_ms, to_ms }),
            ..Filter::default()
        };
        check(&of(Some(100.0), Some(2_000.0)), &[0, 1]);
        check(&of(Some(100.1), None), &[1, 3]);
        check(&of(None, None), &[0, 1, 3]);
        check(&of(None, Some(1.0)), &[]);
        let no_such_column = Filter {
            ttft: Some(MsRange::default()),
            ..Filter::default()
        };
        check(&no_such_column, &[]);
    }

    #[test]
    fn parts_read_as_text_and_go_one_by_one() {
        let filter = Filter {
            from_us: Some(5_400_000_000),
            segment: Some(("region".into(), "서울".into())),
            latency: Some(MsRange {
                from_ms: Some(1_500.0),
                to_ms: Some(4_000.0),
            }),
            ..Filter::default()
        };
        let texts: Vec<String> = FilterPart::ALL
            .into_iter()
            .filter_map(|part| filter.part_text(part, Clock::Relative, 0))
            .collect();
        assert_eq!(
            texts,
            [
                "from 1 h 30 min",
                "region = 서울",
                "latency 1.50 s to 4.00 s"
            ]
        );
        let rest = FilterPart::ALL.into_iter().fold(filter, Filter::without);
        assert!(rest.is_all());
    }
}
