//! Conditions, clocks and persistence in words, for screens and reports.

use super::{
    Anchor, ArmRole, Clock, Cmp, Column, Comparison, Condition, CounterFunc, FailureLimit, Metric,
    Persistence, Predicate, RequestArm, Side, TestKind, TestRule, Window,
};
use crate::data::Quantity;
use crate::units;

/// What a condition says, as a sentence without its period.
pub fn condition_text(condition: &Condition) -> String {
    if condition.metric == Metric::Score {
        return format!("Score of the canary {}", comparison_text(condition));
    }
    let metric = metric_text(&condition.metric);
    let arm = match condition.arm {
        ArmRole::Canary => "of the canary",
        ArmRole::Baseline => "of the baseline",
        ArmRole::All => "of all requests",
    };
    let window = window_text(condition.window);
    let bound = comparison_text(condition);
    format!("{metric} {arm} {window} {bound}")
}

/// When a rule is evaluated.
pub fn clock_text(clock: Clock) -> String {
    match clock {
        Clock::Request { arm } => match arm {
            RequestArm::Any => "after every request".to_owned(),
            RequestArm::Canary => "after every request of the canary".to_owned(),
            RequestArm::Baseline => "after every request of the baseline".to_owned(),
        },
        Clock::Every {
            every,
            anchor,
            delay,
            until,
            ..
        } => {
            let anchor = match anchor {
                Anchor::Run => "",
                Anchor::Epoch => " by the wall clock",
                Anchor::Stage => " of every stage",
            };
            let delay = if delay.us > 0 {
                format!(" after the first {}", units::duration_us(delay.us))
            } else {
                String::new()
            };
            let until = until.map_or(String::new(), |until| {
                format!(" for the first {}", units::duration_us(until.us))
            });
            format!(
                "every {}{anchor}{delay}{until}",
                units::duration_us(every.us)
            )
        }
        Clock::OnceAt { at, anchor } => {
            let once = if anchor == Anchor::Stage {
                "once in every stage"
            } else {
                "once"
            };
            format!("{once}, after {}", units::duration_us(at.us))
        }
        Clock::StageEnd => "at the end of every stage".to_owned(),
    }
}

/// How long or how often a rule must hold before it fires.
pub fn persistence_text(persistence: Persistence) -> String {
    match persistence {
        Persistence::None | Persistence::MOfN { m: 1, n: 1, .. } => {
            "fires at the first breach".to_owned()
        }
        Persistence::For { hold, .. } => {
            format!("fires after {} of breach", units::duration_us(hold.us))
        }
        Persistence::MOfN {
            m, n, stride: 1, ..
        } => {
            format!("fires when {m} of the last {n} evaluations breach")
        }
        Persistence::MOfN { m, n, stride, .. } => {
            format!("fires when {m} of {n} evaluations breach, each {stride} before the next")
        }
        Persistence::Failures { limit, mode, .. } => {
            let n = u64::from(limit) + u64::from(mode == FailureLimit::Gt);
            format!("fires at breach number {n}")
        }
        Persistence::Consecutive { k } => format!("fires after {k} breaches in a row"),
    }
}

fn metric_text(metric: &Metric) -> String {
    match metric {
        Metric::ErrorShare => "Error share".to_owned(),
        Metric::SuccessShare => "Success share".to_owned(),
        Metric::Count => "Number of requests".to_owned(),
        Metric::Rps => "Requests per second".to_owned(),
        Metric::ErrorCount => "Number of failed requests".to_owned(),
        Metric::ErrorsPerSecond => "Failed requests per second".to_owned(),
        Metric::Mean(column) => format!("Mean {}", column_text(column)),
        Metric::Sum(column) => format!("Sum of {}", column_text(column)),
        Metric::Quantile(column, p) => format!("p{} {}", percent(*p), column_text(column)),
        Metric::Share(predicate) => format!("Share of {}", predicate_text(predicate)),
        Metric::Burn(slo) => format!("Burn rate of errors against {} % success", percent(*slo)),
        Metric::Consecutive(None) => "Errors in a row".to_owned(),
        Metric::Consecutive(Some(predicate)) => {
            format!("Requests in a row with {}", predicate_text(predicate))
        }
        Metric::Score => "Score".to_owned(),
    }
}

fn predicate_text(predicate: &Predicate) -> String {
    format!(
        "{} {} {}",
        predicate.column,
        symbol(predicate.cmp),
        plain(predicate.value)
    )
}

