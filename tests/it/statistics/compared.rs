//! The same promises of what compares arms within strata, around a switch, by pairs and in families;
//! and that swapping the arms turns a difference round.

use super::*;

/// Cells of up to three strata with values and units.
fn cells() -> impl Strategy<Value = Vec<(Vec<f64>, Vec<u32>)>> {
    let cell = prop::collection::vec((value(), 0..6_u32), 0..9);
    prop::collection::vec(cell.prop_map(|pairs| pairs.into_iter().unzip()), 0..4)
}

/// Cells as codes into one table of the finite values.
struct InCodes {
    table: Vec<f64>,
    cells: Vec<(Vec<u32>, Vec<u32>)>,
}

impl InCodes {
    fn of(cells: &[(Vec<f64>, Vec<u32>)], table: &[f64]) -> Self {
        let code = |v: f64| table.partition_point(|t| *t < v) as u32;
        let cell = |(values, units): &(Vec<f64>, Vec<u32>)| {
            let pairs = values.iter().zip(units);
            let finite = pairs.filter(|(v, _)| v.is_finite());
            finite.map(|(v, unit)| (code(*v), *unit)).unzip()
        };
        Self {
            table: table.to_vec(),
            cells: cells.iter().map(cell).collect(),
        }
    }

    fn borrowed(&self, has_units: bool) -> Vec<Coded<'_>> {
        self.cells
            .iter()
            .map(|(codes, units)| Coded {
                table: &self.table,
                codes,
                units: if has_units { units } else { &[] },
            })
            .collect()
    }
}

/// The distinct finite values, ascending.
fn table<'a>(values: impl Iterator<Item = &'a f64>) -> Vec<f64> {
    let mut table: Vec<f64> = values.copied().filter(|v| v.is_finite()).collect();
    table.sort_by(f64::total_cmp);
    table.dedup();
    table
}

fn finite() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(-10.0..10.0_f64, 3..20)
}

