//! The rule to be measured against: an anytime-valid test of the errors of canary and baseline.

use crate::error::Result;
use crate::rules::{Rule, Rulebook};

/// Its id among the rules of a lab.
pub const SEQUENTIAL_TEST: &str = "anytime-valid-test";

/// A confidence sequence of the difference in error shares, looked at after every request of the
/// canary: at most a share `alpha` of rollouts without a difference ever fires, however often it
/// looks (see [`crate::rules::TestKind::ConfSeq`]). It is asymptotic, so it waits for 100 requests.
pub(super) fn rule(alpha: f64) -> Result<Option<Rule>> {
    let text = format!(
        r#"
[[rule]]
id = "{SEQUENTIAL_TEST}"
title = "Anytime-valid test of errors"
clock = {{ request = "canary" }}
min = {{ canary = 100, baseline = 100, window = {{ since = "run" }} }}
all = [
  {{ name = "errors", metric = "error_share", window = {{ since = "run" }}, test = {{ kind = "conf_seq", side = "greater", alpha = {alpha} }} }},
]
"#
    );
    Ok(Rulebook::parse(&text)?.rules.pop())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_rule_like_any_other() {
        let rule = rule(0.05).unwrap().unwrap();
        assert_eq!(rule.id, SEQUENTIAL_TEST);
        assert!((rule.conditions()[0].comparison.threshold() - 0.0).abs() < 1.0);
    }
}
