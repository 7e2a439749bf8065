//! Cells as requests: so many at the end of every stretch of time as were counted in it. What looks at
//! edges of stretches alone, and at no two figures of one request together, sees what it would see of the
//! log.

use std::collections::BTreeMap;

use super::{Cells, Measure, bins, is_duration, needs_answer};
use crate::data::{Numbers, Outcome, Quantity, RequestLog};
use crate::error::{Error, ErrorKind, Result};

/// The most requests that are made of cells: some two gigabytes.
pub const MOST_REQUESTS: u64 = 50_000_000;

/// What stands for the durations of a stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durations {
    /// Their mean: sums and means are exact.
    Means,
    /// What stands for their bins: quantiles are within [`bins::ALPHA`].
    Bins,
}

/// The requests of one arm in one stretch of time.
#[derive(Default)]
struct Block {
    n: u64,
    outcomes: [u64; 5],
    /// Of those with a value, so many of each; durations of answered requests.
    values: BTreeMap<Quantity, Vec<(f64, u64)>>,
    /// Durations of the other requests.
    unanswered: BTreeMap<Quantity, Vec<(f64, u64)>>,
}

/// Gives a log without rows the requests that its cells count, the arms mixed evenly within a stretch.
///
/// Requests start with their stretch and end a microsecond before the next begins. Values other than
/// durations are the means of their stretch.
///
/// # Errors
/// More than [`MOST_REQUESTS`].
pub fn with_requests(
    cells: &Cells,
    names: &RequestLog,
    durations: Durations,
) -> Result<RequestLog> {
    let n_requests = cells.n_requests();
    if n_requests > MOST_REQUESTS {
        let message = format!(
            "These cells count {n_requests} requests: rules are replayed on at most {MOST_REQUESTS} of them"
        );
        return Err(Error::new(ErrorKind::TooLarge, message)
            .hint("Make cells of the days that matter, and replay on these"));
    }
    let quantities: Vec<Quantity> = names.quantities.iter().map(|(known, _)| *known).collect();
    let mut log = names.without_rows();
    let mut columns: Vec<Vec<f64>> = vec![Vec::new(); quantities.len()];
    for (start_us, blocks) in blocks_of(cells, durations) {
        let mut rows: Vec<(u64, u16, Vec<Vec<f64>>)> = blocks
            .iter()
            .map(|(arm, block)| {
                let columns = quantities.iter().map(|quantity| block.column(*quantity));
                (block.n, *arm, columns.collect())
            })
            .collect();
        let all: u64 = rows.iter().map(|(n, ..)| n).sum();
        let mut outcomes: Vec<_> = blocks.values().map(Block::outcomes).collect();
        let mut taken = vec![0_u64; rows.len()];
        for k in 1..=all {
            // The arm that is furthest behind its share.
            let behind = |i: &usize| {
                let (n, taken) = (rows[*i].0, taken[*i]);
                (
                    i128::from(n) * i128::from(k) - i128::from(taken) * i128::from(all),
                    std::cmp::Reverse(*i),
                )
            };
            let open = (0..rows.len()).filter(|i| taken[*i] < rows[*i].0);
            let Some(i) = open.max_by_key(behind) else {
                break;
            };
            let row = taken[i] as usize;
            taken[i] += 1;
            log.arm.push(rows[i].1);
            log.row.push(log.row.len() as u32);
            log.start_us.push(start_us);
            log.event_us.push(start_us + cells.width_us - 1);
            log.outcome
                .push(outcomes[i].next().unwrap_or(Outcome::Unknown));
            for (column, own) in columns.iter_mut().zip(&mut rows[i].2) {
                column.push(own.get(row).copied().unwrap_or(f64::NAN));
            }
        }
    }
    let numbers = columns.into_iter().map(Numbers::from);
    log.quantities = quantities.into_iter().zip(numbers).collect();
    Ok(log)
}

/// By start and arm, of the whole log.
fn blocks_of(cells: &Cells, durations: Durations) -> BTreeMap<i64, BTreeMap<u16, Block>> {
    let mut found: BTreeMap<i64, BTreeMap<u16, Block>> = BTreeMap::new();
    let is_whole = |place: u32| cells.places[place as usize].segment.is_empty();
    for cell in cells.cells.iter().filter(|cell| is_whole(cell.place)) {
        let of_time = found.entry(cell.time_us).or_default();
        let block = of_time.entry(cell.arm).or_default();
        let value = match cell.bin {
            None => Some(cell.sum / cell.n.max(1) as f64),
            Some(bins::NOT_POSITIVE) => Some(0.0),
            Some(bin) => Some(bins::value_ms(bin)).filter(|_| durations == Durations::Bins),
        };
        let is_sum_of_bins =
            |quantity| cell.bin.is_none() && is_duration(quantity) && durations == Durations::Bins;
        let value = |quantity| value.filter(|_| !is_sum_of_bins(quantity));
        match cell.measure {
            Measure::Requests => block.n += cell.n,
            Measure::Users => {}
            Measure::Outcome => {
                let number = cell.bin.and_then(|bin| usize::try_from(bin).ok());
                if let Some(n) = number.and_then(|number| block.outcomes.get_mut(number)) {
                    *n += cell.n;
                }
            }
            Measure::Of(quantity) => {
                let values = block.values.entry(quantity).or_default();
                values.extend(value(quantity).map(|value| (value, cell.n)));
            }
            Measure::Unanswered(quantity) => {
                let values = block.unanswered.entry(quantity).or_default();
                values.extend(value(quantity).map(|value| (value, cell.n)));
            }
        }
    }
    found
}

