//! What a statistic answers with: a value with its interval, a test, or both.
//!
//! Nothing here is ever NaN: where a number is undefined the function that would make it returns
//! `None`. An interval end may be infinite where the method has no finite bound.

use super::dist::Tails;
use serde::Serialize;

/// A range of values, `lower ≤ upper`; an end without a bound is infinite (`null` in JSON).
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    /// The smaller end.
    pub lower: f64,
    /// The greater end.
    pub upper: f64,
}

impl Estimate {
    /// Of positive values that are known to a relative error: the interval reaches as far as they may.
    #[must_use]
    pub fn known_to(mut self, relative_error: f64) -> Self {
        self.interval.lower /= 1.0 + relative_error;
        self.interval.upper /= 1.0 - relative_error;
        self
    }
}

impl Interval {
    /// The interval `centre ± half_width`.
    pub fn around(centre: f64, half_width: f64) -> Self {
        Self {
            lower: centre - half_width,
            upper: centre + half_width,
        }
    }

    /// Whether `value` lies inside, ends included.
    pub fn contains(self, value: f64) -> bool {
        self.lower <= value && value <= self.upper
    }
}

/// How an interval was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Wilson's score interval of a share.
    Wilson,
    /// Clopper and Pearson's exact interval of a share.
    ClopperPearson,
    /// Newcombe's interval of a difference of shares.
    Newcombe,
    /// Wilson's, of the observations that clustering and weights leave.
    EffectiveWilson,
    /// Newcombe's, of the observations that clustering and weights leave.
    EffectiveNewcombe,
    /// Katz's logarithmic interval of a risk ratio.
    KatzLog,
    /// Student's t, with one variance for both arms where there are two.
    Student,
    /// Welch's t with a variance for each arm.
    Welch,
    /// Delta method over units, normal multiplier.
    DeltaNormal,
    /// Delta method over units, t multiplier with Welch's degrees of freedom.
    DeltaWelch,
    /// Logarithm of a ratio of two estimates, normal multiplier.
    LogRatio,
    /// Order statistics of independent observations.
    OrderStatistics,
    /// Order statistics at ranks widened by a given standard error of the share below.
    ClusteredOrderStatistics,
    /// Two intervals joined by the square-and-add rule.
    SquareAndAdd,
    /// Delta method over units, strata combined.
    StratifiedDelta,
    /// Order statistics of a distribution standardised to strata.
    StratifiedOrderStatistics,
    /// Segmented regression with first-order autocorrelated errors.
    PraisWinsten,
    /// Bonett and Price's adjusted Wald interval of a difference of paired shares.
    BonettPrice,
    /// Exact interval given the margins, with the conditional maximum likelihood estimate.
    ConditionalExact,
    /// Normal with the observed variance.
    Wald,
    /// Wilson's score interval with continuity correction.
    WilsonCorrected,
    /// Agresti and Coull's interval of a share.
    AgrestiCoull,
    /// Beta quantiles with Jeffreys' prior.
    Jeffreys,
    /// Agresti and Caffo's interval of a difference of shares.
    AgrestiCaffo,
    /// Miettinen and Nurminen's score interval of a difference of shares.
    MiettinenNurminen,
    /// Mee's score interval of a difference of shares.
    Mee,
    /// Woolf's logarithmic interval of an odds ratio.
    WoolfLog,
    /// Mantel and Haenszel's common odds ratio over strata.
    MantelHaenszelOdds,
    /// Mantel and Haenszel's common difference over strata.
    MantelHaenszelDifference,
    /// Estimates weighted by their inverse variances.
    InverseVariance,
    /// Garwood's exact interval of a Poisson rate.
    Garwood,
    /// Fieller's interval of a ratio.
    Fieller,
    /// Inversion of the noncentral t distribution.
    NoncentralT,
    /// Normal interval of a standardised difference.
    HedgesOlkin,
    /// Asymmetrical interval of Cliff's delta.
    Cliff,
    /// Order statistics of all differences.
    HodgesLehmann,
    /// Confidence sequence by a normal mixture: holds at all looks at once.
    AlwaysValid,
    /// Exact confidence sequence by a beta mixture.
    BetaBinomial,
}

