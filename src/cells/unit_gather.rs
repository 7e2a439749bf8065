//! Users' totals to products of totals, a piece of a log after the other.

use std::collections::{BTreeMap, HashMap};

use rayon::prelude::*;

use super::in_both::{Both, in_both};
use super::{
    Cells, Group, Place, Scope, Stretches, UnitCell, UnitMeasure, UnitPlan, UnitProducts, bins,
    is_duration, needs_answer,
};
use crate::data::{Numbers, Outcome, Quantity, RequestLog};

/// Adds up users' totals and, at the end, their products. It holds the totals of every user, arm and
/// stage; users may be spread over several passes through the log.
pub struct UnitGatherer {
    plan: UnitPlan,
    /// Of how many passes this is which: it takes the users whose id leaves this remainder.
    pass: (u64, u64),
    /// In the order of the measures.
    ratios: Vec<Ratio>,
    columns: Vec<Column>,
    slots: Vec<Slot>,
    names: RequestLog,
}

/// What adds up over a user's requests.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Column {
    One,
    Named,
    Counted,
    Failed,
    Has(Quantity),
    Value(Quantity),
    Answered(Quantity),
    UpTo(Quantity, i32),
}

/// Indices of numerator and denominator among the columns.
pub(super) struct Ratio {
    pub(super) measure: UnitMeasure,
    num: usize,
    pub(super) den: usize,
}

/// The requests split by one column.
struct Slot {
    /// The segment column; `None` for the whole log.
    segment: Option<usize>,
    /// Segment value, user, group, and where its totals begin.
    place: HashMap<(u16, u64, Group), u32>,
    totals: Vec<f64>,
    /// Requests without a user, each of which counts as one.
    singles: Products,
}

/// By segment value, scope and groups; in the order of the ratios.
pub(super) type Products = BTreeMap<(u16, Scope, [Group; 2]), Vec<UnitProducts>>;

impl UnitGatherer {
    /// Users whose id leaves `pass.0` when divided by `pass.1`; requests without a user are of pass 0.
    pub fn new(plan: UnitPlan, pass: (u64, u64)) -> Self {
        Self {
            plan,
            pass,
            ratios: Vec::new(),
            columns: Vec::new(),
            slots: Vec::new(),
            names: RequestLog::default(),
        }
    }

    /// Adds requests; see [`super::Gatherer::add`].
    pub fn add(&mut self, piece: &RequestLog, users: &[u64]) {
        if self.slots.is_empty() {
            self.begin(piece);
        }
        self.names = piece.without_rows();
        let rows = self.rows(piece, users);
        let facts = Facts::of((piece, users), &self.columns);
        let (plan, ratios) = (&self.plan, &self.ratios);
        self.slots
            .par_iter_mut()
            .for_each(|slot| slot.add(piece, (&rows, users), &facts, (plan, ratios)));
    }

    /// Rows whose users are of this pass.
    fn rows(&self, piece: &RequestLog, users: &[u64]) -> Vec<usize> {
        let (which, n) = self.pass;
        let is_mine = |row: &usize| match users[*row] {
            0 => which == 0,
            id => id % n == which,
        };
        (0..piece.n_rows()).filter(is_mine).collect()
    }

    fn begin(&mut self, piece: &RequestLog) {
        for measure in measures(piece, &self.plan) {
            let (num, den) = columns_of(measure);
            let mut index = |column: Column| {
                let known = self.columns.iter().position(|known| *known == column);
                known.unwrap_or_else(|| {
                    self.columns.push(column);
                    self.columns.len() - 1
                })
            };
            let (num, den) = (index(num), index(den));
            self.ratios.push(Ratio { measure, num, den });
        }
        let columns = (0..piece.segments.len()).map(Some);
        self.slots = [None]
            .into_iter()
            .chain(columns)
            .map(|segment| Slot {
                segment,
                place: HashMap::new(),
                totals: Vec::new(),
                singles: Products::new(),
            })
            .collect();
    }