proptest! {
    #![proptest_config(fixed(300))]

    #[test]
    fn strata_of_any_values_have_sound_answers(
        a in cells(), b in cells(), level in level(), q in prop::sample::select(vec![0.0, 0.01, 0.5, 0.99, 1.0]),
    ) {
        let table = table(a.iter().chain(&b).flat_map(|(values, _)| values));
        let (a, b) = (InCodes::of(&a, &table), InCodes::of(&b, &table));
        for has_units in [true, false] {
            let (a, b) = (a.borrowed(has_units), b.borrowed(has_units));
            let means = (LayeredMeans::new(&a), LayeredMeans::new(&b));
            let (a, b) = (LayeredSample::new(&a), LayeredSample::new(&b));
            for by in [Independence::OfUnits, Independence::OfObservations] {
                sound("stratified means", || stratified_means(&means.0, &means.1, by, level));
                sound("stratified quantiles", || stratified_quantiles(&a, &b, (q, by), level));
                sound("standardised quantiles", || standardised_quantiles(&a, &b, (q, by), level));
            }
        }
    }

    #[test]
    fn switches_of_any_values_have_sound_answers(
        points in prop::collection::vec((value(), value(), -20.0..20.0_f64, 0.0..24.0_f64), 0..40),
        level in level(),
    ) {
        let points: Vec<SeriesPoint> = points
            .into_iter()
            .map(|(value, weight, day, hour)| SeriesPoint { day, hour, value, weight })
            .collect();
        for season in [Season::None, Season::Daily] {
            sound("interrupted", || interrupted(&points, season, level));
        }
    }

    #[test]
    fn pairs_rates_and_families_have_sound_answers(
        a in values(), b in values(), shares in prop::collection::vec((share(), share()), 0..4),
        p in prop::collection::vec(0.0..=1.0_f64, 0..9), below in prop::collection::vec((0_u32..5, 0_u32..5), 0..9), se in value(), level in level(),
    ) {
        sound("signed rank", || signed_rank(&a, PValue::Automatic));
        sound("paired moments", || paired_from_moments(&Moments::from_slice(&a), level));
        let sorted: Vec<f64> = {
            let mut sorted: Vec<f64> = a.iter().copied().filter(|v| v.is_finite()).collect();
            sorted.sort_by(f64::total_cmp);
            sorted
        };
        sound("clustered quantile", || clustered_quantile_estimate(&sorted, 0.9, &RatioMoments::of_whole_numbers(below.iter().copied()), level));
        let of = |q| quantile_estimate(&sorted, q, level);
        sound("quantile test", || {
            let difference = quantile_difference(&of(0.5)?, &of(0.9)?)?;
            Some((difference, quantile_test(&difference)))
        });
        for (x, y) in &shares {
            sound("newcombe", || newcombe(*x, *y, level));
            sound("odds", || odds_ratio_ln_se(*x, *y));
            sound("expected", || expected_counts(&[x.events, x.n], &[y.events as f64, y.n as f64]));
            let counts = [x.events, y.events];
            sound("sample ratio", || sample_ratio_clustered(&counts, &[0.5, 0.5], se));
        }
        let pairs: Vec<(f64, f64)> = a.iter().copied().zip(b.iter().copied()).collect();
        sound("pool", || pool(&pairs, level));
        let orders = |v: &[f64], w: &[f64]| v.iter().zip(w).all(|(v, w)| v <= w && *w <= 1.0);
        for adjusted in [holm(&p), benjamini_hochberg(&p), hochberg(&p), bonferroni(&p)] {
            prop_assert!(orders(&p, &adjusted), "{p:?} {adjusted:?}");
        }
        prop_assert!(orders(&benjamini_hochberg(&p), &holm(&p)));
    }

    #[test]
    fn swapping_the_arms_turns_the_difference_round(a in finite(), b in finite(), x in 1..50_u64, y in 1..50_u64) {
        let close = |v: f64, w: f64| (v - w).abs() <= 1e-9 * (1.0 + v.abs().max(w.abs()));
        let turned = |v: &Estimate, w: &Estimate| {
            close(v.value, -w.value)
                && close(v.interval.lower, -w.interval.upper)
                && v.interval.contains(v.value)
        };
        let (ma, mb) = (Moments::from_slice(&a), Moments::from_slice(&b));
        let (v, w) = (welch(&ma, &mb, 0.95).unwrap(), welch(&mb, &ma, 0.95).unwrap());
        prop_assert!(turned(&v.difference, &w.difference) && close(v.test.p, w.test.p));
        let units = |v: &[f64]| -> Vec<u32> { (0..v.len() as u32).map(|i| i / 2).collect() };
        let (ua, ub) = (units(&a), units(&b));
        let table = table(a.iter().chain(&b));
        let in_codes = |values: &[f64], units| InCodes::of(&[(values.to_vec(), units)], &table);
        let (ca, cb) = (in_codes(&a, ua), in_codes(&b, ub));
        let (la, lb) = (LayeredMeans::new(&ca.borrowed(true)), LayeredMeans::new(&cb.borrowed(true)));
        let by = Independence::OfUnits;
        let means = (stratified_means(&la, &lb, by, 0.95), stratified_means(&lb, &la, by, 0.95));
        if let (Some(v), Some(w)) = means {
            prop_assert!(turned(&v.difference, &w.difference));
        }
        let (sa, sb) = (Share { events: x, n: 60 }, Share { events: y, n: 70 });
        for method in [
            DifferenceMethod::Wald, DifferenceMethod::AgrestiCaffo, DifferenceMethod::Newcombe,
            DifferenceMethod::MiettinenNurminen, DifferenceMethod::Mee,
        ] {
            let v = share_difference(sa, sb, 0.95, method).unwrap();
            let w = share_difference(sb, sa, 0.95, method).unwrap();
            prop_assert!(close(v.interval.lower, -w.interval.upper), "{method:?}");
        }
        let both = a.len().min(b.len());
        let arm = |outcomes, covariates| Covaried { outcomes, covariates };
        let (first, second) = (&a[..both], &b[..both]);
        let found = (
            cuped(arm(first, second), arm(second, first), 0.95),
            cuped(arm(second, first), arm(first, second), 0.95),
        );
        if let (Some(v), Some(w)) = found {
            prop_assert!(turned(&v.comparison.difference, &w.comparison.difference));
            prop_assert!(close(v.theta, w.theta));
        }
    }
}
