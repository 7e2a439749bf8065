//! Means, ranks and distributions of independent observations.

use super::{ALPHA, Chapter, LEVEL, Seen, Situation};
use hindsight::stats::{
    Comparison, Covaried, Interval, KsForm, Measured, Moments, PValue, anova, benjamini_hochberg,
    bonferroni, cliffs_delta, cohens_d, cuped, equivalence, fieller_lift, hedges_g, hochberg, holm,
    kolmogorov_smirnov, kruskal_wallis, mann_whitney, paired, paired_shift, relative_change,
    relative_lift, shift, student, welch, welch_anova, wilcoxon_signed_rank,
};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

pub(super) fn normal(rng: &mut ChaCha8Rng) -> f64 {
    rng.sample(StandardNormal)
}

fn sample(rng: &mut ChaCha8Rng, n: usize, draw: impl Fn(f64) -> f64) -> Vec<f64> {
    (0..n).map(|_| draw(normal(rng))).collect()
}

pub(super) fn chapters() -> Vec<Chapter> {
    vec![
        Chapter {
            title: "Two means",
            about: "Student's test assumes one variance; Welch's does not and is the one used. \
                    Very skewed metrics need hundreds of values.",
            situations: vec![
                two_means(
                    "normal, 20 and 20",
                    (20, 20),
                    (1.0, 1.0),
                    Shape::Normal,
                    0.0,
                ),
                two_means(
                    "normal, 20 and 20",
                    (20, 20),
                    (1.0, 1.0),
                    Shape::Normal,
                    0.9,
                ),
                two_means(
                    "normal, sd 1 and 3, 40 and 10",
                    (40, 10),
                    (1.0, 3.0),
                    Shape::Normal,
                    0.0,
                ),
                two_means(
                    "log-normal, 60 and 60",
                    (60, 60),
                    (1.0, 1.0),
                    Shape::LogNormal,
                    0.0,
                ),
                two_means(
                    "log-normal, 1000 and 250",
                    (1000, 250),
                    (1.0, 1.0),
                    Shape::LogNormal,
                    0.0,
                ),
            ],
        },
        Chapter {
            title: "Effect sizes, lift, equivalence and adjustment",
            about: "Lift: a control mean of 10 with standard error 2, treatment 12. Equivalence: \
                    the true difference is exactly the margin, so passing is a false positive.",
            situations: vec![
                sizes(),
                lift(),
                at_the_margin(),
                adjusted(0.0),
                adjusted(0.3),
            ],
        },
        Chapter {
            title: "Pairs and several groups",
            about: "Pairs share what is hard about their prompt. The classical analysis of \
                    variance assumes one variance for all groups.",
            situations: vec![
                of_pairs(0.0),
                of_pairs(0.5),
                groups((1.0, 1.0, 1.0), 0.0),
                groups((1.0, 1.0, 4.0), 0.0),
                groups((1.0, 1.0, 1.0), 0.6),
            ],
        },
        Chapter {
            title: "Many tests at once",
            about: "Ten tests of which none, or half, has anything to find. A false positive is \
                    any wrong finding; Benjamini and Hochberg's promise is about their share among \
                    findings, which is what their rows count.",
            situations: vec![many(0), many(5)],
        },
    ]
}

#[derive(Clone, Copy)]
enum Shape {
    Normal,
    LogNormal,
}

impl Shape {
    fn draw(self, z: f64) -> f64 {
        match self {
            Self::Normal => z,
            Self::LogNormal => z.exp(),
        }
    }
}

