//! TOML to [`Rulebook`] and back. Every error names the key, the line and what to write instead.

use super::model::{Comparison, Condition, Minimum, Node, PerArm, Plan, Require, Rule, Rulebook};
use super::place::{Places, nearest};
use super::raw::{
    RawChange, RawClock, RawClockTable, RawFailures, RawMinimum, RawNode, RawPersistence, RawRule,
    RawRulebook, RawWindow, SCHEMA,
};
use super::{
    ArmRole, Clock, Cmp, FailureLimit, Metric, Persistence, QuantileMethod, TimeSpan, Window,
};
use crate::error::{Error, ErrorKind, Result};

impl Rulebook {
    /// Reads a rulebook. Errors are of kind [`ErrorKind::Settings`] and carry key and line.
    pub fn parse(text: &str) -> Result<Self> {
        let raw: RawRulebook = toml::from_str(text).map_err(|e| syntax_error(text, &e))?;
        rulebook(raw).map_err(|error| {
            let line = error
                .place
                .key
                .as_deref()
                .and_then(|key| Places::of(text).line_of(key));
            match line {
                Some(line) => error.line(line),
                None => error,
            }
        })
    }

    /// Writes a rulebook as TOML that [`Rulebook::parse`] reads back to the same value.
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string(self).map_err(|e| {
            Error::new(
                ErrorKind::Internal,
                format!("Cannot write the rulebook: {e}"),
            )
        })
    }
}

impl TryFrom<RawRulebook> for Rulebook {
    type Error = Error;

    fn try_from(raw: RawRulebook) -> Result<Self> {
        rulebook(raw)
    }
}

fn fault(key: impl Into<String>, message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Settings, message).key(key)
}

/// An error of the TOML reader, with the key found by its position.
fn syntax_error(text: &str, error: &toml::de::Error) -> Error {
    let places = Places::of(text);
    let message = error.message();
    let mut found = Error::new(ErrorKind::Settings, capitalised(message));
    if let Some(span) = error.span() {
        found = found.line(places.line_at(span.start));
        if let Some(path) = places.path_at(&span) {
            found = found.key(path);
        }
    }
    // serde writes: unknown field `x`, expected one of `a`, `b`.
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let Some((name, known)) = quoted.split_first() else {
        return found;
    };
    if !message.starts_with("unknown") {
        return found;
    }
    found.message = match message.split_once(", expected") {
        Some((head, _)) => capitalised(head)
            .replace("field", "key")
            .replace("variant", "word"),
        None => found.message,
    };
    match nearest(name, known) {
        Some(meant) => found.hint(format!("Did you mean `{meant}`?")),
        None => found.hint(format!("Known here: {}", known.join(", "))),
    }
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map(|c| c.to_uppercase().collect::<String>() + chars.as_str())
        .unwrap_or_default()
}

fn rulebook(raw: RawRulebook) -> Result<Rulebook> {
    if raw.rulebook.schema != SCHEMA {
        let message = format!("Schema {} is not known", raw.rulebook.schema);
        return Err(fault("rulebook.schema", message).hint("This version reads schema 1"));
    }
    if raw.rules.is_empty() {
        return Err(fault("rule", "The rulebook has no rule").hint("Begin a rule with [[rule]]"));
    }
    let mut rules: Vec<Rule> = Vec::with_capacity(raw.rules.len());
    for (i, raw) in raw.rules.into_iter().enumerate() {
        let at = format!("rule[{i}]");
        let rule = rule(raw, &at)?;
        if rules.iter().any(|known| known.id == rule.id) {
            return Err(fault(
                format!("{at}.id"),
                format!("Two rules are called {:?}", rule.id),
            ));
        }
        rules.push(rule);
    }
    for (name, plan) in &raw.plans {
        check_plan(plan, &format!("plan.{name}"))?;
    }
    Ok(Rulebook {
        title: raw.rulebook.title,
        arms: raw.arms,
        rules,
        plans: raw.plans,
    })
}

