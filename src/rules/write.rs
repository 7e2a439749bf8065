//! [`Rulebook`] back to TOML's spelling.

use super::model::{After, Columns, EventTime, Node, Rule, Rulebook};
use super::raw::{
    RawAlign, RawChange, RawClock, RawClockTable, RawFailures, RawHeader, RawMinimum, RawNode,
    RawPersistence, RawPhase, RawRule, RawRulebook, RawScore, RawScoreMetric, RawSince, RawTest,
    RawWindow, SCHEMA,
};
use super::{
    Anchor, ArmRole, Clock, Comparison, Condition, Metric, PerArm, Persistence, Phase,
    QuantileMethod, RequestArm, Score, TestRule, TimeSpan, Window,
};

impl From<Rulebook> for RawRulebook {
    fn from(rulebook: Rulebook) -> Self {
        Self {
            rulebook: RawHeader {
                schema: SCHEMA,
                title: rulebook.title,
            },
            columns: columns(rulebook.columns),
            arms: rulebook.arms,
            rules: rulebook.rules.into_iter().map(rule).collect(),
            plans: rulebook.plans,
            routers: rulebook.routers,
        }
    }
}

fn columns(columns: Columns) -> std::collections::BTreeMap<String, String> {
    let mut named = columns.named;
    let event_time = match columns.event_time {
        EventTime::End => None,
        EventTime::Start => Some("start"),
        EventTime::FirstToken => Some("first_token"),
    };
    named.extend(event_time.map(|text| ("event_time".to_owned(), text.to_owned())));
    named
}

fn rule(rule: Rule) -> RawRule {
    let (any, all, not, score) = match judged(&rule.root) {
        Some(score) => (None, None, None, Some(score)),
        None => {
            let (any, all, not) = branch(rule.root);
            (any, all, not, None)
        }
    };
    RawRule {
        title: (rule.title != rule.id).then_some(rule.title),
        id: Some(rule.id),
        description: Some(rule.description).filter(|text| !text.is_empty()),
        faults: rule.faults,
        clock: Some(clock(rule.clock)),
        plan: rule.plan,
        scope: some_unless_default(rule.scope),
        unit: some_unless_default(rule.unit),
        min: rule.min.map(|min| RawMinimum {
            canary: min.n.canary,
            baseline: min.n.baseline,
            window: Some(window(min.window)),
        }),
        any,
        all,
        not,
        score,
        rollback_on: None,
        emit: None,
        persist: persistence(rule.persistence),
        action: Some(rule.action),
        delay: some_unless_default(rule.delay),
        latch: some_unless_default(rule.latch),
        after: Some(rule.after).filter(|after| *after != After::default()),
    }
}

type Branch = (
    Option<Vec<RawNode>>,
    Option<Vec<RawNode>>,
    Option<Box<RawNode>>,
);

fn branch(root: Node) -> Branch {
    match root {
        Node::Any(parts) => (Some(parts.into_iter().map(node).collect()), None, None),
        Node::All(parts) => (None, Some(parts.into_iter().map(node).collect()), None),
        Node::Not(part) => (None, None, Some(Box::new(node(*part)))),
        // A rule's root is a branch; a lone condition is an `all` of one.
        condition @ Node::Condition(_) => (None, Some(vec![node(condition)]), None),
    }
}

fn node(part: Node) -> RawNode {
    match part {
        Node::Condition(found) => condition(*found),
        part => {
            let (any, all, not) = branch(part);
            RawNode {
                any,
                all,
                not,
                ..RawNode::default()
            }
        }
    }
}

/// The judge, if the root is one.
fn judged(root: &Node) -> Option<RawScore> {
    let Node::All(parts) = root else {
        return None;
    };
    let [Node::Condition(condition)] = parts.as_slice() else {
        return None;
    };
    let Score {
        pass,
        points,
        seed,
        groups,
        metrics,
    } = condition.score.as_deref()?.clone();
    Some(RawScore {
        judge: Some("netflix-aca".to_owned()),
        pass: Some(pass),
        marginal: Some(condition.comparison.threshold()),
        abort_cmp: Some(condition.comparison.cmp()),
        points: Some(RawWindow {
            tumbling: Some(points),
            ..RawWindow::default()
        }),
        seed: Some(seed),
        groups,
        metrics: metrics
            .into_iter()
            .map(|metric| RawScoreMetric {
                name: Some(metric.name),
                metric: Some(metric.metric),
                scale: Some(metric.scale),
                group: Some(metric.group),
                direction: Some(metric.direction),
                critical: metric.critical,
                must_have_data: metric.must_have_data,
                nan: Some(metric.nan),
                outlier_factor: metric.outlier_factor,
                quantile_method: some_unless_default(metric.quantile_method),
                effect: some_unless_default(metric.effect),
            })
            .collect(),
    })
}

