//! The outputs of distributions, tests and intervals.

use super::{Inputs, Output, Outputs, named, optional};
use hindsight::stats::{
    self, Comparison, Continuity, Estimate, Measured, Moments, PValue, RatioMoments, Reference,
    dist,
};

pub(super) fn distributions(inputs: &Inputs<'_>) -> Outputs {
    let args = inputs.numbers("args");
    let tail = |ln: f64| named([("value", ln.exp()), ("ln_value", ln)]);
    let point = |x: Option<f64>| named([("value", x.unwrap())]);
    let binomial = || dist::binomial_tails(args[0] as u64, args[1] as u64, args[2]);
    match inputs.text("fn") {
        "norm_sf" => tail(dist::normal_tails(args[0]).ln_upper),
        "norm_ppf" => point(dist::normal_quantile(args[0])),
        "t_sf" => tail(dist::t_tails(args[0], args[1]).ln_upper),
        "t_isf" => point(dist::t_upper_quantile(args[0], args[1])),
        "chi2_sf" => tail(dist::chi_square_tails(args[0], args[1]).ln_upper),
        "chi2_isf" => point(dist::chi_square_upper_quantile(args[0], args[1])),
        "kolmogorov_sf" => tail(dist::kolmogorov_tails(args[0]).ln_upper),
        "f_sf" => tail(dist::f_tails(args[0], args[1], args[2]).ln_upper),
        "beta_ppf" => point(dist::beta_quantile(args[0], args[1], args[2])),
        "beta_cdf" => tail(dist::beta_tails(args[1], args[2], args[0], 1.0 - args[0]).ln_lower),
        "binom_cdf" => tail(binomial().ln_lower),
        "binom_sf" => tail(binomial().ln_upper),
        "nct_cdf" => tail(dist::noncentral_t_tails(args[0], args[1], args[2]).0.ln()),
        other => panic!("{other} is not covered"),
    }
}

pub(super) fn contingency(inputs: &Inputs<'_>) -> Outputs {
    let table = inputs.table();
    let general = stats::chi_square(&table).unwrap();
    let continuity = if inputs.flag("yates") {
        Continuity::Yates
    } else {
        Continuity::None
    };
    let result = match table.as_slice() {
        [top, bottom] if top.len() == 2 => {
            let counts = [[top[0], top[1]], [bottom[0], bottom[1]]];
            stats::chi_square_2x2(counts, continuity).unwrap()
        }
        _ => general,
    };
    // The general form must give the 2×2 answer too.
    assert!((general.cramers_v - result.cramers_v).abs() <= 1e-9 * result.cramers_v);
    named([
        ("statistic", result.test.statistic),
        ("dof", result.test.df.unwrap()),
        ("p_value", result.test.p),
        ("ln_p_value", result.test.ln_p),
        ("min_expected", result.min_expected),
        ("cramers_v", result.cramers_v),
    ])
}

pub(super) fn sample_ratio(inputs: &Inputs<'_>) -> Outputs {
    let counts: Vec<u64> = serde_json::from_value(inputs.0["counts"].clone()).unwrap();
    let weights = inputs.numbers("weights");
    let test = stats::sample_ratio(&counts, &weights).unwrap();
    let mut outputs = named([
        ("statistic", test.statistic),
        ("dof", test.df.unwrap()),
        ("p_value", test.p),
        ("ln_p_value", test.ln_p),
    ]);
    let expected = stats::expected_counts(&counts, &weights).unwrap();
    outputs.push(("expected", Output::List(expected)));
    outputs
}

