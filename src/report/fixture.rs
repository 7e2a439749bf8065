//! A made-up canary rollout, rich enough to exercise every part of a report.

use crate::analysis::*;
use crate::data::Quantity;
use crate::report::html::{IssueLine, LoadNotes, MappingLine, ReportInput};
use crate::rules::{
    Action, ArmReading, ArmRole as RuleArm, ConditionReplay, Exposure, ExposureCounts, Firing,
    Reading, Replay, RuleReplay, Rulebook, SeriesPoint, State, Transition, Truth,
};
use crate::stats::{Estimate, Interval, Method, TestName, TestResult};
use crate::units::{Clock, ValueForm};

const DAY_US: i64 = 86_400_000_000;
const HOUR_US: i64 = 3_600_000_000;
/// 2026-03-02 00:00 UTC.
const START_US: i64 = 20_514 * DAY_US;
const BUCKETS: i64 = 60;

/// What a report is made of, with owners of the borrowed parts.
pub(crate) struct Fixture {
    pub(crate) analysis: Analysis,
    pub(crate) replay: Replay,
    pub(crate) rulebook: Rulebook,
    pub(crate) load: LoadNotes,
}

impl Fixture {
    pub(crate) fn input(&self) -> ReportInput<'_> {
        ReportInput {
            analysis: &self.analysis,
            replay: Some(&self.replay),
            rulebook: Some(&self.rulebook),
            load: &self.load,
            title: "Canary of the 8-bit model, March",
            version: "0.1.0",
        }
    }
}

/// Two arms, five stages, six metrics, three rules.
pub(crate) fn canary() -> Fixture {
    Fixture {
        analysis: analysis(),
        replay: replay(),
        rulebook: rulebook(),
        load: load(),
    }
}

/// The same with `name` as the treatment's label.
pub(crate) fn canary_named(name: &str) -> Fixture {
    let mut fixture = canary();
    fixture.analysis.arms[1].name = name.to_owned();
    fixture.analysis.decision.headline = format!("{name} fails more often");
    fixture
}

fn estimate(value: f64, half: f64) -> Estimate {
    Estimate {
        value,
        interval: Interval {
            lower: value - half,
            upper: value + half,
        },
        level: 0.95,
        method: Method::DeltaWelch,
        n: 9_812,
    }
}

fn test(p: f64) -> TestResult {
    TestResult {
        name: TestName::DeltaWelch,
        statistic: 3.21,
        df: Some(8_211.4),
        p,
        ln_p: p.ln(),
    }
}

fn analysis() -> Analysis {
    Analysis {
        schema: SCHEMA,
        settings: AnalysisSettings {
            control: Some("stable".into()),
            ..AnalysisSettings::default()
        },
        log: LogSummary {
            name: "requests-2026-03.csv".into(),
            clock: Clock::Epoch,
            n_requests: 148_212,
            n_requests_unfiltered: 150_330,
            n_units: Some(9_812),
            unit_column: Some("user_id".into()),
            first_us: Some(START_US),
            last_us: Some(START_US + BUCKETS * HOUR_US),
        },
        strategy: StrategyFinding {
            strategy: Strategy::Canary,
            is_declared: false,
            why: "The share of canary-8bit grows in five steps from 1 % to 100 %.".into(),
            consequence: "Arms are compared within stages, because traffic changes over time."
                .into(),
        },
        decision: decision(),
        control: 0,
        treatment: Some(1),
        arms: vec![
            arm("stable", ArmRole::Control, 104_220, 0.7032),
            arm("canary-8bit", ArmRole::Treatment, 43_992, 0.2968),
        ],
        health: health(),
        scorecard: scorecard(),
        latency: vec![
            panel(Quantity::LatencyMs, "End-to-end latency", 1_400.0),
            panel(Quantity::TtftMs, "Time to first token", 310.0),
        ],
        trends: Some(trends()),
        stages: stages(),
        tests: tests(),
        segments: segments(),
        plan: PlanInputs::default(),
    }
}

fn decision() -> Decision {
    let reason = |weight, text: &str| Reason {
        weight,
        text: text.into(),
    };
    Decision {
        kind: DecisionKind::RollBack,
        headline:
            "canary-8bit fails more often than stable, and its slowest answers are slower; both \
                   are beyond their margins."
                .into(),
        is_log_unsound: false,
        reasons: vec![
            reason(
                ReasonWeight::Against,
                "Error share rises by +1.24 pp [+0.31 pp, +2.17 pp]; the margin is +1.00 pp.",
            ),
            reason(
                ReasonWeight::Against,
                "p95 latency rises by +1.10 s [+0.78 s, +1.42 s]; the margin is +0.39 s.",
            ),
            reason(
                ReasonWeight::Open,
                "Mean rating changes by −0.06 [−0.15, +0.03]; the margin is −0.10.",
            ),
            reason(
                ReasonWeight::For,
                "Cost per request falls by −18 % [−20 %, −16 %].",
            ),
        ],
    }
}

