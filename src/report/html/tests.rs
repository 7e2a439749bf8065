use super::super::fixture::{canary, canary_named};
use super::super::{ReportInput, document};
use super::*;

fn rendered(input: &ReportInput<'_>) -> String {
    render(&document(input))
}

fn page() -> String {
    rendered(&canary().input())
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    assert_eq!(page(), page());
}

#[test]
fn nothing_refers_to_the_outside() {
    let page = page();
    for forbidden in [
        "http:", "https:", "<script", "<link", "url(//", "@import", "src=",
    ] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    assert!(page.contains("default-src 'none'"));
}

/// The radio buttons that sort tables are placed absolutely: in a box that is not, they would stand beside
/// the page and make it scroll sideways.
#[test]
fn what_is_placed_within_a_table_stays_in_its_box() {
    let style = include_str!("report.css");
    let rule = |selector: &str| {
        style
            .lines()
            .find(|line| line.starts_with(selector))
            .unwrap()
    };
    assert!(rule(".sort input {").contains("position: absolute"));
    assert!(rule(".scroll {").contains("position: relative"));
}

#[test]
fn every_section_is_there_and_in_the_contents() {
    let page = page();
    for id in [
        "decision",
        "health",
        "scorecard",
        "latency",
        "trends",
        "tests",
        "segments",
        "rollback",
        "log",
        "method",
        "reproduce",
    ] {
        assert!(page.contains(&format!("id=\"{id}\"")), "{id}");
        assert!(page.contains(&format!("href=\"#{id}\"")), "{id}");
    }
}

#[test]
fn the_page_has_a_style_of_its_own_for_print() {
    let mut depth = 0;
    let mut at_print = None;
    for line in include_str!("report.css").lines() {
        if line.contains("@media print") {
            at_print = Some(depth);
        }
        depth += line.matches('{').count() as i32 - line.matches('}').count() as i32;
    }
    assert_eq!((at_print, depth), (Some(0), 0));
}

#[test]
fn numbers_are_written_with_their_intervals() {
    let page = page();
    for text in [
        "+1.24 pp",
        "[+0.310\u{a0}pp, +2.17\u{a0}pp]",
        "by user, p\u{a0}0.001",
        "p95 latency",
        "requests-2026-03.csv",
    ] {
        assert!(page.contains(text), "{text}");
    }
    for nonsense in ["NaN", "inf ", "None", "Some("] {
        assert!(!page.contains(nonsense), "{nonsense}");
    }
}

#[test]
fn hostile_names_stay_text() {
    let fixture = canary_named("<script>alert(1)</script>\u{202E}\u{0}");
    let page = rendered(&fixture.input());
    assert!(!page.contains("<script"));
    assert!(page.contains("&lt;script&gt;alert(1)"));
    assert!(page.contains("⟨U+202E⟩⟨U+0000⟩"));
    assert!(!page.chars().any(|c| c != '\n' && text::is_unseen(c)));
}

#[test]
fn a_log_with_one_arm_and_no_times_still_gives_a_report() {
    let mut fixture = canary();
    let analysis = &mut fixture.analysis;
    analysis.treatment = None;
    analysis.arms.truncate(1);
    analysis.trends = None;
    analysis.stages.clear();
    analysis.segments.clear();
    analysis.tests.clear();
    analysis.latency.clear();
    for row in &mut analysis.scorecard {
        row.effects.clear();
        row.values.truncate(1);
    }
    let page = rendered(&ReportInput {
        replay: None,
        rulebook: None,
        title: " ",
        ..fixture.input()
    });
    assert!(page.contains("<h1>requests-2026-03.csv</h1>"));
    for id in ["latency", "trends", "tests", "segments", "rollback"] {
        assert!(!page.contains(&format!("#{id}\"")), "{id}");
    }
}

#[test]
fn no_p_value_without_an_effect() {
    let mut fixture = canary();
    for row in &mut fixture.analysis.scorecard {
        for effect in &mut row.effects {
            effect.difference = None;
        }
    }
    for report in &mut fixture.analysis.tests {
        for line in &mut report.tests {
            line.difference = None;
        }
    }
    let page = rendered(&fixture.input());
    assert!(!page.contains("2.3e−6"));
    assert!(!page.contains("by user, p"));
}
