//! What every statistic promises whatever it is given: an answer without NaN, or none, at once;
//! symmetry, equivariance, and p-values that are uniform where nothing differs.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use hindsight::stats::power::{Design, Sides, equivalence, means, pairs, proportions, quantiles};
use hindsight::stats::sequential::{
    BetaMixture, Boundary, GroupDesign, Spending, Sprt, asymptotic_sequence, beta_binomial_test,
    msprt, share_difference_sequence, share_sequence,
};
use hindsight::stats::{self, *};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use std::fmt::Debug;
use std::time::{Duration, Instant};

mod compared;

/// The same cases at every run.
fn fixed(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(20),
        ..ProptestConfig::default()
    }
}

/// Runs a statistic: its answer must hold no NaN, and come. A busy machine is given time; an endless
/// loop is not.
fn sound<T: Debug>(what: &str, answer: impl FnOnce() -> T) {
    const PATIENCE: Duration = Duration::from_mins(2);
    let start = Instant::now();
    let text = format!("{:?}", answer());
    // An error may name the NaN that it was given.
    let named = text.replace("NaN cannot be planned with", "");
    assert!(!named.contains("NaN"), "{what}: {text}");
    assert!(start.elapsed() < PATIENCE, "{what}: {:?}", start.elapsed());
}

/// Values that trouble floating point, among plain ones.
fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => -10.0..10.0_f64,
        2 => (-3..4_i32).prop_map(f64::from),
        1 => prop::sample::select(vec![
            0.0, -0.0, 5e-324, 1e-308, 1e-150, 1e-16, 1.0 + f64::EPSILON, 1e16, 1e150, -1e150,
            1e300, f64::MAX, f64::MIN, f64::NAN, f64::INFINITY, f64::NEG_INFINITY,
        ]),
    ]
}

fn values() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(value(), 0..14)
}

fn count() -> impl Strategy<Value = u64> {
    prop_oneof![
        4 => 0..40_u64,
        1 => prop::sample::select(vec![
            1_000, 65_537, 1_000_000_000, 1 << 40, (1 << 62) - 1, 1 << 63, u64::MAX,
        ]),
    ]
}

fn share() -> impl Strategy<Value = Share> {
    (count(), count()).prop_map(|(events, n)| Share { events, n })
}

fn level() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => Just(0.95),
        1 => prop::sample::select(vec![0.0, 1e-9, 0.5, 0.999_999_999, 1.0, -1.0, f64::NAN]),
    ]
}