fn arm(name: &str, role: ArmRole, n: u64, share: f64) -> ArmSummary {
    let error = n / 25;
    ArmSummary {
        name: name.into(),
        role,
        n_requests: n,
        n_units: Some(n / 15),
        share_of_requests: share,
        span_us: Some((START_US, START_US + BUCKETS * HOUR_US)),
        outcomes: OutcomeCounts {
            ok: n - error - 41,
            error,
            rate_limited: 30,
            cancelled: 11,
            unknown: 0,
        },
    }
}

fn health() -> Vec<HealthCheck> {
    let check = |id, title: &str, severity, finding: &str, advice: &str| HealthCheck {
        id,
        title: title.into(),
        severity,
        finding: finding.into(),
        advice: advice.into(),
        test: None,
    };
    vec![
        check(
            "ratings-missing",
            "Ratings missing",
            Severity::Warning,
            "9.8 % of requests are rated in stable, 7.1 % in canary-8bit.",
            "Unhappy users may rate less often; read the rating with care.",
        ),
        check(
            "zero-latency",
            "Latency of zero",
            Severity::Note,
            "212 successful requests have latency 0; they are left out of latency figures.",
            "",
        ),
        check(
            "sample-ratio-units",
            "Assignment",
            Severity::Ok,
            "Shares of users are as expected within each stage.",
            "",
        ),
        check(
            "units-in-two-arms",
            "Users in two arms",
            Severity::Ok,
            "31 of 9,812 users (0.32 %) appear in both arms.",
            "",
        ),
        check(
            "concurrent",
            "Arms at the same time",
            Severity::Ok,
            "Both arms ran during the whole period.",
            "",
        ),
        check(
            "duplicates",
            "Duplicate requests",
            Severity::Ok,
            "No request id appears twice.",
            "",
        ),
    ]
}

struct Spec {
    id: &'static str,
    label: &'static str,
    form: ValueForm,
    direction: Direction,
    role: MetricRole,
    control: f64,
    change: (f64, f64),
    margin: Option<f64>,
    verdict: Verdict,
}

fn specs() -> Vec<Spec> {
    let spec = |id, label, form, direction, role, control, change, margin, verdict| Spec {
        id,
        label,
        form,
        direction,
        role,
        control,
        change,
        margin,
        verdict,
    };
    use Direction::{HigherIsBetter, LowerIsBetter, Neutral};
    use MetricRole::{Guardrail, Information};
    use ValueForm::{LatencyMs, Number, Share};
    vec![
        spec(
            "error_share",
            "Error share",
            Share,
            LowerIsBetter,
            Guardrail,
            0.0327,
            (0.0124, 0.0093),
            Some(0.01),
            Verdict::Worse,
        ),
        spec(
            "latency_p50",
            "p50 latency",
            LatencyMs,
            LowerIsBetter,
            Guardrail,
            1_410.0,
            (41.0, 62.0),
            Some(141.0),
            Verdict::WithinMargin,
        ),
        spec(
            "latency_p95",
            "p95 latency",
            LatencyMs,
            LowerIsBetter,
            Guardrail,
            3_900.0,
            (1_100.0, 320.0),
            Some(390.0),
            Verdict::Worse,
        ),
        spec(
            "rating_mean",
            "Mean rating",
            Number,
            HigherIsBetter,
            Guardrail,
            3.91,
            (-0.06, 0.09),
            Some(0.1),
            Verdict::Inconclusive,
        ),
        spec(
            "cost_mean",
            "Cost per request",
            Number,
            LowerIsBetter,
            Guardrail,
            0.004_12,
            (-0.000_74, 0.000_08),
            Some(0.000_412),
            Verdict::Better,
        ),
        spec(
            "tokens_out_mean",
            "Completion tokens",
            Number,
            Neutral,
            Information,
            412.0,
            (18.0, 11.0),
            None,
            Verdict::Changed,
        ),
    ]
}

