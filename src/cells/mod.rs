//! A log as mergeable figures: what is left of requests when they are too many to copy.
//!
//! Three tables. A [`Cell`] counts and sums one measure of one arm in one stretch of time, over the
//! whole log or one value of one segment column; latencies are counted in logarithmic [`bins`]. The
//! same over the stages of the rollout is a table of its own, because stages begin between stretches.
//! A [`UnitCell`] holds what inference by user needs: over all users that two groups of requests share,
//! the products of their totals. `docs/cells.md` is the reference of the tables.
//!
//! [`Gatherer`] and [`UnitGatherer`] compute them from requests, [`sql`] says the same to an engine
//! that has the log. Both ways give the same counts, and sums that agree to 1e-12.

pub mod bins;
mod gather;
mod in_both;
mod made_requests;
mod names;
pub mod sql;
mod unit_gather;

pub use gather::Gatherer;
pub use made_requests::{Durations, MOST_REQUESTS, with_requests};
pub use names::{is_duration, needs_answer, quantity_name};
pub use unit_gather::UnitGatherer;

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::data::Quantity;
use crate::error::{Error, ErrorKind, Result};

/// Version of the tables. Columns and measures may be added to a version, never changed.
pub const VERSION: i32 = 1;

/// A log as cells.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Cells {
    /// Length of every stretch of time, microseconds.
    pub width_us: i64,
    /// The labels of the arms.
    pub arms: Vec<String>,
    /// The whole log, and the values of every segment column.
    pub places: Vec<Place>,
    /// The names behind [`Quantity::Extra`].
    pub extra_names: Vec<String>,
    /// Ordered by place, measure, arm, time and bin; no two have all of these in common.
    pub cells: Vec<Cell>,
    /// The same over the stages of the rollout, each with the start of its stage as its time; empty
    /// where there are none, or where they are yet to be computed.
    pub stages: Vec<Cell>,
    /// Ordered by place, measure, scope and groups; empty where they are yet to be computed.
    pub units: Vec<UnitCell>,
}

/// The whole log, or one value of a segment column.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The column; `""` for the whole log.
    pub segment: String,
    /// Its value; `""` for an empty cell.
    pub value: String,
}

/// What a cell counts or sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Measure {
    /// Requests, with their first and last event time.
    Requests,
    /// Distinct users; of the whole log only. A request without a user counts as one.
    Users,
    /// Requests by outcome: the bin is the outcome's number. Absent where the log does not tell.
    Outcome,
    /// Latency and time to first token: of answered requests, sums over durations above 0 and counts
    /// by [`bins`]. Completion tokens: of answered requests. Any other quantity: of all that have it.
    Of(Quantity),
    /// Latency and time to first token as in [`Measure::Of`], but of requests that were not answered; of
    /// the whole log only. Comparisons leave them out, monitors do not.
    Unanswered(Quantity),
}

/// One figure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cell {
    /// Index into [`Cells::places`].
    pub place: u32,
    /// What is counted.
    pub measure: Measure,
    /// Index into [`Cells::arms`].
    pub arm: u16,
    /// Start of the stretch of event time, a multiple of its width.
    pub time_us: i64,
    /// The bin that is counted; `None` for sums.
    pub bin: Option<i32>,
    /// How many.
    pub n: u64,
    /// Their sum and the sum of their squares; 0 where only counts are meant.
    pub sum: f64,
    /// See `sum`.
    pub sum_sq: f64,
    /// First and last event time, of [`Measure::Requests`].
    pub span_us: Option<(i64, i64)>,
}

/// A ratio whose numerator and denominator add up over a user's requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UnitMeasure {
    /// Requests, over themselves.
    Requests,
    /// Requests that name their user, over themselves.
    Users,
    /// Failed requests over those with an outcome.
    ErrorShare,
    /// Rated requests over all.
    RatedShare,
    /// Sum of a quantity over the number of its values.
    Mean(Quantity),
    /// Answered requests with a duration up to a bin, over all with a duration.
    UpTo(Quantity, i32),
}