proptest! {
    #![proptest_config(fixed(400))]

    #[test]
    fn samples_of_any_values_have_sound_answers(a in values(), b in values(), level in level()) {
        let (ma, mb) = (Moments::from_slice(&a), Moments::from_slice(&b));
        sound("welch", || {
            let test = welch(&ma, &mb, level);
            let margins = Interval { lower: -1.0, upper: 2.0 };
            let small = test.as_ref().map(|c| stats::equivalence(c, margins));
            let no_worse = test.as_ref().map(|c| non_inferiority(c, 0.5, Better::Lower));
            (test, small, no_worse)
        });
        sound("student", || student(&ma, &mb, level));
        sound("one sample", || one_sample(&ma, b.first().copied().unwrap_or(0.0), level));
        sound("mean", || mean_estimate(&ma, level));
        sound("d", || (cohens_d(&ma, &mb, level), hedges_g(&ma, &mb, level)));
        sound("anova", || (anova(&[ma, mb, ma]), welch_anova(&[ma, mb])));
        sound("delta", || cliffs_delta(&a, &b, level));
        for form in [PValue::Automatic, PValue::AutomaticByDeviation, PValue::Normal] {
            sound("mann-whitney", || mann_whitney(&a, &b, form));
            sound("wilcoxon", || wilcoxon_signed_rank(&a, &b, form));
        }
        sound("kruskal", || kruskal_wallis(&[&a, &b]));
        for form in [KsForm::Automatic, KsForm::IgnoringTies, KsForm::Asymptotic] {
            sound("ks", || kolmogorov_smirnov(&a, &b, form));
        }
        sound("shift", || (shift(&a, &b, level), paired_shift(&a, &b, level)));
        let both = a.len().min(b.len());
        let (first, second) = (&a[..both], &b[..both]);
        sound("paired", || (paired(first, second, level), paired_shift(first, second, level)));
        sound("cuped", || {
            let arm = Covaried { outcomes: first, covariates: second };
            cuped(arm, arm, level)
        });
        sound("ratio", || {
            let r = RatioMoments::from_slices(first, second);
            let q = RatioMoments::from_slices(second, first);
            (ratio_difference(&r, &q, Reference::Welch, level), r.share_estimate(Reference::Welch, level))
        });
        let mut sorted: Vec<f64> = a.iter().copied().filter(|v| v.is_finite()).collect();
        sorted.sort_by(f64::total_cmp);
        sound("quantile", || quantile_estimate(&sorted, 0.95, level));
    }

    #[test]
    fn counts_of_any_size_have_sound_answers(a in share(), b in share(), level in level(), x in count(), y in count()) {
        for method in [
            ShareMethod::Wald, ShareMethod::Wilson, ShareMethod::WilsonCorrected,
            ShareMethod::AgrestiCoull, ShareMethod::Jeffreys, ShareMethod::ClopperPearson,
        ] {
            sound("share", || a.interval(level, method));
        }
        for method in [
            DifferenceMethod::Wald, DifferenceMethod::AgrestiCaffo, DifferenceMethod::Newcombe,
            DifferenceMethod::MiettinenNurminen, DifferenceMethod::Mee,
        ] {
            sound("difference", || share_difference(a, b, level, method));
        }
        sound("score", || score_test(a, b, 0.01));
        sound("z", || two_proportions(a, b, Variance::Pooled, level));
        sound("ratios", || (risk_ratio(a, b, level), odds_ratio(a, b, level)));
        let table = [[a.events, a.n], [b.events, b.n]];
        let rows: Vec<Vec<u64>> = table.iter().map(|row| row.to_vec()).collect();
        sound("fisher", || fisher_exact(table));
        sound("conditional", || conditional_odds_ratio(table, level));
        sound("chi-square", || (chi_square_2x2(table, Continuity::Yates), chi_square(&rows), g_test(&rows)));
        sound("binomial", || binomial_test(a, 0.3));
        let strata = [Stratum { control: a, treatment: b }, Stratum { control: b, treatment: a }];
        sound("strata", || (
            cochran_mantel_haenszel(&strata, Continuity::Yates),
            common_odds_ratio(&strata, level),
            common_difference(&strata, level),
            breslow_day(&strata),
        ));
        for form in [McNemarForm::Exact, McNemarForm::MidP, McNemarForm::Asymptotic, McNemarForm::Corrected] {
            sound("mcnemar", || mcnemar(x, y, form));
        }
        let paired = PairedCounts { both: a.events, only_control: x, only_treatment: y, neither: a.n };
        sound("pairs", || (paired.difference(level), paired.odds_ratio(level)));
        let rate = |events: u64, exposure: u64| Rate { events, exposure: exposure as f64 };
        sound("rates", || compare_rates(rate(a.events, a.n), rate(b.events, b.n), level));
        sound("rate", || (rate(x, a.n).estimate(level), rate(x, a.n).test(0.5)));
        let mixture = BetaMixture { a: 0.5, b: 3.0 };
        sound("sequences", || (
            share_sequence(a, mixture, level),
            share_difference_sequence(a, b, mixture, level),
            beta_binomial_test(a, 0.1, mixture),
        ));
        let sprt = Sprt { null: 0.1, alternative: 0.2, alpha: 0.05, beta: 0.2 };
        sound("sprt", || sprt.state(a));
        sound("sample ratio", || sample_ratio(&[x, y], &[1.0, 2.0]));
    }

    #[test]
    fn settings_of_any_value_have_sound_answers(
        x in value(), y in value(), alpha in level(), power in level(), ratio in value(), n in count(),
    ) {
        let design = Design { alpha: 1.0 - alpha, power, ratio, ..Design::default() };
        let arms = (n, 100);
        for formula in proportions::ShareFormula::ALL {
            sound("shares", || (
                proportions::sample_size(x, y, &design, formula),
                proportions::power(x, y, arms, &design, formula),
                proportions::detectable_change(x, arms, &design, formula),
            ));
        }
        let effect = means::MeanEffect { delta: x, sd: y };
        for formula in [means::MeanFormula::NoncentralT, means::MeanFormula::Normal] {
            sound("means", || (
                means::sample_size(effect, &design, formula),
                means::power(effect, arms, &design, formula),
                means::detectable_change(y, arms, &design, formula),
                means::non_inferiority_size(effect, ratio, &design, formula),
            ));
        }
        sound("pairs", || (
            pairs::sample_size_means(effect, &design),
            pairs::power_means(effect, n, &design),
            pairs::detectable_mean(y, n, &design),
            pairs::sample_size_shares(x, y, &design),
            pairs::power_shares(x, y, n, &design),
            pairs::detectable_share(x, n, &design),
        ));
        sound("equivalence", || {
            let of_means = equivalence::Equivalent::Means { sd: x, difference: 0.0 };
            (equivalence::sample_size(of_means, y, &design), equivalence::power(of_means, y, arms, &design))
        });
        sound("quantiles", || quantiles::sample_size(
            x, 0.9, quantiles::Spread::LogNormal { median: y, value: ratio }, &design,
        ));
        sound("sequence", || (
            asymptotic_sequence(x, y, n, ratio, alpha),
            msprt(x, y, ratio, 0.0, n, alpha),
        ));
        let measured = |value: f64, variance: f64| Measured { value, variance };
        sound("lift", || (
            relative_lift(measured(x, y), measured(y, x), n, alpha),
            fieller_lift(measured(x, y), measured(ratio, x), n, alpha),
            relative_change((x, y), (ratio, x), n, alpha),
        ));
        sound("pool", || pool(&[(x, y), (y, ratio)], alpha));
        sound("h", || cohens_h(x, y));
        for p in [x, y] {
            let spending = Spending::HwangShihDeCani { gamma: p };
            sound("spending", || (spending.spent(ratio, 0.05), Spending::KimDeMets { rho: p }.spent(0.3, 0.05)));
            sound("group", || GroupDesign::new(&[0.5, 1.0], design.alpha, Sides::Two, Boundary::WangTsiatis { delta: p }));
        }
    }
}

