//! The rows of one batch in typed columns, read on any thread; [`super::columns`] joins them.

use polars::prelude::DataType;

use super::batch::{Batch, Texts, Values};
use super::column_profile::ColumnProfile;
use super::ids::{buckets, hashes, keys};
use super::issues::{Effect, Issues};
use super::kept::Kept;
use super::key::{Dictionary, SharedDictionary, hash, key};
use super::left_out::left_out;
use super::mapping::{ColumnRole, Mapping, Role};
use super::names::normalize;
use super::number::{DecimalMark, parse_number, trimmed};
use super::outcome::{OutcomeForm, rating_of_word};
use super::router::Router;
use super::stamp::DurationUnit;
use super::stamp_column::{NO_STAMP, NO_TIME, StampReader};
use super::written_duration::written_ms;
use crate::data::{LeftOut, Outcome, Packed, Units};
use crate::error::Result;

/// 30 days: no request takes longer, and one such number would stretch every trend and replay.
pub(super) const LONGEST_MS: f64 = 30.0 * 86_400_000.0;

/// How the columns of a mapping are read.
pub(super) struct Plan<'a> {
    pub(super) mapping: &'a Mapping,
    stamps: StampReader,
    status_form: OutcomeForm,
    pub(super) units: SharedDictionary,
    /// Whether units are kept as hashes rather than numbered: numbers need a table of all units.
    pub(super) hashes_units: bool,
    /// The router that explains the arms.
    pub(super) router: Option<Router>,
}

/// Typed columns of consecutive rows, those that were rejected left out.
pub(super) struct Part {
    /// Per row: data row and line, counted as in the batch.
    pub(super) rows: Vec<u32>,
    pub(super) lines: Vec<u64>,
    pub(super) start_us: Vec<i64>,
    /// `None` where the mapping has no end.
    pub(super) end_us: Option<Vec<i64>>,
    /// When ratings were given; `None` where the mapping has no such column.
    pub(super) rated_us: Option<Vec<i64>>,
    /// `None` where the mapping has no variant.
    pub(super) arms: Option<Labels>,
    pub(super) outcomes: Vec<Outcome>,
    /// `None` where the mapping has no status.
    pub(super) error_codes: Option<Labels>,
    /// Provisional numbers.
    pub(super) units: Option<Vec<u32>>,
    /// In their place, where they are hashed; 0 for none.
    pub(super) unit_hashes: Option<Vec<u64>>,
    pub(super) request_ids: Option<Vec<u64>>,
    pub(super) buckets: Option<Vec<u16>>,
    pub(super) segments: Vec<Labels>,
    /// In the order of the mapping's columns.
    pub(super) quantities: Vec<Packed>,
    /// Rows that are in none of these columns, by the part's own numbers of the arms.
    pub(super) left_out: LeftOut,
    /// What was rejected or repaired.
    pub(super) issues: Issues,
}

/// A column of few values: codes into names in the order of their first row.
#[derive(Default)]
pub(super) struct Labels {
    pub(super) names: Vec<String>,
    pub(super) codes: Vec<u16>,
}

impl Labels {
    /// The code of names beyond the 65,535th.
    pub(super) const OTHER: u16 = u16::MAX;
    /// The code of a row without a name.
    pub(super) const NONE: u16 = u16::MAX - 1;
}

impl<'a> Plan<'a> {
    pub(super) fn new(mapping: &'a Mapping, profiles: &[ColumnProfile]) -> Result<Self> {
        let status_form = mapping
            .column(Role::Status)
            .map_or(OutcomeForm::Status, |c| {
                let mut own = profiles.iter().filter(|p| p.name == c.column);
                if own.any(|p| p.n_null == p.n) {
                    OutcomeForm::Error
                } else {
                    OutcomeForm::of_name(&normalize(&c.column))
                }
            });
        Ok(Self {
            mapping,
            stamps: StampReader::new(mapping)?,
            status_form,
            units: SharedDictionary::new(),
            hashes_units: false,
            router: None,
        })
    }

