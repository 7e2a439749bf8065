//! Looking more than once.

use super::means::normal;
use super::{ALPHA, Chapter, LEVEL, Seen, Situation};
use hindsight::stats::power::Sides;
use hindsight::stats::sequential::{
    BetaMixture, Boundary, GroupDesign, Spending, comparison_sequence, msprt,
    share_difference_sequence, share_sequence,
};
use hindsight::stats::{
    Comparison, Interval, Moments, RatioMoments, Reference, Share, Variance, ratio_difference,
    two_proportions, welch,
};
use rand::RngExt;

/// Looks of whoever watches all the time.
const LOOKS: usize = 100;

pub(super) fn chapters() -> Vec<Chapter> {
    vec![
        Chapter {
            title: "Looking all the time",
            about: "A hundred looks, stopping at the first significant one. Coverage is that of \
                    all looks together. An interval made for one look fails; sequences hold.",
            situations: vec![means(0.0), means(0.1), users(), shares()],
        },
        Chapter {
            title: "Looking five times",
            about: "Five looks at equal distances, two-sided.",
            situations: vec![five(0.0), five(0.1)],
        },
    ]
}

/// Whether all of the looks held the truth, and whether any rejected.
#[derive(Clone, Copy)]
struct Watched {
    held: bool,
    rejected: bool,
}

impl Watched {
    const fn new() -> Self {
        Self {
            held: true,
            rejected: false,
        }
    }

    fn look(&mut self, interval: Option<Interval>, truth: f64) {
        let Some(interval) = interval else {
            return;
        };
        self.held &= interval.contains(truth);
        self.rejected |= !interval.contains(0.0);
    }

    const fn seen(self) -> Seen {
        Seen {
            covered: Some(self.held),
            rejected: Some(self.rejected),
        }
    }
}

fn range(comparison: Option<Comparison>) -> Option<Interval> {
    comparison.map(|c| c.difference.interval)
}

fn means(difference: f64) -> Situation {
    Situation {
        what: format!("means, 50 values more a look, difference {difference}"),
        is_null: difference == 0.0,
        methods: vec![
            "asymptotic sequence, tuned to 5,000",
            "mixture test, τ = 0.1",
            "Welch's interval at each look",
        ],
        experiment: Box::new(move |rng| {
            let (mut a, mut b) = (Moments::default(), Moments::default());
            let mut watched = [Watched::new(); 3];
            for _ in 0..LOOKS {
                for _ in 0..25 {
                    a.push(normal(rng));
                    b.push(normal(rng) + difference);
                }
                let Some(look) = welch(&a, &b, LEVEL) else {
                    continue;
                };
                let n = a.n + b.n;
                // Asymptotic: from a hundred values an arm.
                if n >= 200 {
                    let sequence = comparison_sequence(&look, 5000.0);
                    watched[0].look(sequence.map(|s| s.estimate.interval), difference);
                    let variance = look.standard_error * look.standard_error;
                    let value = look.difference.value;
                    let mixture = msprt(value, variance, 0.01, 0.0, n, LEVEL);
                    watched[1].look(mixture.map(|s| s.estimate.interval), difference);
                }
                watched[2].look(Some(look.difference.interval), difference);
            }
            watched.map(Watched::seen).to_vec()
        }),
    }
}

fn users() -> Situation {
    Situation {
        what: "errors by user, 20 users more a look".to_owned(),
        is_null: true,
        methods: vec![
            "asymptotic sequence, tuned to 1,000",
            "delta-method interval at each look",
        ],
        experiment: Box::new(|rng| {
            let mut arms = [RatioMoments::default(); 2];
            let mut watched = [Watched::new(); 2];
            for _ in 0..LOOKS {
                for arm in &mut arms {
                    for _ in 0..10 {
                        let requests = rng.random_range(1..20_u32);
                        let p = if rng.random::<bool>() { 0.2 } else { 0.05 };
                        let failed = (0..requests).filter(|_| rng.random::<f64>() < p).count();
                        arm.push(failed as f64, f64::from(requests));
                    }
                }
                let Some(look) = ratio_difference(&arms[0], &arms[1], Reference::Welch, LEVEL)
                else {
                    continue;
                };
                if arms[0].units >= 100 {
                    let sequence = comparison_sequence(&look, 1000.0);
                    watched[0].look(sequence.map(|s| s.estimate.interval), 0.0);
                }
                watched[1].look(Some(look.difference.interval), 0.0);
            }
            watched.map(Watched::seen).to_vec()
        }),
    }
}

