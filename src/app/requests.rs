//! The requests behind the numbers: which rows of the selection are listed, and in which order.

use std::sync::Arc;

use rayon::prelude::*;

use crate::data::{Outcome, Quantity, RequestLog, Units};
use crate::error::Result;
use crate::jobs::Progress;
use crate::units;
use crate::with_codes;

/// What is asked for of the rows that the filter selects.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Query {
    /// Requests of one arm only.
    pub arm: Option<usize>,
    /// How they ended.
    pub ending: Ending,
    /// Requests of one unit only.
    pub unit: Option<u32>,
    /// Events after the first and up to the second, microseconds of the log's clock.
    pub within_us: Option<(i64, i64)>,
    /// Only requests with a value of this.
    pub having: Option<Quantity>,
    /// A part of an arm's or a segment value's name, or a row number.
    pub search: String,
    /// What they are sorted by.
    pub sort: Column,
    /// Whether the largest come first. What has no value is last either way.
    pub is_descending: bool,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Ending {
    /// Any way.
    #[default]
    Any,
    /// Failed.
    Failed,
    /// Answered.
    Answered,
}

/// A column of the table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Column {
    /// Event time.
    #[default]
    Time,
    /// The data row of the file, from 1.
    Row,
    /// The arm.
    Arm,
    /// The unit, numbered by first appearance.
    Unit,
    /// How it ended.
    Outcome,
    /// A numeric column.
    Quantity(Quantity),
    /// A segment, by its place.
    Segment(usize),
}

/// The rows that a query finds.
#[derive(Debug, Clone)]
pub struct Listing {
    /// The selected rows of the log.
    pub log: Arc<RequestLog>,
    /// Indices into `log`, as sorted.
    pub order: Vec<u32>,
}

impl Column {
    /// The columns that a log has.
    pub fn of(log: &RequestLog) -> Vec<Self> {
        let mut columns = vec![Self::Row, Self::Time, Self::Arm];
        columns.extend(log.units.is_some().then_some(Self::Unit));
        columns.extend(log.has_outcome.then_some(Self::Outcome));
        let quantities = log.quantities.iter();
        columns.extend(quantities.map(|(quantity, _)| Self::Quantity(*quantity)));
        columns.extend((0..log.segments.len()).map(Self::Segment));
        columns
    }

    /// As shown to people.
    pub fn heading(self, log: &RequestLog) -> String {
        match self {
            Self::Time => "Event time".to_owned(),
            Self::Row => "Data row".to_owned(),
            Self::Arm => "Arm".to_owned(),
            Self::Unit => match &log.units {
                Some(units) => format!("{}, number", units.column),
                None => "Unit".to_owned(),
            },
            Self::Outcome => "Outcome".to_owned(),
            Self::Quantity(quantity) => match quantity {
                Quantity::LatencyMs => "Latency",
                Quantity::TtftMs => "First token",
                Quantity::Rating => "Rating",
                Quantity::TokensIn => "Prompt tokens",
                Quantity::TokensOut => "Completion tokens",
                Quantity::Cost => "Cost",
                Quantity::Extra(i) => {
                    let name = log.extra_names.get(usize::from(i));
                    return name.cloned().unwrap_or_default();
                }
            }
            .to_owned(),
            Self::Segment(i) => log.segments[i].name.clone(),
        }
    }

    /// Whether its cells lie to the right.
    pub fn is_number(self) -> bool {
        matches!(self, Self::Row | Self::Unit | Self::Quantity(_))
    }

    /// A cell as people read it.
    pub fn text(self, log: &RequestLog, row: usize) -> String {
        match self {
            Self::Time => units::instant(log.event_us[row], log.clock),
            Self::Row => units::count(u64::from(log.row[row]) + 1),
            Self::Arm => log.arms[usize::from(log.arm[row])].name.clone(),
            Self::Unit => match log.units.as_ref().map(|units| units.id[row]) {
                None | Some(Units::NONE) => String::new(),
                Some(id) => units::count(u64::from(id) + 1),
            },
            Self::Outcome => outcome_text(log.outcome[row]).to_owned(),
            Self::Quantity(quantity) => {
                let value = log
                    .quantity(quantity)
                    .map_or(f64::NAN, |values| values[row]);
                match quantity {
                    _ if value.is_nan() => String::new(),
                    Quantity::LatencyMs | Quantity::TtftMs => units::latency(value),
                    _ if value.fract() == 0.0 && (0.0..1e15).contains(&value) => {
                        units::count(value as u64)
                    }
                    _ => units::number(value),
                }
            }
            Self::Segment(i) => {
                let segment = &log.segments[i];
                segment.values[usize::from(segment.code[row])].clone()
            }
        }
    }

