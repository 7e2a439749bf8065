//! Joins the typed columns of all batches into a [`RequestLog`].

use rayon::prelude::*;

use super::batch::row_number;
use super::files::Files;
use super::issues::{Effect, Issues};
use super::log_reader::{FileEnds, LogPiece, LogReader};
use super::mapping::{Mapping, Role};
use super::memory::Budget;
use super::part::{Labels, Part, Plan};
use super::stamp::StampForm;
use super::stamp_column::NO_STAMP;
use super::view::View;
use crate::data::{
    Arm, Buckets, Clock, Numbers, Outcome, Packed, Quantity, RequestIds, RequestLog, Segment, Units,
};
use crate::error::Result;
use crate::jobs::Progress;

/// Arms beyond this are a sign that the column is not a variant.
const MAX_ARMS: usize = 1000;
/// Values of a segment beyond this are gathered in one, with an issue.
const MAX_SEGMENT_VALUES: usize = 1000;

/// Collects rows; [`Builder::finish`] turns them into a log.
pub(super) struct Builder<'a> {
    plan: Plan<'a>,
    /// What the log may take in memory.
    budget: Budget,
    log: RequestLog,
    parts: Vec<Part>,
    /// Whether rows were rejected whose units had been numbered.
    has_late_rejections: bool,
}

impl<'a> Builder<'a> {
    pub(super) fn new(plan: Plan<'a>, budget: Budget) -> Self {
        let mapping = plan.mapping;
        let of = |role| mapping.column(role);
        let clock = match of(Role::Time).or(of(Role::EndTime)).and_then(|c| c.stamp) {
            Some(StampForm::Relative(_)) => Clock::Relative,
            Some(_) => Clock::Epoch,
            None => Clock::RowOrder,
        };
        let named = |role: Role| {
            let columns = mapping.columns.iter().filter(move |c| c.role == role);
            columns.map(|c| c.column.clone())
        };
        let extra = || {
            let columns = mapping.columns.iter();
            columns.filter(|c| matches!(c.role, Role::Metric | Role::Covariate))
        };
        let log = RequestLog {
            clock,
            has_outcome: of(Role::Status).is_some(),
            covariate: extra()
                .position(|c| c.role == Role::Covariate)
                .map(|at| at as u16),
            extra_names: extra().map(|c| c.column.clone()).collect(),
            segments: named(Role::Segment)
                .map(|name| Segment {
                    name,
                    ..Segment::default()
                })
                .collect(),
            ..RequestLog::default()
        };
        Self {
            plan,
            budget,
            log,
            parts: Vec::new(),
            has_late_rejections: false,
        }
    }

    /// Reads all files, and tells what was found of each. While some
    /// pieces are parsed, the next are fetched.
    pub(super) fn read(
        &mut self,
        files: &Files,
        view: &View,
        issues: &mut Issues,
        progress: &Progress,
    ) -> Result<FileEnds> {
        let n_bytes: u64 = files.sources.iter().map(|source| source.bytes).sum();
        let mut reader = LogReader::new(files);
        let mut wave = next_wave(&mut reader, view, issues)?;
        while !wave.is_empty() {
            let n_before = self.parts.len();
            // Of this wave's pieces and those before; the next are fetched meanwhile.
            let share = reader.n_bytes_read() as f64 / n_bytes.max(1) as f64;
            let plan = &self.plan;
            let mut found = Issues::default();
            let (next, read) = rayon::join(
                || next_wave(&mut reader, view, &mut found),
                || {
                    let pieces = wave.into_par_iter().enumerate();
                    let read = |(i, piece): (usize, LogPiece)| {
                        progress.check()?;
                        let mut read = piece.read(files, view.wanted())?;
                        let batch = view.of(read.batch, &mut read.issues);
                        let part = plan.read((n_before + i) as u32, &batch, read.issues);
                        Ok((part, read.extent))
                    };
                    pieces.map(read).collect::<Result<Vec<_>>>()
                },
            );
            for (part, extent) in read? {
                let place = reader.place(&extent);
                self.push(part, place, issues)?;
            }
            issues.absorb(found, 0);
            let n_rows = self.parts.iter().map(|part| part.rows.len() as u64).sum();
            self.budget.check(n_rows, self.plan.units.n_keys(), share)?;
            progress.tick(reader.n_bytes_read())?;
            wave = next?;
        }
        Ok(reader.into_ends())
    }

