//! Fills the typed columns of a [`RequestLog`] from batches, by the roles of a mapping.

use polars::prelude::{Column, DataType, PlHashMap};

use super::batch::{Batch, Texts};
use super::issues::{Effect, Issues};
use super::mapping::{ColumnRole, Mapping, Role};
use super::names::normalize;
use super::number::{DecimalMark, is_null_word, parse_number};
use super::outcome::{OutcomeForm, rating_of_word};
use super::profile::ColumnProfile;
use super::stamp::{DurationUnit, StampForm};
use super::stamp_column::{NO_STAMP, StampReader};
use crate::data::{Arm, Clock, Outcome, Quantity, RequestIds, RequestLog, Segment, Units};
use crate::error::Result;

/// 30 days: no request takes longer, and one such number would stretch every trend and replay.
const LONGEST_MS: f64 = 30.0 * 86_400_000.0;
/// Arms beyond this are a sign that the column is not a variant.
const MAX_ARMS: usize = 1000;
/// Values of a segment beyond this are gathered in one, with an issue.
const MAX_SEGMENT_VALUES: usize = 1000;

/// Collects rows; [`Builder::finish`] turns them into a log.
pub(super) struct Builder<'a> {
    mapping: &'a Mapping,
    /// Names of the files for issues; empty where there is one.
    files: &'a [String],
    stamps: StampReader,
    status_form: OutcomeForm,
    log: RequestLog,
    quantities: Vec<(Quantity, Vec<f64>)>,
    request_ids: Vec<u64>,
    arm_codes: PlHashMap<String, u16>,
    unit_codes: PlHashMap<String, u32>,
    segment_codes: Vec<PlHashMap<String, u16>>,
    end_us: Option<Vec<i64>>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(
        mapping: &'a Mapping,
        files: &'a [String],
        profiles: &[ColumnProfile],
    ) -> Result<Self> {
        let of = |role| mapping.column(role);
        let clock = match of(Role::Time).or(of(Role::EndTime)).and_then(|c| c.stamp) {
            Some(StampForm::Relative(_)) => Clock::Relative,
            Some(_) => Clock::Epoch,
            None => Clock::RowOrder,
        };
        let quantities = mapping
            .columns
            .iter()
            .filter_map(|c| quantity_of(c.role))
            .map(|q| (q, Vec::new()));
        let named = |role: Role| {
            mapping
                .columns
                .iter()
                .filter(move |c| c.role == role)
                .map(|c| c.column.clone())
        };
        let metrics = named(Role::Metric)
            .enumerate()
            .map(|(i, _)| (Quantity::Extra(i as u16), Vec::new()));
        let log = RequestLog {
            clock,
            has_outcome: of(Role::Status).is_some(),
            extra_names: named(Role::Metric).collect(),
            units: of(Role::Unit).map(|c| Units {
                column: c.column.clone(),
                ..Units::default()
            }),
            request_id: of(Role::RequestId).map(|_| RequestIds::default()),
            segments: named(Role::Segment)
                .map(|name| Segment {
                    name,
                    ..Segment::default()
                })
                .collect(),
            ..RequestLog::default()
        };
        let status_form = of(Role::Status).map_or(OutcomeForm::Status, |c| {
            let all_empty = profiles
                .iter()
                .any(|p| p.name == c.column && p.n_null == p.n);
            if all_empty {
                OutcomeForm::Error
            } else {
                OutcomeForm::of_name(&normalize(&c.column))
            }
        });
        Ok(Self {
            mapping,
            files,
            stamps: StampReader::new(mapping)?,
            status_form,
            segment_codes: vec![PlHashMap::default(); log.segments.len()],
            end_us: of(Role::EndTime).map(|_| Vec::new()),
            log,
            quantities: quantities.chain(metrics).collect(),
            request_ids: Vec::new(),
            arm_codes: PlHashMap::default(),
            unit_codes: PlHashMap::default(),
        })
    }

    /// Appends the rows of a batch whose columns stand in the order of the mapping.
    pub(super) fn push(&mut self, batch: &Batch, issues: &mut Issues) {
        issues.in_file(self.files.get(batch.file));
        let mapping = self.mapping;
        let mut keep = vec![true; batch.rows.len()];
        let mut starts = None;
        let mut ends = None;
        let mut arms = None;
        // First what can reject a row, so that the rest reads accepted rows only.
        for (role, column) in mapping.columns.iter().zip(&batch.columns) {
            match role.role {
                Role::Time => starts = Some(self.stamps.read(role, column, batch, issues)),
                Role::EndTime => ends = Some(self.stamps.read(role, column, batch, issues)),
                Role::Variant => arms = Some(self.arms(role, column, batch, issues)),
                _ => {}
            }
        }
        if let Some(arms) = &arms {
            keep.iter_mut()
                .zip(arms)
                .for_each(|(keep, arm)| *keep &= arm.is_some());
        }
        // A row needs one stamp where the log has any.
        if starts.is_some() || ends.is_some() {
            for (i, keep) in keep.iter_mut().enumerate() {
                let has =
                    |stamps: &Option<Vec<i64>>| stamps.as_ref().is_some_and(|s| s[i] != NO_STAMP);
                *keep &= has(&starts) || has(&ends);
            }
        }
        let kept: Vec<usize> = (0..keep.len()).filter(|&i| keep[i]).collect();
        let picked = |stamps: Option<Vec<i64>>| {
            stamps.map(|s| kept.iter().map(|&i| s[i]).collect::<Vec<i64>>())
        };
        let row_order = |i: &usize| i64::from(batch.rows[*i]) * 1_000_000;
        let (starts, ends) = (picked(starts), picked(ends));
        // Where only ends are known, the starts follow from the latencies at the end.
        let fallback = || match &ends {
            Some(_) => vec![NO_STAMP; kept.len()],
            None => kept.iter().map(row_order).collect(),
        };
        self.log.start_us.extend(starts.unwrap_or_else(fallback));
        if let (Some(all), Some(ends)) = (&mut self.end_us, ends) {
            all.extend(ends);
        }
        self.log.row.extend(kept.iter().map(|&i| batch.rows[i]));
        self.log.arm.extend(
            kept.iter()
                .map(|&i| arms.as_ref().and_then(|a| a[i]).unwrap_or(0)),
        );
        self.values(batch, &kept, issues);
    }

    /// The columns that never reject a row.
    fn values(&mut self, batch: &Batch, kept: &[usize], issues: &mut Issues) {
        let (mut segment, mut metric) = (0, 0);
        let mapping = self.mapping;
        for (role, column) in mapping.columns.iter().zip(&batch.columns) {
            match role.role {
                Role::Time | Role::EndTime | Role::Variant => {}
                Role::Status => self.outcomes(role, column, batch, kept, issues),
                Role::Unit => self.units(column, kept),
                Role::RequestId => self.request_ids(column, kept),
                Role::Segment => {
                    self.segment(segment, column, kept, issues);
                    segment += 1;
                }
                Role::Metric => {
                    let values = numbers(role, column, mapping.decimal_mark, (batch, kept), issues);
                    self.extend_quantity(Quantity::Extra(metric), values);
                    metric += 1;
                }
                Role::Ttft if role.stamp.is_some() => {
                    let starts = &self.log.start_us[self.log.start_us.len() - kept.len()..];
                    let rows = (batch, kept, starts);
                    let values = self.stamps.since_start(role, column, rows, issues);
                    self.extend_quantity(Quantity::TtftMs, values);
                }
                _ => {
                    let values = numbers(role, column, mapping.decimal_mark, (batch, kept), issues);
                    if let Some(quantity) = quantity_of(role.role) {
                        self.extend_quantity(quantity, values);
                    }
                }
            }
        }
        if mapping.column(Role::Status).is_none() {
            self.log.outcome.resize(self.log.row.len(), Outcome::Ok);
        }
    }

    /// Settles event times and sorts.
    pub(super) fn finish(mut self, name: String, issues: &mut Issues) -> RequestLog {
        self.log.name = name;
        if self.mapping.column(Role::Variant).is_none() {
            self.log.arms = vec![Arm {
                name: "all requests".to_owned(),
            }];
        }
        if let Some(units) = &mut self.log.units {
            units.n_units = self.unit_codes.len() as u32;
        }
        self.settle_times(issues);
        for (quantity, values) in std::mem::take(&mut self.quantities) {
            self.log.quantities.push((quantity, values.into()));
        }
        if let Some(ids) = &mut self.log.request_id {
            *ids = RequestIds::of_hashes(&[std::mem::take(&mut self.request_ids)]);
        }
        self.log.assemble()
    }

    /// Event time = end, else start + latency, else start; latency = end - start where no column
    /// holds it.
    fn settle_times(&mut self, issues: &mut Issues) {
        let log = &mut self.log;
        let latency = self
            .quantities
            .iter()
            .position(|(q, _)| *q == Quantity::LatencyMs);
        let ends = self.end_us.take();
        log.event_us = log.start_us.clone();
        let mut n_end_before_start = 0;
        let mut derived = vec![f64::NAN; log.start_us.len()];
        for (i, event) in log.event_us.iter_mut().enumerate() {
            let end = ends.as_ref().map(|e| e[i]).filter(|e| *e != NO_STAMP);
            let start = &mut log.start_us[i];
            let latency_us = latency
                .map(|k| self.quantities[k].1[i])
                .filter(|ms| *ms > 0.0)
                .map(|ms| (ms * 1e3).round() as i64);
            if *start == NO_STAMP {
                // Only the end is known: the start follows from the latency.
                *event = end.unwrap_or(0);
                *start = *event - latency_us.unwrap_or(0);
                continue;
            }
            match end {
                Some(end) if end >= *start => {
                    *event = end;
                    derived[i] = (end - *start) as f64 / 1e3;
                }
                Some(_) => n_end_before_start += 1,
                None if log.clock != Clock::RowOrder => *event = *start + latency_us.unwrap_or(0),
                None => {}
            }
        }
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
        if latency.is_none() && ends.is_some() && self.mapping.column(Role::Time).is_some() {
            self.quantities.insert(0, (Quantity::LatencyMs, derived));
            issues.note(
                Effect::Noted,
                None,
                "Latency was taken as end minus start",
                "",
                "",
            );
        }
    }

    fn extend_quantity(&mut self, quantity: Quantity, values: Vec<f64>) {
        if let Some((_, column)) = self.quantities.iter_mut().find(|(q, _)| *q == quantity) {
            column.extend(values);
        }
    }

    fn arms(
        &mut self,
        role: &ColumnRole,
        column: &Column,
        batch: &Batch,
        issues: &mut Issues,
    ) -> Vec<Option<u16>> {
        let texts = Texts::of(column);
        let code = |i: usize| -> Option<u16> {
            let Some(name) = texts.get(i).map(str::trim).filter(|t| !t.is_empty()) else {
                let kind = (
                    Effect::Rejected,
                    "No variant",
                    "Rows that belong to no arm cannot be compared; they were left out",
                );
                issues.value(kind, Some(&role.column), batch.lines[i], "(empty)");
                return None;
            };
            if let Some(code) = self.arm_codes.get(name) {
                return Some(*code);
            }
            if self.log.arms.len() == MAX_ARMS {
                let kind = (
                    Effect::Rejected,
                    "More than 1,000 variants",
                    "The variant column should hold a few labels; map another column",
                );
                issues.value(kind, Some(&role.column), batch.lines[i], name);
                return None;
            }
            let code = self.log.arms.len() as u16;
            self.log.arms.push(Arm {
                name: name.to_owned(),
            });
            self.arm_codes.insert(name.to_owned(), code);
            Some(code)
        };
        (0..column.len()).map(code).collect()
    }

    fn outcomes(
        &mut self,
        role: &ColumnRole,
        column: &Column,
        batch: &Batch,
        kept: &[usize],
        issues: &mut Issues,
    ) {
        let texts = Texts::of(column);
        let form = self.status_form;
        for &i in kept {
            let outcome = match texts.get(i).filter(|t| !role.is_null(t)) {
                None => form.of_null(),
                Some(text) => form.read(text).unwrap_or_else(|| {
                    let kind = (Effect::Missing, "Status that is not known", "Such requests are left out of error shares; map another column, or translate the words in the export");
                    issues.value(kind, Some(&role.column), batch.lines[i], text);
                    Outcome::Unknown
                }),
            };
            self.log.outcome.push(outcome);
        }
    }

    fn units(&mut self, column: &Column, kept: &[usize]) {
        let texts = Texts::of(column);
        let Some(units) = &mut self.log.units else {
            return;
        };
        for &i in kept {
            let code = match texts.get(i).map(str::trim).filter(|t| !is_null_word(t)) {
                None => Units::NONE,
                Some(name) => match self.unit_codes.get(name) {
                    Some(code) => *code,
                    None => {
                        let code = self.unit_codes.len() as u32;
                        self.unit_codes.insert(name.to_owned(), code);
                        code
                    }
                },
            };
            units.id.push(code);
        }
    }

    fn request_ids(&mut self, column: &Column, kept: &[usize]) {
        let texts = Texts::of(column);
        self.request_ids.extend(
            kept.iter()
                .map(|&i| texts.get(i).filter(|t| !is_null_word(t)).map_or(0, hash)),
        );
    }

    fn segment(&mut self, index: usize, column: &Column, kept: &[usize], issues: &mut Issues) {
        let texts = Texts::of(column);
        let segment = &mut self.log.segments[index];
        let codes = &mut self.segment_codes[index];
        for &i in kept {
            let mut value = texts.get(i).unwrap_or_default();
            if !codes.contains_key(value) && segment.values.len() >= MAX_SEGMENT_VALUES {
                value = "(other)";
                issues.note(
                    Effect::Assumed,
                    Some(&segment.name),
                    "More than 1,000 distinct values; the later ones count as \"(other)\"",
                    "",
                    "Leave this column out of the mapping, or group its values in the export",
                );
            }
            let code = match codes.get(value) {
                Some(code) => *code,
                None => {
                    let code = segment.values.len() as u16;
                    segment.values.push(value.to_owned());
                    codes.insert(value.to_owned(), code);
                    code
                }
            };
            segment.code.push(code);
        }
    }
}

