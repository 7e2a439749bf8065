//! Requests to cells, a piece of a log after the other.

use std::collections::HashMap;

use rayon::prelude::*;

use super::{Cell, Cells, Measure, Place, Stretches, bins, is_duration, needs_answer};
use crate::data::{Numbers, Outcome, Quantity, RequestLog};

/// Adds up cells. What it takes grows with the cells, not with the requests, but for eight bytes per
/// user and stretch of time.
pub struct Gatherer<'a> {
    stretches: Stretches<'a>,
    /// The whole log, then every segment column.
    slots: Vec<Slot>,
    /// Names and dictionaries of all pieces so far.
    names: RequestLog,
}

/// The requests split by one column.
#[derive(Default)]
struct Slot {
    /// The segment column; `None` for the whole log.
    segment: Option<usize>,
    blocks: Vec<Block>,
    place: HashMap<BlockKey, u32>,
}

/// Start, arm and value.
type BlockKey = (i64, u16, u16);

/// All measures of one arm in one stretch of time.
struct Block {
    key: BlockKey,
    n: u64,
    span_us: (i64, i64),
    outcomes: [u64; 5],
    /// In the order of the log's quantities.
    sums: Vec<Sums>,
    /// The same, of durations of requests that were not answered; empty where they are not counted.
    unanswered: Vec<Sums>,
    users: Distinct,
}

/// Of one quantity.
#[derive(Default)]
struct Sums {
    n: u64,
    sum: f64,
    sum_sq: f64,
    n_not_positive: u64,
    /// Counts of consecutive bins.
    first_bin: i32,
    bins: Vec<u64>,
}

/// Ids, each once.
#[derive(Default)]
struct Distinct {
    ids: Vec<u64>,
    /// How many of the leading ids are sorted and differ.
    n_sorted: usize,
    n_without: u64,
}

/// A quantity of a piece, ready to be added up.
struct Column<'a> {
    numbers: &'a Numbers,
    /// Whether only answered requests count.
    needs_answer: bool,
    /// Per code, of durations.
    bins: Vec<Option<i32>>,
}

impl<'a> Gatherer<'a> {
    /// Of these stretches of time.
    pub fn new(stretches: Stretches<'a>) -> Self {
        Self {
            stretches,
            slots: Vec::new(),
            names: RequestLog::default(),
        }
    }

    /// Adds requests. `users` holds an id per row, 0 where it names none.
    ///
    /// All pieces come from one log: arms and segment values keep their numbers.
    pub fn add(&mut self, piece: &RequestLog, users: Option<&[u64]>) {
        if self.slots.is_empty() {
            let columns = (0..piece.segments.len()).map(Some);
            self.slots = [None]
                .into_iter()
                .chain(columns)
                .map(|segment| Slot {
                    segment,
                    ..Slot::default()
                })
                .collect();
        }
        self.names = piece.without_rows();
        let columns: Vec<Column<'_>> = piece.quantities.iter().map(Column::of).collect();
        let stretches = self.stretches;
        self.slots
            .par_iter_mut()
            .for_each(|slot| slot.add(piece, &columns, users, stretches));
    }

    /// The cells of all requests.
    pub fn finish(self) -> Cells {
        let Self {
            stretches,
            slots,
            names,
        } = self;
        let mut cells = Cells {
            width_us: match stretches {
                Stretches::Every(width_us) => width_us,
                Stretches::Stages(_) => 0,
            },
            arms: names.arms.iter().map(|arm| arm.name.clone()).collect(),
            extra_names: names.extra_names.clone(),
            ..Cells::default()
        };
        for slot in slots {
            let first = cells.places.len() as u32;
            match slot.segment.map(|i| &names.segments[i]) {
                None => cells.places.push(Place::default()),
                Some(segment) => cells
                    .places
                    .extend(segment.values.iter().map(|value| Place {
                        segment: segment.name.clone(),
                        value: value.clone(),
                    })),
            }
            let is_whole = slot.segment.is_none();
            for block in slot.blocks {
                block.write(first, is_whole, &names, &mut cells.cells);
            }
        }
        cells.ordered()
    }
}

impl<'a> Column<'a> {
    fn of((quantity, numbers): &'a (Quantity, Numbers)) -> Self {
        let bins = if is_duration(*quantity) {
            numbers
                .table()
                .iter()
                .map(|ms| bins::bin_of_ms(*ms))
                .collect()
        } else {
            Vec::new()
        };
        Self {
            numbers,
            needs_answer: needs_answer(*quantity),
            bins,
        }
    }
}