pub(super) fn fisher(inputs: &Inputs<'_>) -> Outputs {
    let table = inputs.table();
    let [a, b, c, d] = [table[0][0], table[0][1], table[1][0], table[1][1]];
    let result = stats::fisher_exact([[a, b], [c, d]]).unwrap();
    let mut outputs = named([
        ("p_two_sided", result.test.p),
        ("ln_p_two_sided", result.test.ln_p),
        ("p_less", result.p_less),
        ("p_greater", result.p_greater),
    ]);
    outputs.push(("odds_ratio_sample", optional(result.odds_ratio)));
    let level = inputs.number("conf_level");
    let odds = stats::conditional_odds_ratio([[a, b], [c, d]], level).unwrap();
    outputs.extend(named([
        ("odds_ratio_cond_mle", odds.value),
        ("cond_ci_low", odds.interval.lower),
        ("cond_ci_high", odds.interval.upper),
    ]));
    outputs
}

pub(super) fn g_test(inputs: &Inputs<'_>) -> Outputs {
    let test = stats::g_test(&inputs.table()).unwrap();
    named([
        ("statistic", test.statistic),
        ("dof", test.df.unwrap()),
        ("p_value", test.p),
        ("ln_p_value", test.ln_p),
    ])
}

pub(super) fn binomial_test(inputs: &Inputs<'_>) -> Outputs {
    let result = stats::binomial_test(inputs.share("x", "n"), inputs.number("p0")).unwrap();
    named([
        ("p_two_sided", result.test.p),
        ("p_less", result.p_less),
        ("p_greater", result.p_greater),
    ])
}

pub(super) fn mann_whitney(inputs: &Inputs<'_>) -> Outputs {
    let (a, b) = (inputs.numbers("a"), inputs.numbers("b"));
    let [normal, plain, exact, deviation] = [
        PValue::Normal,
        PValue::NormalUncorrected,
        PValue::Automatic,
        PValue::AutomaticByDeviation,
    ]
    .map(|form| stats::mann_whitney(&a, &b, form).unwrap());
    let pairs = (a.len() * b.len()) as f64;
    named([
        ("u_b", normal.test.statistic),
        ("u_a", pairs - normal.test.statistic),
        ("prob_superiority", normal.superiority),
        ("z_cc", normal.z),
        ("p_asym_cc", normal.test.p),
        ("p_asym", plain.test.p),
        ("p_exact_absdev", deviation.test.p),
        ("p_greater_cc", normal.p_greater),
        ("p_less_cc", normal.p_less),
        ("p_exact", exact.test.p),
        ("p_exact_greater", exact.p_greater),
        ("p_exact_less", exact.p_less),
    ])
}

pub(super) fn comparison(result: &Comparison, statistic: &'static str) -> Outputs {
    named([
        (statistic, result.test.statistic),
        ("df", result.test.df.unwrap_or(f64::INFINITY)),
        ("diff", result.difference.value),
        ("se", result.standard_error),
        ("p_two_sided", result.test.p),
        ("ln_p_two_sided", result.test.ln_p),
        ("p_greater", result.p_greater),
        ("p_less", result.p_less),
        ("ci_low", result.difference.interval.lower),
        ("ci_high", result.difference.interval.upper),
    ])
}

type TTest = fn(&Moments, &Moments, f64) -> Option<Comparison>;

fn t_test(inputs: &Inputs<'_>, test: TTest) -> Outputs {
    let [a, b] = ["a", "b"].map(|arm| Moments::from_slice(&inputs.numbers(arm)));
    comparison(&test(&a, &b, inputs.number("conf_level")).unwrap(), "t")
}

pub(super) fn t_test_welch(inputs: &Inputs<'_>) -> Outputs {
    t_test(inputs, stats::welch)
}

pub(super) fn t_test_student(inputs: &Inputs<'_>) -> Outputs {
    t_test(inputs, stats::student)
}

fn summary(inputs: &Inputs<'_>) -> [Moments; 2] {
    [["n_a", "mean_a", "sd_a"], ["n_b", "mean_b", "sd_b"]].map(|[n, mean, sd]| {
        let (mean, sd) = (inputs.number(mean), inputs.number(sd));
        Moments::from_summary(inputs.count(n), mean, sd).unwrap()
    })
}