fn scorecard() -> Vec<ScorecardRow> {
    let row = |s: Spec| {
        let share = s.form == ValueForm::Share;
        let value = |arm, value: f64, n: u64| ArmValue {
            arm,
            n,
            numerator: share.then_some((value * n as f64) as u64),
            estimate: Some(estimate(value, value * 0.03)),
        };
        let (change, half) = s.change;
        ScorecardRow {
            id: s.id.into(),
            label: s.label.into(),
            form: s.form,
            direction: s.direction,
            role: s.role,
            denominator: if share {
                "requests"
            } else {
                "successful requests"
            }
            .into(),
            values: vec![
                value(0, s.control, 104_209),
                value(1, s.control + change, 43_981),
            ],
            effects: vec![effect(change, half, s.control, s.margin, s.verdict)],
        }
    };
    specs().into_iter().map(row).collect()
}

fn effect(change: f64, half: f64, control: f64, margin: Option<f64>, verdict: Verdict) -> Effect {
    Effect {
        arm: 1,
        unit: InferenceUnit::Unit,
        difference: Some(estimate(change, half)),
        relative: Some(estimate(change / control, half / control)),
        test: Some(test(0.0013)),
        by_request: Some(RequestLevel {
            difference: estimate(change, half * 0.6),
            test: test(1e-7),
        }),
        design_effect: Some(2.7),
        margin,
        verdict,
    }
}

fn panel(quantity: Quantity, label: &str, median: f64) -> LatencyPanel {
    let edges_ms: Vec<f64> = (0..=48)
        .map(|k| 10f64.powf(1.6 + f64::from(k) * 0.06))
        .collect();
    let arm = |arm: usize, n: u64, slow: f64| {
        let bump = |ms: f64, at: f64, width: f64| (-((ms / at).ln() / width).powi(2) / 2.0).exp();
        let heights: Vec<f64> = edges_ms
            .windows(2)
            .map(|edge| {
                let ms = (edge[0] * edge[1]).sqrt();
                bump(ms, median, 0.5) + slow * bump(ms, median * 3.6, 0.3)
            })
            .collect();
        let total: f64 = heights.iter().sum();
        let mut share = 0.0;
        let ecdf: Vec<(f64, f64)> = heights
            .iter()
            .zip(&edges_ms[1..])
            .map(|(height, edge)| {
                share += height / total;
                (*edge, share.min(1.0))
            })
            .collect();
        let at = |q: f64| {
            ecdf.iter()
                .find(|(_, s)| *s >= q)
                .map_or(0.0, |(ms, _)| *ms)
        };
        LatencyArm {
            arm,
            n,
            n_not_positive: 106,
            mean_ms: median * 1.2,
            sd_ms: median * 0.8,
            counts: heights
                .iter()
                .map(|height| (height / total * n as f64) as u64)
                .collect(),
            quantiles: [0.25, 0.5, 0.75, 0.9, 0.95, 0.99]
                .map(|q| QuantileValue {
                    q,
                    estimate: estimate(at(q), at(q) * 0.04),
                })
                .to_vec(),
            ecdf,
        }
    };
    let points = (1..=20)
        .map(|k| if k == 20 { 0.99 } else { f64::from(k) * 0.05 })
        .map(|q| QuantileValue {
            q,
            estimate: estimate(
                median * (q.powi(6) - 0.03),
                median * (0.03 + 0.2 * q.powi(8)),
            ),
        })
        .collect();
    LatencyPanel {
        quantity,
        label: label.into(),
        arms: vec![arm(0, 100_014, 0.1), arm(1, 41_870, 0.35)],
        differences: vec![QuantileDifferences { arm: 1, points }],
        edges_ms,
    }
}

/// A repeatable wobble of −1 to 1.
fn wobble(k: i64, seed: f64) -> f64 {
    ((k as f64 * 12.9898 + seed) * 1.3).sin() * 0.6 + (k as f64 * 0.7 + seed).sin() * 0.4
}