    /// Appends a part whose rows and lines count from these.
    fn push(&mut self, mut part: Part, (row, line): (u64, u64), issues: &mut Issues) -> Result<()> {
        let last = part.rows.last().copied().unwrap_or(0);
        row_number(row + u64::from(last))?;
        issues.absorb(std::mem::take(&mut part.issues), line);
        part.rows.iter_mut().for_each(|r| *r += row as u32);
        part.lines.iter_mut().for_each(|l| *l += line);
        if self.log.clock == Clock::RowOrder {
            let start = |row: &u32| i64::from(*row) * 1_000_000;
            part.start_us = part.rows.iter().map(start).collect();
        }
        self.number_arms(&mut part, issues);
        for (segment, labels) in self.log.segments.iter_mut().zip(&mut part.segments) {
            number_segment(segment, labels, issues);
        }
        part.lines = Vec::new();
        self.parts.push(part);
        Ok(())
    }

    /// Turns a part's own numbers of its arms into those of the log.
    fn number_arms(&mut self, part: &mut Part, issues: &mut Issues) {
        let Some(labels) = &mut part.arms else { return };
        let mut number = |name: &String| -> Option<u16> {
            let known = self.log.arm_index(name);
            let found = known.or_else(|| {
                (self.log.arms.len() < MAX_ARMS).then(|| {
                    self.log.arms.push(Arm { name: name.clone() });
                    self.log.arms.len() - 1
                })
            });
            found.map(|arm| arm as u16)
        };
        let numbers: Vec<Option<u16>> = labels.names.iter().map(&mut number).collect();
        let number = |code: u16| numbers.get(usize::from(code)).copied().flatten();
        if numbers.contains(&None) || labels.codes.contains(&Labels::OTHER) {
            let kind = (
                Effect::Rejected,
                "More than 1,000 variants",
                "The variant column should hold a few labels; map another column",
            );
            let column = self.plan.mapping.column(Role::Variant);
            let column = column.map(|c| c.column.as_str());
            let keep: Vec<bool> = labels.codes.iter().map(|c| number(*c).is_some()).collect();
            for i in (0..keep.len()).filter(|i| !keep[*i]) {
                let name = labels.names.get(usize::from(labels.codes[i]));
                let name = name.map_or("", String::as_str);
                issues.value(kind, column, part.lines[i], name);
            }
            part.retain(keep);
            self.has_late_rejections = true;
        }
        if let Some(labels) = &mut part.arms {
            for code in &mut labels.codes {
                *code = number(*code).unwrap_or(0);
            }
        }
    }

    /// Settles event times and sorts.
    pub(super) fn finish(self, name: String, issues: &mut Issues) -> RequestLog {
        let Self {
            plan,
            mut log,
            parts,
            has_late_rejections,
            ..
        } = self;
        let mapping = plan.mapping;
        log.name = name;
        if mapping.column(Role::Variant).is_none() {
            log.arms = vec![Arm {
                name: "all requests".to_owned(),
            }];
        }
        let columns = Columns::of(parts, log.segments.len());
        let of_role = quantities_of(mapping);
        let (mut ends, mut ids, mut buckets) = (None, None, None);
        log.quantities = of_role.iter().map(|q| (*q, Numbers::default())).collect();
        rayon::scope(|scope| {
            scope.spawn(|_| log.row = joined(columns.rows));
            scope.spawn(|_| log.start_us = joined(columns.starts));
            scope.spawn(|_| ends = columns.ends.map(joined));
            scope.spawn(|_| log.arm = joined(columns.arms));
            scope.spawn(|_| log.outcome = joined(columns.outcomes));
            scope.spawn(|_| ids = columns.units.map(joined));
            scope.spawn(|_| buckets = columns.buckets.map(joined));
            scope.spawn(|_| {
                let hashes = columns.request_ids;
                log.request_id = hashes.map(|hashes| RequestIds::of_hashes(&hashes));
            });
            for ((_, numbers), packed) in log.quantities.iter_mut().zip(columns.quantities) {
                scope.spawn(|_| *numbers = Numbers::join(packed));
            }
            for (segment, codes) in log.segments.iter_mut().zip(columns.segments) {
                scope.spawn(move |_| segment.code = joined(codes));
            }
        });
        if log.arm.is_empty() {
            log.arm = vec![0; log.row.len()];
        }
        log.quantities
            .sort_by_key(|(q, _)| matches!(q, Quantity::Extra(_)));
        log.buckets = plan.router.zip(buckets).map(|(router, bucket)| Buckets {
            hash: router.hash,
            column: router.column,
            bucket,
        });
        log.units = ids.map(|ids| Units {
            column: mapping
                .column(Role::Unit)
                .map_or_else(String::new, |c| c.column.clone()),
            ..plan.units.numbered(ids, has_late_rejections)
        });
        settle_times(&mut log, ends.as_deref(), mapping, issues);
        log.assemble()
    }
}