/// Which requests of an arm a group holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// All of them.
    All,
    /// Those of the stages in which control and treatment both have a denominator. Users are counted
    /// alone.
    Overlap,
    /// Those of one stage.
    Stage,
}

/// The requests of one arm in one stage, or in several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Group {
    /// Index into [`Cells::arms`].
    pub arm: u16,
    /// Start of the stage; 0 for other scopes.
    pub from_us: i64,
}

/// Products of users' totals in two groups, over the users who are in both.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UnitCell {
    /// Index into [`Cells::places`].
    pub place: u32,
    /// The ratio.
    pub measure: UnitMeasure,
    /// Of both groups.
    pub scope: Scope,
    /// The same twice for the moments of one group.
    pub groups: [Group; 2],
    /// The figures.
    pub sums: UnitProducts,
}

/// Sums over the users whose denominator is positive in both groups.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct UnitProducts {
    /// The users.
    pub n_units: u64,
    /// Sums of the numerators and of the denominators where both groups are the same; else 0.
    pub num: f64,
    /// See `num`.
    pub den: f64,
    /// Sums of products: numerator or denominator in the first group times that in the second.
    pub num_num: f64,
    /// See `num_num`.
    pub num_den: f64,
    /// See `num_num`.
    pub den_num: f64,
    /// See `num_num`.
    pub den_den: f64,
}

/// The stretches of time that requests are counted in.
#[derive(Debug, Clone, Copy)]
pub enum Stretches<'a> {
    /// Of one length, microseconds.
    Every(i64),
    /// From one stage's start to the next; without any, all of time is one that starts at 0.
    Stages(&'a [i64]),
}

impl Stretches<'_> {
    /// The start of the stretch of an event time.
    pub fn start_us(self, event_us: i64) -> i64 {
        match self {
            Self::Every(width_us) => event_us.div_euclid(width_us) * width_us,
            Self::Stages(starts) => {
                let after = starts.partition_point(|start| *start <= event_us);
                starts.get(after.saturating_sub(1)).copied().unwrap_or(0)
            }
        }
    }
}

/// What has to be known of the cells before stages and users' totals can be added up.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct UnitPlan {
    /// The first event times of the stages, ascending; that of the first is where the log begins.
    /// None where the arms are compared over the whole log.
    pub stages: Vec<i64>,
    /// Labels of control and treatment; `None` for a log of one arm.
    pub compared: Option<[String; 2]>,
    /// The bins at which the share of durations up to them is added up by user.
    pub thresholds: Vec<(Quantity, i32)>,
}

impl UnitProducts {
    /// Adds other users.
    pub fn add(&mut self, other: &Self) {
        self.n_units += other.n_units;
        self.num += other.num;
        self.den += other.den;
        self.num_num += other.num_num;
        self.num_den += other.num_den;
        self.den_num += other.den_num;
        self.den_den += other.den_den;
    }

    /// Users alone.
    fn of_users(n_units: u64) -> Self {
        Self {
            n_units,
            ..Self::default()
        }
    }

    /// Adds a user with these numerators and denominators, in one group or in two.
    fn add_user(&mut self, (num_a, den_a): (f64, f64), (num_b, den_b): (f64, f64), is_one: bool) {
        self.add(&Self {
            n_units: 1,
            num: if is_one { num_a } else { 0.0 },
            den: if is_one { den_a } else { 0.0 },
            num_num: num_a * num_b,
            num_den: num_a * den_b,
            den_num: den_a * num_b,
            den_den: den_a * den_b,
        });
    }
}

/// What tells cells apart.
type Key = (u32, Measure, u16, i64, Option<i32>);

impl Cell {
    fn key(&self) -> Key {
        (self.place, self.measure, self.arm, self.time_us, self.bin)
    }

    fn add(&mut self, other: &Self) {
        self.n += other.n;
        self.sum += other.sum;
        self.sum_sq += other.sum_sq;
        self.span_us = match (self.span_us, other.span_us) {
            (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
            (a, b) => a.or(b),
        };
    }
}

/// What tells cells of units apart.
type UnitKey = (u32, UnitMeasure, Scope, [Group; 2]);

impl UnitCell {
    fn key(&self) -> UnitKey {
        (self.place, self.measure, self.scope, self.groups)
    }

