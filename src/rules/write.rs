//! [`Rulebook`] back to TOML's spelling.

use super::model::{After, Comparison, Condition, Node, Rule, Rulebook};
use super::persist::Persistence;
use super::raw::{
    RawChange, RawClock, RawClockTable, RawFailures, RawHeader, RawMinimum, RawNode,
    RawPersistence, RawRule, RawRulebook, RawSince, RawWindow, SCHEMA,
};
use super::{ArmRole, Clock, Metric, PerArm, RequestArm, TimeSpan, Window};

impl From<Rulebook> for RawRulebook {
    fn from(rulebook: Rulebook) -> Self {
        Self {
            rulebook: RawHeader {
                schema: SCHEMA,
                title: rulebook.title,
            },
            arms: rulebook.arms,
            rules: rulebook.rules.into_iter().map(rule).collect(),
            plans: rulebook.plans,
        }
    }
}

fn rule(rule: Rule) -> RawRule {
    let (any, all) = branch(rule.root);
    RawRule {
        title: (rule.title != rule.id).then_some(rule.title),
        id: Some(rule.id),
        description: Some(rule.description).filter(|text| !text.is_empty()),
        faults: rule.faults,
        clock: Some(clock(rule.clock)),
        min: rule.min.map(|min| RawMinimum {
            canary: min.n.canary,
            baseline: min.n.baseline,
            window: Some(window(min.window)),
        }),
        any,
        all,
        persist: persistence(rule.persistence),
        action: Some(rule.action),
        delay: some_unless_default(rule.delay),
        latch: some_unless_default(rule.latch),
        after: Some(rule.after).filter(|after| *after != After::default()),
    }
}

type Branch = (Option<Vec<RawNode>>, Option<Vec<RawNode>>);

fn branch(root: Node) -> Branch {
    match root {
        Node::Any(parts) => (Some(parts.into_iter().map(node).collect()), None),
        Node::All(parts) => (None, Some(parts.into_iter().map(node).collect())),
        // A rule's root is a branch; a lone condition is an `all` of one.
        condition @ Node::Condition(_) => (None, Some(vec![node(condition)])),
    }
}

fn node(part: Node) -> RawNode {
    match part {
        Node::Condition(found) => condition(found),
        part => {
            let (any, all) = branch(part);
            RawNode {
                any,
                all,
                ..RawNode::default()
            }
        }
    }
}

fn condition(found: Condition) -> RawNode {
    let is_quantile = matches!(found.metric, Metric::Quantile(..));
    let mut raw = RawNode {
        name: Some(found.name),
        metric: Some(found.metric),
        arm: Some(found.arm).filter(|arm| *arm != ArmRole::Canary),
        window: Some(window(found.window)),
        min_n: Some(found.min_n).filter(|n| *n != PerArm::default()),
        require: found
            .require
            .map(|require| format!("baseline {} {}", require.cmp, require.value)),
        empty_as: found.empty_as,
        drop_zero: some_unless_default(found.drop_zero),
        quantile_method: Some(found.quantile_method).filter(|_| is_quantile),
        no_data: found.no_data,
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
    }
    raw
}

fn clock(clock: Clock) -> RawClock {
    let mut table = RawClockTable::default();
    match clock {
        Clock::Request {
            arm: RequestArm::Any,
        } => return RawClock::Name("request".to_owned()),
        Clock::Request { arm } => table.request = Some(arm),
        Clock::OnceAt { at } => table.once_at = Some(at),
        Clock::Every {
            every,
            phase,
            anchor,
            until,
            from,
        } => {
            table.every = Some(every);
            table.phase = some_unless_default(phase);
            table.anchor = some_unless_default(anchor);
            table.until = until;
            table.from = Some(from);
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
        Window::Tumbling { span } => raw.tumbling = Some(span),
        Window::Counter {
            span,
            scrape,
            phase,
            engine,
            first_seen,
        } => {
            raw.counter = Some(span);
            raw.scrape = Some(scrape);
            raw.scrape_phase = some_unless_default(phase);
            raw.engine = Some(engine);
            raw.first_seen = Some(first_seen);
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
            insufficient_fires,
        } => {
            raw.m_of_n = Some((m, n));
            raw.missing = Some(missing);
            raw.range = Some(range);
            raw.insufficient_fires = some_unless_default(insufficient_fires);
        }
        Persistence::Failures { limit, mode } => {
            raw.failures = Some(RawFailures {
                limit: Some(limit),
                mode: Some(mode),
            });
        }
        Persistence::Consecutive { k } => raw.consecutive = Some(k),
    }
    Some(raw)
}

fn some_unless_default<T: Default + PartialEq>(value: T) -> Option<T> {
    Some(value).filter(|value| *value != T::default())
}