fn two_means(
    what: &str,
    n: (usize, usize),
    sd: (f64, f64),
    shape: Shape,
    difference: f64,
) -> Situation {
    Situation {
        what: if difference == 0.0 {
            what.to_owned()
        } else {
            format!("{what}, {difference} apart")
        },
        is_null: difference == 0.0,
        methods: vec![
            "Welch",
            "Student",
            "Mann-Whitney, Hodges-Lehmann shift",
            "Kolmogorov-Smirnov",
        ],
        experiment: Box::new(move |rng| {
            let a = sample(rng, n.0, |z| sd.0 * shape.draw(z));
            let b = sample(rng, n.1, |z| sd.1 * shape.draw(z) + difference);
            let (ma, mb) = (Moments::from_slice(&a), Moments::from_slice(&b));
            let ranks = mann_whitney(&a, &b, PValue::Automatic).map(|u| u.test.p);
            let shift = shift(&a, &b, LEVEL).map(|e| e.interval);
            let distance = kolmogorov_smirnov(&a, &b, KsForm::Automatic).map(|t| t.p);
            let mut by_distance = Seen::test(distance);
            if sd.0 != sd.1 && difference == 0.0 {
                // The distributions do differ.
                by_distance = Seen::default();
            }
            vec![
                Seen::comparison(welch(&ma, &mb, LEVEL), difference),
                Seen::comparison(student(&ma, &mb, LEVEL), difference),
                Seen::both(shift, difference, ranks),
                by_distance,
            ]
        }),
    }
}

fn sizes() -> Situation {
    Situation {
        what: "normal, 25 and 25, d 0.5".to_owned(),
        is_null: false,
        methods: vec!["Cohen's d, noncentral t", "Hedges' g", "Cliff's delta"],
        experiment: Box::new(|rng| {
            let a = sample(rng, 25, |z| z);
            let b = sample(rng, 25, |z| z + 0.5);
            let (ma, mb) = (Moments::from_slice(&a), Moments::from_slice(&b));
            let range = |e: Option<hindsight::stats::Estimate>| e.map(|e| e.interval);
            // P(b > a) − P(b < a) = 2Φ(0.5/√2) − 1
            let delta = 2.0 * hindsight::stats::dist::normal_cdf(0.5 / 2.0_f64.sqrt()) - 1.0;
            vec![
                Seen::interval(range(cohens_d(&ma, &mb, LEVEL)), 0.5),
                Seen::interval(range(hedges_g(&ma, &mb, LEVEL)), 0.5),
                Seen::interval(range(cliffs_delta(&a, &b, LEVEL)), delta),
            ]
        }),
    }
}

fn lift() -> Situation {
    Situation {
        what: "10 ± 2 to 12 ± 2".to_owned(),
        is_null: false,
        methods: vec!["lift, delta method", "lift, logarithm", "lift, Fieller"],
        experiment: Box::new(|rng| {
            let measured = |mean: f64, rng: &mut ChaCha8Rng| Measured {
                value: mean + 2.0 * normal(rng),
                variance: 4.0,
            };
            let (a, b) = (measured(10.0, rng), measured(12.0, rng));
            let pair = |m: Measured| (m.value, m.variance);
            let ranges = [
                relative_lift(a, b, 2, LEVEL),
                relative_change(pair(a), pair(b), 2, LEVEL),
                // An unbounded set holds every ratio.
                fieller_lift(a, b, 2, LEVEL),
            ]
            .map(|e| e.map(|e| e.interval));
            let all = Interval {
                lower: f64::NEG_INFINITY,
                upper: f64::INFINITY,
            };
            vec![
                Seen::interval(ranges[0], 0.2),
                Seen::interval(ranges[1], 0.2),
                Seen::interval(ranges[2].or(Some(all)), 0.2),
            ]
        }),
    }
}

fn at_the_margin() -> Situation {
    Situation {
        what: "normal, 60 and 60, true difference = margin 0.5".to_owned(),
        is_null: true,
        methods: vec!["equivalence, two one-sided tests"],
        experiment: Box::new(|rng| {
            let a = Moments::from_slice(&sample(rng, 60, |z| z));
            let b = Moments::from_slice(&sample(rng, 60, |z| z + 0.5));
            let margins = Interval {
                lower: -0.5,
                upper: 0.5,
            };
            let test = welch(&a, &b, LEVEL).and_then(|c| equivalence(&c, margins));
            vec![Seen::test(test.map(|e| e.test.p))]
        }),
    }
}

