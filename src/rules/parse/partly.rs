//! Rulebooks of which some rules cannot be read: the others are taken, and each of these says why.

use super::super::Rulebook;
use crate::error::{Error, Result};

/// A rule that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadRule {
    /// Its id; its place in the file where it has none.
    pub id: String,
    /// Why, with key and line.
    pub error: Error,
}

impl Rulebook {
    /// Reads as many rules as can be read, and says why of each other one. Fails as [`Rulebook::parse`]
    /// does where the fault lies outside of rules, or no rule is left.
    pub fn parse_partly(text: &str) -> Result<(Self, Vec<UnreadRule>)> {
        let mut left = text.to_owned();
        let mut unread: Vec<UnreadRule> = Vec::new();
        loop {
            let error = match Self::parse(&left) {
                Ok(rulebook) => return Ok((rulebook, unread)),
                Err(error) => error,
            };
            let Some(block) = faulty_block(&left, &error) else {
                return Err(error);
            };
            let place = text
                .lines()
                .take(block.start)
                .filter(|line| is_rule(line))
                .count();
            let error = in_place(error, place);
            left = without(&left, &block);
            if !left.lines().any(is_rule) {
                // Nothing is left: the first fault is what there is to say.
                let first = unread.into_iter().next();
                return Err(first.map_or(error, |first| first.error));
            }
            unread.push(UnreadRule {
                id: id_of(&block, text).unwrap_or_else(|| format!("rule {}", place + 1)),
                error,
            });
        }
    }
}

/// The lines of the rule in which an error lies.
fn faulty_block(text: &str, error: &Error) -> Option<std::ops::Range<usize>> {
    if !error.place.key.as_deref()?.starts_with("rule[") {
        return None;
    }
    let line = usize::try_from(error.place.line?).ok()?.checked_sub(1)?;
    let lines: Vec<&str> = text.lines().collect();
    let start = (0..=line.min(lines.len().checked_sub(1)?)).rfind(|at| is_rule(lines[*at]))?;
    let is_next = |at: &usize| {
        let line = lines[*at].trim_start();
        line.starts_with('[') && !line.starts_with("[rule.")
    };
    let end = (start + 1..lines.len())
        .find(is_next)
        .unwrap_or(lines.len());
    (line < end).then_some(start..end)
}

/// The error with the rule's place in the whole file: it was found after others had been taken out.
fn in_place(mut error: Error, place: usize) -> Error {
    if let Some(key) = &mut error.place.key
        && let Some(end) = key.find(']')
    {
        *key = format!("rule[{place}{}", &key[end..]);
    }
    error
}

fn is_rule(line: &str) -> bool {
    line.trim_start().starts_with("[[rule]]")
}

fn id_of(block: &std::ops::Range<usize>, text: &str) -> Option<String> {
    let mut lines = text.lines().skip(block.start).take(block.len());
    lines.find_map(|line| {
        let (key, value) = line.split_once('=')?;
        (key.trim() == "id").then(|| {
            let value = value.trim();
            let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
            let inner = quote.and_then(|quote| value[1..].split(quote).next());
            inner.unwrap_or(value).to_owned()
        })
    })
}

/// The text with empty lines in the place of some, so that all others keep their numbers.
fn without(text: &str, block: &std::ops::Range<usize>) -> String {
    let keep = |(at, line)| if block.contains(&at) { "" } else { line };
    let lines: Vec<&str> = text.lines().enumerate().map(keep).collect();
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "[[rule]]\nid = 'good'\nclock = 'request'\nany = [{ metric = 'error_share', window = { last = 2 }, cmp = '>', value = 0.5 }]\n";

    #[test]
    fn a_rule_that_cannot_be_read_is_named_and_the_others_are_taken() {
        let bad = "[[rule]]\nid = \"toxic\"\nclock = 'request'\nany = [\n  { metric = 'mean(latncy)', window = { last = 2 }, cmp = '>', value = 0.5 },\n]\n";
        let (rulebook, unread) = Rulebook::parse_partly(&format!("{bad}{GOOD}{bad}")).unwrap();
        assert_eq!(rulebook.rules.len(), 1);
        assert_eq!(unread.len(), 2);
        assert_eq!(unread[0].id, "toxic");
        let lines: Vec<_> = unread.iter().map(|rule| rule.error.place.line).collect();
        assert_eq!(lines, [Some(5), Some(15)]);
        assert!(unread[0].error.to_string().contains("latncy"));
        let key = unread[1].error.place.key.as_deref();
        assert_eq!(key, Some("rule[2].any[0].metric"));
    }

    #[test]
    fn faults_outside_of_rules_and_files_without_a_good_rule_fail() {
        let error = |text: &str| Rulebook::parse_partly(text).unwrap_err().to_string();
        assert!(error(&format!("[plam.x]\n{GOOD}")).contains("plam"));
        let bad = GOOD.replace("error_share", "mean(latncy)");
        assert!(error(&bad).contains("latncy"));
        assert!(error("not toml").contains("line 1"));
    }
}
