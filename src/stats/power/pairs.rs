//! Planning paired comparisons: shadow tests, replayed prompts, crossover.
//!
//! Means of differences: one-sample t by the noncentral t with n−1 degrees of freedom. Shares:
//! McNemar's test after Connor (1987), n = [zα√ψ + zβ√(ψ − δ²)]²/δ², with ψ the share of pairs whose
//! answers differ and δ the difference of both shares. A ratio and a design effect of the design
//! count for nothing here except the design effect, for pairs clustered in units.

use super::means::MeanEffect;
use super::{Design, Formula, Power, SampleSize, Sides, positive, require, unsolved, z_alpha};
use crate::error::Result;
use crate::stats::dist::{noncentral_t_tails, normal_cdf, t_upper_quantile};
use crate::stats::root::{Direction, bracket, find_root};

/// Pairs needed.
fn pairs(n: f64, formula: Formula, design: &Design) -> Result<SampleSize> {
    let one_each = Design {
        ratio: 1.0,
        ..*design
    };
    one_each.size(n, formula)
}

/// Pairs needed to find a mean difference; `sd` is that of the differences. Both arms of the answer
/// are the number of pairs.
pub fn sample_size_means(effect: MeanEffect, design: &Design) -> Result<SampleSize> {
    design.check()?;
    check_effect(effect)?;
    let standardised = (effect.delta / effect.sd).abs();
    require("effect", effect.delta, positive(standardised))?;
    let (za, zb) = design.quantiles(design.sides);
    let normal = ((za + zb) / standardised).powi(2);
    let least = 2.0_f64.ln();
    let gap = |ln_n: f64| power_of_means(standardised, ln_n.exp(), design) - design.power;
    if gap(least) >= 0.0 {
        return pairs(2.0, Formula::PairedT, design);
    }
    let start = (normal.ln() - 0.01).max(least);
    let ln_n = bracket(gap, start, 0.02, Direction::Up, 200.0)
        .and_then(|(low, high)| find_root(gap, low, high))
        .ok_or_else(|| unsolved("sample size"))?;
    pairs(ln_n.exp(), Formula::PairedT, design)
}

/// The chance to find a mean difference with `n` pairs, both tails when two-sided.
pub fn power_means(effect: MeanEffect, n: u64, design: &Design) -> Result<Power> {
    design.check()?;
    check_effect(effect)?;
    let independent = n as f64 / design.design_effect;
    require("n", n as f64, independent > 1.0)?;
    let standardised = (effect.delta / effect.sd).abs();
    let power = power_of_means(standardised, independent, design);
    Ok(Power {
        formula: Formula::PairedT,
        power,
        both_tails: power,
    })
}

/// The smallest mean difference that `n` pairs find with the design's power; `sd` is that of the
/// differences.
pub fn detectable_mean(sd: f64, n: u64, design: &Design) -> Result<f64> {
    design.check()?;
    require("sd", sd, positive(sd))?;
    let independent = n as f64 / design.design_effect;
    require("n", n as f64, independent > 1.0)?;
    let (za, zb) = design.quantiles(design.sides);
    let normal = (za + zb) / independent.sqrt();
    let gap = |effect: f64| power_of_means(effect, independent, design) - design.power;
    bracket(gap, 0.0, normal, Direction::Up, f64::MAX)
        .and_then(|(low, high)| find_root(gap, low, high))
        .map(|effect| effect * sd)
        .ok_or_else(|| unsolved("detectable change"))
}

fn check_effect(effect: MeanEffect) -> Result<()> {
    require("sd", effect.sd, positive(effect.sd))?;
    require("effect", effect.delta, effect.delta.is_finite())
}

fn power_of_means(standardised: f64, n: f64, design: &Design) -> f64 {
    let (df, shift) = (n - 1.0, standardised * n.sqrt());
    let tail = design.alpha / design.sides.count();
    let critical = t_upper_quantile(tail, df).unwrap_or(f64::INFINITY);
    let near = noncentral_t_tails(critical, df, shift).1;
    match design.sides {
        Sides::One => near,
        Sides::Two => near + noncentral_t_tails(-critical, df, shift).0,
    }
}

/// Pairs needed to find that the shares of treatment and control differ by `change` where a share
/// `discordant` of pairs has different answers.
pub fn sample_size_shares(discordant: f64, change: f64, design: &Design) -> Result<SampleSize> {
    design.check()?;
    check_shares(discordant, change)?;
    let (za, zb) = design.quantiles(design.sides);
    let own = (discordant - change * change).sqrt();
    let n = ((za * discordant.sqrt() + zb * own) / change).powi(2);
    pairs(n, Formula::McNemarConnor, design)
}