/// What messages call a column.
pub(super) fn column_text(column: &Column) -> &str {
    match column {
        Column::Of(Quantity::LatencyMs) => "latency",
        Column::Of(Quantity::TtftMs) => "time to first token",
        Column::Of(Quantity::Rating) => "rating",
        Column::Of(Quantity::TokensIn) => "prompt tokens",
        Column::Of(Quantity::TokensOut) => "completion tokens",
        Column::Of(Quantity::Cost) => "cost",
        Column::Of(Quantity::Extra(_)) => "another metric",
        Column::Named(name) => name,
    }
}

fn window_text(window: Window) -> String {
    let span = |us| units::duration_us(us);
    match window {
        Window::Last { n } => format!("over the last {} requests", units::count(u64::from(n))),
        Window::Trailing { span: length, .. } => format!("over the last {}", span(length.us)),
        Window::Run => "since the start".to_owned(),
        Window::Stage => "since the stage began".to_owned(),
        Window::Tumbling {
            span: length,
            slide,
            ..
        } if slide == length => format!("over the last full period of {}", span(length.us)),
        Window::Tumbling {
            span: length,
            slide,
            ..
        } => format!(
            "over {} up to the last full {}",
            span(length.us),
            span(slide.us)
        ),
        Window::Counter {
            span: length,
            scrape,
            func,
            ..
        } => {
            let func = match func {
                CounterFunc::Rate => "",
                CounterFunc::Increase => " by their increase",
                CounterFunc::Irate => " by their last two samples",
            };
            format!(
                "by counters scraped every {}, over {}{func},",
                span(scrape.us),
                span(length.us)
            )
        }
    }
}

fn comparison_text(condition: &Condition) -> String {
    match condition.comparison {
        Comparison::Value { cmp, value } => {
            let metric = &condition.metric;
            let text = if condition.scale == 1.0 {
                value_text(metric, value)
            } else if metric.is_share() && condition.scale == 100.0 {
                format!("{} %", plain(value))
            } else {
                plain(value)
            };
            format!("is {} {text}", words(cmp))
        }
        Comparison::Test(test) => test_text(test),
        Comparison::TimesBaseline { cmp, factor } => {
            format!("is {} {} × the baseline", words(cmp), plain(factor))
        }
        Comparison::Drop { cmp, by } => format!(
            "is below the baseline by {} {}",
            amount_words(cmp),
            amount_text(&condition.metric, by)
        ),
        Comparison::Rise { cmp, by } => format!(
            "is above the baseline by {} {}",
            amount_words(cmp),
            amount_text(&condition.metric, by)
        ),
    }
}

fn test_text(test: TestRule) -> String {
    let side = match test.side {
        Side::Greater => "above",
        Side::Less => "below",
        Side::TwoSided => "other than",
    };
    let margin = if test.margin > 0.0 {
        format!(" by more than {}", plain(test.margin))
    } else {
        String::new()
    };
    let (name, looks) = match test.kind {
        TestKind::ConfSeq => ("a confidence sequence", "over all looks"),
        TestKind::Msprt => ("a sequential probability ratio test", "over all looks"),
        TestKind::ZTwoProp => ("a z test", "at each look"),
        TestKind::MannWhitney => ("a Mann–Whitney test", "at each look"),
    };
    format!(
        "is {side} the baseline{margin} by {name}, false alarms at most {} % {looks}",
        percent(test.alpha)
    )
}

/// A threshold with its unit: `5 %`, `2.00 s`, `3 × the baseline`, `0.5 below the baseline`.
pub fn threshold_text(condition: &Condition, threshold: f64) -> String {
    // A calibrated one has four digits, and 0.1 + 0.2 none that help.
    let threshold = (threshold * 1e6).round() / 1e6 + 0.0;
    let metric = &condition.metric;
    match condition.comparison {
        Comparison::Value {
            cmp: Cmp::Gt,
            value: _,
        } if metric.is_share() && threshold == 0.0 => "0 % (any)".to_owned(),
        Comparison::Value { .. } if condition.scale == 1.0 => value_text(metric, threshold),
        Comparison::Value { .. } if metric.is_share() && condition.scale == 100.0 => {
            format!("{} %", plain(threshold))
        }
        Comparison::TimesBaseline { .. } => format!("{} × the baseline", plain(threshold)),
        Comparison::Drop { .. } => {
            format!("{} below the baseline", amount_text(metric, threshold))
        }
        Comparison::Rise { .. } => {
            format!("{} above the baseline", amount_text(metric, threshold))
        }
        Comparison::Test(test) if !test.kind.is_limit() => format!("{} %", percent(threshold)),
        Comparison::Value { .. } | Comparison::Test(_) => plain(threshold),
    }
}