    /// A cell for machines: values to the last digit, times as RFC 3339.
    pub fn value(self, log: &RequestLog, row: usize) -> String {
        match self {
            Self::Time => units::instant_iso(log.event_us[row], log.clock),
            Self::Row => (u64::from(log.row[row]) + 1).to_string(),
            Self::Quantity(quantity) => match log.quantity(quantity).map(|values| values[row]) {
                Some(value) if !value.is_nan() => value.to_string(),
                _ => String::new(),
            },
            Self::Unit => self.text(log, row).replace(',', ""),
            _ => self.text(log, row),
        }
    }

    /// Ascends as the cell's value does; the largest stands for none.
    fn keys(self, log: &RequestLog) -> Box<dyn Fn(u32) -> u32 + Sync + '_> {
        match self {
            Self::Time => Box::new(|row| row),
            Self::Row => Box::new(|row| log.row[row as usize]),
            Self::Arm => {
                let ranks = ranks(log.arms.iter().map(|arm| arm.name.as_str()));
                Box::new(move |row| ranks[usize::from(log.arm[row as usize])])
            }
            Self::Unit => match &log.units {
                Some(units) => Box::new(|row| units.id[row as usize]),
                None => Box::new(|_| 0),
            },
            Self::Outcome => Box::new(|row| log.outcome[row as usize] as u32),
            Self::Quantity(quantity) => match log.quantity(quantity) {
                None => Box::new(|_| u32::MAX),
                Some(values) => {
                    let missing = values.table().len().saturating_sub(1);
                    Box::new(move |row| match values.code(row as usize) {
                        code if code == missing => u32::MAX,
                        code => code as u32,
                    })
                }
            },
            Self::Segment(i) => {
                let segment = &log.segments[i];
                let ranks = ranks(segment.values.iter().map(String::as_str));
                Box::new(move |row| {
                    match segment.values[usize::from(segment.code[row as usize])].as_str() {
                        "" => u32::MAX,
                        _ => ranks[usize::from(segment.code[row as usize])],
                    }
                })
            }
        }
    }
}

impl Query {
    /// The requests of an arm behind a metric's value, the most telling first.
    pub fn behind(metric: &str, arm: usize) -> Self {
        const QUANTITIES: [(&str, Quantity, bool); 6] = [
            ("latency_", Quantity::LatencyMs, true),
            ("ttft_", Quantity::TtftMs, true),
            ("rating_", Quantity::Rating, false),
            ("tokens_in_", Quantity::TokensIn, true),
            ("tokens_out_", Quantity::TokensOut, true),
            ("cost_", Quantity::Cost, true),
        ];
        let mut query = Self {
            arm: Some(arm),
            ..Self::default()
        };
        if metric == "error_share" {
            query.ending = Ending::Failed;
        }
        let found = QUANTITIES
            .iter()
            .find(|(start, _, _)| metric.starts_with(start));
        if let Some((_, quantity, is_descending)) = found {
            query.having = Some(*quantity);
            query.sort = Column::Quantity(*quantity);
            query.is_descending = *is_descending;
            // Latency counts answered requests.
            if matches!(quantity, Quantity::LatencyMs | Quantity::TtftMs) {
                query.ending = Ending::Answered;
            }
        }
        query
    }