    /// Reads a batch whose columns stand in the order of the mapping; `piece` numbers the batches in
    /// the order of the log.
    pub(super) fn read(&self, piece: u32, batch: &Batch, mut issues: Issues) -> Part {
        let columns = || self.mapping.columns.iter().zip(&batch.columns);
        let of = |role| columns().find(|(c, _)| c.role == role);
        // First what can reject a row, so that the rest reads accepted rows only.
        let mut stamps = |role| {
            of(role).map(|(role, values)| self.stamps.read(role, values, batch, &mut issues))
        };
        let (starts, ends) = (stamps(Role::Time), stamps(Role::EndTime));
        let arms = of(Role::Variant).map(|(role, values)| arms(role, values, batch, &mut issues));
        let n = batch.rows.len();
        let mut keep = vec![true; n];
        if let Some(arms) = &arms {
            let has_arm = arms.codes.iter().map(|code| *code != Labels::NONE);
            keep.iter_mut()
                .zip(has_arm)
                .for_each(|(keep, has)| *keep &= has);
        }
        // A row needs one stamp where the log has any.
        if starts.is_some() || ends.is_some() {
            let has = |stamps: &Option<Vec<i64>>, i: usize| {
                stamps.as_ref().is_some_and(|s| s[i] != NO_STAMP)
            };
            for (i, keep) in keep.iter_mut().enumerate() {
                let has_time = has(&starts, i) || has(&ends, i);
                // Of a log with one column of stamps, its reader has said so.
                if !has_time && starts.is_some() && ends.is_some() {
                    issues.value(NO_TIME, None, batch.lines[i], "");
                }
                *keep &= has_time;
            }
        }
        let kept = Kept::new(keep);
        let left_out = left_out(arms.as_ref(), of(Role::Status), self.status_form, &kept);
        let row_order = |row: &u32| i64::from(*row) * 1_000_000;
        // Where only ends are known, the starts follow from the latencies at the end.
        let fallback = || match &ends {
            Some(_) => vec![NO_STAMP; n],
            None => batch.rows.iter().map(row_order).collect(),
        };
        let mut part = Part {
            rows: kept.of(batch.rows.clone()),
            lines: kept.of(batch.lines.clone()),
            start_us: kept.of(starts.unwrap_or_else(fallback)),
            end_us: ends.map(|ends| kept.of(ends)),
            rated_us: None,
            arms: arms.map(|arms| Labels {
                codes: kept.of(arms.codes),
                ..arms
            }),
            outcomes: Vec::new(),
            error_codes: None,
            units: None,
            unit_hashes: None,
            request_ids: None,
            buckets: None,
            segments: Vec::new(),
            quantities: Vec::new(),
            left_out,
            issues,
        };
        for (role, values) in columns() {
            self.read_column(&mut part, piece, (role, values), (batch, &kept));
        }
        if part.outcomes.is_empty() {
            part.outcomes = vec![Outcome::Ok; kept.n];
        }
        part
    }

    /// A column that never rejects a row.
    fn read_column(
        &self,
        part: &mut Part,
        piece: u32,
        (role, values): (&ColumnRole, &Values),
        (batch, kept): (&Batch, &Kept),
    ) {
        if let Some(router) = self.router.as_ref().filter(|r| r.column == role.column) {
            part.buckets = Some(buckets(router, values, kept));
        }
        let issues = &mut part.issues;
        match role.role {
            Role::Time | Role::EndTime | Role::Variant => {}
            Role::RatedAt => {
                let stamps = self.stamps.read(role, values, batch, issues);
                part.rated_us = Some(kept.of(stamps));
            }
            Role::Status => {
                let (outcomes, codes) =
                    outcomes(self.status_form, (role, values), (batch, kept), issues);
                (part.outcomes, part.error_codes) = (outcomes, Some(codes));
            }
            Role::Unit => {
                let keys = keys(values, kept, true);
                if self.hashes_units {
                    part.unit_hashes = Some(hashes(keys));
                } else {
                    part.units = Some(self.units.codes(piece, &keys, Units::NONE));
                }
            }
            Role::RequestId => {
                part.request_ids = Some(hashes(keys(values, kept, false)));
            }
            Role::Segment => part.segments.push(segment(values, kept)),
            Role::Ttft if role.stamp.is_some() => {
                let rows = (batch, kept, part.start_us.as_slice());
                let values = self.stamps.since_start(role, values, rows, issues);
                part.quantities.push(Packed::of(&values));
            }
            _ => {
                let mark = self.mapping.decimal_mark;
                let values = numbers((role, values), mark, (batch, kept), issues);
                part.quantities.push(Packed::of(&values));
            }
        }
    }
}

