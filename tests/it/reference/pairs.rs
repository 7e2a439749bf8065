//! The outputs of tests of pairs and of one sample.

use super::functions::comparison;
use super::{Inputs, Output, Outputs, named};
use hindsight::stats::{self, McNemarForm, Moments, PValue};

pub(super) fn one_sample(inputs: &Inputs<'_>) -> Outputs {
    let values = Moments::from_slice(&inputs.numbers("a"));
    let level = inputs.number("conf_level");
    let test = stats::one_sample(&values, inputs.number("mu0"), level).unwrap();
    let mut outputs = comparison(&test, "t");
    // The expected interval is that of the mean, not of its difference to the expected one.
    let mean = stats::mean_estimate(&values, level).unwrap().interval;
    for (name, output) in &mut outputs {
        match *name {
            "ci_low" => *output = Output::Number(mean.lower),
            "ci_high" => *output = Output::Number(mean.upper),
            _ => {}
        }
    }
    outputs
}

pub(super) fn paired(inputs: &Inputs<'_>) -> Outputs {
    let (a, b) = (inputs.numbers("a"), inputs.numbers("b"));
    comparison(
        &stats::paired(&a, &b, inputs.number("conf_level")).unwrap(),
        "t",
    )
}

pub(super) fn wilcoxon(inputs: &Inputs<'_>) -> Outputs {
    let (a, b) = (inputs.numbers("a"), inputs.numbers("b"));
    let [exact, corrected, plain] = [PValue::Automatic, PValue::Normal, PValue::NormalUncorrected]
        .map(|form| stats::wilcoxon_signed_rank(&a, &b, form).unwrap());
    named([
        ("w_plus", exact.test.statistic),
        ("n_nonzero", exact.n_nonzero as f64),
        ("p_asym_cc", corrected.test.p),
        ("p_asym", plain.test.p),
        ("p_exact", exact.test.p),
        ("p_exact_greater", exact.p_greater),
    ])
}

pub(super) fn mcnemar(inputs: &Inputs<'_>) -> Outputs {
    let (b, c) = (inputs.count("b"), inputs.count("c"));
    let [exact, mid, plain, corrected] = [
        McNemarForm::Exact,
        McNemarForm::MidP,
        McNemarForm::Asymptotic,
        McNemarForm::Corrected,
    ]
    .map(|form| stats::mcnemar(b, c, form).unwrap());
    named([
        ("p_exact", exact.p),
        ("p_mid", mid.p),
        ("chi2", plain.statistic),
        ("p_chi2", plain.p),
        ("chi2_cc", corrected.statistic),
        ("p_chi2_cc", corrected.p),
    ])
}