fn rule(raw: RawRule, at: &str) -> Result<Rule> {
    let id = match raw.id {
        Some(id) if !id.trim().is_empty() => id,
        _ => {
            return Err(fault(format!("{at}.id"), "The rule has no id")
                .hint("Write id = \"my-rule\", a short name without spaces"));
        }
    };
    let clock = match raw.clock {
        Some(raw) => clock(raw, &format!("{at}.clock"))?,
        None => {
            return Err(fault(format!("{at}.clock"), "The rule has no clock")
                .hint("Write clock = \"request\" or clock = { every = \"60s\" }"));
        }
    };
    let min = raw
        .min
        .map(|raw| minimum(raw, &format!("{at}.min")))
        .transpose()?;
    let mut root = branch(raw.any, raw.all, at)?;
    name_conditions(&mut root, at)?;
    Ok(Rule {
        title: raw.title.unwrap_or_else(|| id.clone()),
        description: raw.description.unwrap_or_default(),
        faults: raw.faults,
        clock,
        min,
        root,
        persistence: persistence(raw.persist, &format!("{at}.persist"))?,
        action: raw.action.unwrap_or_default(),
        delay: raw.delay.unwrap_or_default(),
        latch: raw.latch.unwrap_or(false),
        after: raw.after.unwrap_or_default(),
        id,
    })
}

fn clock(raw: RawClock, at: &str) -> Result<Clock> {
    let table = match raw {
        RawClock::Name(name) if name == "request" => RawClockTable {
            request: Some(super::RequestArm::Any),
            ..RawClockTable::default()
        },
        RawClock::Name(name) => {
            return Err(fault(at, format!("No clock is called {name:?}"))
                .hint("Write \"request\" or a table such as { every = \"60s\" }"));
        }
        RawClock::Table(table) => table,
    };
    match (table.request, table.every, table.once_at) {
        (Some(arm), None, None) => Ok(Clock::Request { arm }),
        (None, Some(every), None) => {
            positive(every, &format!("{at}.every"))?;
            let from = table.from.unwrap_or(1);
            if from > 1 {
                return Err(
                    fault(format!("{at}.from"), format!("from is 0 or 1, not {from}"))
                        .hint("0 evaluates at the anchor itself, 1 an interval later"),
                );
            }
            Ok(Clock::Every {
                every,
                phase: table.phase.unwrap_or_default(),
                anchor: table.anchor.unwrap_or_default(),
                until: table.until,
                from,
            })
        }
        (None, None, Some(at)) => Ok(Clock::OnceAt { at }),
        _ => Err(fault(
            at,
            "A clock has exactly one of request, every and once_at",
        )),
    }
}

fn minimum(raw: RawMinimum, at: &str) -> Result<Minimum> {
    let window_at = format!("{at}.window");
    let window = match raw.window {
        Some(raw) => window(raw, &window_at)?,
        None => Window::Run,
    };
    if matches!(window, Window::Counter { .. }) {
        return Err(fault(
            window_at,
            "A minimum counts requests, not scraped counters",
        ));
    }
    for (name, n) in [("canary", raw.canary), ("baseline", raw.baseline)] {
        reachable(window, n, &format!("{at}.{name}"))?;
    }
    Ok(Minimum {
        window,
        n: PerArm {
            canary: raw.canary,
            baseline: raw.baseline,
        },
    })
}

fn reachable(window: Window, n: u32, at: &str) -> Result<()> {
    match window {
        Window::Last { n: last } if n > last => Err(fault(
            at,
            format!("A window of the last {last} requests never holds {n}"),
        )),
        _ => Ok(()),
    }
}

fn branch(any: Option<Vec<RawNode>>, all: Option<Vec<RawNode>>, at: &str) -> Result<Node> {
    let (name, parts) = match (any, all) {
        (Some(parts), None) => ("any", parts),
        (None, Some(parts)) => ("all", parts),
        (Some(_), Some(_)) => {
            return Err(fault(at, "any and all stand side by side")
                .hint("Put one inside the other: any = [ { all = [ … ] } ]"));
        }
        (None, None) => {
            return Err(fault(at, "There are no conditions").hint("Write any = [ { metric = … } ]"));
        }
    };
    let at = format!("{at}.{name}");
    if parts.is_empty() {
        return Err(fault(at, "The list of conditions is empty"));
    }
    let nodes = parts
        .into_iter()
        .enumerate()
        .map(|(i, part)| node(part, &format!("{at}[{i}]")))
        .collect::<Result<Vec<Node>>>()?;
    Ok(if name == "any" {
        Node::Any(nodes)
    } else {
        Node::All(nodes)
    })
}

fn node(raw: RawNode, at: &str) -> Result<Node> {
    if raw.any.is_some() || raw.all.is_some() {
        if raw.metric.is_some() {
            return Err(
                fault(at, "A part of the tree is either a branch or a condition")
                    .hint("Give any or all, or a metric, not both"),
            );
        }
        branch(raw.any, raw.all, at)
    } else {
        condition(raw, at).map(Node::Condition)
    }
}

