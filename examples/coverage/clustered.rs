//! Requests of users: ratios and quantiles whose unit is coarser than their observations.

use super::means::normal;
use super::{Chapter, LEVEL, Seen, Situation};
use hindsight::stats::{
    EffectiveShare, Estimate, RatioMoments, Reference, Share, Variance,
    clustered_quantile_estimate, few_events, quantile, quantile_difference, quantile_estimate,
    quantile_test, ratio_difference, two_proportions,
};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

pub(super) fn chapters() -> Vec<Chapter> {
    vec![
        Chapter {
            title: "Requests of users",
            about: "Users send between 1 and 39 requests and differ in how often theirs fail. The \
                    first rows take users as units, as the scorecard does; the last takes requests \
                    as independent.",
            situations: vec![errors(60, 0.0), errors(300, 0.0), errors(300, 0.03)],
        },
        Chapter {
            title: "Few events",
            about: "A small canary beside a large control; users send 1 to 3 requests and differ in how \
                    often theirs fail. By the delta method a canary without an error has no variance of \
                    its own. Below thirty events in an arm, or requests without one, Newcombe's \
                    interval of the effective sample size takes its place, with Fisher's test where \
                    counts are small.",
            situations: vec![
                few(30, 0.03, 1.0),
                few(100, 0.02, 1.0),
                few(300, 0.01, 1.0),
                few(300, 0.005, 3.0),
                few(600, 0.025, 1.0),
            ],
        },
        Chapter {
            title: "Quantiles",
            about: "Log-normal latencies. Where users have latencies of their own, intervals of \
                    independent order statistics are too short and those widened by the users' \
                    spread are not.",
            situations: vec![
                latencies(500, 0.5, 0.0, 1.0),
                latencies(500, 0.95, 0.0, 1.0),
                latencies(500, 0.95, 0.0, 1.4),
                latencies(120, 0.5, 0.6, 1.0),
                latencies(300, 0.95, 0.6, 1.0),
                capped(50, 0.035),
                capped(150, 0.035),
            ],
        },
    ]
}

fn errors(users: usize, difference: f64) -> Situation {
    const SHARE: f64 = 0.08;
    Situation {
        what: format!("{users} users an arm, difference {difference}"),
        is_null: difference == 0.0,
        methods: vec![
            "ratio by user, Welch t",
            "ratio by user, normal",
            "share of control by user",
            "requests as independent",
        ],
        experiment: Box::new(move |rng| {
            let mut arm = |shift: f64| {
                let mut moments = RatioMoments::default();
                let mut all = Share { events: 0, n: 0 };
                for _ in 0..users {
                    let requests = rng.random_range(1..40_u32);
                    // Half of the users meet twice the errors, half none.
                    let own = if rng.random::<bool>() { 2.0 } else { 0.0 };
                    let p = own * (SHARE + shift);
                    let failed = (0..requests).filter(|_| rng.random::<f64>() < p).count();
                    moments.push(failed as f64, f64::from(requests));
                    all.events += failed as u64;
                    all.n += u64::from(requests);
                }
                (moments, all)
            };
            let ((a, all_a), (b, all_b)) = (arm(0.0), arm(difference));
            let own = a.share_estimate(Reference::Welch, LEVEL);
            let naive = two_proportions(all_a, all_b, Variance::Pooled, LEVEL);
            vec![
                Seen::comparison(
                    ratio_difference(&a, &b, Reference::Welch, LEVEL),
                    difference,
                ),
                Seen::comparison(
                    ratio_difference(&a, &b, Reference::Normal, LEVEL),
                    difference,
                ),
                Seen::interval(own.map(|e| e.interval), SHARE),
                Seen::comparison(naive, difference),
            ]
        }),
    }
}

/// 3,000 users in the control and `users` in the treatment, where failures are `times` as frequent.
fn few(users: usize, share: f64, times: f64) -> Situation {
    let difference = share * (times - 1.0);
    Situation {
        what: format!("3000 users of {share} against {users} of {}", share * times),
        is_null: times == 1.0,
        methods: vec!["effective sample size", "ratio by user, Welch t"],
        experiment: Box::new(move |rng| {
            let mut arm = |users: usize, share: f64| {
                RatioMoments::of_whole_numbers((0..users).map(|_| {
                    let requests = rng.random_range(1..4_u32);
                    let own = if rng.random::<bool>() { 1.5 } else { 0.5 };
                    let failed = (0..requests).filter(|_| rng.random::<f64>() < own * share);
                    (failed.count() as u32, requests)
                }))
            };
            let (a, b) = (arm(3000, share), arm(users, share * times));
            let delta = ratio_difference(&a, &b, Reference::Welch, LEVEL);
            let shares = EffectiveShare::of_units(&a).zip(EffectiveShare::of_units(&b));
            let few = shares.and_then(|(a, b)| few_events(&a, &b, LEVEL));
            let by_delta = Seen::comparison(delta, difference);
            let found = few.map_or(by_delta, |found| {
                let p = found.test.map(|test| test.p);
                Seen::both(Some(found.difference.interval), difference, p)
            });
            vec![found, by_delta]
        }),
    }
}