impl Method {
    /// The name people read.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Wilson => "Wilson score",
            Self::ClopperPearson => "Clopper-Pearson exact",
            Self::Newcombe => "Newcombe score difference",
            Self::EffectiveWilson => "Wilson score, effective sample size",
            Self::EffectiveNewcombe => "Newcombe score difference, effective sample size",
            Self::KatzLog => "Katz log risk ratio",
            Self::Student => "Student t",
            Self::Welch => "Welch t",
            Self::DeltaNormal => "delta method, normal",
            Self::DeltaWelch => "delta method, Welch t",
            Self::LogRatio => "log ratio, normal",
            Self::OrderStatistics => "order statistics",
            Self::ClusteredOrderStatistics => "order statistics, clustered",
            Self::SquareAndAdd => "square-and-add",
            Self::StratifiedDelta => "delta method within strata, Welch t",
            Self::StratifiedOrderStatistics => "order statistics, strata standardised",
            Self::PraisWinsten => "segmented regression, Prais-Winsten",
            Self::BonettPrice => "Bonett-Price, paired",
            Self::ConditionalExact => "conditional exact",
            Self::Wald => "Wald",
            Self::WilsonCorrected => "Wilson score, corrected",
            Self::AgrestiCoull => "Agresti-Coull",
            Self::Jeffreys => "Jeffreys",
            Self::AgrestiCaffo => "Agresti-Caffo",
            Self::MiettinenNurminen => "Miettinen-Nurminen score",
            Self::Mee => "Mee score",
            Self::WoolfLog => "Woolf log odds ratio",
            Self::MantelHaenszelOdds => "Mantel-Haenszel odds ratio",
            Self::MantelHaenszelDifference => "Mantel-Haenszel difference",
            Self::InverseVariance => "inverse variance",
            Self::Garwood => "Garwood exact",
            Self::Fieller => "Fieller",
            Self::NoncentralT => "noncentral t",
            Self::HedgesOlkin => "Hedges-Olkin",
            Self::Cliff => "Cliff's delta",
            Self::HodgesLehmann => "Hodges-Lehmann",
            Self::AlwaysValid => "confidence sequence",
            Self::BetaBinomial => "exact confidence sequence",
        }
    }
}

/// A value with its confidence interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Estimate {
    /// The point estimate.
    pub value: f64,
    /// The interval at [`Estimate::level`].
    pub interval: Interval,
    /// The confidence level, such as 0.95.
    pub level: f64,
    /// How the interval was made.
    pub method: Method,
    /// Observations that went in (units for clustered methods), over all arms.
    pub n: u64,
}

/// Which test gave a p-value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TestName {
    /// Pearson's chi-square.
    ChiSquare,
    /// Pearson's chi-square with Yates' continuity correction.
    ChiSquareYates,
    /// Goodness of fit of arm sizes to the configured shares.
    SampleRatio,
    /// Fisher's exact test, sum of the tables no more probable than the observed one.
    FisherExact,
    /// Fisher's exact test of the observations that clustering and weights leave.
    EffectiveFisher,
    /// Pearson's chi-square of the observations that clustering and weights leave (Rao & Scott 1992).
    EffectiveChiSquare,
    /// z test of two shares with the pooled variance.
    TwoProportionPooled,
    /// z test of two shares with a variance for each arm.
    TwoProportionUnpooled,
    /// Student's two-sample t test.
    Student,
    /// Welch's two-sample t test.
    Welch,
    /// z test of a ratio metric, variance over units by the delta method.
    DeltaNormal,
    /// t test of a ratio metric, variance over units by the delta method.
    DeltaWelch,
    /// Difference of quantiles, read off the interval of order statistics.
    QuantileDifference,
    /// Mann and Whitney's U, normal with tie and continuity correction.
    MannWhitney,
    /// Mann and Whitney's U, exact permutation distribution.
    MannWhitneyExact,
    /// t test of a difference combined over strata, variance over units.
    StratifiedDelta,
    /// t test of a coefficient of a segmented regression with autocorrelated errors.
    PraisWinsten,
    /// One-sample t test.
    OneSample,
    /// Paired t test.
    Paired,
    /// Wilcoxon's signed ranks, normal with tie correction.
    Wilcoxon,
    /// Wilcoxon's signed ranks, exact permutation distribution.
    WilcoxonExact,
    /// McNemar's chi-square on pairs that differ.
    McNemar,
    /// McNemar's chi-square with Edwards' continuity correction.
    McNemarCorrected,
    /// McNemar's test, exact binomial.
    McNemarExact,
    /// McNemar's test, binomial mid-p.
    McNemarMidP,
    /// Exact binomial test of a share against an expected one.
    Binomial,
    /// Likelihood ratio (G) of a table.
    LikelihoodRatio,
    /// One-way analysis of variance.
    Anova,
    /// Welch's analysis of variance, a variance for each group.
    WelchAnova,
    /// Kruskal and Wallis' H with tie correction.
    KruskalWallis,
    /// Kolmogorov and Smirnov's distance, limit distribution.
    KolmogorovSmirnov,
    /// Kolmogorov and Smirnov's distance, exact.
    KolmogorovSmirnovExact,
    /// Miettinen and Nurminen's score test of a difference of shares.
    Score,
    /// Cochran, Mantel and Haenszel's test over strata.
    CochranMantelHaenszel,
    /// Breslow and Day's test of equal odds ratios, Tarone's correction.
    BreslowDay,
    /// Cochran's Q: whether estimates of several strata agree.
    CochranQ,
    /// Exact Poisson test of a rate against an expected one.
    Poisson,
    /// Exact conditional test of two Poisson rates.
    PoissonRatio,
    /// Two one-sided tests of equivalence.
    Equivalence,
    /// One-sided test of non-inferiority.
    NonInferiority,
    /// Normal mixture test, valid at any number of looks.
    AlwaysValid,
    /// Beta mixture test of a share, exact at any number of looks.
    BetaBinomial,
}

