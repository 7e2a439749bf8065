//! The outputs for shares and rates.

use super::functions::{comparison, limits};
use super::{Inputs, Outputs, named};
use hindsight::stats::{
    self, Continuity, DifferenceMethod, Rate, Share, ShareMethod, Stratum, Variance,
};

pub(super) fn two_proportion_z(inputs: &Inputs<'_>) -> Outputs {
    let (a, b) = inputs.shares();
    let variance = if inputs.flag("pooled") {
        Variance::Pooled
    } else {
        Variance::Unpooled
    };
    comparison(&stats::two_proportions(a, b, variance, 0.95).unwrap(), "z")
}

pub(super) fn proportion_interval(inputs: &Inputs<'_>) -> Outputs {
    let method = match inputs.text("method") {
        "wald" => ShareMethod::Wald,
        "wilson" => ShareMethod::Wilson,
        "wilson_cc" => ShareMethod::WilsonCorrected,
        "agresti_coull" => ShareMethod::AgrestiCoull,
        "jeffreys" => ShareMethod::Jeffreys,
        "clopper_pearson" => ShareMethod::ClopperPearson,
        other => panic!("{other} is not covered"),
    };
    let share = inputs.share("x", "n");
    limits(&share.interval(inputs.number("conf_level"), method).unwrap())
}

pub(super) fn difference_interval(inputs: &Inputs<'_>) -> Outputs {
    let method = match inputs.text("method") {
        "wald" => DifferenceMethod::Wald,
        "agresti_caffo" => DifferenceMethod::AgrestiCaffo,
        "newcombe" => DifferenceMethod::Newcombe,
        "miettinen_nurminen" => DifferenceMethod::MiettinenNurminen,
        "mee" => DifferenceMethod::Mee,
        other => panic!("{other} is not covered"),
    };
    let (a, b) = inputs.shares();
    let level = inputs.number("conf_level");
    limits(&stats::share_difference(a, b, level, method).unwrap())
}

pub(super) fn risk_ratio(inputs: &Inputs<'_>) -> Outputs {
    let (a, b) = inputs.shares();
    let estimate = stats::risk_ratio(a, b, inputs.number("conf_level")).unwrap();
    let mut outputs = limits(&estimate);
    outputs.extend(named([
        ("rr", estimate.value),
        ("se_log", stats::risk_ratio_ln_se(a, b)),
    ]));
    outputs
}

pub(super) fn odds_ratio(inputs: &Inputs<'_>) -> Outputs {
    let (a, b) = inputs.shares();
    let estimate = stats::odds_ratio(a, b, inputs.number("conf_level")).unwrap();
    let mut outputs = limits(&estimate);
    outputs.extend(named([
        ("odds_ratio", estimate.value),
        ("se_log", stats::odds_ratio_ln_se(a, b).unwrap()),
    ]));
    outputs
}

pub(super) fn cochran_mantel_haenszel(inputs: &Inputs<'_>) -> Outputs {
    let tables: Vec<[[u64; 2]; 2]> = serde_json::from_value(inputs.0["strata"].clone()).unwrap();
    let share = |[events, rest]: [u64; 2]| Share {
        events,
        n: events + rest,
    };
    let strata: Vec<Stratum> = tables
        .iter()
        .map(|[first, second]| Stratum {
            control: share(*second),
            treatment: share(*first),
        })
        .collect();
    let continuity = if inputs.flag("correction") {
        Continuity::Yates
    } else {
        Continuity::None
    };
    let test = stats::cochran_mantel_haenszel(&strata, continuity).unwrap();
    let level = 0.95;
    let odds = stats::common_odds_ratio(&strata, level).unwrap();
    let z = stats::dist::z_multiplier(level).unwrap();
    named([
        ("statistic", test.statistic),
        ("p_value", test.p),
        ("or_mh", odds.value),
        (
            "se_log_or_mh",
            (odds.interval.upper / odds.interval.lower).ln() / (2.0 * z),
        ),
    ])
}

pub(super) fn poisson_rates(inputs: &Inputs<'_>) -> Outputs {
    let [a, b] = [["x_a", "t_a"], ["x_b", "t_b"]].map(|[events, exposure]| Rate {
        events: inputs.count(events),
        exposure: inputs.number(exposure),
    });
    let result = stats::compare_rates(a, b, 0.95).unwrap();
    named([
        ("p_two_sided", result.test.p),
        ("rate_ratio", result.ratio.value),
        ("ci_low", result.ratio.interval.lower),
        ("ci_high", result.ratio.interval.upper),
    ])
}
