//! Means by user in a canary whose share grows: a few users of the last stages have nearly all weight.

use super::means::normal;
use super::{Chapter, LEVEL, Seen, Situation};
use hindsight::stats::{
    Coded, Independence, LayeredMeans, RatioMoments, Reference, Stratified, ratio_difference,
    stratified_means,
};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;

/// The treatment's share of the users that come in each stage.
const SHARES: [f64; 5] = [0.02, 0.05, 0.10, 0.25, 0.50];
const GROUPS: usize = 32;

pub(super) fn chapters() -> Vec<Chapter> {
    vec![Chapter {
        title: "Users of a growing canary",
        about: "Users come in five stages, of whom 2, 5, 10, 25 and 50 % are treated; a fifth of their requests \
                are of the next stage. How many they send is log-normal, as is what a request costs, which grows \
                with the stages for everybody. Variances within stages have the degrees of freedom that the \
                weight of their users leaves. The last row is the least of many p-values, corrected by \
                Bonferroni, as harm is looked for in segments.",
        situations: vec![users(3000), users(150), any_group(150)],
    }]
}

fn users(n_users: u32) -> Situation {
    Situation {
        what: format!("{n_users} users"),
        is_null: true,
        methods: vec![
            "means within stages, by user",
            "all stages at once, by user",
        ],
        experiment: Box::new(move |rng| {
            let arms = arms(n_users, rng);
            let found = within_stages(&arms);
            let test = found.as_ref().and_then(|found| found.test);
            let [a, b] = [&arms[0], &arms[1]].map(whole);
            vec![
                Seen::both(
                    found.map(|found| found.difference.interval),
                    0.0,
                    test.map(|test| test.p),
                ),
                Seen::comparison(ratio_difference(&a, &b, Reference::Welch, LEVEL), 0.0),
            ]
        }),
    }
}

fn any_group(n_users: u32) -> Situation {
    Situation {
        what: format!("any of {GROUPS} groups of {n_users} users"),
        is_null: true,
        methods: vec!["means within stages, by user"],
        experiment: Box::new(move |rng| {
            let p = (0..GROUPS).filter_map(|_| Some(within_stages(&arms(n_users, rng))?.test?.p));
            vec![Seen::test(
                p.min_by(f64::total_cmp).map(|p| p * GROUPS as f64),
            )]
        }),
    }
}

/// Of each stage the requests, what each costs and whose it is.
type Stages = [Vec<(f64, u32)>; SHARES.len()];

/// Of control and treatment.
fn arms(n_users: u32, rng: &mut ChaCha8Rng) -> [Stages; 2] {
    let mut arms = [Stages::default(), Stages::default()];
    for user in 0..n_users {
        let first = rng.random_range(0..SHARES.len());
        let arm = usize::from(rng.random::<f64>() < SHARES[first]);
        let n_requests = (1.4 + normal(rng)).exp().ceil().min(200.0) as u32;
        let own = 0.2 * normal(rng);
        for _ in 0..n_requests {
            let later = usize::from(rng.random::<f64>() < 0.2);
            let stage = (first + later).min(SHARES.len() - 1);
            let cost = (own + 0.1 * stage as f64 + 0.8 * normal(rng)).exp();
            arms[arm][stage].push((cost, user));
        }
    }
    arms
}

fn within_stages(arms: &[Stages; 2]) -> Option<Stratified> {
    let coded = arms.each_ref().map(|stages| {
        stages.each_ref().map(|requests| {
            // Tables ascend.
            let mut requests = requests.clone();
            requests.sort_by(|a, b| a.0.total_cmp(&b.0));
            let codes: Vec<u32> = (0..requests.len() as u32).collect();
            let (costs, units): (Vec<f64>, Vec<u32>) = requests.into_iter().unzip();
            (costs, codes, units)
        })
    });
    let [a, b] = coded.each_ref().map(|stages| {
        let cells = stages.each_ref().map(|(table, codes, units)| Coded {
            table,
            codes,
            units,
        });
        LayeredMeans::new(&cells)
    });
    stratified_means(&a, &b, Independence::OfUnits, LEVEL)
}

/// The users' costs and numbers of requests over all stages.
fn whole(stages: &Stages) -> RatioMoments {
    let mut by_user: BTreeMap<u32, (f64, f64)> = BTreeMap::new();
    for (cost, user) in stages.iter().flatten() {
        let sums = by_user.entry(*user).or_default();
        *sums = (sums.0 + cost, sums.1 + 1.0);
    }
    RatioMoments::of_units(by_user.values().copied(), 0.0)
}