impl TestName {
    /// The name people read.
    pub const fn label(self) -> &'static str {
        match self {
            Self::ChiSquare => "chi-square test",
            Self::ChiSquareYates => "chi-square test, Yates' correction",
            Self::SampleRatio => "sample ratio chi-square test",
            Self::FisherExact => "Fisher's exact test",
            Self::EffectiveFisher => "Fisher's exact test, effective sample size",
            Self::EffectiveChiSquare => "chi-square test, effective sample size",
            Self::TwoProportionPooled => "two-proportion z test",
            Self::TwoProportionUnpooled => "two-proportion z test, unpooled",
            Self::Student => "Student's t test",
            Self::Welch => "Welch's t test",
            Self::DeltaNormal => "delta-method z test",
            Self::DeltaWelch => "delta-method t test",
            Self::QuantileDifference => "quantile difference, order statistics",
            Self::MannWhitney => "Mann-Whitney U test",
            Self::MannWhitneyExact => "Mann-Whitney U test, exact",
            Self::StratifiedDelta => "stratified delta-method t test",
            Self::PraisWinsten => "segmented regression t test",
            Self::OneSample => "one-sample t test",
            Self::Paired => "paired t test",
            Self::Wilcoxon => "Wilcoxon signed-rank test",
            Self::WilcoxonExact => "Wilcoxon signed-rank test, exact",
            Self::McNemar => "McNemar's test",
            Self::McNemarCorrected => "McNemar's test, corrected",
            Self::McNemarExact => "McNemar's test, exact",
            Self::McNemarMidP => "McNemar's test, mid-p",
            Self::Binomial => "exact binomial test",
            Self::LikelihoodRatio => "likelihood-ratio (G) test",
            Self::Anova => "one-way ANOVA",
            Self::WelchAnova => "Welch's ANOVA",
            Self::KruskalWallis => "Kruskal-Wallis test",
            Self::KolmogorovSmirnov => "Kolmogorov-Smirnov test",
            Self::KolmogorovSmirnovExact => "Kolmogorov-Smirnov test, exact",
            Self::Score => "score test",
            Self::CochranMantelHaenszel => "Cochran-Mantel-Haenszel test",
            Self::BreslowDay => "Breslow-Day test",
            Self::CochranQ => "Cochran's Q",
            Self::Poisson => "exact Poisson test",
            Self::PoissonRatio => "two Poisson rates, exact",
            Self::Equivalence => "equivalence (two one-sided tests)",
            Self::NonInferiority => "non-inferiority test",
            Self::AlwaysValid => "always-valid mixture test",
            Self::BetaBinomial => "always-valid beta-binomial test",
        }
    }
}