    /// Puts the lower group first.
    fn settle(&mut self) {
        let sums = &mut self.sums;
        if self.groups[0] > self.groups[1] {
            self.groups.swap(0, 1);
            std::mem::swap(&mut sums.num_den, &mut sums.den_num);
        }
    }
}

impl Cells {
    /// Puts cells and units into their order, and adds up cells that are the same.
    #[must_use]
    pub fn ordered(mut self) -> Self {
        let place_order = |cells: &Self, place: u32| cells.places[place as usize].clone();
        // Places in the order of their names' bytes, arms in that of their first requests: neither
        // depends on how the log was cut into pieces.
        let mut places: Vec<u32> = (0..self.places.len() as u32).collect();
        places.sort_by_key(|place| place_order(&self, *place));
        let mut arms: Vec<u16> = (0..self.arms.len() as u16).collect();
        let first_us = self.first_requests();
        arms.sort_by_key(|arm| (first_us[usize::from(*arm)], &self.arms[usize::from(*arm)]));
        let new_place = inverse(&places);
        let new_arm = inverse(&arms.iter().map(|arm| u32::from(*arm)).collect::<Vec<_>>());
        self.places = places.iter().map(|p| place_order(&self, *p)).collect();
        self.arms = arms
            .iter()
            .map(|a| self.arms[usize::from(*a)].clone())
            .collect();
        let arm_of = |arm: u16| new_arm[usize::from(arm)] as u16;
        for cell in self.cells.iter_mut().chain(&mut self.stages) {
            cell.place = new_place[cell.place as usize];
            cell.arm = arm_of(cell.arm);
        }
        for unit in &mut self.units {
            unit.place = new_place[unit.place as usize];
            for group in &mut unit.groups {
                group.arm = arm_of(group.arm);
            }
            unit.settle();
        }
        for cells in [&mut self.cells, &mut self.stages] {
            cells.par_sort_by_key(Cell::key);
            cells.dedup_by(|next, cell| {
                let is_same = next.key() == cell.key();
                if is_same {
                    cell.add(next);
                }
                is_same
            });
        }
        self.units.sort_by_key(UnitCell::key);
        self
    }

    /// Per arm the first event time; the last of all times for an arm without one.
    fn first_requests(&self) -> Vec<i64> {
        let mut first_us = vec![i64::MAX; self.arms.len()];
        for cell in self.cells.iter().chain(&self.stages) {
            let first = &mut first_us[usize::from(cell.arm)];
            *first = cell.span_us.map_or(*first, |(from, _)| from.min(*first));
        }
        first_us
    }

    /// The same without times: for a log whose requests share no clock.
    #[must_use]
    pub fn without_times(mut self) -> Self {
        for cell in &mut self.cells {
            cell.time_us = 0;
            cell.span_us = None;
        }
        // Users of several stretches would count more than once.
        self.cells.retain(|cell| cell.measure != Measure::Users);
        self.ordered()
    }

    /// Whether the requests share a clock.
    pub fn has_times(&self) -> bool {
        self.cells.iter().any(|cell| cell.span_us.is_some())
    }

    /// Several sets of cells as one. Users may be in several of them, and stages begin elsewhere in all of
    /// them, so that what was added up by user and by stage is left out.
    ///
    /// Fails where their stretches of time differ in length.
    pub fn merged(sets: Vec<Self>) -> Result<Self> {
        let mut sets = sets.into_iter();
        let Some(mut all) = sets.next() else {
            return Ok(Self::default());
        };
        let mut is_alone = true;
        for set in sets {
            is_alone = false;
            if set.width_us != all.width_us {
                return Err(Error::new(
                    ErrorKind::Settings,
                    "The cells are of stretches of time that differ in length",
                )
                .hint("Compute them anew with the same --every"));
            }
            all.take(set);
        }
        if !is_alone {
            all.units.clear();
            all.stages.clear();
        }
        Ok(all.ordered())
    }

