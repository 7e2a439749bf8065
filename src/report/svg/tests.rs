use super::super::chart::{Along, Axis, Layer, Mark, Scale};
use super::super::charts;
use super::super::fixture::canary;
use super::*;
use crate::units::{Clock, ValueForm};

/// Every element is closed by its own name, and attributes are quoted.
fn assert_well_formed(svg: &str) {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = svg;
    while let Some(at) = rest.find('<') {
        let end = rest[at..].find('>').expect("every tag ends") + at;
        let tag = &rest[at + 1..end];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "{svg}");
        } else if !tag.ends_with('/') {
            open.push(tag.split(' ').next().unwrap());
        }
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        rest = &rest[end + 1..];
    }
    assert_eq!(open, Vec::<&str>::new());
    for nonsense in ["NaN", "inf", "\u{202E}"] {
        assert!(!svg.contains(nonsense), "{nonsense}: {svg}");
    }
}

fn check(chart: &Chart) -> String {
    let drawn = draw(chart, 430, 270);
    assert_well_formed(&drawn);
    assert_well_formed(&document(chart, "origin"));
    assert_eq!(drawn, draw(chart, 430, 270));
    drawn
}

fn chart(layers: Vec<Layer>) -> Chart {
    Chart {
        id: "a b".into(),
        title: "Title".into(),
        caption: "Caption".into(),
        x: Axis::new("x", Scale::Linear(ValueForm::Number)),
        y: Axis::new("y", Scale::Linear(ValueForm::Number)),
        layers,
    }
}

fn line(name: &str, points: Vec<(f64, f64)>) -> Layer {
    Layer::Line {
        name: name.into(),
        tone: Tone::Arm(0),
        points,
    }
}

#[test]
fn the_treatment_has_the_strongest_line() {
    let of = |name: &str, tone| Layer::Line {
        name: name.into(),
        tone,
        points: vec![(0.0, 1.0), (1.0, 2.0)],
    };
    let svg = check(&chart(vec![of("a", Tone::Arm(0)), of("b", Tone::Arm(1))]));
    assert!(svg.contains("class=\"line t-arm0\"") && svg.contains("class=\"line t-arm1 thin\""));
}

#[test]
fn names_from_logs_are_escaped() {
    let hostile = "<script>\u{202E}\"&";
    let svg = check(&chart(vec![
        line(hostile, vec![(0.0, 1.0), (1.0, 2.0)]),
        Layer::Rule {
            label: hostile.into(),
            tone: Tone::Bad,
            axis: Along::X,
            at: 0.5,
        },
        Layer::Span {
            label: hostile.into(),
            tone: Tone::Quiet,
            x: (0.0, 0.5),
        },
    ]));
    assert!(!svg.contains("<script"));
    assert!(svg.contains("&lt;script&gt;⟨U+202E⟩&quot;&amp;"));
}

#[test]
fn gaps_break_lines_and_single_points_stay() {
    let nan = f64::NAN;
    let svg = check(&chart(vec![line(
        "a",
        vec![(0.0, 1.0), (1.0, nan), (2.0, 2.0), (3.0, 1.0), (4.0, 2.0)],
    )]));
    assert_eq!(svg.matches("<circle").count(), 1);
    assert_eq!(svg.matches("class=\"line t-arm0\" d=\"M").count(), 1);
}

#[test]
fn empty_and_absurd_charts_are_drawn() {
    check(&chart(vec![]));
    check(&chart(vec![line("a", vec![])]));
    check(&chart(vec![line("a", vec![(f64::INFINITY, f64::NAN)])]));
    check(&chart(vec![line(
        "a",
        vec![(1e300, -1e300), (2e300, 1e300)],
    )]));
    check(&chart(vec![Layer::Intervals {
        name: "n".into(),
        tone: Tone::Bad,
        along: Along::X,
        items: vec![(0.0, f64::NEG_INFINITY, 1.0, f64::INFINITY)],
    }]));
    check(&chart(vec![Layer::Marks {
        name: "m".into(),
        tone: Tone::Good,
        mark: Mark::Flag,
        points: vec![(1.0, 1.0)],
    }]));
    assert_well_formed(&draw(
        &chart(vec![line("a", vec![(0.0, 1.0), (1.0, 2.0)])]),
        20,
        10,
    ));
}

#[test]
fn labels_in_the_strip_do_not_overlap() {
    let rules = (0..4).map(|k| Layer::Rule {
        label: format!("a rather long rule name {k}"),
        tone: Tone::Bad,
        axis: Along::X,
        at: 0.5 + f64::from(k) * 0.01,
    });
    let svg = check(&chart(
        std::iter::once(line("a", vec![(0.0, 1.0), (1.0, 2.0)]))
            .chain(rules)
            .collect(),
    ));
    let mut rows: Vec<&str> = svg
        .split("<text")
        .filter(|text| text.contains("rather long"))
        .map(|text| {
            text.split("y=\"")
                .nth(1)
                .unwrap()
                .split('"')
                .next()
                .unwrap()
        })
        .collect();
    assert_eq!(rows.len(), 4);
    rows.dedup();
    assert_eq!(rows.len(), 4, "each in a row of its own: {rows:?}");
}

#[test]
fn every_chart_of_a_rich_analysis_is_well_formed() {
    let fixture = canary();
    let (analysis, replay) = (&fixture.analysis, &fixture.replay);
    for panel in &analysis.latency {
        check(&charts::latency_histogram(analysis, panel));
        check(&charts::latency_ecdf(analysis, panel));
        check(&charts::quantile_differences(analysis, panel));
    }
    for id in charts::metric_ids(analysis) {
        check(&charts::trend(analysis, &id, Some(replay)).unwrap());
    }
    check(&charts::traffic(analysis, None).unwrap());
    check(&charts::guardrail_forest(analysis).unwrap());
    check(&charts::segment_forest(analysis, "error_share").unwrap());
    check(&charts::replay_timeline(analysis, replay));
    let rule = &replay.rules[0];
    let condition = &rule.conditions[0];
    check(&charts::condition_chart(analysis, replay, rule, condition, ValueForm::Share).unwrap());
    assert!(charts::trend(analysis, "none", None).is_none());
}

#[test]
fn time_axes_stand_alone() {
    let mut drawn = chart(vec![line("a", vec![(0.0, 1.0), (7_200.0, 2.0)])]);
    drawn.x = Axis::new("", Scale::Time(Clock::Relative));
    assert!(check(&drawn).contains(">1 h<"));
}