proptest! {
    #![proptest_config(fixed(200))]

    #[test]
    fn scale_and_shift_move_what_they_should(
        a in prop::collection::vec(-10.0..10.0_f64, 4..20),
        b in prop::collection::vec(-10.0..10.0_f64, 4..20),
        scale in 0.01..100.0_f64,
        offset in -50.0..50.0_f64,
    ) {
        let moved = |v: &[f64]| -> Vec<f64> { v.iter().map(|x| x * scale + offset).collect() };
        let (c, d) = (moved(&a), moved(&b));
        let close = |x: f64, y: f64| (x - y).abs() <= 1e-7 * (1.0 + x.abs().max(y.abs()));
        let plain = welch(&Moments::from_slice(&a), &Moments::from_slice(&b), 0.95).unwrap();
        let other = welch(&Moments::from_slice(&c), &Moments::from_slice(&d), 0.95).unwrap();
        prop_assert!(close(plain.test.p, other.test.p));
        prop_assert!(close(plain.difference.interval.lower * scale, other.difference.interval.lower));
        let (h, i) = (shift(&a, &b, 0.9).unwrap(), shift(&c, &d, 0.9).unwrap());
        prop_assert!(close(h.value * scale, i.value));
        prop_assert!(h.interval.contains(h.value));
        let (s, t) = (cohens_d(&Moments::from_slice(&a), &Moments::from_slice(&b), 0.95).unwrap(),
            cohens_d(&Moments::from_slice(&c), &Moments::from_slice(&d), 0.95).unwrap());
        prop_assert!(close(s.value, t.value) && s.interval.contains(s.value));
        let u = |x: &[f64], y: &[f64]| mann_whitney(x, y, PValue::Automatic).unwrap().test.p;
        prop_assert!(close(u(&a, &b), u(&b, &a)));
        let ks = |x: &[f64], y: &[f64]| kolmogorov_smirnov(x, y, KsForm::Automatic).unwrap().p;
        prop_assert!(close(ks(&a, &b), ks(&b, &a)));
        let delta = cliffs_delta(&a, &b, 0.95).unwrap();
        prop_assert!(delta.interval.contains(delta.value));
    }

    #[test]
    fn power_rises_with_effect_sample_and_alpha(
        p in 0.05..0.5_f64, effect in 0.01..0.2_f64, n in 20..2000_u64, alpha in 0.01..0.2_f64,
    ) {
        let design = Design { alpha, ..Design::default() };
        for formula in proportions::ShareFormula::ALL {
            let at = |effect: f64, n: u64, alpha: f64| {
                let design = Design { alpha, ..design };
                proportions::power(p, p + effect, (n, n), &design, formula).unwrap().power
            };
            let here = at(effect, n, alpha);
            prop_assert!(at(effect, 2 * n, alpha) >= here);
            prop_assert!(at(effect, n, alpha * 1.5) >= here);
            // The control's variance as null is no test's; it alone need not rise with the effect.
            prop_assert!(at(effect * 1.2, n, alpha) >= here - 1e-9);
        }
        let at = |delta: f64, n: u64| {
            let effect = means::MeanEffect { delta, sd: 1.0 };
            means::power(effect, (n, n), &design, means::MeanFormula::NoncentralT).unwrap().power
        };
        prop_assert!(at(effect, 2 * n) >= at(effect, n) && at(2.0 * effect, n) >= at(effect, n));
    }
}