/// A test's statistic and two-sided p-value.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct TestResult {
    /// Which test.
    pub name: TestName,
    /// The value of the test statistic.
    pub statistic: f64,
    /// Degrees of freedom, where the test has them.
    pub df: Option<f64>,
    /// The two-sided p-value; 0 where it is below the range of `f64`, see [`TestResult::ln_p`].
    pub p: f64,
    /// Natural logarithm of the p-value, finite where `p` underflows.
    pub ln_p: f64,
}

impl TestResult {
    /// A result whose p-value is given by its logarithm.
    pub(super) fn new(name: TestName, statistic: f64, df: Option<f64>, ln_p: f64) -> Self {
        let ln_p = ln_p.min(0.0);
        Self {
            name,
            statistic,
            df,
            p: ln_p.exp(),
            ln_p,
        }
    }

    /// The degrees of freedom of Student's t behind the interval beside this test; `None` where that is
    /// normal or made otherwise, whatever distribution the statistic itself has.
    pub fn t_df(&self) -> Option<f64> {
        match self.name {
            TestName::Student
            | TestName::Welch
            | TestName::DeltaWelch
            | TestName::QuantileDifference
            | TestName::StratifiedDelta
            | TestName::PraisWinsten
            | TestName::OneSample
            | TestName::Paired => self.df,
            _ => None,
        }
    }
}

/// Treatment minus control: the difference, its standard error and the test that it is zero.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Comparison {
    /// Treatment minus control with its interval.
    pub difference: Estimate,
    /// Standard error of the difference that the test divides by.
    pub standard_error: f64,
    /// Two-sided test of no difference.
    pub test: TestResult,
    /// One-sided p-value of the alternative that treatment is greater.
    pub p_greater: f64,
    /// One-sided p-value of the alternative that treatment is smaller.
    pub p_less: f64,
}

impl Comparison {
    /// Puts together a comparison whose statistic has the given null distribution.
    pub(super) fn new(
        difference: Estimate,
        standard_error: f64,
        name: TestName,
        df: Option<f64>,
        null: impl Fn(f64) -> Tails,
        statistic: f64,
    ) -> Self {
        let tails = null(statistic);
        Self {
            difference,
            standard_error,
            test: TestResult::new(name, statistic, df, tails.ln_two_sided()),
            p_greater: tails.upper(),
            p_less: tails.lower(),
        }
    }
}

/// The interval of `b − a` from independent intervals of `a` and `b`: each limit adds in square the
/// distances that point its way (Newcombe 1998, method 10; Zou & Donner 2008). `None` if either
/// interval lacks the needed finite end on both sides.
pub(super) fn square_and_add(a: (f64, Interval), b: (f64, Interval)) -> Option<Interval> {
    let ((a, ia), (b, ib)) = (a, b);
    let difference = b - a;
    let lower = difference - (b - ib.lower).hypot(ia.upper - a);
    let upper = difference + (ib.upper - b).hypot(a - ia.lower);
    (!lower.is_nan() && !upper.is_nan()).then_some(Interval { lower, upper })
}

/// `Some(level)` if it is a confidence level, inside (0, 1).
pub(super) fn valid_level(level: f64) -> Option<f64> {
    (level > 0.0 && level < 1.0).then_some(level)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kebab_case_in_json() {
        let test = TestResult::new(TestName::ChiSquareYates, 1.0, Some(1.0), -2000.0);
        let json = serde_json::to_string(&test).unwrap();
        assert!(json.contains(r#""name":"chi-square-yates""#), "{json}");
        assert_eq!(test.p, 0.0);
        assert_eq!(test.ln_p, -2000.0);
    }

    #[test]
    fn square_and_add_contains_the_difference() {
        let a = (2.0, Interval::around(2.0, 0.3));
        let b = (5.0, Interval::around(5.0, 0.4));
        let joined = square_and_add(a, b).unwrap();
        assert!((joined.lower - 2.5).abs() < 1e-12 && (joined.upper - 3.5).abs() < 1e-12);
    }

    #[test]
    fn intervals_include_their_ends() {
        let interval = Interval::around(0.0, 1.0);
        assert!(interval.contains(1.0) && interval.contains(-1.0) && !interval.contains(1.01));
    }
}