fn condition(raw: RawNode, at: &str) -> Result<Condition> {
    let Some(metric) = raw.metric else {
        return Err(fault(format!("{at}.metric"), "The condition has no metric")
            .hint("Write metric = \"error_share\" or another metric"));
    };
    let comparison = comparison(&raw, metric, at)?;
    let Some(raw_window) = raw.window else {
        return Err(fault(format!("{at}.window"), "The condition has no window")
            .hint("Write window = { last = 100 } or { trailing = \"5m\" }"));
    };
    let window = window(raw_window, &format!("{at}.window"))?;
    check_metric_in_window(metric, window, at)?;
    let found = Condition {
        name: raw.name.unwrap_or_default(),
        metric,
        arm: raw.arm.unwrap_or_default(),
        window,
        comparison,
        min_n: raw.min_n.unwrap_or_default(),
        require: raw
            .require
            .map(|text| require(&text, &format!("{at}.require")))
            .transpose()?,
        empty_as: raw.empty_as,
        drop_zero: raw.drop_zero.unwrap_or(false),
        quantile_method: raw.quantile_method.unwrap_or_default(),
        no_data: raw.no_data,
        stop: raw.stop.unwrap_or(false),
    };
    check_options(&found, raw.quantile_method, at)?;
    Ok(found)
}

/// Options that contradict the metric or the window they stand beside.
fn check_options(found: &Condition, quantile: Option<QuantileMethod>, at: &str) -> Result<()> {
    for (name, n) in [
        ("canary", found.min_n.canary),
        ("baseline", found.min_n.baseline),
    ] {
        reachable(found.window, n, &format!("{at}.min_n.{name}"))?;
    }
    if found.drop_zero && found.metric.quantity().is_none() {
        return Err(fault(
            format!("{at}.drop_zero"),
            format!("{} has no values of which 0 could be dropped", found.metric),
        ));
    }
    if quantile.is_some() && !matches!(found.metric, Metric::Quantile(..)) {
        return Err(fault(
            format!("{at}.quantile_method"),
            format!("{} is not a quantile", found.metric),
        ));
    }
    if found.arm == ArmRole::Baseline && found.needs_baseline() {
        return Err(fault(
            format!("{at}.arm"),
            "The baseline cannot be compared with itself",
        ));
    }
    match found.empty_as {
        Some(value) if !value.is_finite() => Err(fault(
            format!("{at}.empty_as"),
            "empty_as is a finite number",
        )),
        _ => Ok(()),
    }
}

fn comparison(raw: &RawNode, metric: Metric, at: &str) -> Result<Comparison> {
    let given = [
        raw.value.is_some(),
        raw.times_baseline.is_some(),
        raw.drop.is_some(),
        raw.rise.is_some(),
    ];
    if given.iter().filter(|given| **given).count() != 1 {
        return Err(fault(
            at,
            "A condition has exactly one of value, times_baseline, drop and rise",
        )
        .hint("Write cmp = \">\", value = 0.05 or cmp = \">\", times_baseline = 2"));
    }
    if let Some(change) = &raw.drop {
        let (cmp, by) = amount(change, metric, &format!("{at}.drop"))?;
        return Ok(Comparison::Drop { cmp, by });
    }
    if let Some(change) = &raw.rise {
        let (cmp, by) = amount(change, metric, &format!("{at}.rise"))?;
        return Ok(Comparison::Rise { cmp, by });
    }
    let cmp = operator(raw.cmp, at)?;
    if let Some(factor) = raw.times_baseline {
        if !(factor.is_finite() && factor > 0.0) {
            return Err(fault(
                format!("{at}.times_baseline"),
                format!("A factor is a positive number, not {factor}"),
            ));
        }
        return Ok(Comparison::TimesBaseline { cmp, factor });
    }
    let value = threshold(raw.value, metric, at)?;
    Ok(Comparison::Value { cmp, value })
}

fn amount(change: &RawChange, metric: Metric, at: &str) -> Result<(Cmp, f64)> {
    Ok((
        operator(change.cmp, at)?,
        threshold(change.value, metric, at)?,
    ))
}

fn operator(cmp: Option<Cmp>, at: &str) -> Result<Cmp> {
    let at = format!("{at}.cmp");
    match cmp {
        Some(Cmp::Eq | Cmp::Ne) => Err(fault(at, "A threshold is not compared for equality")
            .hint("Write \">\", \">=\", \"<\" or \"<=\"")),
        Some(cmp) => Ok(cmp),
        None => Err(fault(at, "The comparison has no operator").hint("Write cmp = \">\"")),
    }
}