impl Slot {
    fn add(
        &mut self,
        piece: &RequestLog,
        columns: &[Column<'_>],
        users: Option<&[u64]>,
        stretches: Stretches<'_>,
    ) {
        let values = self.segment.map(|i| &piece.segments[i].code);
        let has_stretches = matches!(stretches, Stretches::Every(_));
        let counts_unanswered = self.segment.is_none() && has_stretches && piece.has_outcome;
        let mut last: Option<(BlockKey, u32)> = None;
        for row in 0..piece.n_rows() {
            let event_us = piece.event_us[row];
            let start = stretches.start_us(event_us);
            let key = (start, piece.arm[row], values.map_or(0, |codes| codes[row]));
            let at = match last {
                Some((known, at)) if known == key => at,
                _ => *self.place.entry(key).or_insert_with(|| {
                    let mut block = Block::new(key, columns.len(), event_us);
                    if counts_unanswered {
                        block.unanswered = (0..columns.len()).map(|_| Sums::default()).collect();
                    }
                    self.blocks.push(block);
                    self.blocks.len() as u32 - 1
                }),
            };
            last = Some((key, at));
            let block = &mut self.blocks[at as usize];
            let outcome = piece.outcome[row];
            block.n += 1;
            block.span_us.0 = block.span_us.0.min(event_us);
            block.span_us.1 = block.span_us.1.max(event_us);
            block.outcomes[outcome.number() as usize] += 1;
            for (sums, column) in block.sums.iter_mut().zip(columns) {
                sums.add(column, column.numbers.code(row), outcome);
            }
            if outcome != Outcome::Ok {
                for (sums, column) in block.unanswered.iter_mut().zip(columns) {
                    if !column.bins.is_empty() {
                        sums.add_value(column, column.numbers.code(row));
                    }
                }
            }
            if let Some(users) = users.filter(|_| self.segment.is_none()) {
                block.users.add(users[row]);
            }
        }
    }
}

impl Sums {
    #[inline]
    fn add(&mut self, column: &Column<'_>, code: usize, outcome: Outcome) {
        if !column.needs_answer || outcome == Outcome::Ok {
            self.add_value(column, code);
        }
    }

    #[inline]
    fn add_value(&mut self, column: &Column<'_>, code: usize) {
        let value = column.numbers.table()[code];
        if value.is_nan() {
            return;
        }
        if let Some(bin) = column.bins.get(code).copied().flatten() {
            if bin == bins::NOT_POSITIVE {
                self.n_not_positive += 1;
                return;
            }
            self.count(bin);
        }
        self.n += 1;
        self.sum += value;
        self.sum_sq += value * value;
    }

    fn count(&mut self, bin: i32) {
        if self.bins.is_empty() {
            self.first_bin = bin;
        }
        if bin < self.first_bin {
            let room = (self.first_bin - bin) as usize;
            self.bins.splice(0..0, std::iter::repeat_n(0, room));
            self.first_bin = bin;
        }
        let at = (bin - self.first_bin) as usize;
        if at >= self.bins.len() {
            self.bins.resize(at + 1, 0);
        }
        self.bins[at] += 1;
    }
}

impl Block {
    fn new(key: BlockKey, n_quantities: usize, event_us: i64) -> Self {
        Self {
            key,
            n: 0,
            span_us: (event_us, event_us),
            outcomes: [0; 5],
            sums: (0..n_quantities).map(|_| Sums::default()).collect(),
            unanswered: Vec::new(),
            users: Distinct::default(),
        }
    }

    /// As cells, whose places count from `first`.
    fn write(self, first: u32, is_whole: bool, names: &RequestLog, cells: &mut Vec<Cell>) {
        let (time_us, arm, value) = self.key;
        let cell = |measure, bin, n| Cell {
            place: first + u32::from(value),
            measure,
            arm,
            time_us,
            bin,
            n,
            sum: 0.0,
            sum_sq: 0.0,
            span_us: None,
        };
        cells.push(Cell {
            span_us: Some(self.span_us),
            ..cell(Measure::Requests, None, self.n)
        });
        if is_whole && names.units.is_some() {
            cells.push(cell(Measure::Users, None, self.users.count()));
        }
        if names.has_outcome {
            let outcomes = (0..).zip(self.outcomes).filter(|(_, n)| *n > 0);
            cells.extend(outcomes.map(|(bin, n)| cell(Measure::Outcome, Some(bin), n)));
        }
        let quantities = || names.quantities.iter().map(|(quantity, _)| *quantity);
        let answered = quantities().map(Measure::Of).zip(self.sums);
        let unanswered = quantities().map(Measure::Unanswered).zip(self.unanswered);
        for (measure, sums) in answered.chain(unanswered) {
            // What was known about users before is no outcome.
            if names.covariate.map(|i| Measure::Of(Quantity::Extra(i))) == Some(measure) {
                continue;
            }
            let of_bins = (sums.first_bin..).zip(sums.bins);
            let none = (bins::NOT_POSITIVE, sums.n_not_positive);
            if sums.n > 0 {
                cells.push(Cell {
                    sum: sums.sum,
                    sum_sq: sums.sum_sq,
                    ..cell(measure, None, sums.n)
                });
            }
            let counted = [none].into_iter().chain(of_bins).filter(|(_, n)| *n > 0);
            cells.extend(counted.map(|(bin, n)| cell(measure, Some(bin), n)));
        }
    }
}

impl Distinct {
    fn add(&mut self, id: u64) {
        if id == 0 {
            self.n_without += 1;
            return;
        }
        self.ids.push(id);
        if self.ids.len() > 2 * self.n_sorted + 1024 {
            self.settle();
        }
    }

    fn settle(&mut self) {
        self.ids.sort_unstable();
        self.ids.dedup();
        self.n_sorted = self.ids.len();
    }

    fn count(mut self) -> u64 {
        self.settle();
        self.ids.len() as u64 + self.n_without
    }
}
