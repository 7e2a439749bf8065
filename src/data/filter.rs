//! Which rows of a log are looked at.

use serde::{Deserialize, Serialize};

use super::RequestLog;

/// A selection of rows; all parts must hold. The default selects every row.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Filter {
    /// Event time at or after this, microseconds of the log's clock.
    pub from_us: Option<i64>,
    /// Event time before this.
    pub to_us: Option<i64>,
    /// Column and value of a segment.
    pub segment: Option<(String, String)>,
}

impl Filter {
    /// Whether every row passes.
    pub fn is_all(&self) -> bool {
        *self == Self::default()
    }

    /// The rows of `log` that pass. A segment that the log does not have selects nothing.
    #[must_use]
    pub fn apply(&self, log: &RequestLog) -> RequestLog {
        let from = self
            .from_us
            .map_or(0, |us| log.event_us.partition_point(|&t| t < us));
        let to = self
            .to_us
            .map_or(log.n_rows(), |us| log.event_us.partition_point(|&t| t < us));
        let range = from as u32..to.max(from) as u32;
        let rows: Vec<u32> = match &self.segment {
            None => range.collect(),
            Some((name, value)) => {
                let found = log.segments.iter().find(|s| s.name == *name);
                let code = found.and_then(|s| s.values.iter().position(|v| v == value));
                match (found, code) {
                    (Some(segment), Some(code)) => range
                        .filter(|&i| usize::from(segment.code[i as usize]) == code)
                        .collect(),
                    _ => Vec::new(),
                }
            }
        };
        log.gathered(&rows)
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
                segment: None,
            },
            &[1, 2],
        );
        check(
            &Filter {
                from_us: Some(31),
                to_us: Some(5),
                segment: None,
            },
            &[],
        );
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
}