impl Part {
    /// Leaves out rows.
    pub(super) fn retain(&mut self, keep: Vec<bool>) {
        let kept = Kept::new(keep);
        let of_labels =
            |labels: &mut Labels| labels.codes = kept.of(std::mem::take(&mut labels.codes));
        self.rows = kept.of(std::mem::take(&mut self.rows));
        self.lines = kept.of(std::mem::take(&mut self.lines));
        self.start_us = kept.of(std::mem::take(&mut self.start_us));
        self.end_us = self.end_us.take().map(|ends| kept.of(ends));
        self.rated_us = self.rated_us.take().map(|times| kept.of(times));
        self.outcomes = kept.of(std::mem::take(&mut self.outcomes));
        self.units = self.units.take().map(|units| kept.of(units));
        self.unit_hashes = self.unit_hashes.take().map(|hashes| kept.of(hashes));
        self.request_ids = self.request_ids.take().map(|ids| kept.of(ids));
        self.buckets = self.buckets.take().map(|buckets| kept.of(buckets));
        self.arms
            .iter_mut()
            .chain(&mut self.error_codes)
            .chain(&mut self.segments)
            .for_each(of_labels);
        for packed in &mut self.quantities {
            let mut values = Vec::with_capacity(packed.len());
            packed.for_each_value(|value| values.push(value));
            *packed = Packed::of(&kept.of(values));
        }
    }
}

/// Numbers names in the order of their first row. Rows mostly repeat one of few names, so that
/// looking back one and a small table are enough.
#[derive(Default)]
struct Labeller {
    dictionary: Dictionary,
    labels: Labels,
    last: Option<(u128, u16)>,
}

impl Labeller {
    #[inline]
    fn push(&mut self, name: &str) {
        let key = key(name.as_bytes());
        if let Some((_, code)) = self.last.filter(|(last, _)| *last == key) {
            self.labels.codes.push(code);
            return;
        }
        let (code, is_new) = self.dictionary.code(key, hash(key));
        if is_new && code < u32::from(Labels::NONE) {
            self.labels.names.push(name.to_owned());
        }
        let code = if code < u32::from(Labels::NONE) {
            code as u16
        } else {
            Labels::OTHER
        };
        self.last = Some((key, code));
        self.labels.codes.push(code);
    }
}

/// The arms of all rows; [`Labels::NONE`] where a row names none.
fn arms(role: &ColumnRole, values: &Values, batch: &Batch, issues: &mut Issues) -> Labels {
    let mut labeller = Labeller::default();
    Texts::of(values).for_each(
        |i, text| match text.map(trimmed).filter(|name| !name.is_empty()) {
            Some(name) => labeller.push(name),
            None => {
                let kind = (
                    Effect::Rejected,
                    "No variant",
                    "Rows that belong to no arm cannot be compared; they were left out",
                );
                issues.value(kind, Some(&role.column), batch.lines[i], "(empty)");
                labeller.labels.codes.push(Labels::NONE);
            }
        },
    );
    labeller.labels
}

fn segment(values: &Values, kept: &Kept) -> Labels {
    let mut labeller = Labeller::default();
    Texts::of(values).for_each(|i, text| {
        if kept.has(i) {
            labeller.push(text.unwrap_or_default());
        }
    });
    labeller.labels
}

/// Codes of failures that a part tells apart; later ones are called [`OTHER_CODE`].
const MAX_CODES: usize = 100;
const OTHER_CODE: &str = "(other)";

/// The place of a failure's code among the names.
fn error_code(names: &mut Vec<String>, text: &str) -> u16 {
    let name = OutcomeForm::error_code(text).unwrap_or_default();
    let place = |names: &[String], name: &str| names.iter().position(|known| known == name);
    let is_new = place(names, &name).is_none();
    let name = if is_new && names.len() >= MAX_CODES {
        OTHER_CODE.to_owned()
    } else {
        name
    };
    let found = place(names, &name).unwrap_or_else(|| {
        names.push(name);
        names.len() - 1
    });
    found as u16
}

