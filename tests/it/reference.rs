//! Every statistic against reference values (`tests/data/statref/README.md`).
//!
//! One line of `FUNCTIONS` per file: how its outputs are computed, and which of the expected outputs
//! this program does not offer. An expected output in neither is a failure, so nothing is skipped
//! silently.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use hindsight::stats::power::{Design, Sides};
use hindsight::stats::{Moments, Share};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

mod arms;
mod functions;
mod pairs;
mod planning;
mod sequential;
mod shares;

/// What a function returned under one of the names of a case.
#[derive(Debug)]
enum Output {
    Number(f64),
    List(Vec<f64>),
    Text(&'static str),
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
    function("dist", 46, functions::distributions, &[]),
    function("chi2_contingency", 35, functions::contingency, &[]),
    function("srm_chi2", 8, functions::sample_ratio, &[]),
    function("g_test", 7, functions::g_test, &[]),
    function("fisher_exact", 12, functions::fisher, &[]),
    function("binomial_test", 4, functions::binomial_test, &[]),
    function("mann_whitney_u", 7, functions::mann_whitney, &[]),
    function("kruskal_wallis", 3, arms::kruskal_wallis, &[]),
    function("ks_two_sample", 4, arms::kolmogorov_smirnov, &[]),
    function("anova_oneway", 14, arms::anova, &["f_certified"]),
    function("anova_welch", 2, arms::welch_anova, &[]),
    function("cuped", 4, arms::cuped, &[]),
    function("effect_size", 7, arms::effect_size, &[]),
    function("tost_two_means", 4, arms::equivalence, &[]),
    function("t_test_one_sample", 3, pairs::one_sample, &[]),
    function("t_test_paired", 6, pairs::paired, &[]),
    function("wilcoxon_signed_rank", 6, pairs::wilcoxon, &[]),
    function("mcnemar", 8, pairs::mcnemar, &[]),
    function("t_test_welch", 12, functions::t_test_welch, &[]),
    function("t_test_student", 12, functions::t_test_student, &[]),
    function("t_test_from_stats", 8, functions::t_test_from_stats, &[]),
    function("two_proportion_z", 14, shares::two_proportion_z, &[]),
    function("proportion_ci", 38, shares::proportion_interval, &[]),
    function("diff_proportion_ci", 37, shares::difference_interval, &[]),
    function("risk_ratio_ci", 6, shares::risk_ratio, &[]),
    function("odds_ratio_ci", 6, shares::odds_ratio, &[]),
    function(
        "cochran_mantel_haenszel",
        6,
        shares::cochran_mantel_haenszel,
        &[],
    ),
    function("poisson_two_rates", 4, shares::poisson_rates, &[]),
    function("relative_lift_ci", 2, functions::relative_lift, &[]),
    function("ratio_delta_method", 4, functions::ratio, &[]),
    function("quantile_ci", 6, functions::quantile_interval, &[]),
    function("nist_univariate", 8, functions::univariate, &["autocorr1"]),
    function("p_adjust", 5, functions::p_adjust, &[]),
    function("asymptotic_cs", 2, sequential::asymptotic, &[]),
    function("msprt_normal", 6, sequential::mixture, &[]),
    function("beta_binomial_cs", 4, sequential::beta_binomial, &[]),
    function("sprt_bernoulli", 3, sequential::probability_ratio, &[]),
    function("alpha_spending", 3, sequential::spending, &[]),
    function("group_sequential_bounds", 17, sequential::group, &[]),
    function(
        "sample_size_two_proportions",
        37,
        planning::size_proportions,
        &[],
    ),
    function(
        "power_two_proportions",
        14,
        planning::power_proportions,
        &[],
    ),
    function("mde_two_proportions", 5, planning::change_proportions, &[]),
    function("sample_size_two_means", 15, planning::size_means, &[]),
    function("power_two_means", 5, planning::power_means, &[]),
    function("mde_two_means", 6, planning::change_means, &[]),
    function(
        "sample_size_noninferiority",
        16,
        planning::size_non_inferiority,
        &[],
    ),
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
        for &value in &data {
            pushed.push(value);
        }
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

/// The certified data leave nine digits of F to whoever takes differences before squares.
#[test]
fn analysis_of_variance_reaches_the_precision_of_the_data() {
    let file = read(&folder().join("anova_oneway.json"));
    for case in file["cases"].as_array().unwrap() {
        let outputs = arms::anova(&Inputs(&case["inputs"]));
        let expected = case["expected"]["f"].as_f64().unwrap();
        let Output::Number(got) = outputs[0].1 else {
            panic!("{:?}", outputs[0])
        };
        assert!((got / expected - 1.0).abs() < 1e-9, "{}: {got}", case["id"]);
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
            (Some(Output::Text(got)), Value::String(expected)) => got == expected,
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

    /// Arrays of one number per observation, from the case or its data file.
    fn groups(&self) -> Vec<Vec<f64>> {
        match self.0["groups"].as_array() {
            Some(groups) => groups.iter().map(numbers).collect(),
            None => {
                let file = read(&folder().join(self.text("data_file")));
                file.as_array().unwrap().iter().map(numbers).collect()
            }
        }
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