fn trends() -> Trends {
    let arm = |arm: usize| {
        let share = |k: i64| {
            let treated = stages()[((k * 5) / BUCKETS).min(4) as usize].share;
            if arm == 1 { treated } else { 1.0 - treated }
        };
        let n = |k: i64| (2_470.0 * share(k) * (1.0 + 0.3 * (k as f64 / 24.0 * 6.28).sin())) as u64;
        let series = specs().into_iter().map(|s| TrendSeries {
            id: s.id.into(),
            label: s.label.into(),
            form: s.form,
            points: (0..BUCKETS)
                .map(|k| {
                    let n = n(k);
                    let treated = if arm == 1 { s.change.0 } else { 0.0 };
                    let value =
                        (s.control + treated) * (1.0 + 0.06 * wobble(k, s.control + arm as f64));
                    let half = s.control * 3.0 / (n.max(1) as f64).sqrt();
                    (n >= 10 && k != 33).then_some(TrendPoint {
                        value,
                        interval: Some(Interval {
                            lower: value - half,
                            upper: value + half,
                        }),
                        n,
                    })
                })
                .collect(),
        });
        TrendArm {
            arm,
            n_requests: (0..BUCKETS).map(n).collect(),
            share: (0..BUCKETS).map(|k| Some(share(k))).collect(),
            series: series.collect(),
        }
    };
    Trends {
        width_us: HOUR_US,
        starts_us: (0..BUCKETS).map(|k| START_US + k * HOUR_US).collect(),
        arms: vec![arm(0), arm(1)],
    }
}

fn stages() -> Vec<Stage> {
    [0.01, 0.05, 0.25, 0.5, 1.0]
        .iter()
        .enumerate()
        .map(|(k, share)| Stage {
            from_us: START_US + k as i64 * 12 * HOUR_US,
            to_us: START_US + (k as i64 + 1) * 12 * HOUR_US,
            share: *share,
            n_requests: 29_642,
            n_treatment: (29_642.0 * share) as u64,
        })
        .collect()
}

fn tests() -> Vec<TestReport> {
    let line = |name, difference, note: &str| TestLine {
        unit: if name == TestName::DeltaWelch {
            InferenceUnit::Unit
        } else {
            InferenceUnit::Request
        },
        result: TestResult {
            name,
            ..test(2.3e-6)
        },
        difference,
        note: note.into(),
    };
    let assumption = |text: &str, holds, why: &str| Assumption {
        text: text.into(),
        holds,
        why: why.into(),
    };
    specs()
        .into_iter()
        .take(3)
        .map(|s| TestReport {
            metric: s.id.into(),
            label: s.label.into(),
            form: s.form,
            arm: 1,
            tests: vec![
                line(TestName::DeltaWelch, Some(estimate(s.change.0, s.change.1)), "Accounts for users who send several requests."),
                line(TestName::ChiSquare, None, "Takes requests as independent; its p is too small here by a design effect of 2.7."),
            ],
            assumptions: vec![
                assumption("Users are independent of each other.", Holds::Unknown, "The log cannot show it."),
                assumption("Users stay in one arm.", Holds::Yes, "31 of 9,812 appear in both."),
                assumption("Requests are independent.", Holds::No, "Design effect 2.7: requests of one user resemble each other."),
            ],
        })
        .collect()
}

fn segments() -> Vec<SegmentEffect> {
    let values = [
        "kr-seoul",
        "중국어 (简体)",
        "eu-west",
        "",
        "us-east",
        "mobile app 2.1 on older Android phones",
        "web",
    ];
    ["error_share", "latency_p95"]
        .into_iter()
        .flat_map(|metric| {
            values
                .into_iter()
                .enumerate()
                .map(move |(k, value)| (metric, k, value))
        })
        .map(|(metric, k, value)| {
            let spec = specs().into_iter().find(|s| s.id == metric).unwrap();
            let (change, half) = (spec.change.0 * (2.0 - 0.45 * k as f64), spec.change.1 * 1.4);
            let verdict = if k < 2 {
                Verdict::Worse
            } else if k < 6 {
                Verdict::Inconclusive
            } else {
                Verdict::Better
            };
            SegmentEffect {
                segment: "region".into(),
                value: value.into(),
                metric: metric.into(),
                label: spec.label.into(),
                form: spec.form,
                n_requests: (14_220, 6_101),
                control: Some(spec.control),
                treatment: Some(spec.control + change),
                effect: effect(change, half, spec.control, spec.margin, verdict),
                p_holm: (0.002 * (k as f64 + 1.0).powi(3)).min(1.0),
            }
        })
        .collect()
}

fn load() -> LoadNotes {
    LoadNotes {
        source: "requests-2026-03.csv".into(),
        bytes: 21_402_118,
        format: "CSV, UTF-8, comma".into(),
        rows_read: 150_412,
        rows_rejected: 82,
        issues: vec![
            IssueLine {
                severity: "Warning".into(),
                column: "latency_ms".into(),
                rows: "82 rows, first at line 1,204".into(),
                message: "Not a number; the rows are left out.".into(),
                hint: "Write numbers without units.".into(),
                sample: "1.2s".into(),
            },
            IssueLine {
                severity: "Note".into(),
                column: String::new(),
                rows: "whole file".into(),
                message: "Times have no zone; UTC is assumed.".into(),
                hint: String::new(),
                sample: "2026-03-02 00:00:01".into(),
            },
        ],
        mapping: [
            ("time", "timestamp", "UTC"),
            ("arm", "variant", ""),
            ("user", "user_id", ""),
            ("latency", "latency_ms", "ms"),
            ("rating", "rating", "1 to 5"),
        ]
        .map(|(role, column, unit)| MappingLine {
            role: role.into(),
            column: column.into(),
            unit: unit.into(),
        })
        .to_vec(),
    }
}

