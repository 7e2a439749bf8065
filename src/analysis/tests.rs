//! The whole analysis on small logs made by hand.

use super::*;
use crate::data::{Arm, Filter, Outcome, Segment, Units};

/// Rows of (arm, user, segment value, is error), one a second.
fn log(rows: &[(u16, u32, u16, bool)]) -> RequestLog {
    let n = rows.len();
    let arm = |name: &str| Arm {
        name: name.to_owned(),
    };
    RequestLog {
        arms: vec![arm("gpt"), arm("mini")],
        arm: rows.iter().map(|r| r.0).collect(),
        row: (0..n as u32).collect(),
        start_us: (0..n as i64).map(|i| i * 1_000_000).collect(),
        event_us: (0..n as i64).map(|i| i * 1_000_000).collect(),
        outcome: rows
            .iter()
            .map(|r| if r.3 { Outcome::Error } else { Outcome::Ok })
            .collect(),
        has_outcome: true,
        units: Some(Units {
            column: "user".to_owned(),
            id: rows.iter().map(|r| r.1).collect(),
            n_units: 1 + rows
                .iter()
                .map(|r| r.1)
                .filter(|id| *id != Units::NONE)
                .max()
                .unwrap_or(0),
        }),
        segments: vec![Segment {
            name: "plan".to_owned(),
            values: vec!["free".to_owned(), "paid".to_owned()],
            code: rows.iter().map(|r| r.2).collect(),
        }],
        ..RequestLog::default()
    }
}

fn run(log: &RequestLog, filter: Filter) -> Analysis {
    let settings = AnalysisSettings {
        filter,
        ..AnalysisSettings::default()
    };
    analyze(log, &settings, &Progress::unwatched()).unwrap()
}

fn plan(value: &str) -> Filter {
    Filter {
        segment: Some(("plan".to_owned(), value.to_owned())),
        ..Filter::default()
    }
}

#[test]
fn a_filter_never_swaps_the_arms() {
    // The larger arm overall is the smaller one among the paid.
    let rows: Vec<_> = (0..600)
        .map(|i| {
            let arm = u16::from(i % 5 >= 3);
            (arm, i, u16::from(arm == 1 || i % 10 == 0), false)
        })
        .collect();
    let log = log(&rows);
    let all = run(&log, Filter::default());
    let paid = run(&log, plan("paid"));
    assert!(paid.arms[1].n_requests > paid.arms[0].n_requests);
    assert_eq!((paid.control, paid.treatment), (all.control, all.treatment));
}

#[test]
fn an_arm_that_a_filter_empties_has_no_data_and_is_still_an_arm() {
    let rows: Vec<_> = (0..400)
        .map(|i| (i as u16 % 2, i, i as u16 % 2, false))
        .collect();
    let free = run(&log(&rows), plan("free"));
    assert_eq!(free.treatment, Some(1));
    assert_eq!(free.scorecard[0].effects[0].verdict, Verdict::NoData);
    assert_ne!(free.decision.kind, DecisionKind::Ship);
}

#[test]
fn no_error_at_all_is_judged_by_users_not_by_requests() {
    // 25 users an arm with 40 requests each: 2,000 requests, but 50 users.
    let rows: Vec<_> = (0..2000)
        .map(|i| (i as u16 % 2, i % 50, 0, false))
        .collect();
    let effect = run(&log(&rows), Filter::default())
        .scorecard
        .remove(0)
        .effects
        .remove(0);
    assert_eq!(effect.unit, InferenceUnit::Unit);
    let width = effect
        .difference
        .map(|d| d.interval.upper - d.interval.lower)
        .unwrap();
    assert!(width > 0.1, "{width}");
    assert_eq!(effect.verdict, Verdict::Inconclusive);
}

#[test]
fn rows_without_a_user_count_once_each() {
    let rows: Vec<_> = (0..1000)
        .map(|i| {
            (
                i as u16 % 2,
                if i % 4 < 2 { Units::NONE } else { i / 8 },
                0,
                i % 20 == 0,
            )
        })
        .collect();
    let analysis = run(&log(&rows), Filter::default());
    let counted: u64 = analysis.scorecard[0].values.iter().map(|v| v.n).sum();
    assert_eq!(counted, 1000);
    let errors: u64 = analysis.scorecard[0]
        .values
        .iter()
        .filter_map(|v| v.numerator)
        .sum();
    assert_eq!(
        errors,
        analysis.arms.iter().map(|a| a.outcomes.error).sum::<u64>()
    );
}

