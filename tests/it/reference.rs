//! Every statistic against reference values (`tests/data/statref/README.md`).
//!
//! One line of `FUNCTIONS` per file: how its outputs are computed, and which of the expected outputs
//! this program does not offer. An expected output in neither is a failure, so nothing is skipped
//! silently.

use hindsight::stats::dist;
use hindsight::stats::power::{self, Better, Design, Sides, means, proportions};
use hindsight::stats::{
    self, Comparison, Continuity, Estimate, Moments, PValue, RatioMoments, Reference, Share,
    Variance,
};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// What a function returned under one of the names of a case.
#[derive(Debug)]
enum Output {
    Number(f64),
    List(Vec<f64>),
    Missing,
}

type Outputs = Vec<(&'static str, Output)>;

struct Function {
    file: &'static str,
    cases: usize,
    compute: fn(&Inputs<'_>) -> Outputs,
    not_offered: &'static [&'static str],
}

const FUNCTIONS: &[Function] = &[
    function("dist", 39, distributions, &[]),
    function("chi2_contingency", 35, contingency, &[]),
    function("srm_chi2", 8, sample_ratio, &[]),
    function(
        "fisher_exact",
        12,
        fisher,
        &["odds_ratio_cond_mle", "cond_ci_low", "cond_ci_high"],
    ),
    function(
        "mann_whitney_u",
        7,
        mann_whitney,
        &["p_asym", "p_exact_absdev"],
    ),
    function("t_test_welch", 12, t_test_welch, &[]),
    function("t_test_student", 12, t_test_student, &[]),
    function("t_test_from_stats", 8, t_test_from_stats, &[]),
    function("two_proportion_z", 14, two_proportion_z, &[]),
    function("proportion_ci", 18, proportion_interval, &[]),
    function("diff_proportion_ci", 9, difference_interval, &[]),
    function("risk_ratio_ci", 6, risk_ratio, &["se_log"]),
    function(
        "relative_lift_ci",
        2,
        relative_lift,
        &[
            "se_delta",
            "delta_low",
            "delta_high",
            "fieller_low",
            "fieller_high",
        ],
    ),
    function("ratio_delta_method", 4, ratio, &[]),
    function("quantile_ci", 6, quantile_interval, &[]),
    function("nist_univariate", 8, univariate, &["autocorr1"]),
    function("p_adjust", 2, p_adjust, &[]),
    function("sample_size_two_proportions", 24, size_proportions, &[]),
    function("power_two_proportions", 14, power_proportions, &[]),
    function("mde_two_proportions", 5, change_proportions, &[]),
    function("sample_size_two_means", 15, size_means, &[]),
    function("power_two_means", 5, power_means, &["ncp", "df"]),
    function("mde_two_means", 6, change_means, &[]),
    function("sample_size_noninferiority", 16, size_non_inferiority, &[]),
];

const fn function(
    file: &'static str,
    cases: usize,
    compute: fn(&Inputs<'_>) -> Outputs,
    not_offered: &'static [&'static str],
) -> Function {
    Function {
        file,
        cases,
        compute,
        not_offered,
    }
}

#[test]
fn every_case_is_met() {
    let mut failures = Vec::new();
    for function in FUNCTIONS {
        let file = read(&folder().join(format!("{}.json", function.file)));
        let cases = file["cases"].as_array().unwrap();
        assert_eq!(cases.len(), function.cases, "{}", function.file);
        for case in cases {
            check_case(function, case, &mut failures);
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn every_file_is_used() {
    let mut unused: Vec<String> = fs::read_dir(folder())
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".json").map(str::to_owned))
        .filter(|name| FUNCTIONS.iter().all(|f| f.file != name))
        .collect();
    unused.sort();
    assert!(unused.is_empty(), "{unused:?}");
}

/// Values in the double precision limit: the certified data as doubles, to 1e-12.
#[test]
fn standard_deviations_reach_the_precision_of_the_data() {
    for case in read(&folder().join("nist_univariate.json"))["cases"]
        .as_array()
        .unwrap()
    {
        let data = Inputs(&case["inputs"]).data_file();
        let expected = case["expected"]["sd_f64"].as_f64().unwrap();
        let mut pushed = Moments::default();
        data.iter().for_each(|&v| pushed.push(v));
        for moments in [Moments::from_slice(&data), pushed] {
            let got = moments.standard_deviation().unwrap();
            assert!(
                (got / expected - 1.0).abs() < 1e-12,
                "{}: {got}",
                case["id"]
            );
        }
    }
}

fn check_case(function: &Function, case: &Value, failures: &mut Vec<String>) {
    let outputs = (function.compute)(&Inputs(&case["inputs"]));
    let relative = case["tolerance"]["rel"].as_f64().unwrap();
    let absolute = case["tolerance"]["abs"].as_f64().unwrap();
    for (name, expected) in case["expected"].as_object().unwrap() {
        if function.not_offered.contains(&name.as_str()) {
            continue;
        }
        let got = outputs.iter().find(|(n, _)| n == name).map(|(_, o)| o);
        let close = |got: f64, expected: &Value| match expected {
            Value::String(text) => got == text.parse::<f64>().unwrap(),
            Value::Number(n) if n.is_i64() => got == expected.as_f64().unwrap(),
            _ => expected
                .as_f64()
                .is_some_and(|e| (got - e).abs() <= absolute.max(relative * e.abs())),
        };
        let met = match (got, expected) {
            (Some(Output::Missing), Value::Null) => true,
            (Some(Output::Number(got)), expected) => close(*got, expected),
            (Some(Output::List(got)), Value::Array(expected)) => {
                got.len() == expected.len() && got.iter().zip(expected).all(|(g, e)| close(*g, e))
            }
            _ => false,
        };
        if !met {
            failures.push(format!("{} {name}: {got:?}, not {expected}", case["id"]));
        }
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/statref")
}

fn read(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap()
}

/// The inputs of a case by name.
struct Inputs<'a>(&'a Value);

impl Inputs<'_> {
    fn number(&self, name: &str) -> f64 {
        self.0[name].as_f64().unwrap()
    }

    fn count(&self, name: &str) -> u64 {
        self.0[name].as_u64().unwrap()
    }

    fn text(&self, name: &str) -> &str {
        self.0[name].as_str().unwrap()
    }

    fn flag(&self, name: &str) -> bool {
        self.0[name].as_bool().unwrap()
    }

    fn numbers(&self, name: &str) -> Vec<f64> {
        numbers(&self.0[name])
    }

    fn table(&self) -> Vec<Vec<u64>> {
        serde_json::from_value(self.0["table"].clone()).unwrap()
    }

    fn arms(&self, count: [&str; 2]) -> (u64, u64) {
        (self.count(count[0]), self.count(count[1]))
    }

    fn share(&self, events: &str, n: &str) -> Share {
        Share {
            events: self.count(events),
            n: self.count(n),
        }
    }

    fn shares(&self) -> (Share, Share) {
        (self.share("x_a", "n_a"), self.share("x_b", "n_b"))
    }

    fn data_file(&self) -> Vec<f64> {
        numbers(&read(&folder().join(self.text("data_file"))))
    }

    /// The design of a planning case; what the case does not give keeps its default.
    fn design(&self) -> Design {
        let given = |name: &str, default: f64| self.0[name].as_f64().unwrap_or(default);
        let one_sided = self.0["sides"].as_u64() == Some(1);
        Design {
            alpha: self.number("alpha"),
            power: given("power", 0.8),
            sides: if one_sided { Sides::One } else { Sides::Two },
            ratio: given("ratio", 1.0),
            ..Design::default()
        }
    }
}

fn numbers(value: &Value) -> Vec<f64> {
    let list = value.as_array().unwrap().iter();
    list.map(|v| v.as_f64().unwrap()).collect()
}

fn named(numbers: impl IntoIterator<Item = (&'static str, f64)>) -> Outputs {
    let named = |(name, v)| (name, Output::Number(v));
    numbers.into_iter().map(named).collect()
}

fn optional(v: Option<f64>) -> Output {
    v.map_or(Output::Missing, Output::Number)
}

fn distributions(inputs: &Inputs<'_>) -> Outputs {
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
        "f_sf" => tail(dist::f_tails(args[0], args[1], args[2]).ln_upper),
        "beta_ppf" => point(dist::beta_quantile(args[0], args[1], args[2])),
        "beta_cdf" => tail(dist::beta_tails(args[1], args[2], args[0], 1.0 - args[0]).ln_lower),
        "binom_cdf" => tail(binomial().ln_lower),
        "binom_sf" => tail(binomial().ln_upper),
        "nct_cdf" => tail(dist::noncentral_t_tails(args[0], args[1], args[2]).0.ln()),
        other => panic!("{other} is not covered"),
    }
}

fn contingency(inputs: &Inputs<'_>) -> Outputs {
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

fn sample_ratio(inputs: &Inputs<'_>) -> Outputs {
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

fn fisher(inputs: &Inputs<'_>) -> Outputs {
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
    outputs
}

fn mann_whitney(inputs: &Inputs<'_>) -> Outputs {
    let (a, b) = (inputs.numbers("a"), inputs.numbers("b"));
    let normal = stats::mann_whitney(&a, &b, PValue::Normal).unwrap();
    let exact = stats::mann_whitney(&a, &b, PValue::Automatic).unwrap();
    let pairs = (a.len() * b.len()) as f64;
    named([
        ("u_b", normal.test.statistic),
        ("u_a", pairs - normal.test.statistic),
        ("prob_superiority", normal.superiority),
        ("z_cc", normal.z),
        ("p_asym_cc", normal.test.p),
        ("p_greater_cc", normal.p_greater),
        ("p_less_cc", normal.p_less),
        ("p_exact", exact.test.p),
        ("p_exact_greater", exact.p_greater),
        ("p_exact_less", exact.p_less),
    ])
}

fn comparison(result: &Comparison, statistic: &'static str) -> Outputs {
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

fn t_test_welch(inputs: &Inputs<'_>) -> Outputs {
    t_test(inputs, stats::welch)
}

fn t_test_student(inputs: &Inputs<'_>) -> Outputs {
    t_test(inputs, stats::student)
}

fn summary(inputs: &Inputs<'_>) -> [Moments; 2] {
    [["n_a", "mean_a", "sd_a"], ["n_b", "mean_b", "sd_b"]].map(|[n, mean, sd]| {
        let (mean, sd) = (inputs.number(mean), inputs.number(sd));
        Moments::from_summary(inputs.count(n), mean, sd).unwrap()
    })
}

fn t_test_from_stats(inputs: &Inputs<'_>) -> Outputs {
    let [a, b] = summary(inputs);
    let test: TTest = if inputs.flag("equal_var") {
        stats::student
    } else {
        stats::welch
    };
    comparison(&test(&a, &b, inputs.number("conf_level")).unwrap(), "t")
}

fn two_proportion_z(inputs: &Inputs<'_>) -> Outputs {
    let (a, b) = inputs.shares();
    let variance = if inputs.flag("pooled") {
        Variance::Pooled
    } else {
        Variance::Unpooled
    };
    comparison(&stats::two_proportions(a, b, variance, 0.95).unwrap(), "z")
}

fn limits(estimate: &Estimate) -> Outputs {
    let interval = estimate.interval;
    named([("low", interval.lower), ("high", interval.upper)])
}

fn proportion_interval(inputs: &Inputs<'_>) -> Outputs {
    let share = inputs.share("x", "n");
    let level = inputs.number("conf_level");
    let estimate = match inputs.text("method") {
        "wilson" => share.wilson(level),
        "clopper_pearson" => share.clopper_pearson(level),
        other => panic!("{other} is not covered"),
    };
    limits(&estimate.unwrap())
}

fn difference_interval(inputs: &Inputs<'_>) -> Outputs {
    let (a, b) = inputs.shares();
    limits(&stats::newcombe(a, b, inputs.number("conf_level")).unwrap())
}

fn risk_ratio(inputs: &Inputs<'_>) -> Outputs {
    let (a, b) = inputs.shares();
    let estimate = stats::risk_ratio(a, b, inputs.number("conf_level")).unwrap();
    let mut outputs = limits(&estimate);
    outputs.push(("rr", Output::Number(estimate.value)));
    outputs
}

fn relative_lift(inputs: &Inputs<'_>) -> Outputs {
    let [a, b] = summary(inputs).map(|m| (m.mean, m.variance_of_mean().unwrap()));
    let estimate = stats::relative_change(a, b, 0, inputs.number("conf_level")).unwrap();
    named([
        ("lift", estimate.value),
        ("log_low", estimate.interval.lower),
        ("log_high", estimate.interval.upper),
    ])
}

fn ratio(inputs: &Inputs<'_>) -> Outputs {
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

fn quantile_interval(inputs: &Inputs<'_>) -> Outputs {
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

fn univariate(inputs: &Inputs<'_>) -> Outputs {
    let moments = Moments::from_slice(&inputs.data_file());
    let sd = moments.standard_deviation().unwrap();
    named([("mean", moments.mean), ("sd", sd), ("sd_f64", sd)])
}

fn p_adjust(inputs: &Inputs<'_>) -> Outputs {
    let p = inputs.numbers("p");
    let adjusted = match inputs.text("method") {
        "holm" => stats::holm(&p),
        "bh" => stats::benjamini_hochberg(&p),
        other => panic!("{other} is not covered"),
    };
    vec![("adjusted", Output::List(adjusted))]
}

fn share_formula(inputs: &Inputs<'_>) -> proportions::ShareFormula {
    match inputs.text("method") {
        "pooled" => proportions::ShareFormula::Pooled,
        "unpooled" => proportions::ShareFormula::Unpooled,
        "arcsine" => proportions::ShareFormula::Arcsine,
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

fn size_proportions(inputs: &Inputs<'_>) -> Outputs {
    let (p1, p2) = (inputs.number("p1"), inputs.number("p2"));
    let found = proportions::sample_size(p1, p2, &inputs.design(), share_formula(inputs));
    size(&found.unwrap(), ["n1", "n1_ceil", "n2_ceil"])
}

fn power_proportions(inputs: &Inputs<'_>) -> Outputs {
    let (p1, p2) = (inputs.number("p1"), inputs.number("p2"));
    let n = inputs.arms(["n1", "n2"]);
    let found = proportions::power(p1, p2, n, &inputs.design(), share_formula(inputs)).unwrap();
    named([
        ("power", found.power),
        ("power_both_tails", found.both_tails),
    ])
}

fn change_proportions(inputs: &Inputs<'_>) -> Outputs {
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

fn size_means(inputs: &Inputs<'_>) -> Outputs {
    let effect = mean_effect(inputs, "delta");
    let found = means::sample_size(effect, &inputs.design(), mean_formula(inputs));
    size(&found.unwrap(), ["n1", "n1_ceil", "n2_ceil"])
}

fn power_means(inputs: &Inputs<'_>) -> Outputs {
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
        (
            "t_crit",
            dist::t_upper_quantile(design.alpha / sides, df).unwrap(),
        ),
    ])
}

fn change_means(inputs: &Inputs<'_>) -> Outputs {
    let (sd, n) = (inputs.number("sd"), inputs.arms(["n1", "n2"]));
    let formula = mean_formula(inputs);
    let change = means::detectable_change(sd, n, &inputs.design(), formula).unwrap();
    vec![("mde", optional(change.up))]
}

fn size_non_inferiority(inputs: &Inputs<'_>) -> Outputs {
    let (design, margin) = (inputs.design(), inputs.number("margin"));
    let found = match inputs.text("kind") {
        "means" => {
            let effect = mean_effect(inputs, "effect");
            means::non_inferiority_size(effect, margin, &design, mean_formula(inputs))
        }
        _ => {
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
        }
    };
    size(&found.unwrap(), ["n_a", "n_a_ceil", "n_b_ceil"])
}