fn rulebook() -> Rulebook {
    Rulebook::parse(include_str!("../../tests/data/report/rules.toml")).unwrap()
}

fn replay() -> Replay {
    let at = |hours: f64| (hours * HOUR_US as f64) as i64;
    let change = |hours: f64, state, causes: &[&str]| Transition {
        time_us: at(hours),
        state,
        causes: causes.iter().map(|&c| c.to_owned()).collect(),
    };
    let series = |base: f64, bound: f64| {
        (0..200)
            .map(|k| SeriesPoint {
                time_us: at(f64::from(k) * 0.3),
                value: base * (1.0 + 0.5 * wobble(i64::from(k), base) + f64::from(k) / 200.0),
                bound,
            })
            .collect()
    };
    let condition = |name: &str, text: &str, threshold: f64, series| ConditionReplay {
        name: name.into(),
        text: text.into(),
        threshold,
        evaluations_true: 311,
        evaluations_no_data: 20,
        first_row: Some(4_211),
        first_us: Some(at(13.1)),
        unavailable: None,
        series,
    };
    let reading = |name: &str, value, bound, truth| Reading {
        condition: name.into(),
        arm: RuleArm::Canary,
        measured: ArmReading {
            value: Some(value),
            n: 100,
        },
        baseline: ArmReading {
            value: Some(value * 0.6),
            n: 100,
        },
        bound: Some(bound),
        truth,
    };
    let rule =
        |id: &str, title: &str, first, transitions, conditions, skipped: Option<&str>| RuleReplay {
            id: id.into(),
            title: title.into(),
            action: Action::Rollback,
            skipped: skipped.map(str::to_owned),
            first,
            evaluations: 147_020,
            evaluations_true: 2_204,
            conditions,
            transitions,
            transitions_omitted: 0,
            exposure: Some(Exposure {
                before: ExposureCounts {
                    requests: 412,
                    errors: 21,
                },
                after: ExposureCounts {
                    requests: 43_580,
                    errors: 1_944,
                },
            }),
        };
    let firing = Firing {
        row: Some(31_904),
        event_index: Some(31_877),
        time_us: at(13.1),
        effective_us: at(13.1),
        causes: vec!["err-abs".into()],
        readings: vec![
            reading("err-abs", 0.06, 0.05, Truth::True),
            reading("p95", 4_410.0, 7_800.0, Truth::False),
        ],
    };
    let conditions = || {
        vec![
            condition(
                "err-abs",
                "Error share of the canary over the last 100 requests is above 5 %",
                0.05,
                series(0.03, 0.05),
            ),
            condition(
                "p95",
                "p95 latency of the canary over the last 100 requests is above 2 × the baseline",
                2.0,
                series(3_900.0, 7_800.0),
            ),
        ]
    };
    Replay {
        time_zero_us: START_US,
        clock: Clock::Epoch,
        last_event_us: at(60.0),
        rules: vec![
            rule(
                "quality-monitor",
                "Quality monitor",
                Some(firing),
                vec![
                    change(13.1, State::Firing, &["err-abs"]),
                    change(15.0, State::Inactive, &[]),
                    change(26.0, State::Firing, &["p95"]),
                    change(41.0, State::Inactive, &[]),
                ],
                conditions(),
                None,
            ),
            rule(
                "prometheus",
                "Success ratio alert",
                None,
                vec![
                    change(28.0, State::Pending, &[]),
                    change(28.4, State::Inactive, &[]),
                    change(50.0, State::Pending, &[]),
                    change(50.9, State::Inactive, &[]),
                ],
                vec![condition(
                    "success",
                    "Success share of the canary by counters scraped every 15 s, over 5 min, is below 95 %",
                    0.95,
                    series(0.6, 0.95),
                )],
                None,
            ),
            rule(
                "judge",
                "Judge score drop",
                None,
                vec![],
                vec![],
                Some("the log has no column for the judge’s score"),
            ),
        ],
    }
}