#[test]
fn a_stray_label_does_not_hide_an_uneven_split() {
    let mut log = log(&(0..10_000)
        .map(|i| (u16::from(i * 37 % 100 >= 53), i, 0, false))
        .collect::<Vec<_>>());
    log.arms.push(Arm {
        name: "typo".to_owned(),
    });
    log.arm[0] = 2;
    let found = run(&log, Filter::default());
    let check = found
        .health
        .iter()
        .find(|c| c.id == "sample-ratio-units")
        .unwrap();
    assert_eq!(check.severity, Severity::Stop, "{}", check.finding);
}

/// 4,000 users with two requests each; every k-th request fails.
fn failing(every_control: usize, every_treatment: usize) -> RequestLog {
    let rows: Vec<_> = (0..8000)
        .map(|i| {
            let arm = (i / 2 % 2) as u16;
            let every = if arm == 0 {
                every_control
            } else {
                every_treatment
            };
            (arm, (i / 2) as u32, 0, i / 4 % every == 0)
        })
        .collect();
    log(&rows)
}

fn run_with(log: &RequestLog, choices: &[(&str, MetricChoice)]) -> Analysis {
    let settings = AnalysisSettings {
        metrics: choices
            .iter()
            .map(|(id, c)| ((*id).to_owned(), *c))
            .collect(),
        ..AnalysisSettings::default()
    };
    analyze(log, &settings, &Progress::unwatched()).unwrap()
}

#[test]
fn a_primary_metric_has_to_be_better_and_a_guardrail_need_not() {
    let primary = MetricChoice {
        role: Some(MetricRole::Primary),
        ..MetricChoice::default()
    };
    let same = failing(50, 50);
    assert_eq!(run_with(&same, &[]).decision.kind, DecisionKind::Ship);
    let found = run_with(&same, &[("error_share", primary)]);
    assert_ne!(
        found.decision.kind,
        DecisionKind::Ship,
        "{}",
        found.decision.headline
    );
    let better = run_with(&failing(20, 50), &[("error_share", primary)]);
    assert_eq!(better.decision.kind, DecisionKind::Ship);
    let effect = &better.scorecard[0].effects[0];
    assert_eq!(effect.p_adjusted, effect.test.map(|t| t.p));
}

#[test]
fn the_passing_margin_is_the_one_at_which_a_harmed_guardrail_passes() {
    let harmed = failing(50, 10);
    let first = run_with(&harmed, &[]);
    assert_eq!(first.decision.kind, DecisionKind::RollBack);
    let margin = first.decision.would_change[0].passing_margin.unwrap();
    let with = |margin| {
        let choice = MetricChoice {
            margin: Some(margin),
            ..MetricChoice::default()
        };
        run_with(&harmed, &[("error_share", choice)]).decision.kind
    };
    assert_eq!(with(margin * 1.001), DecisionKind::Ship);
    assert_ne!(with(margin * 0.999), DecisionKind::Ship);
}

#[test]
fn open_guardrails_say_how_much_more_it_takes() {
    let choice = MetricChoice {
        margin: Some(0.004),
        ..MetricChoice::default()
    };
    let found = run_with(&failing(50, 49), &[("error_share", choice)]);
    assert_eq!(found.decision.kind, DecisionKind::KeepCollecting);
    let outlook = &found.decision.would_change[0];
    let effect = &found.scorecard[0].effects[0];
    let difference = effect.difference.unwrap();
    let side = difference.interval.upper - difference.value;
    // The upper end clears the margin with a chance of 80 %: z = 0.8416 beyond its own multiplier.
    let df = effect.test.unwrap().df.unwrap();
    let multiplier = crate::stats::dist::t_multiplier(0.95, df).unwrap();
    let reach = (multiplier + 0.841_621_233_572_914_3) / multiplier;
    let factor = (reach * side / (0.004 - difference.value)).powi(2);
    let expected = (4000.0 * (factor - 1.0)).ceil();
    let found = outlook.n_more.unwrap() as f64;
    assert!(
        (found - expected).abs() <= 1.0,
        "{expected} {}",
        outlook.text
    );
}

#[test]
fn choices_that_the_log_cannot_follow_are_errors() {
    let settings = AnalysisSettings {
        metrics: [("latency_p95".to_owned(), MetricChoice::default())].into(),
        ..AnalysisSettings::default()
    };
    let error = analyze(&failing(50, 50), &settings, &Progress::unwatched()).unwrap_err();
    assert!(error.to_string().contains("latency_p95"), "{error}");
}