/// The columns of all parts, each as one stretch per part.
#[derive(Default)]
struct Columns {
    rows: Vec<Vec<u32>>,
    starts: Vec<Vec<i64>>,
    ends: Option<Vec<Vec<i64>>>,
    arms: Vec<Vec<u16>>,
    outcomes: Vec<Vec<Outcome>>,
    units: Option<Vec<Vec<u32>>>,
    request_ids: Option<Vec<Vec<u64>>>,
    buckets: Option<Vec<Vec<u16>>>,
    segments: Vec<Vec<Vec<u16>>>,
    quantities: Vec<Vec<Packed>>,
}

impl Columns {
    fn of(parts: Vec<Part>, n_segments: usize) -> Self {
        let n_quantities = parts.first().map_or(0, |part| part.quantities.len());
        let mut columns = Self {
            segments: vec![Vec::new(); n_segments],
            quantities: vec![Vec::new(); n_quantities],
            ..Self::default()
        };
        for part in parts {
            columns.rows.push(part.rows);
            columns.starts.push(part.start_us);
            columns.outcomes.push(part.outcomes);
            columns.arms.extend(part.arms.map(|labels| labels.codes));
            push(&mut columns.ends, part.end_us);
            push(&mut columns.units, part.units);
            push(&mut columns.request_ids, part.request_ids);
            push(&mut columns.buckets, part.buckets);
            for (all, labels) in columns.segments.iter_mut().zip(part.segments) {
                all.push(labels.codes);
            }
            for (all, packed) in columns.quantities.iter_mut().zip(part.quantities) {
                all.push(packed);
            }
        }
        columns
    }
}

/// One stretch after the other; each is freed once it is copied.
fn joined<T: Copy>(parts: Vec<Vec<T>>) -> Vec<T> {
    let mut all = Vec::with_capacity(parts.iter().map(Vec::len).sum());
    for part in parts {
        all.extend_from_slice(&part);
    }
    all
}

fn push<T>(all: &mut Option<Vec<T>>, one: Option<T>) {
    if let Some(one) = one {
        all.get_or_insert_default().push(one);
    }
}

/// The next pieces: enough to keep all threads busy.
fn next_wave(
    reader: &mut LogReader<'_>,
    view: &View,
    issues: &mut Issues,
) -> Result<Vec<LogPiece>> {
    let mut wave = Vec::new();
    while wave.len() < 4 * rayon::current_num_threads() {
        let Some(piece) = reader.next_piece(view.wanted(), issues)? else {
            break;
        };
        wave.push(piece);
    }
    Ok(wave)
}

/// Turns a part's own numbers of a segment's values into those of the log.
fn number_segment(segment: &mut Segment, labels: &mut Labels, issues: &mut Issues) {
    let mut number = |value: &str| -> u16 {
        let mut value = value;
        let place = |values: &[String], value: &str| values.iter().position(|v| v == value);
        let mut found = place(&segment.values, value);
        if found.is_none() && segment.values.len() >= MAX_SEGMENT_VALUES {
            value = "(other)";
            issues.note(
                Effect::Assumed,
                Some(&segment.name),
                "More than 1,000 distinct values; the later ones count as \"(other)\"",
                "",
                "Leave this column out of the mapping, or group its values in the export",
            );
            found = place(&segment.values, value);
        }
        found.unwrap_or_else(|| {
            segment.values.push(value.to_owned());
            segment.values.len() - 1
        }) as u16
    };
    let numbers: Vec<u16> = labels.names.iter().map(|name| number(name)).collect();
    let other = labels
        .codes
        .contains(&Labels::OTHER)
        .then(|| number(&"\0".repeat(8)));
    for code in &mut labels.codes {
        let known = numbers.get(usize::from(*code)).copied();
        *code = known.or(other).unwrap_or(0);
    }
}