fn threshold(value: Option<f64>, metric: Metric, at: &str) -> Result<f64> {
    let at = format!("{at}.value");
    let Some(value) = value else {
        return Err(fault(at, "The comparison has no value").hint("Write value = 0.05"));
    };
    if !value.is_finite() {
        return Err(fault(
            at,
            format!("A threshold is a finite number, not {value}"),
        ));
    }
    if metric.is_share() && !(-1.0..=1.0).contains(&value) {
        return Err(fault(
            at,
            format!("{metric} lies between 0 and 1, so {value} is never met"),
        )
        .hint(format!("Write {} for {value} %", value / 100.0)));
    }
    Ok(value)
}

fn require(text: &str, at: &str) -> Result<Require> {
    let fault = || {
        fault(at, format!("{text:?} is not a requirement"))
            .hint("Write require = \"baseline > 0\" or \"baseline != 0\"")
    };
    let rest = text
        .trim()
        .strip_prefix("baseline")
        .ok_or_else(fault)?
        .trim();
    let split = rest.find(|c: char| !"<>=!".contains(c)).ok_or_else(fault)?;
    let value: f64 = rest[split..]
        .trim()
        .parse()
        .map_err(|_: std::num::ParseFloatError| fault())?;
    let cmp = [Cmp::Gt, Cmp::Ge, Cmp::Lt, Cmp::Le, Cmp::Eq, Cmp::Ne]
        .into_iter()
        .find(|cmp| cmp.to_string() == rest[..split])
        .ok_or_else(fault)?;
    Ok(Require { cmp, value })
}

fn window(raw: RawWindow, at: &str) -> Result<Window> {
    let kinds = [
        raw.last.is_some(),
        raw.trailing.is_some(),
        raw.since.is_some(),
        raw.tumbling.is_some(),
        raw.counter.is_some(),
    ];
    if kinds.iter().filter(|given| **given).count() != 1 {
        return Err(fault(
            at,
            "A window has exactly one of last, trailing, since, tumbling and counter",
        ));
    }
    if let Some(span) = raw.counter {
        return counter(&raw, span, at);
    }
    check_window_options(&raw, at)?;
    if let Some(n) = raw.last {
        if n == 0 {
            return Err(fault(
                format!("{at}.last"),
                "A window of no requests holds nothing",
            ));
        }
        return Ok(Window::Last { n });
    }
    if let Some(span) = raw.trailing {
        positive(span, &format!("{at}.trailing"))?;
        let left = raw.left.unwrap_or_default();
        return Ok(Window::Trailing { span, left });
    }
    if let Some(span) = raw.tumbling {
        positive(span, &format!("{at}.tumbling"))?;
        return Ok(Window::Tumbling { span });
    }
    Ok(Window::Run)
}

fn counter(raw: &RawWindow, span: TimeSpan, at: &str) -> Result<Window> {
    let scrape = raw.scrape.unwrap_or(TimeSpan::seconds(15));
    positive(scrape, &format!("{at}.scrape"))?;
    if span < scrape {
        return Err(fault(
            format!("{at}.counter"),
            format!("A range of {span} never holds two scrapes that are {scrape} apart"),
        ));
    }
    Ok(Window::Counter {
        span,
        scrape,
        phase: raw.scrape_phase.unwrap_or_default(),
        engine: raw.engine.unwrap_or_default(),
        first_seen: raw.first_seen.unwrap_or_default(),
    })
}

fn check_window_options(raw: &RawWindow, at: &str) -> Result<()> {
    for (name, is_given) in [
        ("left", raw.left.is_some() && raw.trailing.is_none()),
        ("scrape", raw.scrape.is_some()),
        ("scrape_phase", raw.scrape_phase.is_some()),
        ("engine", raw.engine.is_some()),
        ("first_seen", raw.first_seen.is_some()),
    ] {
        if is_given {
            return Err(fault(
                format!("{at}.{name}"),
                format!("{name} means nothing for this kind of window"),
            ));
        }
    }
    Ok(())
}

fn check_metric_in_window(metric: Metric, window: Window, at: &str) -> Result<()> {
    let at = format!("{at}.metric");
    match (metric, window) {
        (Metric::ErrorShare | Metric::SuccessShare | Metric::Rps, Window::Counter { .. }) => Ok(()),
        (_, Window::Counter { .. }) => Err(fault(
            at,
            format!("{metric} cannot be had from scraped counters"),
        )
        .hint("Use error_share, success_share or rps, or a trailing window")),
        (Metric::Rps, Window::Last { .. } | Window::Run) => {
            Err(fault(at, "rps needs a window with a length in time")
                .hint("Use a trailing, tumbling or counter window"))
        }
        _ => Ok(()),
    }
}