#[test]
fn the_unit_is_a_choice_and_the_other_figure_stands_beside_it() {
    let rows: Vec<_> = (0..2000)
        .map(|i| (i as u16 % 2, i % 50, 0, i % 50 < 14))
        .collect();
    let log = log(&rows);
    let by = |unit| {
        let settings = AnalysisSettings {
            unit,
            ..AnalysisSettings::default()
        };
        let mut found = analyze(&log, &settings, &Progress::unwatched()).unwrap();
        found.scorecard.remove(0).effects.remove(0)
    };
    let (user, request) = (by(InferenceUnit::Unit), by(InferenceUnit::Request));
    assert_eq!(
        user.by_request.unwrap().difference,
        request.difference.unwrap()
    );
    assert_eq!(
        request.by_unit.unwrap().difference,
        user.difference.unwrap()
    );
    assert_eq!(user.design_effect, request.design_effect);
    assert!(user.by_unit.is_none() && request.by_request.is_none());
}

/// Free users, three in four, fail less under the treatment; paid ones more.
#[test]
fn a_harm_that_the_mean_hides_comes_first_and_is_said() {
    let rows: Vec<_> = (0..16_000_usize)
        .map(|i| {
            let (arm, is_paid) = ((i % 2) as u16, i / 2 % 4 == 0);
            let every = match (arm, is_paid) {
                (0, _) => 10,
                (_, false) => 40,
                (_, true) => 5,
            };
            (arm, i as u32, u16::from(is_paid), i / 8 % every == 0)
        })
        .collect();
    let found = run(&log(&rows), Filter::default());
    let words = found.segment_spread[0].hidden_harm.as_deref().unwrap();
    assert!(words.contains("worse where plan is paid"), "{words}");
    assert!(found.segment_spread[0].p_holm < 1e-6);
    assert_eq!(found.decision.kind, DecisionKind::Hold);
    let against = &found.decision.reasons[0].text;
    assert!(against.contains("which hides this"), "{against}");
}

#[test]
fn every_arm_by_segment_is_what_its_segment_alone_shows() {
    let rows: Vec<_> = (0..3_000_usize)
        .map(|i| {
            let (arm, is_paid) = ((i % 3) as u16, i % 7 == 0);
            (arm, i as u32, u16::from(is_paid), i % (5 + i % 3) == 0)
        })
        .collect();
    let mut three = log(&rows);
    three.arms.push(Arm {
        name: "other".to_owned(),
    });
    let found = run(&three, Filter::default());
    for of in &found.segment_arms {
        assert_eq!(of.values.len(), 2, "{}", of.metric);
        for value in &of.values {
            let alone = run(&three, plan(&value.value));
            let row = alone.scorecard.iter().find(|row| row.id == of.metric);
            assert_eq!(
                row.unwrap().values,
                value.arms,
                "{} {}",
                of.metric,
                value.value
            );
            let n_requests: Vec<u64> = alone.arms.iter().map(|arm| arm.n_requests).collect();
            assert_eq!(value.n_requests, n_requests);
        }
    }
    assert!(
        found
            .segment_arms
            .iter()
            .any(|of| of.metric == "error_share")
    );
    // Two arms have their values beside their effects.
    let two: Vec<_> = rows.into_iter().filter(|row| row.0 < 2).collect();
    assert!(run(&log(&two), Filter::default()).segment_arms.is_empty());
}