/// The numbers of a column at the kept rows, in the canonical unit; NaN where missing.
fn numbers(
    role: &ColumnRole,
    column: &Column,
    mark: DecimalMark,
    (batch, kept): (&Batch, &[usize]),
    issues: &mut Issues,
) -> Vec<f64> {
    let factor = if role.role.is_duration() {
        role.unit.unwrap_or(DurationUnit::Ms).in_ms()
    } else {
        role.scale.unwrap_or(1.0)
    };
    let forbids_negative = !matches!(role.role, Role::Rating | Role::Metric);
    let typed = column.dtype().is_numeric()
        || column.dtype().is_bool()
        || matches!(column.dtype(), DataType::Decimal(..));
    let floats = typed
        .then(|| column.cast(&DataType::Float64).ok())
        .flatten();
    let floats = floats.as_ref().and_then(|c| c.f64().ok());
    let texts = if floats.is_none() {
        Some(Texts::of(column))
    } else {
        None
    };
    let mut read = |i: usize| -> f64 {
        let line = batch.lines[i];
        let value = match (&floats, &texts) {
            (Some(floats), _) => floats
                .get(i)
                .filter(|v| v.is_finite() && !role.is_null_number(*v))
                .unwrap_or(f64::NAN),
            (None, Some(texts)) => match texts.get(i).filter(|t| !role.is_null(t)) {
                None => f64::NAN,
                Some(text) => parse_number(text, mark)
                    .or_else(|| matches!(role.role, Role::Rating | Role::Metric).then(|| rating_of_word(text)).flatten())
                    .unwrap_or_else(|| {
                        let kind = (Effect::Missing, "Not a number", "Such values count as missing; correct the export or map another column");
                        issues.value(kind, Some(&role.column), line, text);
                        f64::NAN
                    }),
            },
            (None, None) => f64::NAN,
        };
        if value < 0.0 && forbids_negative {
            let kind = (
                Effect::Missing,
                "Negative value",
                "A duration, token count or cost cannot be negative; such values count as missing",
            );
            issues.value(kind, Some(&role.column), line, &value.to_string());
            return f64::NAN;
        }
        if role.role.is_duration() && value * factor > LONGEST_MS {
            let kind = (
                Effect::Missing,
                "A duration of more than 30 days",
                "Such numbers often stand for \"no value\", or the unit is wrong; they count as missing",
            );
            issues.value(kind, Some(&role.column), line, &value.to_string());
            return f64::NAN;
        }
        value * factor
    };
    kept.iter().map(|&i| read(i)).collect()
}

fn quantity_of(role: Role) -> Option<Quantity> {
    Some(match role {
        Role::Latency => Quantity::LatencyMs,
        Role::Ttft => Quantity::TtftMs,
        Role::Rating => Quantity::Rating,
        Role::TokensIn => Quantity::TokensIn,
        Role::TokensOut => Quantity::TokensOut,
        Role::Cost => Quantity::Cost,
        _ => return None,
    })
}

/// FNV-1a: stable between runs and platforms; never 0, which means "no id".
fn hash(text: &str) -> u64 {
    let step = |h: u64, b: u8| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3);
    text.bytes().fold(0xcbf2_9ce4_8422_2325, step).max(1)
}