    /// Finds and sorts the rows. Fails when cancelled.
    pub fn run(&self, log: Arc<RequestLog>, progress: &Progress) -> Result<Listing> {
        progress.phase("Listing", 0)?;
        let mut order = self.matching(&log);
        progress.check()?;
        if self.sort != Column::Time {
            let key = self.sort.keys(&log);
            // Key and row in one integer: equal keys stay in order of time.
            let mut keyed: Vec<u64> = order
                .par_iter()
                .map(|&row| match (key(row), self.is_descending) {
                    (u32::MAX, _) => u64::from(u32::MAX) << 32 | u64::from(row),
                    (key, false) => u64::from(key) << 32 | u64::from(row),
                    (key, true) => u64::from(u32::MAX - 1 - key) << 32 | u64::from(row),
                })
                .collect();
            progress.check()?;
            keyed.par_sort_unstable();
            order.clear();
            order.extend(keyed.into_iter().map(|key| key as u32));
        } else if self.is_descending {
            order.reverse();
        }
        Ok(Listing { log, order })
    }

    /// The rows in order of time.
    fn matching(&self, log: &RequestLog) -> Vec<u32> {
        let (from, to) = self.within_us.map_or((0, log.n_rows()), |(after, until)| {
            let upto = |us: i64| log.event_us.partition_point(|&t| t <= us);
            (upto(after), upto(until))
        });
        let mut rows: Vec<u32> = (from as u32..to.max(from) as u32).collect();
        if let Some(arm) = self.arm {
            rows.retain(|&row| usize::from(log.arm[row as usize]) == arm);
        }
        match self.ending {
            Ending::Any => {}
            Ending::Failed => rows.retain(|&row| log.outcome[row as usize].is_error()),
            Ending::Answered => rows.retain(|&row| log.outcome[row as usize] == Outcome::Ok),
        }
        if let (Some(unit), Some(units)) = (self.unit, &log.units) {
            rows.retain(|&row| units.id[row as usize] == unit);
        }
        if let Some(values) = self.having.and_then(|quantity| log.quantity(quantity)) {
            let missing = values.table().len().saturating_sub(1);
            with_codes!(values.codes(), codes => {
                rows.retain(|&row| codes[row as usize] as usize != missing);
            });
        }
        let search = self.search.trim().to_lowercase();
        if !search.is_empty() {
            let finds = finds(log, &search);
            rows.retain(|&row| finds(row as usize));
        }
        rows
    }
}

impl Listing {
    /// At most `most` rows as tab-separated text with a heading.
    pub fn tsv(&self, most: usize) -> String {
        let columns = Column::of(&self.log);
        let plain = |text: String| text.replace(['\t', '\n', '\r'], " ");
        let heading: Vec<String> = columns
            .iter()
            .map(|column| plain(column.heading(&self.log)))
            .collect();
        let mut out = heading.join("\t") + "\n";
        for row in self.order.iter().take(most) {
            let cells: Vec<String> = columns
                .iter()
                .map(|column| plain(column.value(&self.log, *row as usize)))
                .collect();
            out += &(cells.join("\t") + "\n");
        }
        out
    }
}

/// Whether a row shows the searched text; each label is looked at once.
fn finds<'a>(log: &'a RequestLog, search: &str) -> impl Fn(usize) -> bool + 'a {
    let has = |text: &str| text.to_lowercase().contains(search);
    let arms: Vec<bool> = log.arms.iter().map(|arm| has(&arm.name)).collect();
    let segments: Vec<Vec<bool>> = log
        .segments
        .iter()
        .map(|segment| segment.values.iter().map(|value| has(value)).collect())
        .collect();
    let outcomes = OUTCOMES.map(|outcome| has(outcome_text(outcome)));
    let digits = search.replace([',', ' '], "");
    let number: Option<u32> = digits.parse().ok().and_then(|n: u32| n.checked_sub(1));
    move |row| {
        arms[usize::from(log.arm[row])]
            || (log.has_outcome && outcomes[log.outcome[row] as usize])
            || number == Some(log.row[row])
            || log
                .segments
                .iter()
                .zip(&segments)
                .any(|(segment, found)| found[usize::from(segment.code[row])])
    }
}

const OUTCOMES: [Outcome; 5] = [
    Outcome::Ok,
    Outcome::Error,
    Outcome::RateLimited,
    Outcome::Cancelled,
    Outcome::Unknown,
];