/// A hundred users of the control with one request each, half of which fail, and one with nine hundred that
/// do not; of the treatment's users, who are alike, forty fail once.
#[test]
fn each_user_can_count_once_however_many_requests_they_sent() {
    let many = |arm: u16, user: u32, n: u32| (0..n).map(move |_| (arm, user, 0, false));
    let single = (0..100).map(|user| (0, user, 0, user % 2 == 0));
    let alike = (0..1000).map(|i| (1, 101 + i / 10, 0, i < 400 && i % 10 == 0));
    let rows: Vec<_> = single.chain(many(0, 100, 900)).chain(alike).collect();
    // In turns, so that the arms run side by side.
    let mut rows: Vec<_> = rows.into_iter().enumerate().collect();
    rows.sort_by_key(|(k, _)| k * 37 % 2000);
    let rows: Vec<_> = rows.into_iter().map(|(_, row)| row).collect();
    let effect = |looks| {
        let settings = AnalysisSettings {
            control: Some("gpt".to_owned()),
            strata: StrataChoice::None,
            looks,
            ..AnalysisSettings::default()
        };
        let mut found = analyze(&log(&rows), &settings, &Progress::unwatched()).unwrap();
        found.scorecard.remove(0).effects.remove(0)
    };
    let found = effect(Looks::Fixed);
    assert!((found.difference.unwrap().value + 0.01).abs() < 1e-12);
    let once = found.each_unit_once.unwrap();
    // 50 of 101 users always failed; Welch's interval of 101 and 100 users.
    assert!((once.value - 0.04 + 50.0 / 101.0).abs() < 1e-12, "{once:?}");
    assert!(
        once.interval.upper < 0.0 && once.interval.lower > -1.0,
        "{once:?}"
    );
    let continuous = effect(Looks::Continuous).each_unit_once.unwrap().interval;
    assert!(continuous.upper > once.interval.upper);
    // Where every user has one request, both are the same.
    let singles: Vec<_> = (0..200).map(|i| (i as u16 % 2, i, 0, i % 7 == 0)).collect();
    let found = run(&log(&singles), Filter::default());
    assert!(found.scorecard[0].effects[0].each_unit_once.is_none());
}

#[test]
fn a_sample_by_user_is_as_large_as_its_users() {
    let rows: Vec<_> = (0..4000)
        .map(|i| (i as u16 % 2, i % 40, 0, i % 7 == 0))
        .collect();
    let found = run(&log(&rows), Filter::default());
    let size = found.tests[0]
        .assumptions
        .iter()
        .find(|a| a.text.contains("large enough"));
    let size = size.unwrap();
    assert_eq!(size.why, "The smaller arm has 20 users");
    assert_eq!(size.holds, Holds::No);
}

#[test]
fn the_next_step_says_what_to_take_away_or_to_run_again() {
    let alike: Vec<_> = (0..4000)
        .map(|i| (i as u16 % 2, i, 0, i % 2 == 1 && i % 5 == 0))
        .collect();
    let found = run(&log(&alike), Filter::default()).decision;
    assert_eq!(found.kind, DecisionKind::RollBack);
    let expected = "Take mini to 0 % of the traffic; over the log it served 50.0 % of the requests";
    assert_eq!(found.next_step.as_deref(), Some(expected));
    let in_turn: Vec<_> = (0..4000)
        .map(|i| (u16::from(i >= 2000), i, 0, i % 9 == 0))
        .collect();
    let settings = AnalysisSettings {
        control: Some("gpt".to_owned()),
        strategy: Some(Strategy::Sequential),
        ..AnalysisSettings::default()
    };
    let found = analyze(&log(&in_turn), &settings, &Progress::unwatched()).unwrap();
    let found = found.decision;
    let step = found.next_step.unwrap();
    assert!(
        step.starts_with("Run gpt and mini again side by side"),
        "{step}"
    );
    assert!(
        step.contains("users in both arms together (here 4,000)"),
        "{step}"
    );
    assert!(
        step.ends_with("unless its margin is set wider before"),
        "{step}"
    );
}

#[test]
fn a_trend_that_ran_all_the_time_is_no_ground_to_roll_back() {
    let found = |jump: u32| {
        let share = |i: u32| 20 + i / 80 + if i >= 4000 { jump } else { 0 };
        let is_error = |i: u32| i * 7_919 % 1_000 < share(i);
        let rows: Vec<_> = (0..8000)
            .map(|i: u32| (u16::from(i >= 4000), i, 0, is_error(i)))
            .collect();
        let settings = AnalysisSettings {
            control: Some("gpt".to_owned()),
            ..AnalysisSettings::default()
        };
        analyze(&log(&rows), &settings, &Progress::unwatched()).unwrap()
    };
    let steady = found(0);
    assert_eq!(steady.strategy.strategy, Strategy::BlueGreen);
    assert_eq!(steady.scorecard[0].effects[0].verdict, Verdict::Worse);
    assert_eq!(steady.decision.kind, DecisionKind::Hold);
    assert!(steady.decision.headline.contains("a steady trend"));
    let told = |reason: &Reason| reason.text.contains("it moved at the switch by");
    assert!(steady.decision.reasons.iter().any(told));
    assert_eq!(found(80).decision.kind, DecisionKind::RollBack);
}
