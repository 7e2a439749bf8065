//! Planning the comparison of two quantiles, such as p95 latency.
//!
//! The sample quantile of n observations is about normal with variance q(1−q)/(n f²), f the density
//! at the quantile (Serfling 1980, section 2.3.3): so it plans as a mean with standard deviation
//! √(q(1−q))/f. The density is hard to guess; two percentiles of a log-normal latency or the interval
//! of a pilot say the same. Requests of one user need the design effect of the share below the
//! quantile.

use super::means::{self, MeanEffect, MeanFormula};
use super::{Design, DetectableChange, Formula, Power, SampleSize, positive, require};
use crate::error::Result;
use crate::stats::dist::{normal_quantile, z_multiplier};
use std::f64::consts::TAU;

/// What is known about the spread around the quantile.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Spread {
    /// The density at the quantile, in one over the metric's unit.
    Density(f64),
    /// The metric is log-normal with this median and this value at the quantile.
    LogNormal {
        /// The median, positive.
        median: f64,
        /// The value at the quantile, on its own side of the median.
        value: f64,
    },
    /// A pilot of `n` independent observations gave the quantile this interval half-width.
    Pilot {
        /// Observations of the pilot.
        n: u64,
        /// Half the width of its interval.
        half_width: f64,
        /// The level of its interval.
        level: f64,
    },
}

/// The standard deviation that makes the quantile `q` plan as a mean. Errors name `quantile`, or the
/// part of `spread` that makes no sense.
pub fn equivalent_sd(q: f64, spread: Spread) -> Result<f64> {
    require("quantile", q, q > 0.0 && q < 1.0)?;
    let root = (q * (1.0 - q)).sqrt();
    let sd = match spread {
        Spread::Density(density) => {
            require("density", density, positive(density))?;
            root / density
        }
        Spread::LogNormal { median, value } => {
            let z = normal_quantile(q).unwrap_or(0.0);
            let sigma = (value / median).ln() / z;
            let is_sound = positive(median) && positive(value) && positive(sigma);
            require("value", value, is_sound)?;
            let density = (-0.5 * z * z).exp() / (TAU.sqrt() * sigma * value);
            root / density
        }
        Spread::Pilot {
            n,
            half_width,
            level,
        } => {
            require("n", n as f64, n > 0)?;
            require("half_width", half_width, positive(half_width))?;
            let z = z_multiplier(level).unwrap_or(f64::NAN);
            require("level", level, z > 0.0)?;
            half_width / z * (n as f64).sqrt()
        }
    };
    require("density", sd, positive(sd))?;
    Ok(sd)
}

/// Observations needed to find a difference `delta` of the quantile.
pub fn sample_size(delta: f64, q: f64, spread: Spread, design: &Design) -> Result<SampleSize> {
    let sd = equivalent_sd(q, spread)?;
    let size = means::sample_size(MeanEffect { delta, sd }, design, MeanFormula::Normal)?;
    Ok(SampleSize {
        formula: Formula::QuantileNormal,
        ..size
    })
}

/// The chance to find a difference `delta` of the quantile with these arm sizes.
pub fn power(delta: f64, q: f64, spread: Spread, n: (u64, u64), design: &Design) -> Result<Power> {
    let sd = equivalent_sd(q, spread)?;
    let power = means::power(MeanEffect { delta, sd }, n, design, MeanFormula::Normal)?;
    Ok(Power {
        formula: Formula::QuantileNormal,
        ..power
    })
}

/// The smallest differences of the quantile that these arm sizes find with the design's power.
pub fn detectable_change(
    q: f64,
    spread: Spread,
    n: (u64, u64),
    design: &Design,
) -> Result<DetectableChange> {
    let sd = equivalent_sd(q, spread)?;
    let change = means::detectable_change(sd, n, design, MeanFormula::Normal)?;
    Ok(DetectableChange {
        formula: Formula::QuantileNormal,
        ..change
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_ways_to_say_the_same() {
        // Log-normal with median 800 and sigma 1: p95 at 800 e^1.645.
        let z = normal_quantile(0.95).unwrap();
        let value = 800.0 * z.exp();
        let log_normal = Spread::LogNormal {
            median: 800.0,
            value,
        };
        let sd = equivalent_sd(0.95, log_normal).unwrap();
        let density = (0.95_f64 * 0.05).sqrt() / sd;
        let known = equivalent_sd(0.95, Spread::Density(density)).unwrap();
        assert!((sd / known - 1.0).abs() < 1e-12);
        let pilot = Spread::Pilot {
            n: 10_000,
            half_width: 1.959_963_984_540_054 * sd / 100.0,
            level: 0.95,
        };
        assert!((equivalent_sd(0.95, pilot).unwrap() / sd - 1.0).abs() < 1e-12);
    }

    #[test]
    fn size_power_and_detectable_change_invert_each_other() {
        let spread = Spread::LogNormal {
            median: 800.0,
            value: 3000.0,
        };
        let design = Design::default();
        let size = sample_size(200.0, 0.95, spread, &design).unwrap();
        assert_eq!(size.formula, Formula::QuantileNormal);
        let n = (size.n_control, size.n_treatment);
        let reached = power(200.0, 0.95, spread, n, &design).unwrap();
        assert!((0.8..0.801).contains(&reached.power));
        let change = detectable_change(0.95, spread, n, &design).unwrap();
        assert!((change.up.unwrap() - 200.0).abs() < 0.1);
    }

    #[test]
    fn nonsense_is_an_error_with_its_key() {
        let key = |q, spread| equivalent_sd(q, spread).unwrap_err().place.key.unwrap();
        assert_eq!(key(1.0, Spread::Density(1.0)), "quantile");
        assert_eq!(key(0.5, Spread::Density(0.0)), "density");
        let upside_down = Spread::LogNormal {
            median: 9.0,
            value: 3.0,
        };
        assert_eq!(key(0.95, upside_down), "value");
        let median = Spread::LogNormal {
            median: 9.0,
            value: 9.0,
        };
        assert_eq!(key(0.5, median), "value");
    }
}
