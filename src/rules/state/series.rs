//! [`Thinner`]: a condition's values over time, thinned for drawing.

use crate::rules::SeriesPoint;
use crate::rules::clock::Ticks;

/// The time axis is cut into so many slots at least; a slot keeps its least and its greatest value.
const SLOTS: i64 = 300;
/// Slots begin so many times as narrow: a rule that looks for five minutes of three days is drawn as it was.
const FINER: i64 = 1 << 12;
/// By how much slots widen once there are too many points.
const WIDER: i64 = 4;

/// Keeps at most two points a slot, and widens the slots while there are too many.
#[derive(Debug, Clone)]
pub(in crate::rules) struct Thinner {
    slot_us: i64,
    widest_us: i64,
    slot_end_us: i64,
    least: Option<SeriesPoint>,
    greatest: Option<SeriesPoint>,
    kept: Vec<SeriesPoint>,
}

impl Thinner {
    /// For times from 0 to `last_us`.
    pub(in crate::rules) fn new(last_us: i64) -> Self {
        let finest_us = last_us.max(0) / SLOTS / FINER + 1;
        Self {
            slot_us: finest_us,
            widest_us: finest_us * FINER,
            slot_end_us: i64::MIN,
            least: None,
            greatest: None,
            kept: Vec::new(),
        }
    }

    /// Takes a value in; times ascend.
    #[inline]
    pub(in crate::rules) fn offer(&mut self, time_us: i64, value: f64, bound: f64) {
        if time_us >= self.slot_end_us || !self.offer_within(|| time_us, value, bound) {
            self.begin(SeriesPoint {
                time_us,
                value,
                bound,
            });
        }
    }

    /// The end of the slot of the last point.
    #[inline]
    pub(in crate::rules) fn slot_end_us(&self) -> i64 {
        self.slot_end_us
    }

    /// Takes in a value of the slot of the last point: its time is asked for only where it is kept.
    /// Whether there was such a slot.
    #[inline]
    pub(in crate::rules) fn offer_within(
        &mut self,
        time_us: impl FnOnce() -> i64,
        value: f64,
        bound: f64,
    ) -> bool {
        let (Some(least), Some(greatest)) = (&mut self.least, &mut self.greatest) else {
            return false;
        };
        if value < least.value || value > greatest.value {
            let point = SeriesPoint {
                time_us: time_us(),
                value,
                bound,
            };
            if value < least.value {
                *least = point;
            }
            if value > greatest.value {
                *greatest = point;
            }
        }
        true
    }

    /// Takes in a value that stays at all of the ticks.
    pub(in crate::rules) fn repeat(&mut self, ticks: Ticks, value: f64, bound: f64) {
        let mut k = 0;
        while k < ticks.n {
            let time_us = ticks.first_us + k as i64 * ticks.every_us;
            self.offer(time_us, value, bound);
            // The first tick of the next slot.
            let rest_us = self.slot_end_us - time_us;
            k += ((rest_us + ticks.every_us - 1) / ticks.every_us) as u64;
        }
    }

    /// The points in order of time.
    pub(in crate::rules) fn finish(mut self) -> Vec<SeriesPoint> {
        self.flush();
        self.kept
    }

    fn begin(&mut self, point: SeriesPoint) {
        self.flush();
        self.slot_end_us = (point.time_us.div_euclid(self.slot_us) + 1) * self.slot_us;
        self.least = Some(point);
        self.greatest = Some(point);
    }

    fn flush(&mut self) {
        let (Some(least), Some(greatest)) = (self.least.take(), self.greatest.take()) else {
            return;
        };
        let (first, second) = if least.time_us <= greatest.time_us {
            (least, greatest)
        } else {
            (greatest, least)
        };
        self.kept.push(first);
        if second != first {
            self.kept.push(second);
        }
        if self.kept.len() as i64 > 2 * SLOTS && self.slot_us < self.widest_us {
            self.slot_us *= WIDER;
            self.kept = thinned(&self.kept, self.slot_us);
        }
    }
}

/// The least and the greatest of every slot, in order of time.
fn thinned(points: &[SeriesPoint], slot_us: i64) -> Vec<SeriesPoint> {
    let slot = |point: &SeriesPoint| point.time_us.div_euclid(slot_us);
    let mut kept = Vec::with_capacity(points.len());
    for of_slot in points.chunk_by(|a, b| slot(a) == slot(b)) {
        let places = || 0..of_slot.len();
        let value = |place: &usize| of_slot[*place].value;
        let least = places().min_by(|a, b| value(a).total_cmp(&value(b)));
        let greatest = places().rev().max_by(|a, b| value(a).total_cmp(&value(b)));
        let (Some(least), Some(greatest)) = (least, greatest) else {
            continue;
        };
        kept.push(of_slot[least.min(greatest)]);
        if least != greatest {
            kept.push(of_slot[least.max(greatest)]);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extremes_survive_and_order_stays() {
        let mut thinner = Thinner::new(999_999);
        for i in 0..100_000_i64 {
            let value = if i == 51_234 {
                9.0
            } else {
                (i % 7) as f64 / 10.0
            };
            thinner.offer(i * 10, value, 0.5);
        }
        let points = thinner.finish();
        assert!(points.len() <= 602, "{}", points.len());
        assert!(points.is_sorted_by_key(|point| point.time_us));
        assert!(points.iter().any(|point| point.value == 9.0));
    }

    #[test]
    fn few_points_are_all_kept() {
        let mut thinner = Thinner::new(100_000_000);
        (0..=100).for_each(|k| thinner.offer(k * 1_000_000, k as f64, 50.0));
        assert_eq!(thinner.finish().len(), 101);
    }

    #[test]
    fn a_short_life_in_a_long_log_is_drawn_as_it_was() {
        let mut thinner = Thinner::new(259_200_000_000);
        for k in 0..30 {
            thinner.offer(k * 10_000_000, (k % 3) as f64, 1.0);
        }
        assert_eq!(thinner.finish().len(), 30);
    }
}