    /// Appends the cells of another set under the names of this one.
    fn take(&mut self, other: Self) {
        let place = numbers(&mut self.places, &other.places);
        let arm = numbers(&mut self.arms, &other.arms);
        let extra = numbers(&mut self.extra_names, &other.extra_names);
        let renamed = |cell: Cell| Cell {
            place: place[cell.place as usize],
            arm: arm[usize::from(cell.arm)] as u16,
            measure: match cell.measure {
                Measure::Of(Quantity::Extra(i)) => {
                    Measure::Of(Quantity::Extra(extra[usize::from(i)] as u16))
                }
                measure => measure,
            },
            ..cell
        };
        self.cells.extend(other.cells.into_iter().map(renamed));
        self.stages.extend(other.stages.into_iter().map(renamed));
    }

    /// Adds what was counted by stage: the cells of the same log over [`Stretches::Stages`].
    pub fn add_stages(&mut self, by_stage: Self) {
        let counted = by_stage.cells.into_iter();
        self.take(Self {
            cells: Vec::new(),
            stages: counted.filter(|c| c.measure != Measure::Users).collect(),
            ..by_stage
        });
    }

    /// Adds what other users of the same log come to.
    pub fn add_units(&mut self, other: Self) {
        let place = numbers(&mut self.places, &other.places);
        let arm = numbers(&mut self.arms, &other.arms);
        let mut known: BTreeMap<_, usize> = self.units.iter().map(UnitCell::key).zip(0..).collect();
        for mut unit in other.units {
            unit.place = place[unit.place as usize];
            for group in &mut unit.groups {
                group.arm = arm[usize::from(group.arm)] as u16;
            }
            unit.settle();
            match known.get(&unit.key()) {
                Some(at) => self.units[*at].sums.add(&unit.sums),
                None => {
                    known.insert(unit.key(), self.units.len());
                    self.units.push(unit);
                }
            }
        }
    }

    /// About how many bytes users' totals take, all of them at once.
    pub fn totals_bytes(&self, plan: &UnitPlan) -> u64 {
        /// Of a group's key and its place in a table.
        const KEY_BYTES: u64 = 48;
        let whole = |cell: &&Cell| self.places[cell.place as usize].segment.is_empty();
        let users = self
            .cells
            .iter()
            .filter(|cell| cell.measure == Measure::Users);
        // A user counts anew in every stretch of time: this is more than there are groups.
        let n_groups: u64 = users.filter(whole).map(|cell| cell.n).sum();
        let segments = self.places.iter().map(|place| &place.segment);
        let n_columns = segments.collect::<std::collections::BTreeSet<_>>().len() as u64;
        let n_figures = 2 * (self.extra_names.len() as u64 + 6) + plan.thresholds.len() as u64;
        n_groups * n_columns * (KEY_BYTES + 8 * n_figures)
    }

    /// Requests of all arms.
    pub fn n_requests(&self) -> u64 {
        let of_log = self
            .cells
            .iter()
            .filter(|cell| cell.measure == Measure::Requests);
        let whole = of_log.filter(|cell| self.places[cell.place as usize].segment.is_empty());
        whole.map(|cell| cell.n).sum()
    }
}

/// The number of each name among known ones, which gain those that they lack.
fn numbers<T: Clone + Ord>(known: &mut Vec<T>, names: &[T]) -> Vec<u32> {
    let mut place: BTreeMap<T, u32> = known.iter().cloned().zip(0..).collect();
    let number = |name: &T| {
        *place.entry(name.clone()).or_insert_with(|| {
            known.push(name.clone());
            known.len() as u32 - 1
        })
    };
    names.iter().map(number).collect()
}

/// Where each index stands in an order.
fn inverse(order: &[u32]) -> Vec<u32> {
    let mut place = vec![0; order.len()];
    for (at, index) in order.iter().enumerate() {
        place[*index as usize] = at as u32;
    }
    place
}