/// p95 of 2,000 users against `users`, two requests each, of which `share` end at a time limit.
fn capped(users: usize, share: f64) -> Situation {
    Situation {
        what: format!("p95, 2000 users against {users}, {share} at a time limit"),
        is_null: true,
        methods: vec!["difference, clustered order statistics"],
        experiment: Box::new(move |rng| {
            let mut arm = |users: usize| {
                let by_user: Vec<Vec<f64>> = (0..users)
                    .map(|_| {
                        let own = 0.3 * normal(rng);
                        let mut one = || {
                            let latency: f64 = (own + normal(rng)).exp();
                            if rng.random::<f64>() < share {
                                60.0
                            } else {
                                latency
                            }
                        };
                        vec![one(), one()]
                    })
                    .collect();
                Arm::of(by_user)
            };
            let (a, b) = (arm(2000), arm(users));
            let both = a.clustered(0.95).zip(b.clustered(0.95));
            let found = both.and_then(|(a, b)| quantile_difference(&a, &b));
            let p = found.as_ref().and_then(quantile_test).map(|test| test.p);
            vec![Seen::both(found.map(|e| e.interval), 0.0, p)]
        }),
    }
}

/// `users` an arm with ten requests each where `spread` > 0, else so many independent requests.
/// The treatment is `slower` times as slow.
fn latencies(users: usize, q: f64, spread: f64, slower: f64) -> Situation {
    let z = hindsight::stats::dist::normal_quantile(q).unwrap_or(0.0);
    let truth = (z * (1.0 + spread * spread).sqrt()).exp();
    let what = if spread > 0.0 {
        format!(
            "p{:.0}, {users} users an arm with 10 requests each",
            100.0 * q
        )
    } else {
        format!("p{:.0}, {users} requests an arm", 100.0 * q)
    };
    Situation {
        what: if slower == 1.0 {
            what
        } else {
            format!("{what}, {slower} times as slow")
        },
        is_null: slower == 1.0,
        methods: vec![
            "difference, order statistics",
            "difference, clustered order statistics",
            "one arm, order statistics",
            "one arm, clustered order statistics",
        ],
        experiment: Box::new(move |rng| {
            let (a, b) = (
                Arm::draw(rng, users, spread, 1.0),
                Arm::draw(rng, users, spread, slower),
            );
            let difference = |method: fn(&Arm, f64) -> Option<Estimate>| {
                let both = method(&a, q).zip(method(&b, q));
                both.and_then(|(a, b)| quantile_difference(&a, &b))
            };
            let seen = |estimate: Option<Estimate>| {
                let p = estimate.as_ref().and_then(quantile_test).map(|t| t.p);
                Seen::both(estimate.map(|e| e.interval), (slower - 1.0) * truth, p)
            };
            let one =
                |estimate: Option<Estimate>| Seen::interval(estimate.map(|e| e.interval), truth);
            vec![
                seen(difference(Arm::independent)),
                seen(difference(Arm::clustered)),
                one(a.independent(q)),
                one(a.clustered(q)),
            ]
        }),
    }
}

struct Arm {
    sorted: Vec<f64>,
    by_user: Vec<Vec<f64>>,
}

impl Arm {
    fn draw(rng: &mut ChaCha8Rng, users: usize, spread: f64, scale: f64) -> Self {
        let requests = if spread > 0.0 { 10 } else { 1 };
        let by_user: Vec<Vec<f64>> = (0..users)
            .map(|_| {
                let own = spread * normal(rng);
                (0..requests)
                    .map(|_| scale * (own + normal(rng)).exp())
                    .collect()
            })
            .collect();
        Self::of(by_user)
    }

    fn of(by_user: Vec<Vec<f64>>) -> Self {
        let mut sorted: Vec<f64> = by_user.iter().flatten().copied().collect();
        sorted.sort_by(f64::total_cmp);
        Self { sorted, by_user }
    }

    fn independent(&self, q: f64) -> Option<Estimate> {
        quantile_estimate(&self.sorted, q, LEVEL)
    }

    fn clustered(&self, q: f64) -> Option<Estimate> {
        let at = quantile(&self.sorted, q)?;
        let mut below = RatioMoments::default();
        for user in &self.by_user {
            let count = user.iter().filter(|v| **v <= at).count();
            below.push(count as f64, user.len() as f64);
        }
        clustered_quantile_estimate(&self.sorted, q, &below, LEVEL)
    }
}
