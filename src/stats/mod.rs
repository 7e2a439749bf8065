//! Mathematics on slices and counts: estimates with intervals, tests, and planning.
//!
//! No data frames, no IO, no clock, no randomness. Everywhere a is control, b is treatment and a
//! difference is b − a. Undefined answers are `None` (planning: an error naming the setting), never
//! NaN. Tests keep the logarithm of p, which stays finite where p underflows.
//!
//! Distributions come from [`dist`], not from `statrs`, except the normal quantile. `statrs` 0.19
//! must not be called elsewhere: its t quantile drifts from 50,000 degrees of freedom on (1.83 rather
//! than 1.96 at 1e7) and never returns at 1e8; its F and beta quantiles hang or panic in places; its
//! `stats_tests` give wrong p-values (a Fisher test of half the size, a Mann-Whitney test that
//! depends on the order of its arguments). The reference tests hold the distributions here to 1e-10.
//!
//! Which one to use:
//!
//! | question | independent observations | paired, stratified or clustered |
//! |---|---|---|
//! | share of one arm | [`Share::wilson`], others by [`ShareMethod`] | [`RatioMoments::share_estimate`] over users |
//! | two shares | [`two_proportions`], [`share_difference`]; few events [`fisher_exact`] | [`ratio_difference`]; pairs [`mcnemar`]; strata [`cochran_mantel_haenszel`], [`common_difference`] |
//! | a ratio of shares | [`risk_ratio`], [`odds_ratio`], [`conditional_odds_ratio`] | [`common_odds_ratio`], [`PairedCounts::odds_ratio`] |
//! | two means | [`welch`]; with pre-period values [`cuped`] | [`ratio_difference`]; pairs [`paired`] |
//! | relative change | [`relative_change`], [`relative_lift`], [`fieller_lift`], [`relative_quantile`] | the same, from clustered variances |
//! | two distributions | [`mann_whitney`] with [`shift`]; [`kolmogorov_smirnov`] | pairs [`wilcoxon_signed_rank`] with [`paired_shift`] |
//! | quantiles | [`quantile_estimate`] with [`quantile_difference`] | [`clustered_quantile_estimate`] |
//! | more than two arms | [`chi_square`], [`g_test`], [`welch_anova`], [`kruskal_wallis`] | do strata agree: [`pool`], [`breslow_day`] |
//! | rates of rare events | [`Rate::estimate`], [`compare_rates`] | |
//! | is it small enough | [`equivalence`], [`non_inferiority`], [`score_test`] | the same, from any [`Comparison`] |
//! | looking repeatedly | [`sequential`] | [`sequential::comparison_sequence`] |
//! | how large | [`cohens_d`], [`hedges_g`], [`cliffs_delta`], [`cohens_h`] | |
//! | many tests at once | [`holm`], [`hochberg`], [`bonferroni`], [`benjamini_hochberg`] | |
//! | how many, how long | [`power`] | |

pub mod anova;
pub mod binomial_test;
pub mod conditional_odds;
pub mod contingency;
mod contributions;
pub mod counts;
pub mod cuped;
pub mod dist;
pub mod effect_size;
pub mod equivalence;
pub mod estimate;
pub mod few_events;
pub mod fisher;
pub mod hodges_lehmann;
pub mod interrupted;
pub mod kolmogorov_smirnov;
pub mod kruskal_wallis;
mod least_likely;
pub mod mann_whitney;
pub mod mcnemar;
pub mod moments;
pub mod multiplicity;
pub mod odds;
pub mod poisson;
pub mod post_stratified;
pub mod post_stratified_quantile;
pub mod power;
pub mod proportions;
mod quadrature;
pub mod quantile;
mod ranks;
pub mod ratio;
pub mod relative_lift;
mod root;
pub mod sequential;
pub mod share_difference;
pub mod share_intervals;
pub mod stratified;
mod stratum_moments;
pub mod t_test;
mod unit_degrees;
pub mod unit_sums;
mod weighted_counts;
pub mod wilcoxon;

pub use anova::{Anova, anova, welch_anova};
pub use binomial_test::{BinomialTest, binomial_test};
pub use conditional_odds::conditional_odds_ratio;
pub use contingency::{
    ContingencyTest, Continuity, chi_square, chi_square_2x2, expected_counts, g_test, sample_ratio,
    sample_ratio_clustered,
};
pub use counts::{Ascending, Coded, Counts};
pub use cuped::{Covaried, Cuped, cuped};
pub use effect_size::{cliffs_delta, cohens_d, cohens_h, hedges_g};
pub use equivalence::{Better, Equivalence, equivalence, non_inferiority};
pub use estimate::{Comparison, Estimate, Interval, Method, TestName, TestResult};
pub use few_events::{EffectiveShare, FewEvents, expects_few, few_events};
pub use fisher::{FisherTest, fisher_exact};
pub use hodges_lehmann::{paired_shift, shift};
pub use interrupted::{Interrupted, Season, SeriesPoint, interrupted};
pub use kolmogorov_smirnov::{KsForm, kolmogorov_smirnov};
pub use kruskal_wallis::kruskal_wallis;
pub use mann_whitney::{MannWhitney, mann_whitney, mann_whitney_counts};
pub use mcnemar::{McNemarForm, PairedCounts, mcnemar};
pub use moments::Moments;
pub use multiplicity::{benjamini_hochberg, benjamini_yekutieli, bonferroni, hochberg, holm};
pub use odds::{odds_ratio, odds_ratio_ln_se};
pub use poisson::{Rate, RateComparison, compare_rates};
pub use post_stratified::{
    Contribution, Independence, LayeredMeans, Spread, Stratified, StratumDifference,
    stratified_from_moments, stratified_means,
};
pub use post_stratified_quantile::{
    CountedLayers, LayeredSample, standardised_quantiles, stratified_quantiles,
    stratified_quantiles_of_counts,
};
pub use proportions::{Share, Variance, newcombe, risk_ratio, risk_ratio_ln_se, two_proportions};
pub use quantile::{
    Ranks, clustered_quantile_estimate, quantile, quantile_difference, quantile_estimate,
    quantile_test,
};
pub use ranks::PValue;
pub use ratio::{RatioMoments, Reference, ratio_difference, relative_change};
pub use relative_lift::{
    Measured, fieller_lift, relative_lift, relative_quantile, relative_standard_error,
};
pub use share_difference::{DifferenceMethod, ScoreTest, score_test, share_difference};
pub use share_intervals::ShareMethod;
pub use stratified::{
    Pooled, Stratum, breslow_day, cochran_mantel_haenszel, common_difference, common_odds_ratio,
    pool,
};
pub use stratum_moments::StratumMoments;
pub use t_test::{mean_estimate, one_sample, paired, paired_from_moments, student, welch};
pub use unit_sums::{UnitSum, UnitSums};
pub use wilcoxon::{SignedRank, signed_rank, wilcoxon_signed_rank};