fn adjusted(difference: f64) -> Situation {
    Situation {
        what: format!("100 and 100, correlation 0.8 with before, difference {difference}"),
        is_null: difference == 0.0,
        methods: vec!["CUPED", "Welch, unadjusted"],
        experiment: Box::new(move |rng| {
            let mut arm = |shift: f64| -> (Vec<f64>, Vec<f64>) {
                (0..100)
                    .map(|_| {
                        let before = normal(rng);
                        (0.8 * before + 0.6 * normal(rng) + shift, before)
                    })
                    .unzip()
            };
            let (a, b) = (arm(0.0), arm(difference));
            let covaried = |arm: &(Vec<f64>, Vec<f64>)| -> Option<Comparison> {
                let [a, b] = [&a, arm].map(|arm| Covaried {
                    outcomes: &arm.0,
                    covariates: &arm.1,
                });
                cuped(a, b, LEVEL).map(|c| c.comparison)
            };
            let plain = welch(
                &Moments::from_slice(&a.0),
                &Moments::from_slice(&b.0),
                LEVEL,
            );
            vec![
                Seen::comparison(covaried(&b), difference),
                Seen::comparison(plain, difference),
            ]
        }),
    }
}

fn of_pairs(difference: f64) -> Situation {
    Situation {
        what: format!("30 pairs, difference {difference}"),
        is_null: difference == 0.0,
        methods: vec!["paired t", "Wilcoxon, Hodges-Lehmann centre"],
        experiment: Box::new(move |rng| {
            let (a, b): (Vec<f64>, Vec<f64>) = (0..30)
                .map(|_| {
                    let prompt = 2.0 * normal(rng);
                    (prompt + normal(rng), prompt + normal(rng) + difference)
                })
                .unzip();
            let ranks = wilcoxon_signed_rank(&a, &b, PValue::Automatic).map(|w| w.test.p);
            let centre = paired_shift(&a, &b, LEVEL).map(|e| e.interval);
            vec![
                Seen::comparison(paired(&a, &b, LEVEL), difference),
                Seen::both(centre, difference, ranks),
            ]
        }),
    }
}

fn groups(sd: (f64, f64, f64), difference: f64) -> Situation {
    Situation {
        what: format!(
            "60, 40 and 20 with sd {}, {} and {}{}",
            sd.0,
            sd.1,
            sd.2,
            if difference == 0.0 {
                ""
            } else {
                ", last apart"
            }
        ),
        is_null: difference == 0.0,
        methods: vec!["ANOVA", "Welch's ANOVA", "Kruskal-Wallis"],
        experiment: Box::new(move |rng| {
            let all = [
                sample(rng, 60, |z| sd.0 * z),
                sample(rng, 40, |z| sd.1 * z),
                sample(rng, 20, |z| sd.2 * z + difference),
            ];
            let moments: Vec<Moments> = all.iter().map(|v| Moments::from_slice(v)).collect();
            let slices: Vec<&[f64]> = all.iter().map(Vec::as_slice).collect();
            vec![
                Seen::test(anova(&moments).map(|a| a.test.p)),
                Seen::test(welch_anova(&moments).map(|a| a.test.p)),
                Seen::test(kruskal_wallis(&slices).map(|t| t.p)),
            ]
        }),
    }
}

/// Ten tests, the first `real` with an effect of three standard errors.
fn many(real: usize) -> Situation {
    Situation {
        what: format!("10 tests, {real} with an effect"),
        is_null: true,
        methods: vec![
            "unadjusted",
            "Bonferroni",
            "Holm",
            "Hochberg",
            "Benjamini-Hochberg, share of wrong findings",
        ],
        experiment: Box::new(move |rng| {
            let p: Vec<f64> = (0..10)
                .map(|i| {
                    let z = normal(rng) + if i < real { 3.0 } else { 0.0 };
                    hindsight::stats::dist::normal_tails(z).ln_two_sided().exp()
                })
                .collect();
            let any_wrong = |p: &[f64]| Seen {
                covered: None,
                rejected: Some(p[real..].iter().any(|p| *p < ALPHA)),
            };
            let found = benjamini_hochberg(&p);
            let count = |p: &[f64]| p.iter().filter(|p| **p < ALPHA).count() as f64;
            // One finding drawn at random is wrong with the share of wrong ones.
            let wrong = count(&found[real..]) / count(&found).max(1.0);
            let drawn = Seen {
                covered: None,
                rejected: Some(rng.random::<f64>() < wrong),
            };
            vec![
                any_wrong(&p),
                any_wrong(&bonferroni(&p)),
                any_wrong(&holm(&p)),
                any_wrong(&hochberg(&p)),
                drawn,
            ]
        }),
    }
}
