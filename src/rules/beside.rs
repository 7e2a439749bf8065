//! Two replays of one log side by side: what another rulebook would have changed.

use super::{Replay, RuleReplay};
use crate::units::{self, Clock};

/// A rule of one replay beside the same rule of another.
#[derive(Debug, Clone, Copy)]
pub struct Beside<'a> {
    /// In the one.
    pub ours: Option<&'a RuleReplay>,
    /// In the other.
    pub theirs: Option<&'a RuleReplay>,
    clock: Clock,
}

/// Pairs the rules of two replays by id, or the two only ones; then those that one of them has alone, in
/// the order of their rulebooks.
pub fn beside<'a>(ours: &'a Replay, theirs: &'a Replay) -> Vec<Beside<'a>> {
    let clock = ours.clock;
    if let ([ours], [theirs]) = (ours.rules.as_slice(), theirs.rules.as_slice()) {
        return vec![Beside {
            ours: Some(ours),
            theirs: Some(theirs),
            clock,
        }];
    }
    let of = |replay: &'a Replay, id: &str| replay.rules.iter().find(|rule| rule.id == id);
    let own = ours.rules.iter().map(|rule| Beside {
        ours: Some(rule),
        theirs: of(theirs, &rule.id),
        clock,
    });
    let alone = theirs
        .rules
        .iter()
        .filter(|rule| of(ours, &rule.id).is_none());
    own.chain(alone.map(|rule| Beside {
        ours: None,
        theirs: Some(rule),
        clock,
    }))
    .collect()
}

impl Beside<'_> {
    /// What the other one changes, in words; empty where one of them could not run or is not there.
    pub fn change(&self) -> String {
        let (Some(ours), Some(theirs)) = (self.ours, self.theirs) else {
            return String::new();
        };
        if ours.skipped.is_some() || theirs.skipped.is_some() {
            return String::new();
        }
        let first_us = |rule: &RuleReplay| rule.first.as_ref().map(|first| first.time_us);
        match (first_us(ours), first_us(theirs)) {
            (None, None) => "neither fires".to_owned(),
            (Some(_), None) => "no longer fires".to_owned(),
            (None, Some(_)) => "fires now".to_owned(),
            (Some(ours), Some(theirs)) if ours == theirs => "at the same time".to_owned(),
            (Some(ours), Some(theirs)) => {
                let by = units::elapsed(ours.abs_diff(theirs) as i64, self.clock);
                let way = if theirs < ours { "earlier" } else { "later" };
                format!("{by} {way}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::RequestLog;
    use crate::jobs::Progress;
    use crate::rules::{Assignment, Prepared, presets, replay_rule};

    /// A replay with a rule for each id, which first fires so many seconds after the start.
    fn replay(rules: &[(&str, Option<i64>)]) -> Replay {
        let log = RequestLog::default();
        let rulebook = presets::rulebook(&["quality-monitor"]).unwrap();
        let prepared = Prepared::new(&log, &rulebook, &[]);
        let nobody = Assignment::default();
        let progress = Progress::unwatched();
        let of = |(id, seconds): &(&str, Option<i64>)| {
            let rule = &rulebook.rules[0];
            let mut done = replay_rule(&prepared, &nobody, rule, None, &progress).unwrap();
            (done.id, done.skipped) = ((*id).to_owned(), None);
            done.first = seconds.map(|seconds| crate::rules::Firing {
                row: None,
                event_index: None,
                time_us: seconds * 1_000_000,
                effective_us: 0,
                stage: None,
                planned: None,
                causes: Vec::new(),
                readings: Vec::new(),
            });
            done
        };
        Replay {
            time_zero_us: 0,
            clock: crate::data::Clock::Epoch,
            last_event_us: 0,
            canary_from_us: None,
            censoring: None,
            replanned: None,
            grain_us: None,
            events: Vec::new(),
            stages: Vec::new(),
            routers: Vec::new(),
            rules: rules.iter().map(of).collect(),
        }
    }

    #[test]
    fn rules_are_paired_by_id() {
        let ours = replay(&[("a", Some(10)), ("b", None), ("c", Some(5))]);
        let theirs = replay(&[("c", Some(5)), ("a", Some(70)), ("d", None), ("b", Some(3))]);
        let changes: Vec<String> = beside(&ours, &theirs).iter().map(Beside::change).collect();
        assert_eq!(
            changes,
            ["1 min later", "fires now", "at the same time", ""]
        );
        let one = replay(&[("x", Some(10))]);
        let other = replay(&[("y", Some(4))]);
        assert_eq!(beside(&one, &other)[0].change(), "6 s earlier");
    }
}