pub(super) fn t_test_from_stats(inputs: &Inputs<'_>) -> Outputs {
    let [a, b] = summary(inputs);
    let test: TTest = if inputs.flag("equal_var") {
        stats::student
    } else {
        stats::welch
    };
    comparison(&test(&a, &b, inputs.number("conf_level")).unwrap(), "t")
}

pub(super) fn limits(estimate: &Estimate) -> Outputs {
    let interval = estimate.interval;
    named([("low", interval.lower), ("high", interval.upper)])
}

pub(super) fn relative_lift(inputs: &Inputs<'_>) -> Outputs {
    let [a, b] = summary(inputs).map(|m| Measured {
        value: m.mean,
        variance: m.variance_of_mean().unwrap(),
    });
    let level = inputs.number("conf_level");
    let pair = |m: Measured| (m.value, m.variance);
    let logarithm = stats::relative_change(pair(a), pair(b), 0, level).unwrap();
    let delta = stats::relative_lift(a, b, 0, level).unwrap();
    let fieller = stats::fieller_lift(a, b, 0, level).unwrap();
    named([
        ("lift", delta.value),
        ("se_delta", stats::relative_standard_error(a, b).unwrap()),
        ("delta_low", delta.interval.lower),
        ("delta_high", delta.interval.upper),
        ("log_low", logarithm.interval.lower),
        ("log_high", logarithm.interval.upper),
        ("fieller_low", fieller.interval.lower),
        ("fieller_high", fieller.interval.upper),
    ])
}

pub(super) fn ratio(inputs: &Inputs<'_>) -> Outputs {
    let [a, b] = [["num_a", "den_a"], ["num_b", "den_b"]]
        .map(|[num, den]| RatioMoments::from_slices(&inputs.numbers(num), &inputs.numbers(den)));
    let level = inputs.number("conf_level");
    let result = stats::ratio_difference(&a, &b, Reference::Normal, level).unwrap();
    let mut outputs = comparison(&result, "z");
    outputs.extend(named([
        ("ratio_a", a.ratio().unwrap()),
        ("ratio_b", b.ratio().unwrap()),
        ("var_a", a.linearised_variance().unwrap()),
        ("var_b", b.linearised_variance().unwrap()),
    ]));
    outputs
}

pub(super) fn quantile_interval(inputs: &Inputs<'_>) -> Outputs {
    let mut values = inputs.numbers("x");
    values.sort_by(f64::total_cmp);
    let (q, level, n) = (
        inputs.number("q"),
        inputs.number("conf_level"),
        values.len() as u64,
    );
    let ranks = stats::Ranks::independent(n, q, level).unwrap();
    let estimate = stats::quantile_estimate(&values, q, level).unwrap();
    let mut outputs = limits(&estimate);
    outputs.extend(named([
        ("lower_rank", ranks.lower.unwrap_or(0) as f64),
        ("upper_rank", ranks.upper.unwrap_or(n + 1) as f64),
        ("coverage", ranks.coverage(n, q)),
        ("estimate_type7", estimate.value),
    ]));
    outputs
}

pub(super) fn univariate(inputs: &Inputs<'_>) -> Outputs {
    let moments = Moments::from_slice(&inputs.data_file());
    let sd = moments.standard_deviation().unwrap();
    named([("mean", moments.mean), ("sd", sd), ("sd_f64", sd)])
}

pub(super) fn p_adjust(inputs: &Inputs<'_>) -> Outputs {
    let p = inputs.numbers("p");
    let adjusted = match inputs.text("method") {
        "holm" => stats::holm(&p),
        "bonferroni" => stats::bonferroni(&p),
        "hochberg" => stats::hochberg(&p),
        "by" => stats::benjamini_yekutieli(&p),
        "bh" => stats::benjamini_hochberg(&p),
        other => panic!("{other} is not covered"),
    };
    vec![("adjusted", Output::List(adjusted))]
}