/// Event time = end, else start + latency, else start; latency = end - start where no column
/// holds it.
fn settle_times(
    log: &mut RequestLog,
    ends: Option<&[i64]>,
    mapping: &Mapping,
    issues: &mut Issues,
) {
    let starts = std::mem::take(&mut log.start_us);
    let latency = log.quantity(Quantity::LatencyMs);
    // Rounded once per value rather than once per row.
    let table_us: Vec<i64> = latency.map_or_else(Vec::new, |latency| {
        let us = |ms: &f64| {
            if *ms > 0.0 {
                (ms * 1e3).round() as i64
            } else {
                0
            }
        };
        latency.table().iter().map(us).collect()
    });
    let latency_us = |row: usize| latency.map_or(0, |latency| table_us[latency.code(row)]);
    let has_clock = log.clock != Clock::RowOrder;
    let end_of = |row: usize| {
        let end = ends.map(|ends| ends[row]);
        end.filter(|end| *end != NO_STAMP)
    };
    let times = |(row, start): (usize, &i64)| -> (i64, i64) {
        match end_of(row) {
            // Only the end is known: the start follows from the latency.
            end if *start == NO_STAMP => {
                let end = end.unwrap_or(0);
                (end - latency_us(row), end)
            }
            Some(end) if end >= *start => (*start, end),
            Some(_) => (*start, *start),
            None if has_clock => (*start, *start + latency_us(row)),
            None => (*start, *start),
        }
    };
    let is_reversed = |row: &usize| end_of(*row).is_some_and(|end| end < starts[*row]);
    let n_end_before_start = match ends {
        Some(_) => (0..starts.len())
            .into_par_iter()
            .filter(is_reversed)
            .count(),
        None => 0,
    };
    let has_latency = latency.is_some();
    let derived =
        (ends.is_some() && !has_latency && mapping.column(Role::Time).is_some()).then(|| {
            let latency_ms = |(row, start): (usize, &i64)| match end_of(row) {
                Some(end) if *start != NO_STAMP && end >= *start => (end - start) as f64 / 1e3,
                _ => f64::NAN,
            };
            let values: Vec<f64> = starts.iter().enumerate().map(latency_ms).collect();
            Numbers::from(values)
        });
    let event_us = starts
        .par_iter()
        .enumerate()
        .map(|row| times(row).1)
        .collect();
    let start_us = if starts.contains(&NO_STAMP) {
        starts.iter().enumerate().map(|row| times(row).0).collect()
    } else {
        starts
    };
    (log.start_us, log.event_us) = (start_us, event_us);
    if n_end_before_start > 0 {
        let detail = format!("in {n_end_before_start} rows");
        issues.note(
            Effect::Assumed,
            None,
            "The end lies before the start; the start was used",
            &detail,
            "Check the clocks of the hosts that write the log",
        );
    }
    if let Some(derived) = derived {
        log.quantities.insert(0, (Quantity::LatencyMs, derived));
        issues.note(
            Effect::Noted,
            None,
            "Latency was taken as end minus start",
            "",
            "",
        );
    }
}

/// The quantity behind each numeric column, in the order of the mapping.
fn quantities_of(mapping: &Mapping) -> Vec<Quantity> {
    let mut n_extra = 0;
    let quantity = |role: Role| {
        Some(match role {
            Role::Latency => Quantity::LatencyMs,
            Role::Ttft => Quantity::TtftMs,
            Role::Rating => Quantity::Rating,
            Role::TokensIn => Quantity::TokensIn,
            Role::TokensOut => Quantity::TokensOut,
            Role::Cost => Quantity::Cost,
            Role::Metric | Role::Covariate => {
                n_extra += 1;
                Quantity::Extra(n_extra - 1)
            }
            _ => return None,
        })
    };
    mapping
        .columns
        .iter()
        .map(|c| c.role)
        .filter_map(quantity)
        .collect()
}