fn outcome_text(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Ok => "answered",
        Outcome::Error => "failed",
        Outcome::RateLimited => "refused for load",
        Outcome::Cancelled => "given up by client",
        Outcome::Unknown => "unknown",
    }
}

/// Per label its place in alphabetical order.
fn ranks<'a>(labels: impl Iterator<Item = &'a str>) -> Vec<u32> {
    let labels: Vec<&str> = labels.collect();
    let mut order: Vec<usize> = (0..labels.len()).collect();
    order.sort_by_key(|&i| labels[i]);
    let mut ranks = vec![0; labels.len()];
    for (rank, i) in order.into_iter().enumerate() {
        ranks[i] = rank as u32;
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Arm, Segment};

    fn log() -> Arc<RequestLog> {
        Arc::new(RequestLog {
            arms: ["stable", "canary"]
                .map(|name| Arm { name: name.into() })
                .into(),
            arm: vec![0, 1, 0, 1],
            row: vec![0, 2, 1, 3],
            start_us: vec![0, 10, 20, 30],
            event_us: vec![0, 10, 20, 30],
            outcome: vec![
                Outcome::Ok,
                Outcome::Error,
                Outcome::RateLimited,
                Outcome::Ok,
            ],
            has_outcome: true,
            quantities: vec![(
                Quantity::LatencyMs,
                vec![300.0, f64::NAN, 100.0, 200.0].into(),
            )],
            segments: vec![Segment {
                name: "region".into(),
                values: vec!["eu".into(), "서울".into(), String::new()],
                code: vec![1, 0, 2, 1],
            }],
            ..RequestLog::default()
        })
    }

    fn check(query: &Query, rows: &[u32]) {
        let listing = query.run(log(), &Progress::unwatched()).unwrap();
        let found: Vec<u32> = listing
            .order
            .iter()
            .map(|i| listing.log.row[*i as usize])
            .collect();
        assert_eq!(found, rows, "{query:?}");
    }

    #[test]
    fn rows_are_sorted_with_missing_values_last() {
        let by = |sort, is_descending| Query {
            sort,
            is_descending,
            ..Query::default()
        };
        let latency = Column::Quantity(Quantity::LatencyMs);
        check(&by(Column::Time, false), &[0, 2, 1, 3]);
        check(&by(Column::Row, true), &[3, 2, 1, 0]);
        check(&by(latency, false), &[1, 3, 0, 2]);
        check(&by(latency, true), &[0, 3, 1, 2]);
        check(&by(Column::Segment(0), false), &[2, 0, 3, 1]);
        check(&by(Column::Arm, false), &[2, 3, 0, 1]);
    }

    #[test]
    fn rows_are_found_by_every_part_of_the_query() {
        let of = |change: &dyn Fn(&mut Query)| {
            let mut query = Query::default();
            change(&mut query);
            query
        };
        check(&of(&|q| q.arm = Some(1)), &[2, 3]);
        check(&of(&|q| q.ending = Ending::Failed), &[2, 1]);
        check(&of(&|q| q.within_us = Some((0, 20))), &[2, 1]);
        check(&of(&|q| q.having = Some(Quantity::LatencyMs)), &[0, 1, 3]);
        check(&of(&|q| q.search = "CAN".into()), &[2, 3]);
        check(&of(&|q| q.search = "서".into()), &[0, 3]);
        check(&of(&|q| q.search = "2".into()), &[1]);
        check(&of(&|q| q.search = "refused".into()), &[1]);
    }

    #[test]
    fn copied_rows_have_a_heading_and_plain_values() {
        let listing = Query::default().run(log(), &Progress::unwatched()).unwrap();
        let tsv = listing.tsv(2);
        let lines: Vec<&str> = tsv.lines().collect();
        assert_eq!(
            lines[0],
            "Data row\tEvent time\tArm\tOutcome\tLatency\tregion"
        );
        assert_eq!(lines[1].split('\t').next_back(), Some("서울"));
        assert_eq!(lines[2].split('\t').nth(3), Some("failed"));
        assert_eq!(lines.len(), 3);
    }
}