/// How every row ended, and the codes of those that failed.
fn outcomes(
    form: OutcomeForm,
    (role, values): (&ColumnRole, &Values),
    (batch, kept): (&Batch, &Kept),
    issues: &mut Issues,
) -> (Vec<Outcome>, Labels) {
    let mut outcomes = Vec::with_capacity(kept.n);
    let mut codes = Labels {
        names: vec![String::new()],
        codes: Vec::with_capacity(kept.n),
    };
    // A log holds few different codes: what a text means is worked out once and looked up then.
    let mut known = Dictionary::default();
    let mut meanings: Vec<(Option<Outcome>, u16)> = Vec::new();
    let mut read = |i: usize, text: Option<&str>| {
        let (meaning, code_of_row) = match text {
            None => (Some(form.of_null()), 0),
            Some(text) => {
                let key = key(text.as_bytes());
                let (code, is_new) = known.code(key, hash(key));
                if is_new {
                    let meaning = if role.is_null(text) {
                        Some(form.of_null())
                    } else {
                        form.read(text)
                    };
                    let code = match meaning {
                        Some(outcome) if outcome.is_error() => error_code(&mut codes.names, text),
                        _ => 0,
                    };
                    meanings.push((meaning, code));
                }
                meanings[code as usize]
            }
        };
        codes.codes.push(code_of_row);
        outcomes.push(meaning.unwrap_or_else(|| {
            let kind = (Effect::Missing, "Status that is not known", "Such requests are left out of error shares; map another column, or translate the words in the export");
            issues.value(kind, Some(&role.column), batch.lines[i], text.unwrap_or_default());
            Outcome::Unknown
        }));
    };
    if let Some(numbers) = values.integers() {
        let mut last: Option<(i64, String)> = None;
        for (i, value) in numbers.iter().enumerate().filter(|(i, _)| kept.has(*i)) {
            match (value, &last) {
                (None, _) => read(i, None),
                (Some(value), Some((known, text))) if *value == *known => read(i, Some(text)),
                (Some(value), _) => {
                    let (_, text) = last.insert((*value, value.to_string()));
                    read(i, Some(text));
                }
            }
        }
    } else {
        Texts::of(values).for_each(|i, text| {
            if kept.has(i) {
                read(i, text);
            }
        });
    }
    (outcomes, codes)
}

/// The numbers of a column at the accepted rows, in the canonical unit; NaN where missing.
fn numbers(
    (role, values): (&ColumnRole, &Values),
    mark: DecimalMark,
    (batch, kept): (&Batch, &Kept),
    issues: &mut Issues,
) -> Vec<f64> {
    let is_duration = role.role.is_duration();
    let factor = if is_duration {
        role.unit.unwrap_or(DurationUnit::Ms).in_ms()
    } else {
        role.scale.unwrap_or(1.0)
    };
    let forbids_negative = !matches!(role.role, Role::Rating | Role::Metric | Role::Covariate);
    let mut found = Vec::with_capacity(kept.n);
    let mut push = |i: usize, value: f64, issues: &mut Issues| {
        let kind = if value < 0.0 && forbids_negative {
            (
                Effect::Missing,
                "Negative value",
                "A duration, token count or cost cannot be negative; such values count as missing",
            )
        } else if is_duration && value * factor > LONGEST_MS {
            (
                Effect::Missing,
                "A duration of more than 30 days",
                "Such numbers often stand for \"no value\", or the unit is wrong; they count as missing",
            )
        } else {
            found.push(value * factor);
            return;
        };
        issues.value(kind, Some(&role.column), batch.lines[i], &value.to_string());
        found.push(f64::NAN);
    };
    if let Some(floats) = floats(values) {
        let has_nulls = !role.nulls.is_empty();
        for (i, value) in floats.into_iter().enumerate().filter(|(i, _)| kept.has(*i)) {
            let is_value = value.is_finite() && !(has_nulls && role.is_null_number(value));
            push(i, if is_value { value } else { f64::NAN }, issues);
        }
        return found;
    }
    let is_score = matches!(role.role, Role::Rating | Role::Metric | Role::Covariate);
    let has_nulls = !role.nulls.is_empty();
    Texts::of(values).for_each(|i, text| {
        if !kept.has(i) {
            return;
        }
        let Some(text) = text else {
            return push(i, f64::NAN, issues);
        };
        let written = || {
            let ms = is_duration.then(|| written_ms(text)).flatten();
            ms.map(|ms| ms / factor)
        };
        let value = parse_number(text, mark).or_else(written);
        let value = value.filter(|_| !has_nulls || !role.is_null(text));
        let value = value.unwrap_or_else(|| {
            if role.is_null(text) {
                return f64::NAN;
            }
            let word = is_score.then(|| rating_of_word(text)).flatten();
            word.unwrap_or_else(|| {
                let kind = (
                    Effect::Missing,
                    "Not a number",
                    "Such values count as missing; correct the export or map another column",
                );
                issues.value(kind, Some(&role.column), batch.lines[i], text);
                f64::NAN
            })
        });
        push(i, value, issues);
    });
    found
}

/// The values of a typed numeric column, NaN for null; `None` for text.
fn floats(values: &Values) -> Option<Vec<f64>> {
    let Values::Typed(column) = values else {
        return None;
    };
    let dtype = column.dtype();
    let is_number = dtype.is_numeric() || dtype.is_bool() || matches!(dtype, DataType::Decimal(..));
    let floats = column.cast(&DataType::Float64).ok().filter(|_| is_number)?;
    let floats = floats.f64().ok()?;
    Some(
        floats
            .iter()
            .map(|value| value.unwrap_or(f64::NAN))
            .collect(),
    )
}
