//! Logarithmic bins of durations: bin k holds what is above γ^(k−1) ms and at most γ^k ms, with
//! γ = (1 + α)/(1 − α) and α = 1 %.
//!
//! Whatever value stands for a bin's observations, the one between its ends that [`value_ms`] gives
//! is off by at most α (Masson, Rim & Lee 2019, `DDSketch`). Bins −345 to 755 reach from 1 µs to an
//! hour; what is longer is in bin 756.
//!
//! Every engine must put a duration into the same bin, and logarithms differ in their last digits. So
//! durations are whole microseconds, and no whole microsecond up to an hour is closer to an edge than
//! 6.0e-12 of itself (except 1 ms, which is one, and whose logarithm is 0 everywhere). A quotient of
//! logarithms errs by less than 3e-13 of a bin, or 6e-15 of the duration. `tests/data/cells` has the
//! edges in exact arithmetic.

/// Relative error of a duration that is known by its bin.
pub const ALPHA: f64 = 0.01;
/// ln(101/99), the logarithm of γ, as it stands in every query.
pub const LN_GAMMA: f64 = 2.000_066_670_666_952_4e-2;
/// The bin of 1 µs, the first.
pub const FIRST: i32 = -345;
/// The bin of whatever takes longer than an hour, the last.
pub const LAST: i32 = 756;
/// Where answered requests are counted whose duration is 0 or less, which is no duration.
pub const NOT_POSITIVE: i32 = -1000;

/// A duration in whole microseconds, at least 1; halves are rounded up, as floor(x + 0.5) does in
/// every engine.
fn whole_us(ms: f64) -> f64 {
    (ms * 1e3 + 0.5).floor().max(1.0)
}

/// The bin of a duration; `None` where there is none.
pub fn bin_of_ms(ms: f64) -> Option<i32> {
    if ms.is_nan() {
        return None;
    }
    if ms <= 0.0 {
        return Some(NOT_POSITIVE);
    }
    let bin = ((whole_us(ms) / 1e3).ln() / LN_GAMMA).ceil();
    Some(bin.min(f64::from(LAST)) as i32)
}

/// What stands for the durations of a bin, in milliseconds: off by at most [`ALPHA`] of any of them,
/// but for those beyond an hour.
pub fn value_ms(bin: i32) -> f64 {
    edge_ms(bin) * (1.0 - ALPHA)
}

/// The longest duration of a bin, in milliseconds.
pub fn edge_ms(bin: i32) -> f64 {
    (f64::from(bin) * LN_GAMMA).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_at_the_edges_are_in_the_bins_of_exact_arithmetic() {
        let edges: Vec<(i32, i64)> = include_str!("../../tests/data/cells/edges.csv")
            .lines()
            .filter(|line| !line.starts_with('#'))
            .skip(1)
            .map(|line| line.split_once(',').unwrap())
            .map(|(bin, us)| (bin.parse().unwrap(), us.parse().unwrap()))
            .collect();
        assert_eq!(edges.len(), 1101);
        for pair in edges.windows(2) {
            let ((_, before), (bin, last)) = (pair[0], pair[1]);
            // Below 50 µs some bins hold no whole microsecond.
            if last > before {
                assert_eq!(bin_of_ms(last as f64 / 1e3), Some(bin), "{last} µs");
                assert_eq!(bin_of_ms((before + 1) as f64 / 1e3), Some(bin));
            }
        }
        assert_eq!(bin_of_ms(3_614_641.952), Some(LAST));
    }

    #[test]
    fn a_bin_stands_for_its_durations_to_one_per_cent() {
        for us in (50_i64..200_000).step_by(7).chain([3_600_000_000]) {
            let ms = us as f64 / 1e3;
            let value = value_ms(bin_of_ms(ms).unwrap());
            assert!(
                (value - ms).abs() <= ALPHA * ms * (1.0 + 1e-9),
                "{ms} {value}"
            );
        }
    }

    #[test]
    fn what_is_no_duration_is_in_no_bin_of_durations() {
        assert_eq!(bin_of_ms(f64::NAN), None);
        assert_eq!(bin_of_ms(0.0), Some(NOT_POSITIVE));
        assert_eq!(bin_of_ms(-3.0), Some(NOT_POSITIVE));
        assert_eq!(bin_of_ms(1e-9), Some(FIRST));
        assert_eq!(bin_of_ms(1e12), Some(LAST));
        assert_eq!(bin_of_ms(1.0), Some(0));
    }
}
