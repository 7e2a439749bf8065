//! Shares, odds, rates, strata and pairs of independent observations.

use super::{ALPHA, Chapter, LEVEL, Seen, Situation};
use hindsight::stats::{
    Continuity, DifferenceMethod, Estimate, Interval, McNemarForm, PairedCounts, Rate, Share,
    ShareMethod, Stratum, Variance, breslow_day, chi_square_2x2, cochran_mantel_haenszel,
    common_difference, common_odds_ratio, compare_rates, conditional_odds_ratio, fisher_exact,
    g_test, mcnemar, odds_ratio, risk_ratio, score_test, share_difference, two_proportions,
};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Poisson};

pub(super) fn draw(rng: &mut ChaCha8Rng, n: u64, p: f64) -> Share {
    let events = (0..n).filter(|_| rng.random::<f64>() < p).count() as u64;
    Share { events, n }
}

fn range(estimate: Option<Estimate>) -> Option<Interval> {
    estimate.map(|e| e.interval)
}

pub(super) fn chapters() -> Vec<Chapter> {
    vec![
        Chapter {
            title: "One share",
            about: "Wilson's interval is shown for shares; Clopper and Pearson's never covers too \
                    little, Wald's often does.",
            situations: vec![
                one_share(50, 0.5),
                one_share(200, 0.1),
                one_share(2000, 0.002),
            ],
        },
        Chapter {
            title: "Two shares",
            about: "Independent observations. Where requests of few users are compared, see \
                    clustered data below.",
            situations: vec![
                two_shares((200, 0.1), (200, 0.1)),
                two_shares((200, 0.1), (200, 0.2)),
                two_shares((1900, 0.02), (100, 0.02)),
                two_shares((30, 0.05), (30, 0.05)),
            ],
        },
        Chapter {
            title: "Strata, pairs and rates",
            about: "Three rollout stages with falling error shares and rising traffic; 300 pairs \
                    of which about a fifth differ; rare events over two exposures.",
            situations: vec![
                stages(0.0),
                stages(0.04),
                pairs(0.1, 0.1),
                pairs(0.14, 0.06),
                rates(4.0, 4.0),
                rates(20.0, 35.0),
            ],
        },
    ]
}

fn one_share(n: u64, p: f64) -> Situation {
    const METHODS: [(&str, ShareMethod); 6] = [
        ("Wilson", ShareMethod::Wilson),
        ("Wilson, corrected", ShareMethod::WilsonCorrected),
        ("Clopper-Pearson", ShareMethod::ClopperPearson),
        ("Jeffreys", ShareMethod::Jeffreys),
        ("Agresti-Coull", ShareMethod::AgrestiCoull),
        ("Wald", ShareMethod::Wald),
    ];
    Situation {
        what: format!("{n} observations, share {p}"),
        is_null: false,
        methods: METHODS.map(|m| m.0).to_vec(),
        experiment: Box::new(move |rng| {
            let share = draw(rng, n, p);
            METHODS
                .map(|m| Seen::interval(range(share.interval(LEVEL, m.1)), p))
                .to_vec()
        }),
    }
}

fn two_shares(control: (u64, f64), treatment: (u64, f64)) -> Situation {
    const INTERVALS: [(&str, DifferenceMethod); 5] = [
        ("Newcombe", DifferenceMethod::Newcombe),
        ("Miettinen-Nurminen", DifferenceMethod::MiettinenNurminen),
        ("Mee", DifferenceMethod::Mee),
        ("Agresti-Caffo", DifferenceMethod::AgrestiCaffo),
        ("Wald", DifferenceMethod::Wald),
    ];
    let ((na, pa), (nb, pb)) = (control, treatment);
    let mut methods: Vec<&str> = INTERVALS.iter().map(|m| m.0).collect();
    methods.extend([
        "pooled z / chi-square",
        "unpooled z",
        "chi-square, Yates",
        "likelihood ratio (G)",
        "score test",
        "Fisher, conditional odds ratio",
        "risk ratio, Katz",
        "odds ratio, Woolf",
    ]);
    let odds = |p: f64| p / (1.0 - p);
    Situation {
        what: format!("{na} of {pa} against {nb} of {pb}"),
        is_null: pa == pb,
        methods,
        experiment: Box::new(move |rng| {
            let (a, b) = (draw(rng, na, pa), draw(rng, nb, pb));
            let rows = [[b.events, b.n - b.events], [a.events, a.n - a.events]];
            let table = rows.map(|row| row.to_vec());
            let z = |variance| two_proportions(a, b, variance, LEVEL).map(|c| c.test.p);
            let mut seen: Vec<Seen> = INTERVALS
                .iter()
                .map(|m| Seen::interval(range(share_difference(a, b, LEVEL, m.1)), pb - pa))
                .collect();
            let yates = chi_square_2x2(rows, Continuity::Yates).map(|c| c.test.p);
            let exact = range(conditional_odds_ratio(rows, LEVEL));
            let fisher = fisher_exact(rows).map(|f| f.test.p);
            let katz = range(risk_ratio(a, b, LEVEL));
            let woolf = range(odds_ratio(a, b, LEVEL));
            // Ratios are undefined without events; such experiments are left out.
            let defined = |interval: Option<Interval>, truth: f64| Seen {
                covered: interval.map(|i| i.contains(truth)),
                rejected: None,
            };
            seen.extend([
                Seen::test(z(Variance::Pooled)),
                Seen::test(z(Variance::Unpooled)),
                Seen::test(yates),
                Seen::test(g_test(&table).map(|t| t.p)),
                Seen::test(score_test(a, b, 0.0).map(|s| s.test.p)),
                Seen {
                    rejected: Seen::test(fisher).rejected,
                    ..defined(exact, odds(pb) / odds(pa))
                },
                defined(katz, pb / pa),
                defined(woolf, odds(pb) / odds(pa)),
            ]);
            seen
        }),
    }
}