    /// What users' totals come to, as cells without cells; `by_stage` are the log's cells over the stages.
    pub fn finish(self, by_stage: &Cells) -> Cells {
        let Self {
            plan,
            ratios,
            columns,
            slots,
            names,
            ..
        } = self;
        let in_both = in_both(by_stage, &plan, &ratios);
        let (mut places, mut units) = (Vec::new(), Vec::new());
        for slot in slots {
            let first = places.len();
            match slot.segment.map(|i| &names.segments[i]) {
                None => places.push(Place::default()),
                Some(segment) => places.extend(segment.values.iter().map(|value| Place {
                    segment: segment.name.clone(),
                    value: value.clone(),
                })),
            }
            let both = Both::of(&in_both, &places[first..], &ratios, &plan.stages);
            let products = slot.finish(&plan, &both, columns.len());
            for ((value, scope, groups), sums) in products {
                for (ratio, sums) in ratios.iter().zip(sums).filter(|(_, s)| s.n_units > 0) {
                    units.push(UnitCell {
                        place: first as u32 + u32::from(value),
                        measure: ratio.measure,
                        scope,
                        groups,
                        sums,
                    });
                }
            }
        }
        Cells {
            arms: names.arms.into_iter().map(|arm| arm.name).collect(),
            extra_names: names.extra_names,
            places,
            units,
            ..Cells::default()
        }
    }
}

/// The ratios of a log.
fn measures(log: &RequestLog, plan: &UnitPlan) -> Vec<UnitMeasure> {
    let mut measures = vec![UnitMeasure::Requests, UnitMeasure::Users];
    if log.has_outcome {
        measures.push(UnitMeasure::ErrorShare);
    }
    for (quantity, _) in &log.quantities {
        if is_duration(*quantity) {
            let own = plan.thresholds.iter().filter(|(of, _)| of == quantity);
            measures.extend(own.map(|(of, bin)| UnitMeasure::UpTo(*of, *bin)));
        } else if log.covariate.map(Quantity::Extra) != Some(*quantity) {
            if *quantity == Quantity::Rating {
                measures.push(UnitMeasure::RatedShare);
            }
            measures.push(UnitMeasure::Mean(*quantity));
        }
    }
    measures
}

fn columns_of(measure: UnitMeasure) -> (Column, Column) {
    match measure {
        UnitMeasure::Requests => (Column::One, Column::One),
        UnitMeasure::Users => (Column::Named, Column::Named),
        UnitMeasure::ErrorShare => (Column::Failed, Column::Counted),
        UnitMeasure::RatedShare => (Column::Has(Quantity::Rating), Column::One),
        UnitMeasure::Mean(quantity) => (Column::Value(quantity), Column::Has(quantity)),
        UnitMeasure::UpTo(quantity, bin) => {
            (Column::UpTo(quantity, bin), Column::Answered(quantity))
        }
    }
}

/// What the columns are at the rows of a piece.
struct Facts<'a> {
    log: &'a RequestLog,
    users: &'a [u64],
    columns: Vec<Fact<'a>>,
}

/// A column with its numbers and, by code, their bins, where it reads them.
type Fact<'a> = (Column, Option<&'a Numbers>, Vec<Option<i32>>);

impl<'a> Facts<'a> {
    fn of((log, users): (&'a RequestLog, &'a [u64]), columns: &[Column]) -> Self {
        let with_numbers = |column: &Column| {
            let (quantity, is_binned) = match column {
                Column::Has(q) | Column::Value(q) => (*q, false),
                Column::Answered(q) | Column::UpTo(q, _) => (*q, true),
                _ => return (*column, None, Vec::new()),
            };
            let numbers = log.quantity(quantity);
            let bins = numbers
                .filter(|_| is_binned)
                .map_or_else(Vec::new, |numbers| {
                    numbers
                        .table()
                        .iter()
                        .map(|ms| bins::bin_of_ms(*ms))
                        .collect()
                });
            (*column, numbers, bins)
        };
        Self {
            log,
            users,
            columns: columns.iter().map(with_numbers).collect(),
        }
    }

    /// The columns of one row.
    fn read(&self, row: usize, into: &mut [f64]) {
        let outcome = self.log.outcome[row];
        for ((column, numbers, bins), to) in self.columns.iter().zip(into) {
            let value = || match column {
                Column::Has(q) | Column::Value(q) if needs_answer(*q) && outcome != Outcome::Ok => {
                    f64::NAN
                }
                _ => numbers.map_or(f64::NAN, |numbers| numbers[row]),
            };
            let bin = || {
                let code = numbers.filter(|_| outcome == Outcome::Ok)?.code(row);
                bins[code].filter(|bin| *bin != bins::NOT_POSITIVE)
            };
            *to = match column {
                Column::One => 1.0,
                Column::Named => f64::from(u8::from(self.users[row] != 0)),
                Column::Counted => f64::from(u8::from(outcome.is_counted())),
                Column::Failed => f64::from(u8::from(outcome.is_error())),
                Column::Has(_) => f64::from(u8::from(!value().is_nan())),
                Column::Value(_) => Some(value()).filter(|v| !v.is_nan()).unwrap_or(0.0),
                Column::Answered(_) => f64::from(u8::from(bin().is_some())),
                Column::UpTo(_, last) => f64::from(u8::from(bin().is_some_and(|bin| bin <= *last))),
            };
        }
    }
}