fn persistence(raw: Option<RawPersistence>, at: &str) -> Result<Persistence> {
    let Some(raw) = raw else {
        return Ok(Persistence::None);
    };
    let kinds = [
        raw.hold.is_some(),
        raw.m_of_n.is_some(),
        raw.failures.is_some(),
        raw.consecutive.is_some(),
    ];
    if kinds.iter().filter(|given| **given).count() != 1 {
        return Err(fault(
            at,
            "persist has exactly one of for, m_of_n, failures and consecutive",
        ));
    }
    if raw.keep_for.is_some() && raw.hold.is_none() {
        return Err(fault(
            format!("{at}.keep_for"),
            "keep_for belongs beside for",
        ));
    }
    if raw.m_of_n.is_none()
        && (raw.missing.is_some() || raw.range.is_some() || raw.insufficient_fires.is_some())
    {
        return Err(fault(
            at,
            "missing, range and insufficient_fires belong beside m_of_n",
        ));
    }
    if let Some(hold) = raw.hold {
        let keep = raw.keep_for.unwrap_or_default();
        return Ok(Persistence::For { hold, keep });
    }
    if let Some(m_of_n) = raw.m_of_n {
        return points(&raw, m_of_n, at);
    }
    if let Some(RawFailures { limit, mode }) = raw.failures {
        let at = format!("{at}.failures");
        let Some(limit) = limit else {
            return Err(fault(format!("{at}.limit"), "failures has no limit"));
        };
        let mode = mode.unwrap_or_default();
        if limit == 0 && mode == FailureLimit::Ge {
            return Err(fault(
                format!("{at}.limit"),
                "A limit of 0 failures is always reached",
            ));
        }
        return Ok(Persistence::Failures { limit, mode });
    }
    match raw.consecutive {
        Some(k) if k > 0 => Ok(Persistence::Consecutive { k }),
        _ => Err(fault(
            format!("{at}.consecutive"),
            "consecutive is at least 1",
        )),
    }
}

fn points(raw: &RawPersistence, (m, n): (u32, u32), at: &str) -> Result<Persistence> {
    if m == 0 || m > n {
        return Err(fault(
            format!("{at}.m_of_n"),
            format!("{m} of {n} points cannot breach"),
        )
        .hint("Write m_of_n = [3, 5] for three of the last five"));
    }
    // LocalStack's guess at the undocumented number of points that CloudWatch fetches.
    let fetched = raw.missing.map_or(n, |_| n + (n / 3).max(2));
    let range = raw.range.unwrap_or(fetched);
    if range < n {
        return Err(fault(
            format!("{at}.range"),
            format!("range is at least the {n} points"),
        ));
    }
    Ok(Persistence::MOfN {
        m,
        n,
        missing: raw.missing.unwrap_or_default(),
        range,
        insufficient_fires: raw.insufficient_fires.unwrap_or(false),
    })
}

/// Gives unnamed conditions the name of their metric, and refuses two of one name.
fn name_conditions(root: &mut Node, at: &str) -> Result<()> {
    let mut seen: Vec<String> = Vec::new();
    for condition in conditions_of(root) {
        if condition.name.is_empty() {
            let base = condition.metric.to_string();
            let mut name = base.clone();
            let mut k = 1;
            while seen.contains(&name) {
                k += 1;
                name = format!("{base} {k}");
            }
            condition.name = name;
        } else if seen.contains(&condition.name) {
            return Err(fault(
                at,
                format!("Two conditions are called {:?}", condition.name),
            ));
        }
        seen.push(condition.name.clone());
    }
    Ok(())
}

fn conditions_of(node: &mut Node) -> Vec<&mut Condition> {
    match node {
        Node::Any(parts) | Node::All(parts) => parts.iter_mut().flat_map(conditions_of).collect(),
        Node::Condition(condition) => vec![condition],
    }
}

fn check_plan(plan: &Plan, at: &str) -> Result<()> {
    if plan.stages.is_empty() {
        return Err(fault(at, "The plan has no stages"));
    }
    for (i, stage) in plan.stages.iter().enumerate() {
        if !(0.0..=1.0).contains(&stage.weight) {
            return Err(fault(
                format!("{at}.stages[{i}].weight"),
                format!("A weight lies between 0 and 1, not {}", stage.weight),
            ));
        }
    }
    Ok(())
}

fn positive(span: TimeSpan, at: &str) -> Result<()> {
    if span.us > 0 {
        Ok(())
    } else {
        Err(fault(at, "The length of time is zero"))
    }
}