fn shares() -> Situation {
    const SHARE: f64 = 0.05;
    Situation {
        what: "shares of 0.05, 40 observations more a look".to_owned(),
        is_null: true,
        methods: vec![
            "difference, exact sequences",
            "one share, exact sequence",
            "Newcombe's interval at each look",
            "one share, Wilson at each look",
        ],
        experiment: Box::new(|rng| {
            let mut arms = [Share { events: 0, n: 0 }; 2];
            let mut watched = [Watched::new(); 4];
            for _ in 0..LOOKS {
                for arm in &mut arms {
                    arm.events += (0..20).filter(|_| rng.random::<f64>() < SHARE).count() as u64;
                    arm.n += 20;
                }
                let [a, b] = arms;
                let mixture = BetaMixture::default();
                let both = share_difference_sequence(a, b, mixture, LEVEL);
                watched[0].look(both.map(|e| e.interval), 0.0);
                let one = share_sequence(a, mixture, LEVEL);
                watched[1].look(one.map(|e| e.interval), SHARE);
                let single = two_proportions(a, b, Variance::Pooled, LEVEL);
                watched[2].look(range(single), 0.0);
                watched[3].look(a.wilson(LEVEL).map(|e| e.interval), SHARE);
            }
            let mut seen = watched.map(Watched::seen);
            // One share is compared with its truth, not with zero.
            seen[1].rejected = None;
            seen[3].rejected = None;
            seen.to_vec()
        }),
    }
}

fn five(difference: f64) -> Situation {
    let methods: [(&str, Boundary); 4] = [
        ("O'Brien-Fleming", Boundary::ObrienFleming),
        ("Pocock", Boundary::Pocock),
        (
            "spending like O'Brien-Fleming",
            Boundary::Spending(Spending::ObrienFleming),
        ),
        (
            "Hwang-Shih-DeCani, γ = −4",
            Boundary::Spending(Spending::HwangShihDeCani { gamma: -4.0 }),
        ),
    ];
    let designs = methods.map(|(_, boundary)| {
        GroupDesign::equally_spaced(5, ALPHA, Sides::Two, boundary).map(|design| design.z)
    });
    let mut names: Vec<&str> = methods.iter().map(|m| m.0).collect();
    names.push("1.96 at each look");
    Situation {
        what: format!("means, 400 values more a look, difference {difference}"),
        is_null: difference == 0.0,
        methods: names,
        experiment: Box::new(move |rng| {
            let (mut a, mut b) = (Moments::default(), Moments::default());
            let mut z = Vec::new();
            for _ in 0..5 {
                for _ in 0..200 {
                    a.push(normal(rng));
                    b.push(normal(rng) + difference);
                }
                let statistic = welch(&a, &b, LEVEL).map_or(0.0, |c| c.test.statistic.abs());
                z.push(statistic);
            }
            let stops = |bounds: &[f64]| Seen {
                covered: None,
                rejected: Some(z.iter().zip(bounds).any(|(z, bound)| z >= bound)),
            };
            let mut seen: Vec<Seen> = designs
                .iter()
                .map(|bounds| bounds.as_ref().map_or(Seen::default(), |b| stops(b)))
                .collect();
            seen.push(stops(&[1.959_963_984_540_054; 5]));
            seen
        }),
    }
}
