//! [`Walk`]: a rule on its way through the evaluations of a log.

use super::clock::Ticks;
use super::looks::points;
use super::prepare::View;
use super::run::Run;
use super::state::{Block, Points};

/// A rule and where it stands.
///
/// A stretch of ticks in which nothing comes, nothing leaves a window and the rule's state stands still
/// is passed over and counted: a stray stamp puts years of them into a log.
pub(super) struct Walk<'a> {
    view: View<'a>,
    points: Points<'a>,
    pub(super) run: Run<'a>,
    /// The evaluations of the last step.
    pub(super) block: Block<'a>,
    /// Those after them that were like the last of them.
    pub(super) skipped: Option<Ticks>,
    /// Tests look at every tick.
    #[cfg(test)]
    pub(super) is_plain: bool,
}

impl<'a> Walk<'a> {
    /// At the start; fails with the reason why the rule cannot be evaluated on this log.
    pub(super) fn new(view: View<'a>) -> std::result::Result<Self, String> {
        Ok(Self {
            points: points(view)?,
            run: Run::new(view),
            block: Block::default(),
            skipped: None,
            #[cfg(test)]
            is_plain: false,
            view,
        })
    }

    /// Takes the next evaluations in; whether there were any.
    pub(super) fn step(&mut self) -> bool {
        self.points.fill(self.view.prepared.log(), &mut self.block);
        if self.block.is_empty() {
            return false;
        }
        let is_error = self.run.run(&self.block);
        self.points.measured(is_error);
        self.skip();
        true
    }

    /// How many rows of the log have been seen.
    pub(super) fn n_seen(&self) -> u64 {
        let last = self.block.last();
        last.map_or(0, |point| u64::from(point.seen))
    }

    fn skip(&mut self) {
        self.skipped = None;
        #[cfg(test)]
        if self.is_plain {
            return;
        }
        if self.points.are_ticks() {
            let until_us = self.run.quiet_until(&self.block);
            self.skipped = self.points.skip_until(until_us);
        }
        if let Some(ticks) = self.skipped {
            self.run.repeat(ticks);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::data::{Arm, Outcome, Quantity, RequestLog};
    use crate::rules::{Assignment, Prepared, RuleReplay, Rulebook, StageSpan};

    /// Every timed clock, window, persistence and policy for missing data.
    const RULES: &str = include_str!("../../tests/data/by-the-clock.toml");

    /// A request: how long after the last, whether the canary's, whether it fails, and how long after it a rating
    /// comes.
    type Request = (u8, bool, bool, Option<u16>);

    /// Requests in spells, each so many seconds after the one before it.
    fn log(spells: &[(u32, Vec<Request>)]) -> RequestLog {
        let mut log = RequestLog {
            arms: ["a", "b"].map(|name| Arm { name: name.into() }).into(),
            has_outcome: true,
            ..RequestLog::default()
        };
        let (mut at_us, mut ratings, mut latency, mut rated) = (0, vec![], vec![], vec![]);
        for (gap, requests) in spells {
            at_us += i64::from(*gap) * 1_000_000;
            for (i, (seconds, is_canary, fails, rating)) in requests.iter().enumerate() {
                at_us += i64::from(*seconds) * 700_000;
                log.row.push(log.event_us.len() as u32);
                log.arm.push(u16::from(*is_canary));
                log.start_us.push(at_us);
                log.event_us.push(at_us);
                log.outcome
                    .push(if *fails { Outcome::Error } else { Outcome::Ok });
                latency.push(f64::from(*seconds) * 37.0);
                ratings.push(rating.map_or(f64::NAN, |_| (i % 5) as f64));
                rated.push(at_us + i64::from(rating.unwrap_or(0)) * 1_000_000);
            }
        }
        log.quantities = vec![
            (Quantity::LatencyMs, latency.into()),
            (Quantity::Rating, ratings.into()),
        ];
        log.rated_at_us = Some(rated);
        log
    }

    fn replayed(view: View<'_>, is_plain: bool) -> (RuleReplay, u64) {
        let mut walk = Walk::new(view).unwrap();
        walk.is_plain = is_plain;
        let mut n_skipped = 0;
        while walk.step() {
            n_skipped += walk.skipped.map_or(0, |ticks| ticks.n);
        }
        (walk.run.finish(), n_skipped)
    }

    /// The same figures, transitions, readings and drawn points with and without passing over; how many ticks
    /// were passed over, by rule.
    fn check(log: &RequestLog) -> Vec<(String, u64)> {
        let rulebook = Rulebook::parse(RULES).unwrap();
        let last_us = log.event_us.last().copied().unwrap_or(0);
        let stages: Vec<StageSpan> = [0, last_us / 3, last_us / 2, last_us]
            .windows(2)
            .map(|ends| StageSpan {
                from_us: ends[0],
                to_us: ends[1],
                share: 0.5,
            })
            .collect();
        let prepared = Prepared::new(log, &rulebook, &stages);
        let arms = Assignment::of(log, 0, 1);
        let rules = rulebook.rules.iter();
        rules
            .map(|rule| {
                let view = View::new(&prepared, &arms, rule, None);
                let (plain, _) = replayed(view, true);
                let (skipping, n_skipped) = replayed(view, false);
                assert_eq!(
                    format!("{skipping:#?}"),
                    format!("{plain:#?}"),
                    "{}",
                    rule.id
                );
                (rule.id.clone(), n_skipped)
            })
            .collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            rng_seed: proptest::test_runner::RngSeed::Fixed(3),
            failure_persistence: None,
            ..ProptestConfig::with_cases(300)
        })]

        #[test]
        fn what_is_passed_over_changes_nothing(
            spells in proptest::collection::vec(
                (0..20_000_u32, proptest::collection::vec(
                    (0..30_u8, any::<bool>(), any::<bool>(), proptest::option::of(0..20_000_u16)), 1..12)),
                1..6),
        ) {
            check(&log(&spells));
        }
    }

    /// Spells hours apart: most ticks are passed over, but of a rule whose window holds one scrape or two by turns,
    /// of one that counts errors for want of data, and of one whose wait begins anew at every tick.
    #[test]
    fn quiet_hours_are_passed_over() {
        let request = |i: u8| (i, i.is_multiple_of(2), i.is_multiple_of(3), None);
        let spell: Vec<_> = (0..20).map(request).collect();
        let spells = vec![(0, spell.clone()), (80_000, spell.clone()), (90_000, spell)];
        for (rule, n_skipped) in check(&log(&spells)) {
            let is_plain = ["scraped-seldom", "errors", "waits-anew"].contains(&rule.as_str());
            assert_eq!(n_skipped < 2000, is_plain, "{rule}: {n_skipped}");
        }
    }
}