fn amount_words(cmp: Cmp) -> &'static str {
    match cmp {
        Cmp::Gt => "more than",
        Cmp::Lt => "less than",
        _ => words(cmp),
    }
}

/// A difference; of shares in percentage points, lest it be read as a relative one.
fn amount_text(metric: &Metric, by: f64) -> String {
    if metric.is_share() {
        format!("{} pp", percent(by))
    } else {
        value_text(metric, by)
    }
}

fn value_text(metric: &Metric, value: f64) -> String {
    if metric.is_share() {
        return format!("{} %", percent(value));
    }
    match metric.column().and_then(Column::known) {
        Some(Quantity::LatencyMs | Quantity::TtftMs) => units::latency(value),
        _ => plain(value),
    }
}

/// Rounded so that 0.07 is 7 and not 7.000000000000001.
fn percent(share: f64) -> String {
    plain((share * 1e12).round() / 1e10)
}

/// A threshold as its author wrote it.
fn plain(value: f64) -> String {
    value.to_string()
}

fn words(cmp: Cmp) -> &'static str {
    match cmp {
        Cmp::Gt => "above",
        Cmp::Ge => "at least",
        Cmp::Lt => "below",
        Cmp::Le => "at most",
        Cmp::Eq => "equal to",
        Cmp::Ne => "other than",
    }
}

fn symbol(cmp: Cmp) -> &'static str {
    match cmp {
        Cmp::Gt => ">",
        Cmp::Ge => "≥",
        Cmp::Lt => "<",
        Cmp::Le => "≤",
        Cmp::Eq => "=",
        Cmp::Ne => "≠",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::presets;

    fn check(preset: &str, condition: usize, text: &str) {
        let rulebook = presets::rulebook(&[preset]).unwrap();
        assert_eq!(
            condition_text(rulebook.rules[0].conditions()[condition]),
            text
        );
    }

    #[test]
    fn conditions_read_as_sentences() {
        check(
            "quality-monitor",
            0,
            "Error share of the canary over the last 100 requests is above 5 %",
        );
        check(
            "quality-monitor",
            2,
            "Mean rating of the canary over the last 100 requests is below the baseline by more than 0.5",
        );
        check(
            "quality-monitor",
            3,
            "p95 latency of the canary over the last 100 requests is above 2 × the baseline",
        );
        check(
            "prometheus-success-ratio",
            0,
            "Success share of the canary by counters scraped every 15 s, over 5 min, is below 95 %",
        );
        check(
            "monitor-canary",
            0,
            "Error share of all requests since the start is at least 5 %",
        );
    }

    #[test]
    fn thresholds_carry_their_unit() {
        for (preset, condition, threshold, text) in [
            ("quality-monitor", 0, 0.05, "5 %"),
            ("quality-monitor", 0, 0.1154, "11.54 %"),
            ("quality-monitor", 0, -0.0, "0 % (any)"),
            ("quality-monitor", 1, 3.0, "3 × the baseline"),
            ("quality-monitor", 2, 0.5, "0.5 below the baseline"),
            ("canary-monitor", 2, 2000.0, "2.00 s"),
            ("auto-rollback", 1, 16_270.0, "16.3 s"),
        ] {
            let rulebook = presets::rulebook(&[preset]).unwrap();
            let conditions = rulebook.rules[0].conditions();
            assert_eq!(threshold_text(conditions[condition], threshold), text);
        }
    }

    #[test]
    fn clocks_and_persistence_read_as_phrases() {
        let rule = |id| presets::rulebook(&[id]).unwrap().rules.remove(0);
        let prometheus = rule("prometheus-success-ratio");
        assert_eq!(clock_text(prometheus.clock), "every 1 min");
        assert_eq!(
            persistence_text(prometheus.persistence),
            "fires after 10 min of breach"
        );
        let poll = rule("auto-rollback").clock;
        assert_eq!(clock_text(poll), "every 10 s for the first 5 min");
    }
}
