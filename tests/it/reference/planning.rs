//! The outputs of planning.

use super::{Inputs, Outputs, named, optional};
use hindsight::stats::dist;
use hindsight::stats::power::{self, Better, Sides, means, proportions};

fn share_formula(inputs: &Inputs<'_>) -> proportions::ShareFormula {
    match inputs.text("method") {
        "pooled" => proportions::ShareFormula::Pooled,
        "unpooled" => proportions::ShareFormula::Unpooled,
        "arcsine" => proportions::ShareFormula::Arcsine,
        "fleiss_cc" => proportions::ShareFormula::ContinuityCorrected,
        "evan_miller" => proportions::ShareFormula::ControlVariance,
        other => panic!("{other} is not covered"),
    }
}

fn mean_formula(inputs: &Inputs<'_>) -> means::MeanFormula {
    match inputs.text("method") {
        "z" => means::MeanFormula::Normal,
        "t" => means::MeanFormula::NoncentralT,
        other => panic!("{other} is not covered"),
    }
}

fn size(size: &power::SampleSize, names: [&'static str; 3]) -> Outputs {
    let [exact, control, treatment] = names;
    named([
        (exact, size.n_control_exact),
        (control, size.n_control as f64),
        (treatment, size.n_treatment as f64),
    ])
}

pub(super) fn size_proportions(inputs: &Inputs<'_>) -> Outputs {
    let (p1, p2) = (inputs.number("p1"), inputs.number("p2"));
    let found = proportions::sample_size(p1, p2, &inputs.design(), share_formula(inputs));
    size(&found.unwrap(), ["n1", "n1_ceil", "n2_ceil"])
}

pub(super) fn power_proportions(inputs: &Inputs<'_>) -> Outputs {
    let (p1, p2) = (inputs.number("p1"), inputs.number("p2"));
    let n = inputs.arms(["n1", "n2"]);
    let found = proportions::power(p1, p2, n, &inputs.design(), share_formula(inputs)).unwrap();
    named([
        ("power", found.power),
        ("power_both_tails", found.both_tails),
    ])
}

pub(super) fn change_proportions(inputs: &Inputs<'_>) -> Outputs {
    let p1 = inputs.number("p1");
    let n = inputs.arms(["n1", "n2"]);
    let formula = share_formula(inputs);
    let change = proportions::detectable_change(p1, n, &inputs.design(), formula).unwrap();
    vec![
        ("mde_up", optional(change.up)),
        ("mde_down", optional(change.down.map(|d| -d))),
        ("p2_up", optional(change.up.map(|d| p1 + d))),
        ("p2_down", optional(change.down.map(|d| p1 + d))),
    ]
}

fn mean_effect(inputs: &Inputs<'_>, delta: &str) -> means::MeanEffect {
    means::MeanEffect {
        delta: inputs.number(delta),
        sd: inputs.number("sd"),
    }
}

pub(super) fn size_means(inputs: &Inputs<'_>) -> Outputs {
    let effect = mean_effect(inputs, "delta");
    let found = means::sample_size(effect, &inputs.design(), mean_formula(inputs));
    size(&found.unwrap(), ["n1", "n1_ceil", "n2_ceil"])
}

pub(super) fn power_means(inputs: &Inputs<'_>) -> Outputs {
    let (effect, design) = (mean_effect(inputs, "delta"), inputs.design());
    let n = inputs.arms(["n1", "n2"]);
    let find = |formula| {
        means::power(effect, n, &design, formula)
            .unwrap()
            .both_tails
    };
    let sides = if design.sides == Sides::One { 1.0 } else { 2.0 };
    let df = (n.0 + n.1 - 2) as f64;
    named([
        ("power", find(means::MeanFormula::NoncentralT)),
        ("power_z", find(means::MeanFormula::Normal)),
        ("ncp", means::noncentrality(effect, n)),
        ("df", df),
        (
            "t_crit",
            dist::t_upper_quantile(design.alpha / sides, df).unwrap(),
        ),
    ])
}

pub(super) fn change_means(inputs: &Inputs<'_>) -> Outputs {
    let (sd, n) = (inputs.number("sd"), inputs.arms(["n1", "n2"]));
    let formula = mean_formula(inputs);
    let change = means::detectable_change(sd, n, &inputs.design(), formula).unwrap();
    vec![("mde", optional(change.up))]
}

pub(super) fn size_non_inferiority(inputs: &Inputs<'_>) -> Outputs {
    let (design, margin) = (inputs.design(), inputs.number("margin"));
    let found = if inputs.text("kind") == "means" {
        let effect = mean_effect(inputs, "effect");
        means::non_inferiority_size(effect, margin, &design, mean_formula(inputs))
    } else {
        let question = proportions::ShareMargin {
            control: inputs.number("p_a"),
            treatment: inputs.number("p_b"),
            margin,
            better: Better::Higher,
        };
        let formula = match inputs.text("method") {
            "wald" => proportions::MarginFormula::Wald,
            _ => proportions::MarginFormula::FarringtonManning,
        };
        proportions::non_inferiority_size(&question, &design, formula)
    };
    size(&found.unwrap(), ["n_a", "n_a_ceil", "n_b_ceil"])
}
