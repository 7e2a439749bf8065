//! The outputs for those who look more than once.

use super::{Inputs, Output, Outputs, named};
use hindsight::stats::power::Sides;
use hindsight::stats::sequential::{
    self, BetaMixture, Boundary, GroupDesign, Spending, Sprt, SprtDecision,
};
use hindsight::stats::{Measured, Moments, Share, relative_lift, relative_standard_error};

pub(super) fn asymptotic(inputs: &Inputs<'_>) -> Outputs {
    let level = 1.0 - inputs.number("alpha");
    let tuning = inputs.number("tuning");
    let [a, b] =
        [["n_a", "mean_a", "var_a"], ["n_b", "mean_b", "var_b"]].map(|[n, mean, variance]| {
            let sd = inputs.number(variance).sqrt();
            let moments = Moments::from_summary(inputs.count(n), inputs.number(mean), sd).unwrap();
            Measured {
                value: moments.mean,
                variance: moments.variance_of_mean().unwrap(),
            }
        });
    let (value, se) = if inputs.flag("relative") {
        let lift = relative_lift(a, b, 0, level).unwrap();
        (lift.value, relative_standard_error(a, b).unwrap())
    } else {
        (b.value - a.value, (a.variance + b.variance).sqrt())
    };
    let n = inputs.count("n_a") + inputs.count("n_b");
    let look = sequential::asymptotic_sequence(value, se, n, tuning, level).unwrap();
    let interval = look.estimate.interval;
    named([
        ("rho", sequential::rho(level, tuning).unwrap()),
        ("diff", value),
        ("se", se),
        ("half_width", (interval.upper - interval.lower) / 2.0),
        ("ci_low", interval.lower),
        ("ci_high", interval.upper),
        ("p_value", look.test.p),
    ])
}

pub(super) fn mixture(inputs: &Inputs<'_>) -> Outputs {
    let look = sequential::msprt(
        inputs.number("diff"),
        inputs.number("var"),
        inputs.number("tau2"),
        inputs.number("theta0"),
        0,
        1.0 - inputs.number("alpha"),
    )
    .unwrap();
    let interval = look.estimate.interval;
    named([
        ("ln_lambda", look.test.statistic),
        ("p_value", look.test.p),
        ("ci_half_width", (interval.upper - interval.lower) / 2.0),
    ])
}

fn share(inputs: &Inputs<'_>) -> Share {
    let (events, rest) = inputs.arms(["successes", "failures"]);
    Share {
        events,
        n: events + rest,
    }
}

pub(super) fn beta_binomial(inputs: &Inputs<'_>) -> Outputs {
    let mixture = BetaMixture {
        a: inputs.number("prior_a"),
        b: inputs.number("prior_b"),
    };
    let p0 = inputs.number("p0");
    let test = sequential::beta_binomial_test(share(inputs), p0, mixture).unwrap();
    named([("ln_e", test.statistic), ("p_value", test.p)])
}

pub(super) fn probability_ratio(inputs: &Inputs<'_>) -> Outputs {
    let test = Sprt {
        null: inputs.number("p0"),
        alternative: inputs.number("p1"),
        alpha: inputs.number("alpha"),
        beta: inputs.number("beta"),
    };
    let state = test.state(share(inputs)).unwrap();
    let mut outputs = named([
        ("llr", state.ln_ratio),
        ("upper", state.upper),
        ("lower", state.lower),
    ]);
    let decision = match state.decision {
        SprtDecision::AcceptAlternative => "accept_h1",
        SprtDecision::AcceptNull => "accept_h0",
        SprtDecision::Continue => "continue",
    };
    outputs.push(("decision", Output::Text(decision)));
    outputs
}

fn spending_function(name: &str, inputs: &Inputs<'_>) -> Spending {
    match name {
        "ld_obf" => Spending::ObrienFleming,
        "ld_pocock" => Spending::Pocock,
        "hsd" => Spending::HwangShihDeCani {
            gamma: inputs.number("param"),
        },
        "kim_demets" => Spending::KimDeMets {
            rho: inputs.number("param"),
        },
        other => panic!("{other} is not covered"),
    }
}

pub(super) fn spending(inputs: &Inputs<'_>) -> Outputs {
    let function = spending_function(inputs.text("function"), inputs);
    let spent = function.spent(inputs.number("t"), inputs.number("alpha"));
    named([("spent", spent.unwrap())])
}

pub(super) fn group(inputs: &Inputs<'_>) -> Outputs {
    let boundary = match inputs.text("design") {
        "obrien_fleming" => Boundary::ObrienFleming,
        "pocock" => Boundary::Pocock,
        "wang_tsiatis" => Boundary::WangTsiatis {
            delta: inputs.number("param"),
        },
        other => Boundary::Spending(spending_function(other, inputs)),
    };
    let sides = if inputs.count("sides") == 1 {
        Sides::One
    } else {
        Sides::Two
    };
    let information = inputs.numbers("information");
    let design = GroupDesign::new(&information, inputs.number("alpha"), sides, boundary).unwrap();
    vec![
        ("z", Output::List(design.z)),
        ("nominal_p", Output::List(design.nominal_p)),
        ("cum_alpha", Output::List(design.cumulative_alpha)),
    ]
}
