//! The outputs of comparisons of two or more samples.

use super::{Inputs, Outputs, named};
use hindsight::stats::{self, Covaried, Interval, KsForm, Moments, effect_size};

pub(super) fn kruskal_wallis(inputs: &Inputs<'_>) -> Outputs {
    let groups = inputs.groups();
    let slices: Vec<&[f64]> = groups.iter().map(Vec::as_slice).collect();
    let test = stats::kruskal_wallis(&slices).unwrap();
    named([
        ("h", test.statistic),
        ("df", test.df.unwrap()),
        ("p_value", test.p),
    ])
}

pub(super) fn kolmogorov_smirnov(inputs: &Inputs<'_>) -> Outputs {
    let (a, b) = (inputs.numbers("a"), inputs.numbers("b"));
    let [given, ignoring, asymptotic] =
        [KsForm::Automatic, KsForm::IgnoringTies, KsForm::Asymptotic]
            .map(|form| stats::kolmogorov_smirnov(&a, &b, form).unwrap());
    named([
        ("d", given.statistic),
        ("p_asymptotic", asymptotic.p),
        ("p_exact", ignoring.p),
        ("p_exact_ties", given.p),
    ])
}

fn moments(inputs: &Inputs<'_>) -> Vec<Moments> {
    let groups = inputs.groups();
    groups.iter().map(|g| Moments::from_slice(g)).collect()
}

pub(super) fn anova(inputs: &Inputs<'_>) -> Outputs {
    let result = stats::anova(&moments(inputs)).unwrap();
    named([
        ("f", result.test.statistic),
        ("df_between", result.test.df.unwrap()),
        ("df_within", result.df_within),
        ("ss_between", result.ss_between.unwrap()),
        ("ss_within", result.ss_within.unwrap()),
        ("p_value", result.test.p),
        ("ln_p_value", result.test.ln_p),
    ])
}

pub(super) fn welch_anova(inputs: &Inputs<'_>) -> Outputs {
    let result = stats::welch_anova(&moments(inputs)).unwrap();
    named([
        ("f", result.test.statistic),
        ("df_num", result.test.df.unwrap()),
        ("df_den", result.df_within),
        ("p_value", result.test.p),
    ])
}

pub(super) fn cuped(inputs: &Inputs<'_>) -> Outputs {
    let arms =
        [["y_a", "x_a"], ["y_b", "x_b"]].map(|[y, x]| (inputs.numbers(y), inputs.numbers(x)));
    let [a, b] = [0, 1].map(|arm| Covaried {
        outcomes: &arms[arm].0,
        covariates: &arms[arm].1,
    });
    let result = stats::cuped(a, b, inputs.number("conf_level")).unwrap();
    let comparison = result.comparison;
    named([
        ("theta", result.theta),
        ("diff", comparison.difference.value),
        ("se", comparison.standard_error),
        ("t", comparison.test.statistic),
        ("df", comparison.test.df.unwrap()),
        ("p_two_sided", comparison.test.p),
        ("ci_low", comparison.difference.interval.lower),
        ("ci_high", comparison.difference.interval.upper),
        ("variance_reduction", result.variance_reduction),
    ])
}

pub(super) fn effect_size(inputs: &Inputs<'_>) -> Outputs {
    if inputs.text("kind") == "h" {
        let h = stats::cohens_h(inputs.number("p1"), inputs.number("p2"));
        return named([("h", h.unwrap())]);
    }
    let [a, b] = ["a", "b"].map(|arm| Moments::from_slice(&inputs.numbers(arm)));
    let d = stats::cohens_d(&a, &b, 0.95).unwrap();
    let g = stats::hedges_g(&a, &b, 0.95).unwrap();
    let factor = effect_size::hedges_factor_approximate((a.n + b.n - 2) as f64);
    named([
        ("d", d.value),
        ("g_exact", g.value),
        ("g_approx", d.value * factor),
    ])
}

pub(super) fn equivalence(inputs: &Inputs<'_>) -> Outputs {
    let [a, b] = ["a", "b"].map(|arm| Moments::from_slice(&inputs.numbers(arm)));
    let test = if inputs.flag("equal_var") {
        stats::student
    } else {
        stats::welch
    };
    let margins = Interval {
        lower: inputs.number("low"),
        upper: inputs.number("upp"),
    };
    let result = stats::equivalence(&test(&a, &b, 0.95).unwrap(), margins).unwrap();
    named([
        ("p", result.test.p),
        ("p_lower", result.p_lower),
        ("p_upper", result.p_upper),
    ])
}