/// The share of `p` at most each hundredth differs from it by no more than chance allows.
fn assert_uniform(what: &str, p: &[f64]) {
    let even: Vec<f64> = (0..20_000)
        .map(|i| (f64::from(i) + 0.5) / 20_000.0)
        .collect();
    let test = kolmogorov_smirnov(&even, p, KsForm::Asymptotic).unwrap();
    assert!(test.p > 0.001, "{what}: {test:?}");
}

#[test]
fn p_values_are_uniform_where_nothing_differs() {
    let mut rng = ChaCha8Rng::seed_from_u64(20);
    let mut all: [Vec<f64>; 7] = Default::default();
    for _ in 0..2000 {
        let mut draw =
            |n: usize| -> Vec<f64> { (0..n).map(|_| rng.sample(StandardNormal)).collect() };
        let (a, b, c) = (draw(40), draw(60), draw(80));
        let [ma, mb, mc] = [&a, &b, &c].map(|v| Moments::from_slice(v));
        let mut doubled = RatioMoments::default();
        let mut others = RatioMoments::default();
        for value in &b {
            doubled.push(2.0 * (value + 9.0), 2.0);
        }
        for value in &c {
            others.push(value + 9.0, 1.0);
        }
        let found = [
            welch(&ma, &mb, 0.95).unwrap().test.p,
            student(&ma, &mb, 0.95).unwrap().test.p,
            paired(&a, &b[..40], 0.95).unwrap().test.p,
            anova(&[ma, mb, mc]).unwrap().test.p,
            welch_anova(&[ma, mb, mc]).unwrap().test.p,
            kruskal_wallis(&[&a, &b, &c]).unwrap().p,
            ratio_difference(&doubled, &others, Reference::Welch, 0.95)
                .unwrap()
                .test
                .p,
        ];
        for (list, p) in all.iter_mut().zip(found) {
            list.push(p);
        }
    }
    let names = [
        "Welch",
        "Student",
        "paired",
        "ANOVA",
        "Welch's ANOVA",
        "Kruskal",
        "ratio",
    ];
    for (name, p) in names.iter().zip(&all) {
        assert_uniform(name, p);
    }
}