impl Block {
    /// How its requests ended, the answered ones first; without outcomes all count as answered.
    fn outcomes(&self) -> impl Iterator<Item = Outcome> + use<> {
        let mut counts = self.outcomes;
        counts[0] += self.n.saturating_sub(counts.iter().sum());
        let each = |(n, outcome)| std::iter::repeat_n(outcome, usize::try_from(n).unwrap_or(0));
        let known = [
            Outcome::Ok,
            Outcome::Error,
            Outcome::RateLimited,
            Outcome::Cancelled,
            Outcome::Unknown,
        ];
        counts.into_iter().zip(known).flat_map(each)
    }

    /// A value for every request in that order; NaN where there is none.
    fn column(&self, quantity: Quantity) -> Vec<f64> {
        let spread = |values: Option<&Vec<(f64, u64)>>, into: &mut Vec<f64>| {
            for (value, n) in values.into_iter().flatten() {
                into.extend(std::iter::repeat_n(*value, *n as usize));
            }
        };
        let mut column = Vec::with_capacity(self.n as usize);
        spread(self.values.get(&quantity), &mut column);
        if needs_answer(quantity) {
            let n_answered = self.outcomes().take_while(|o| *o == Outcome::Ok).count();
            column.resize(n_answered, f64::NAN);
            spread(self.unanswered.get(&quantity), &mut column);
        }
        column.resize(self.n as usize, f64::NAN);
        column
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Gatherer, Stretches};
    use super::*;
    use crate::data::Arm;

    /// A request every 10 s for ten minutes; every fourth fails, and takes longer.
    fn log() -> RequestLog {
        let n = 60_usize;
        let fails = |i: usize| i % 4 == 3;
        let latency = |i: usize| 100.0 + i as f64 + if fails(i) { 900.0 } else { 0.0 };
        RequestLog {
            arms: ["a", "b"].map(|name| Arm { name: name.into() }).into(),
            arm: (0..n).map(|i| u16::from(i % 3 == 0)).collect(),
            row: (0..n as u32).collect(),
            start_us: (0..n as i64).map(|i| i * 10_000_000).collect(),
            event_us: (0..n as i64).map(|i| i * 10_000_000 + 1).collect(),
            outcome: (0..n)
                .map(|i| {
                    if fails(i) {
                        Outcome::Error
                    } else {
                        Outcome::Ok
                    }
                })
                .collect(),
            has_outcome: true,
            quantities: vec![(
                Quantity::LatencyMs,
                (0..n).map(latency).collect::<Vec<f64>>().into(),
            )],
            ..RequestLog::default()
        }
    }

    #[test]
    fn made_requests_add_up_to_those_of_the_log() {
        let log = log();
        let mut gatherer = Gatherer::new(Stretches::Every(60_000_000));
        gatherer.add(&log, None);
        let cells = gatherer.finish();
        let arm = |name: &String| Arm { name: name.clone() };
        let names = RequestLog {
            arms: cells.arms.iter().map(arm).collect(),
            ..log.without_rows()
        };
        for durations in [Durations::Means, Durations::Bins] {
            let made = with_requests(&cells, &names, durations).unwrap();
            assert_eq!(made.n_rows(), log.n_rows());
            let of_minute = |log: &RequestLog, minute: i64, arm: &str| {
                let arm = log.arm_index(arm).unwrap();
                let latency = log.quantity(Quantity::LatencyMs).unwrap();
                let rows = log.rows_of_arm(arm);
                let own: Vec<usize> = rows
                    .filter(|row| log.event_us[*row] / 60_000_000 == minute)
                    .collect();
                let failed = own.iter().filter(|row| log.outcome[**row].is_error());
                let total: f64 = own.iter().map(|row| latency[*row]).sum();
                let longest = own.iter().map(|row| latency[*row]).fold(0.0, f64::max);
                (own.len(), failed.count(), total, longest)
            };
            for minute in 0..10 {
                for arm in ["a", "b"] {
                    let (a, b) = (of_minute(&log, minute, arm), of_minute(&made, minute, arm));
                    assert_eq!((a.0, a.1), (b.0, b.1), "{minute} {arm}");
                    match durations {
                        Durations::Means => assert!((a.2 - b.2).abs() < 1e-9 * a.2),
                        Durations::Bins => assert!((a.3 - b.3).abs() <= 0.010_001 * a.3),
                    }
                }
            }
        }
    }
}