/// The chance to find such a difference with `n` pairs.
pub fn power_shares(discordant: f64, change: f64, n: u64, design: &Design) -> Result<Power> {
    design.check()?;
    check_shares(discordant, change)?;
    require("n", n as f64, n > 0)?;
    let independent = n as f64 / design.design_effect;
    let (power, far) = chances(discordant, change, independent, design);
    Ok(Power {
        formula: Formula::McNemarConnor,
        power,
        both_tails: match design.sides {
            Sides::One => power,
            Sides::Two => power + far,
        },
    })
}

/// The smallest difference that `n` pairs find with the design's power; `None` where not even all
/// discordant pairs going one way would do.
pub fn detectable_share(discordant: f64, n: u64, design: &Design) -> Result<Option<f64>> {
    design.check()?;
    let possible = discordant > 0.0 && discordant <= 1.0;
    require("discordant", discordant, possible)?;
    require("n", n as f64, n > 0)?;
    let independent = n as f64 / design.design_effect;
    let gap = |change: f64| chances(discordant, change, independent, design).0 - design.power;
    Ok(find_root(gap, 0.0, discordant))
}

fn check_shares(discordant: f64, change: f64) -> Result<()> {
    require("effect", change, change != 0.0 && change.is_finite())?;
    let possible = discordant >= change.abs() && discordant <= 1.0;
    require("discordant", discordant, possible)
}

/// (chance to find it in its own direction, in the wrong one).
fn chances(discordant: f64, change: f64, n: f64, design: &Design) -> (f64, f64) {
    let critical = z_alpha(design.alpha, design.sides) * discordant.sqrt();
    let own = (discordant - change * change).sqrt();
    let distance = change.abs() * n.sqrt();
    if own > 0.0 {
        (
            normal_cdf((distance - critical) / own),
            normal_cdf((-distance - critical) / own),
        )
    } else {
        (f64::from(u8::from(distance > critical)), 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_deviation_needs_34_pairs() {
        let effect = MeanEffect {
            delta: 0.5,
            sd: 1.0,
        };
        // G*Power and R's pwr.t.test(d = .5, power = .8, type = "paired"): 33.37.
        let size = sample_size_means(effect, &Design::default()).unwrap();
        assert!((size.n_control_exact - 33.367_13).abs() < 1e-4);
        assert_eq!((size.n_control, size.n_treatment), (34, 34));
        let reached = power_means(effect, 34, &Design::default()).unwrap().power;
        assert!((0.8..0.82).contains(&reached));
        let mde = detectable_mean(1.0, 34, &Design::default()).unwrap();
        assert!((mde - 0.5).abs() < 0.01 && mde < 0.5);
    }

    #[test]
    fn discordant_pairs_after_connor() {
        // p01 = 0.15, p10 = 0.05.
        let size = sample_size_shares(0.2, 0.1, &Design::default()).unwrap();
        let by_hand = (1.959_963_984_540_054 * 0.2_f64.sqrt()
            + 0.841_621_233_572_914_2 * 0.19_f64.sqrt())
            / 0.1;
        assert!((size.n_control_exact - by_hand * by_hand).abs() < 1e-9);
        let reached = power_shares(0.2, -0.1, size.n_control, &Design::default()).unwrap();
        assert!((0.8..0.803).contains(&reached.power));
        let mde = detectable_share(0.2, size.n_control, &Design::default()).unwrap();
        assert!((mde.unwrap() - 0.1).abs() < 1e-3);
        assert_eq!(
            detectable_share(0.01, 20, &Design::default()).unwrap(),
            None
        );
    }

    #[test]
    fn nonsense_is_an_error_with_its_key() {
        let design = Design::default();
        let key = |r: Result<SampleSize>| r.unwrap_err().place.key.unwrap();
        assert_eq!(key(sample_size_shares(0.05, 0.1, &design)), "discordant");
        assert_eq!(key(sample_size_shares(0.05, 0.0, &design)), "effect");
        let still = MeanEffect {
            delta: 0.0,
            sd: 1.0,
        };
        assert_eq!(key(sample_size_means(still, &design)), "effect");
        assert!(power_means(still, 1, &design).is_err());
    }
}
