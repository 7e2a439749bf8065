//! TOML to [`Rulebook`] and back. Every error names the key, the line and what to write instead.

mod condition;
mod partly;
mod persist;
mod rollout;
mod score;
mod timing;

use super::Condition;
use super::model::{Node, Rule, Rulebook};
use super::place::{Places, nearest};
use super::raw::{RawNode, RawRule, RawRulebook, SCHEMA};
use crate::error::{Error, ErrorKind, Result};
use condition::condition;
use persist::{alarm_states, persistence};
use rollout::{check_arm, check_router, columns, with_presets};
use score::score;
use timing::{clock, minimum};

pub use partly::UnreadRule;
pub(super) use rollout::check_plan;

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
    for (name, router) in &raw.routers {
        check_router(router, &format!("router.{name}"))?;
    }
    let named = rules.iter().map(|rule| rule.plan.as_deref());
    let plans = with_presets(raw.plans, named)?;
    for (name, label) in [
        ("canary", &raw.arms.canary),
        ("baseline", &raw.arms.baseline),
    ] {
        if let Some(label) = label {
            check_arm(label, &format!("arms.{name}"))?;
        }
    }
    Ok(Rulebook {
        title: raw.rulebook.title,
        columns: columns(raw.columns)?,
        arms: raw.arms,
        rules,
        plans,
        routers: raw.routers,
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
    let mut root = match raw.score {
        Some(judged) if raw.any.is_none() && raw.all.is_none() && raw.not.is_none() => {
            Node::All(vec![Node::Condition(Box::new(score(
                judged,
                &format!("{at}.score"),
            )?))])
        }
        Some(_) => {
            return Err(fault(
                format!("{at}.score"),
                "A rule has either conditions or a score",
            ));
        }
        None => branch(raw.any, raw.all, raw.not, at)?,
    };
    name_conditions(&mut root, at)?;
    if let Some(emit) = &raw.emit {
        emit_only(&mut root, emit, &format!("{at}.emit"))?;
    }
    let mut persistence = persistence(raw.persist, &format!("{at}.persist"))?;
    if let Some(states) = &raw.rollback_on {
        alarm_states(&mut persistence, states, &format!("{at}.rollback_on"))?;
    }
    Ok(Rule {
        title: raw.title.unwrap_or_else(|| id.clone()),
        description: raw.description.unwrap_or_default(),
        faults: raw.faults,
        clock,
        plan: raw.plan,
        scope: raw.scope.unwrap_or_default(),
        unit: raw.unit.unwrap_or_default(),
        min,
        root,
        persistence,
        action: raw.action.unwrap_or_default(),
        delay: raw.delay.unwrap_or_default(),
        latch: raw.latch.unwrap_or(false),
        after: raw.after.unwrap_or_default(),
        id,
    })
}

/// `emit = "all_of_A_B_else_first"`: only A and B are causes beside others, any other condition that
/// holds ends the evaluation.
fn emit_only(root: &mut Node, emit: &str, at: &str) -> Result<()> {
    let names = emit
        .strip_prefix("all_of_")
        .and_then(|rest| rest.strip_suffix("_else_first"));
    let Some(names) = names else {
        return Err(fault(at, format!("{emit:?} is no way to emit causes"))
            .hint("Write \"all_of_A_B_else_first\" with names of conditions, or stop = true"));
    };
    let names: Vec<&str> = names.split('_').collect();
    for condition in conditions_of(root) {
        condition.stop = !names.contains(&condition.name.as_str());
    }
    Ok(())
}

fn branch(
    any: Option<Vec<RawNode>>,
    all: Option<Vec<RawNode>>,
    not: Option<Box<RawNode>>,
    at: &str,
) -> Result<Node> {
    let (name, parts) = match (any, all, not) {
        (Some(parts), None, None) => ("any", parts),
        (None, Some(parts), None) => ("all", parts),
        (None, None, Some(part)) => {
            let part = node(*part, &format!("{at}.not"))?;
            return Ok(Node::Not(Box::new(part)));
        }
        (None, None, None) => {
            return Err(fault(at, "There are no conditions").hint("Write any = [ { metric = … } ]"));
        }
        _ => {
            return Err(fault(at, "any, all and not stand side by side")
                .hint("Put one inside the other: any = [ { all = [ … ] } ]"));
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
    if raw.any.is_some() || raw.all.is_some() || raw.not.is_some() {
        if raw.metric.is_some() {
            return Err(
                fault(at, "A part of the tree is either a branch or a condition")
                    .hint("Give any, all or not, or a metric, not both"),
            );
        }
        branch(raw.any, raw.all, raw.not, at)
    } else {
        condition(raw, at).map(|found| Node::Condition(Box::new(found)))
    }
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
        Node::Not(part) => conditions_of(part),
        Node::Condition(condition) => vec![condition],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: &str = r#"
[[rule]]
id = "a"
clock = { every = "60s" }
min = { canary = 20, window = { last = 100 } }
any = [
  { name = "errors", metric = "error_share", window = { last = 100 }, cmp = ">", value = 0.05 },
  { metric = "mean(rating)", window = { trailing = "5m" }, drop = { cmp = ">", value = 0.5 } },
]
persist = { for = "10m" }

[plan.p]
stages = [ { weight = 0.1, hold = "1h" }, { weight = 1.0 } ]
"#;

    /// Replaces a piece of the sound rulebook; the error's key, line and a part of its text.
    fn check(sound: &str, broken: &str, key: &str, line: u64, part: &str) {
        assert!(SOUND.contains(sound), "{sound}");
        let text = SOUND.replacen(sound, broken, 1);
        let error = Rulebook::parse(&text).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Settings);
        assert_eq!(error.place.key.as_deref(), Some(key), "{error}");
        assert_eq!(error.place.line, Some(line), "{error}");
        let whole = error.to_string();
        assert!(whole.contains(part), "{whole}");
    }

    #[test]
    fn a_sound_rulebook_is_read() {
        let rulebook = Rulebook::parse(SOUND).unwrap();
        let names: Vec<&str> = rulebook.rules[0]
            .conditions()
            .iter()
            .map(|condition| condition.name.as_str())
            .collect();
        assert_eq!(names, ["errors", "mean(rating)"]);
        assert_eq!(
            Rulebook::parse(&rulebook.to_toml().unwrap()).unwrap(),
            rulebook
        );
    }

    #[test]
    fn unknown_keys_and_words_are_named_with_what_was_meant() {
        check(
            "value = 0.05",
            "valeu = 0.05",
            "rule[0].any[0].valeu",
            7,
            "Did you mean `value`?",
        );
        check(
            "every =",
            "evry =",
            "rule[0].clock.evry",
            4,
            "Did you mean `every`?",
        );
        check("[plan.p]", "[plam.p]", "plam", 12, "Did you mean `plan`?");
        check(
            "cmp = \">\"",
            "cmp = \"over\"",
            "rule[0].any[0].cmp",
            7,
            "Known here: >, >=",
        );
        check(
            "error_share",
            "eror_share",
            "rule[0].any[0].metric",
            7,
            "error_share",
        );
    }

    #[test]
    fn wrong_types_and_values_are_named() {
        check(
            "canary = 20",
            "canary = \"x\"",
            "rule[0].min.canary",
            5,
            "Invalid type",
        );
        check(
            "value = 0.05",
            "value = 5",
            "rule[0].any[0].value",
            7,
            "Write 0.05 for 5 %",
        );
        check(
            "canary = 20",
            "canary = 200",
            "rule[0].min.canary",
            5,
            "never holds 200",
        );
        check(
            "\"60s\"",
            "\"60\"",
            "rule[0].clock.every",
            4,
            "length of time",
        );
        check("\"60s\"", "\"0s\"", "rule[0].clock.every", 4, "zero");
        check(
            "weight = 0.1",
            "weight = 10",
            "plan.p.stages[0].weight",
            13,
            "between 0 and 1",
        );
        check(
            "last = 100 }, cmp",
            "last = 0 }, cmp",
            "rule[0].any[0].window.last",
            7,
            "nothing",
        );
        check(
            "{ for = \"10m\" }",
            "{ m_of_n = [5, 3] }",
            "rule[0].persist.m_of_n",
            10,
            "5 of 3",
        );
    }

    #[test]
    fn missing_and_contradicting_keys_are_named() {
        check("id = \"a\"\n", "\n", "rule[0].id", 2, "has no id");
        check(
            "cmp = \">\", value = 0.05",
            "value = 0.05",
            "rule[0].any[0].cmp",
            7,
            "no operator",
        );
        check(
            ", cmp = \">\", value = 0.05",
            "",
            "rule[0].any[0]",
            7,
            "exactly one of value",
        );
        check(
            "value = 0.05",
            "value = 0.05, times_baseline = 2",
            "rule[0].any[0]",
            7,
            "exactly one",
        );
        check(
            "value = 0.05",
            "value = 0.05, drop_zero = true",
            "rule[0].any[0].drop_zero",
            7,
            "no values",
        );
        check(
            "last = 100 }, cmp",
            "last = 100, engine = \"prom-3\" }, cmp",
            "rule[0].any[0].window.engine",
            7,
            "means nothing",
        );
    }

    #[test]
    fn broken_toml_names_the_line() {
        let error = Rulebook::parse("[[rule]]\nid = \n").unwrap_err();
        assert_eq!(error.place.line, Some(2), "{error}");
    }
}
