//! Joins the typed columns of all batches into a [`RequestLog`].

use rayon::prelude::*;

use super::batch::row_number;
use super::event_times::{rated_at, settle_times};
use super::files::Files;
use super::issues::{Effect, Issues};
use super::log_reader::{FileEnds, LogPiece, LogReader};
use super::mapping::{ColumnRole, Mapping, Role};
use super::memory::Budget;
use super::part::{Labels, Part, Plan};
use super::stamp::StampForm;
use super::view::View;
use crate::data::{
    Arm, Buckets, Clock, LeftOut, Numbers, Packed, Quantity, RequestIds, RequestLog, Segment, Units,
};
use crate::error::{Error, Result};
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
    columns: Columns,
    /// Pieces so far.
    n_pieces: usize,
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
            error_codes: of(Role::Status).map(|c| Segment {
                name: c.column.clone(),
                ..Segment::default()
            }),
            currency: of(Role::Cost).and_then(ColumnRole::currency),
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
            columns: Columns::default(),
            n_pieces: 0,
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
        self.read_waves(files, view, issues, progress, |_, _| Ok(()))
    }

    /// As [`Self::read`]; `after` is called whenever some pieces have been appended.
    pub(super) fn read_waves(
        &mut self,
        files: &Files,
        view: &View,
        issues: &mut Issues,
        progress: &Progress,
        mut after: impl FnMut(&mut Self, &mut Issues) -> Result<()>,
    ) -> Result<FileEnds> {
        let n_bytes: u64 = files.sources.iter().map(|source| source.bytes).sum();
        let mut reader = LogReader::new(files);
        let mut wave = next_wave(&mut reader, view, issues)?;
        while !wave.is_empty() {
            let n_before = self.n_pieces;
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
            let mut parts = Vec::new();
            for (mut part, extent) in read? {
                let place = reader.place(&extent);
                self.settle(&mut part, place, issues)?;
                parts.push(part);
            }
            self.append(parts);
            issues.absorb(found, 0);
            let n_rows = self.log.row.len() as u64;
            self.budget.check(n_rows, self.plan.units.n_keys(), share)?;
            after(self, issues)?;
            progress.tick(reader.n_bytes_read())?;
            wave = next?;
        }
        Ok(reader.into_ends())
    }

    /// Numbers the rows, lines and labels of a part as those of the log; its own rows and lines count
    /// from these.
    fn settle(
        &mut self,
        part: &mut Part,
        (row, line): (u64, u64),
        issues: &mut Issues,
    ) -> Result<()> {
        let last = part.rows.last().copied().unwrap_or(0);
        row_number(row + u64::from(last))?;
        issues.absorb(std::mem::take(&mut part.issues), line);
        part.rows.iter_mut().for_each(|r| *r += row as u32);
        part.lines.iter_mut().for_each(|l| *l += line);
        if self.log.clock == Clock::RowOrder {
            let start = |row: &u32| i64::from(*row) * 1_000_000;
            part.start_us = part.rows.iter().map(start).collect();
        }
        self.number_arms(part, issues);
        for (segment, labels) in self.log.segments.iter_mut().zip(&mut part.segments) {
            number_segment(segment, labels, issues);
        }
        let codes = self.log.error_codes.iter_mut().zip(&mut part.error_codes);
        for (segment, labels) in codes {
            number_segment(segment, labels, issues);
        }
        Ok(())
    }

    /// Appends the columns of parts, so that none of them waits for the end of the file.
    fn append(&mut self, mut parts: Vec<Part>) {
        self.n_pieces += parts.len();
        for part in &mut parts {
            let packed = std::mem::take(&mut part.quantities);
            self.columns.quantities.resize_with(packed.len(), Vec::new);
            for (all, packed) in self.columns.quantities.iter_mut().zip(packed) {
                all.push(packed);
            }
        }
        let parts = &parts;
        let (log, columns) = (&mut self.log, &mut self.columns);
        rayon::scope(|scope| {
            scope.spawn(|_| extend(&mut log.row, parts, |part| Some(&part.rows)));
            scope.spawn(|_| extend(&mut log.start_us, parts, |part| Some(&part.start_us)));
            scope.spawn(|_| extend(&mut log.outcome, parts, |part| Some(&part.outcomes)));
            scope.spawn(|_| {
                extend(&mut log.arm, parts, |part| {
                    part.arms.as_ref().map(|labels| &labels.codes)
                });
            });
            scope.spawn(|_| extend(&mut columns.ends, parts, |part| part.end_us.as_ref()));
            scope.spawn(|_| extend(&mut columns.rated, parts, |part| part.rated_us.as_ref()));
            scope.spawn(|_| extend(&mut columns.units, parts, |part| part.units.as_ref()));
            scope.spawn(|_| {
                extend(&mut columns.unit_hashes, parts, |part| {
                    part.unit_hashes.as_ref()
                });
            });
            scope.spawn(|_| extend(&mut columns.buckets, parts, |part| part.buckets.as_ref()));
            scope.spawn(|_| {
                extend(&mut columns.request_ids, parts, |part| {
                    part.request_ids.as_ref()
                });
            });
            if let Some(codes) = &mut log.error_codes {
                scope.spawn(|_| {
                    extend(&mut codes.code, parts, |part| {
                        part.error_codes.as_ref().map(|labels| &labels.codes)
                    });
                });
            }
            for (i, segment) in log.segments.iter_mut().enumerate() {
                scope.spawn(move |_| {
                    extend(&mut segment.code, parts, |part| {
                        part.segments.get(i).map(|labels| &labels.codes)
                    });
                });
            }
        });
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
        let all = &mut self.log.left_out;
        all.without_arm.add(part.left_out.without_arm);
        for (rows, arm) in part.left_out.of_arms.iter().zip(&numbers) {
            if let Some(arm) = arm {
                all.of_arm_mut(usize::from(*arm)).add(*rows);
            }
        }
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

    /// Settles event times and sorts. Fails when cancelled: of a large log each step takes its time.
    pub(super) fn finish(
        self,
        name: String,
        issues: &mut Issues,
        progress: &Progress,
    ) -> Result<RequestLog> {
        let Self {
            plan,
            mut log,
            mut columns,
            has_late_rejections,
            ..
        } = self;
        let mapping = plan.mapping;
        log.name = name;
        let has = |role| mapping.column(role).is_some();
        let hashes = std::mem::take(&mut columns.request_ids);
        if has(Role::RequestId) {
            log.request_id = RequestIds::of_hashes_unless(&hashes, &|| progress.is_cancelled());
        }
        drop(hashes);
        progress.check()?;
        let is_routed = columns.buckets.len() == log.row.len();
        log.buckets = plan.router.filter(|_| is_routed).map(|router| Buckets {
            hash: router.hash,
            column: router.column,
            salt: router.salt,
            bucket: std::mem::take(&mut columns.buckets),
        });
        log.units = mapping.column(Role::Unit).map(|c| Units {
            column: c.column.clone(),
            ..plan
                .units
                .numbered(std::mem::take(&mut columns.units), has_late_rejections)
        });
        progress.check()?;
        fill(&mut log, columns, mapping, issues);
        if log.left_out != LeftOut::default() {
            let mut n_kept = vec![0; log.arms.len()];
            log.arm
                .iter()
                .for_each(|arm| n_kept[usize::from(*arm)] += 1);
            log.left_out.n_kept = n_kept;
        }
        progress.check()?;
        log.assemble_unless(&|| progress.is_cancelled())
            .ok_or_else(Error::cancelled)
    }

    /// The rows so far, in the order of the files and without ids, and per row the hash of its unit. What
    /// follows starts anew; arms and segment values keep their numbers.
    pub(super) fn hand_over(&mut self, issues: &mut Issues) -> (RequestLog, Vec<u64>) {
        let mapping = self.plan.mapping;
        let emptied = self.log.without_rows();
        let mut log = std::mem::replace(&mut self.log, emptied);
        let mut columns = std::mem::take(&mut self.columns);
        log.units = mapping.column(Role::Unit).map(|c| Units {
            column: c.column.clone(),
            ..Units::default()
        });
        let unit_hashes = std::mem::take(&mut columns.unit_hashes);
        fill(&mut log, columns, mapping, issues);
        (log, unit_hashes)
    }
}