fn condition(found: Condition) -> RawNode {
    let is_quantile = matches!(found.metric, Metric::Quantile(..));
    let is_streak = matches!(found.metric, Metric::Consecutive(_));
    let mut raw = RawNode {
        name: Some(found.name),
        metric: Some(found.metric),
        arm: Some(found.arm).filter(|arm| *arm != ArmRole::Canary),
        window: Some(window(found.window)).filter(|_| !is_streak),
        scale: Some(found.scale).filter(|scale| *scale != 1.0),
        min_n: Some(found.min_n).filter(|n| *n != PerArm::default()),
        require: found
            .require
            .map(|require| format!("baseline {} {}", require.cmp, require.value)),
        empty_as: found.empty_as,
        drop_zero: some_unless_default(found.drop_zero),
        quantile_method: Some(found.quantile_method).filter(|_| is_quantile),
        buckets: Some(found.buckets)
            .filter(|_| found.quantile_method == QuantileMethod::PromBuckets),
        no_data: found.no_data,
        nan: found.nan,
        low_sample: some_unless_default(found.low_sample),
        stop: some_unless_default(found.stop),
        ..RawNode::default()
    };
    let change = |cmp, value| {
        Some(RawChange {
            cmp: Some(cmp),
            value: Some(value),
        })
    };
    match found.comparison {
        Comparison::Value { cmp, value } => (raw.cmp, raw.value) = (Some(cmp), Some(value)),
        Comparison::TimesBaseline { cmp, factor } => {
            (raw.cmp, raw.times_baseline) = (Some(cmp), Some(factor));
        }
        Comparison::Drop { cmp, by } => raw.drop = change(cmp, by),
        Comparison::Rise { cmp, by } => raw.rise = change(cmp, by),
        Comparison::Test(test) => raw.test = Some(written_test(test)),
    }
    raw
}

fn written_test(test: TestRule) -> RawTest {
    RawTest {
        kind: Some(test.kind),
        side: Some(test.side),
        alpha: Some(test.alpha),
        conf: None,
        tuning: Some(test.tuning).filter(|tuning| *tuning != TestRule::TUNING),
        margin: Some(test.margin).filter(|margin| *margin != 0.0),
    }
}

fn clock(clock: Clock) -> RawClock {
    let mut table = RawClockTable::default();
    match clock {
        Clock::Request {
            arm: RequestArm::Any,
        } => return RawClock::Name("request".to_owned()),
        Clock::Request { arm } => table.request = Some(arm),
        Clock::StageEnd => table.stage_end = true,
        Clock::OnceAt { at, anchor } => {
            table.once_at = Some(at);
            table.anchor = some_unless_default(anchor);
        }
        Clock::Every {
            every,
            phase,
            anchor,
            delay,
            until,
            from,
            mode,
        } => {
            table.every = Some(every);
            table.phase = match phase {
                Phase::Fixed(span) => some_unless_default(span).map(RawPhase::Fixed),
                Phase::GroupHash => Some(RawPhase::GroupHash),
            };
            table.anchor = some_unless_default(anchor);
            table.delay = some_unless_default(delay);
            table.until = until;
            table.from = Some(from);
            table.mode = some_unless_default(mode);
        }
    }
    RawClock::Table(table)
}

fn window(window: Window) -> RawWindow {
    let mut raw = RawWindow::default();
    match window {
        Window::Last { n } => raw.last = Some(n),
        Window::Trailing { span, left } => {
            raw.trailing = Some(span);
            raw.left = some_unless_default(left);
        }
        Window::Run => raw.since = Some(RawSince::Run),
        Window::Stage => raw.since = Some(RawSince::Stage),
        Window::Tumbling { span, slide, align } => {
            raw.tumbling = Some(span);
            raw.slide = Some(slide).filter(|slide| *slide != span);
            raw.align = match align {
                Anchor::Run => None,
                Anchor::Epoch => Some(RawAlign::Epoch),
                Anchor::Stage => Some(RawAlign::Stage),
            };
        }
        Window::Counter {
            span,
            scrape,
            phase,
            engine,
            first_seen,
            func,
        } => {
            raw.counter = Some(span);
            raw.scrape = Some(scrape);
            raw.scrape_phase = some_unless_default(phase);
            raw.engine = Some(engine);
            raw.first_seen = Some(first_seen);
            raw.func = some_unless_default(func);
        }
    }
    raw
}

fn persistence(persistence: Persistence) -> Option<RawPersistence> {
    let mut raw = RawPersistence::default();
    match persistence {
        Persistence::None => return None,
        Persistence::For { hold, keep } => {
            raw.hold = Some(hold);
            raw.keep_for = Some(keep).filter(|keep| *keep != TimeSpan::default());
        }
        Persistence::MOfN {
            m,
            n,
            missing,
            range,
            stride,
            insufficient_fires,
        } => {
            raw.m_of_n = Some((m, n));
            raw.missing = Some(missing);
            raw.range = Some(range);
            raw.stride = Some(stride).filter(|stride| *stride != 1);
            raw.insufficient_fires = some_unless_default(insufficient_fires);
        }
        Persistence::Failures {
            limit,
            mode,
            scope,
            errors,
        } => {
            raw.failures = Some(RawFailures {
                limit: Some(limit),
                mode: Some(mode),
                scope: some_unless_default(scope),
            });
            raw.errors = errors;
        }
        Persistence::Consecutive { k } => raw.consecutive = Some(k),
    }
    Some(raw)
}

fn some_unless_default<T: Default + PartialEq>(value: T) -> Option<T> {
    Some(value).filter(|value| *value != T::default())
}