impl Slot {
    fn add(
        &mut self,
        piece: &RequestLog,
        (rows, users): (&[usize], &[u64]),
        facts: &Facts<'_>,
        (plan, ratios): (&UnitPlan, &[Ratio]),
    ) {
        let width = facts.columns.len();
        let mut values = vec![0.0; width];
        let codes = self.segment.map(|i| &piece.segments[i].code);
        for &row in rows {
            facts.read(row, &mut values);
            let group = Group {
                arm: piece.arm[row],
                from_us: Stretches::Stages(&plan.stages).start_us(piece.event_us[row]),
            };
            let value = codes.map_or(0, |codes| codes[row]);
            if users[row] == 0 {
                let own = [(group, values.as_slice())];
                add_user(&mut self.singles, value, &own, (plan, ratios));
                continue;
            }
            let at = *self
                .place
                .entry((value, users[row], group))
                .or_insert_with(|| {
                    let at = self.totals.len() / width;
                    self.totals.resize(self.totals.len() + width, 0.0);
                    at as u32
                });
            let totals = &mut self.totals[at as usize * width..][..width];
            for (total, value) in totals.iter_mut().zip(&values) {
                *total += value;
            }
        }
    }

    fn finish(self, plan: &UnitPlan, both: &Both<'_>, width: usize) -> Products {
        let mut keys: Vec<((u16, u64, Group), u32)> = self.place.into_iter().collect();
        keys.sort_unstable();
        let mut products = self.singles;
        both.add_singles(&mut products);
        for user in keys.chunk_by(|a, b| (a.0.0, a.0.1) == (b.0.0, b.0.1)) {
            let totals = |at: u32| &self.totals[at as usize * width..][..width];
            let groups: Vec<(Group, &[f64])> = user
                .iter()
                .map(|((.., group), at)| (*group, totals(*at)))
                .collect();
            let value = user[0].0.0;
            add_user(&mut products, value, &groups, (plan, both.ratios));
            if !plan.stages.is_empty() {
                both.add_user(&mut products, value, &groups);
            }
        }
        products
    }
}

/// Adds one user, given the totals of each of its groups.
fn add_user(
    products: &mut Products,
    value: u16,
    groups: &[(Group, &[f64])],
    (plan, ratios): (&UnitPlan, &[Ratio]),
) {
    let mut add_scope = |scope: Scope, groups: &[(Group, Vec<f64>)]| {
        for (i, (a, totals_a)) in groups.iter().enumerate() {
            for (b, totals_b) in &groups[i..] {
                let key = (value, scope, [*a, *b]);
                let sums = products
                    .entry(key)
                    .or_insert_with(|| vec![UnitProducts::default(); ratios.len()]);
                for (ratio, sums) in ratios.iter().zip(sums) {
                    let of = |totals: &[f64]| (totals[ratio.num], totals[ratio.den]);
                    let (of_a, of_b) = (of(totals_a), of(totals_b));
                    if of_a.1 > 0.0 && of_b.1 > 0.0 {
                        sums.add_user(of_a, of_b, a == b);
                    }
                }
            }
        }
    };
    add_scope(Scope::All, &by_arm(groups));
    if !plan.stages.is_empty() {
        let stages: Vec<(Group, Vec<f64>)> = groups
            .iter()
            .map(|(group, totals)| (*group, totals.to_vec()))
            .collect();
        add_scope(Scope::Stage, &stages);
    }
}

/// Totals of each arm over its stages.
fn by_arm(groups: &[(Group, &[f64])]) -> Vec<(Group, Vec<f64>)> {
    let mut arms: Vec<(Group, Vec<f64>)> = Vec::new();
    for (group, totals) in groups {
        match arms.last_mut().filter(|(known, _)| known.arm == group.arm) {
            Some((_, sums)) => sums.iter_mut().zip(*totals).for_each(|(sum, t)| *sum += t),
            None => arms.push((
                Group {
                    from_us: 0,
                    ..*group
                },
                totals.to_vec(),
            )),
        }
    }
    arms
}