/// Joins the numeric columns of a log's rows and settles their times.
fn fill(log: &mut RequestLog, columns: Columns, mapping: &Mapping, issues: &mut Issues) {
    if mapping.column(Role::Variant).is_none() {
        log.arms = vec![Arm {
            name: "all requests".to_owned(),
        }];
    }
    let of_role = quantities_of(mapping);
    log.quantities = of_role.iter().map(|q| (*q, Numbers::default())).collect();
    rayon::scope(|scope| {
        for ((_, numbers), packed) in log.quantities.iter_mut().zip(columns.quantities) {
            scope.spawn(|_| *numbers = Numbers::join(packed));
        }
    });
    if log.arm.is_empty() {
        log.arm = vec![0; log.row.len()];
    }
    log.quantities
        .sort_by_key(|(q, _)| matches!(q, Quantity::Extra(_)));
    let has_ends = mapping.column(Role::EndTime).is_some();
    let ends = has_ends.then_some(columns.ends.as_slice());
    settle_times(log, ends, mapping, issues);
    if mapping.column(Role::RatedAt).is_some() && log.clock == Clock::Epoch {
        log.rated_at_us = rated_at(log, &columns.rated);
    }
}

/// Columns of all rows so far that the log does not hold as they are; empty where the mapping has no
/// such column.
#[derive(Default)]
struct Columns {
    ends: Vec<i64>,
    rated: Vec<i64>,
    /// Provisional numbers.
    units: Vec<u32>,
    /// In their place, where they are hashed.
    unit_hashes: Vec<u64>,
    /// Hashes.
    request_ids: Vec<u64>,
    /// Of the hash router.
    buckets: Vec<u16>,
    /// In the order of the mapping, a stretch per part.
    quantities: Vec<Vec<Packed>>,
}

/// Appends a column of each part.
fn extend<T: Copy>(
    all: &mut Vec<T>,
    parts: &[Part],
    column: impl for<'p> Fn(&'p Part) -> Option<&'p Vec<T>>,
) {
    for values in parts.iter().filter_map(column) {
        all.extend_from_slice(values);
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

/// The quantity behind each numeric column, in the order of the mapping.
fn quantities_of(mapping: &Mapping) -> Vec<Quantity> {
    let mut n_extra = 0;
    let quantity = |role: Role| {
        if matches!(role, Role::Metric | Role::Covariate) {
            n_extra += 1;
            return Some(Quantity::Extra(n_extra - 1));
        }
        role.quantity()
    };
    mapping
        .columns
        .iter()
        .map(|c| c.role)
        .filter_map(quantity)
        .collect()
}