/// Three stages; the treatment's traffic rises as errors fall.
fn stages(difference: f64) -> Situation {
    const STAGES: [(u64, u64, f64); 3] = [(900, 100, 0.12), (500, 500, 0.08), (100, 900, 0.04)];
    Situation {
        what: format!("3 stages, difference {difference}"),
        is_null: difference == 0.0,
        methods: vec![
            "Cochran-Mantel-Haenszel, common difference",
            "common odds ratio",
            "Breslow-Day",
            "all stages at once",
        ],
        experiment: Box::new(move |rng| {
            let strata = STAGES.map(|(na, nb, p)| Stratum {
                control: draw(rng, na, p),
                treatment: draw(rng, nb, p + difference),
            });
            let cmh = cochran_mantel_haenszel(&strata, Continuity::None).map(|t| t.p);
            let common = range(common_difference(&strata, LEVEL));
            let mut odds = Seen::interval(range(common_odds_ratio(&strata, LEVEL)), 1.0);
            let mut same = Seen::test(breslow_day(&strata).map(|t| t.p));
            if difference != 0.0 {
                // The odds ratio then differs between stages: neither has one truth.
                (odds, same) = (Seen::default(), Seen::default());
            }
            let sum = |arm: fn(&Stratum) -> Share| Share {
                events: strata.iter().map(|s| arm(s).events).sum(),
                n: strata.iter().map(|s| arm(s).n).sum(),
            };
            let (a, b) = (sum(|s| s.control), sum(|s| s.treatment));
            let pooled = two_proportions(a, b, Variance::Pooled, LEVEL);
            vec![
                Seen::both(common, difference, cmh),
                odds,
                same,
                Seen::comparison(pooled, difference),
            ]
        }),
    }
}

fn pairs(only_treatment: f64, only_control: f64) -> Situation {
    let truth = only_treatment - only_control;
    Situation {
        what: format!("300 pairs, {only_treatment} and {only_control} differ"),
        is_null: truth == 0.0,
        methods: vec![
            "McNemar, mid-p",
            "McNemar, exact",
            "McNemar, asymptotic",
            "McNemar, corrected",
            "Bonett-Price difference",
        ],
        experiment: Box::new(move |rng| {
            let mut counts = PairedCounts {
                both: 0,
                only_control: 0,
                only_treatment: 0,
                neither: 0,
            };
            for _ in 0..300 {
                let level: f64 = rng.random();
                if level < only_treatment {
                    counts.only_treatment += 1;
                } else if level < only_treatment + only_control {
                    counts.only_control += 1;
                } else {
                    counts.neither += 1;
                }
            }
            let test = |form| {
                let test = mcnemar(counts.only_control, counts.only_treatment, form);
                Seen::test(test.map(|t| t.p))
            };
            vec![
                test(McNemarForm::MidP),
                test(McNemarForm::Exact),
                test(McNemarForm::Asymptotic),
                test(McNemarForm::Corrected),
                Seen::interval(range(counts.difference(LEVEL)), truth),
            ]
        }),
    }
}

fn rates(mean_a: f64, mean_b: f64) -> Situation {
    Situation {
        what: format!("about {mean_a} and {mean_b} events"),
        is_null: mean_a == mean_b,
        methods: vec![
            "two rates, exact",
            "one rate, Garwood",
            "one rate, exact test",
        ],
        experiment: Box::new(move |rng| {
            let mut rate = |mean: f64| {
                let events = Poisson::new(mean).map_or(0.0, |law| law.sample(rng));
                Rate {
                    events: events as u64,
                    exposure: 1.0,
                }
            };
            let (a, b) = (rate(mean_a), rate(mean_b));
            let both = compare_rates(a, b, LEVEL);
            // Without any event there is nothing to compare: no rejection, nothing excluded.
            let ratio = both.is_none_or(|c| c.ratio.interval.contains(mean_b / mean_a));
            let own = a.test(mean_a).is_some_and(|t| t.p < ALPHA);
            vec![
                Seen {
                    covered: Some(ratio),
                    ..Seen::test(both.map(|c| c.test.p))
                },
                Seen::interval(range(a.estimate(LEVEL)), mean_a),
                Seen {
                    covered: Some(!own),
                    rejected: None,
                },
            ]
        }),
    }
}
