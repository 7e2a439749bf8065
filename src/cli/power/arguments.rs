//! What `hindsight power` takes.

use clap::{Args, Subcommand, ValueEnum};

use super::super::arguments::open_share;

/// `hindsight power`
#[derive(Debug, Args)]
pub struct PowerArguments {
    /// Which metric.
    #[command(subcommand)]
    pub metric: PowerMetric,
}

/// What is compared.
#[derive(Debug, Subcommand)]
pub enum PowerMetric {
    /// Shares, such as error shares or conversion.
    Proportions(ProportionsArguments),
    /// Means, such as ratings or tokens.
    Means(MeansArguments),
    /// Ratios over users, such as errors per request, from the spread between users.
    Ratio(RatioArguments),
    /// Quantiles, such as p95 latency.
    Quantile(QuantileArguments),
    /// Shares of paired answers, such as a shadow test, by McNemar's test.
    PairedProportions(PairedProportionsArguments),
    /// Means of paired differences, such as a shadow test.
    PairedMeans(PairedMeansArguments),
}

/// `hindsight power proportions`
#[derive(Debug, Args)]
pub struct ProportionsArguments {
    /// Share in the control, 0 to 1.
    #[arg(long, value_parser = open_share)]
    pub baseline: f64,
    /// Which formula; default: pooled, or wald with a margin.
    #[arg(long, value_enum)]
    pub formula: Option<ShareFormulaName>,
    /// The question.
    #[command(flatten)]
    pub question: QuestionArguments,
    /// Instead of a difference.
    #[command(flatten)]
    pub goal: GoalArguments,
    /// The design.
    #[command(flatten)]
    pub common: PowerCommon,
}

/// `hindsight power means`
#[derive(Debug, Args)]
pub struct MeansArguments {
    /// Standard deviation of one unit's value.
    #[arg(long)]
    pub sd: f64,
    /// Which formula.
    #[arg(long, value_enum, default_value_t = MeanFormulaName::T)]
    pub formula: MeanFormulaName,
    /// The question.
    #[command(flatten)]
    pub question: QuestionArguments,
    /// Instead of a difference.
    #[command(flatten)]
    pub goal: GoalArguments,
    /// The design.
    #[command(flatten)]
    pub common: PowerCommon,
}

/// `hindsight power ratio`
#[derive(Debug, Args)]
pub struct RatioArguments {
    /// Users of a pilot arm whose interval is known.
    #[arg(long)]
    pub pilot_n: u64,
    /// Half the width of that arm's interval, by user, as `hindsight analyze` shows it.
    #[arg(long)]
    pub pilot_half_width: f64,
    /// Level of that interval.
    #[arg(long, default_value_t = 0.95, value_parser = open_share)]
    pub pilot_level: f64,
    /// The question.
    #[command(flatten)]
    pub question: QuestionArguments,
    /// The design.
    #[command(flatten)]
    pub common: PowerCommon,
}

/// `hindsight power quantile`
#[derive(Debug, Args)]
pub struct QuantileArguments {
    /// Which quantile: 0.95 is p95.
    #[arg(long, value_parser = open_share)]
    pub quantile: f64,
    /// Median of a log-normal metric; with --value.
    #[arg(long, requires = "value", conflicts_with_all = ["density", "pilot_n"])]
    pub median: Option<f64>,
    /// Value at the quantile of a log-normal metric; with --median.
    #[arg(long, requires = "median")]
    pub value: Option<f64>,
    /// Observations of a pilot whose interval of the quantile is known; with --pilot-half-width.
    #[arg(long, requires = "pilot_half_width", conflicts_with = "density")]
    pub pilot_n: Option<u64>,
    /// Half the width of that interval.
    #[arg(long, requires = "pilot_n")]
    pub pilot_half_width: Option<f64>,
    /// Level of that interval.
    #[arg(long, default_value_t = 0.95, value_parser = open_share)]
    pub pilot_level: f64,
    /// Density at the quantile, in one over the metric's unit.
    #[arg(long)]
    pub density: Option<f64>,
    /// The question.
    #[command(flatten)]
    pub question: QuestionArguments,
    /// The design.
    #[command(flatten)]
    pub common: PowerCommon,
}

/// `hindsight power paired-proportions`
#[derive(Debug, Args)]
pub struct PairedProportionsArguments {
    /// Share of pairs whose two answers differ.
    #[arg(long, value_parser = open_share)]
    pub discordant: f64,
    /// The question.
    #[command(flatten)]
    pub question: QuestionArguments,
    /// The design.
    #[command(flatten)]
    pub common: PowerCommon,
}

/// `hindsight power paired-means`
#[derive(Debug, Args)]
pub struct PairedMeansArguments {
    /// Standard deviation of the differences within pairs.
    #[arg(long)]
    pub sd: f64,
    /// The question.
    #[command(flatten)]
    pub question: QuestionArguments,
    /// The design.
    #[command(flatten)]
    pub common: PowerCommon,
}

/// Which of the three numbers is wanted.
#[derive(Debug, Clone, Args)]
pub struct QuestionArguments {
    /// Smallest difference worth finding, absolute: 0.05 is five percentage points. With a margin:
    /// the true difference, 0 unless given.
    #[arg(long, allow_negative_numbers = true)]
    pub mde: Option<f64>,
    /// Units of the control that there are (pairs, if paired); gives the power (with --mde) or the
    /// detectable effect.
    #[arg(long)]
    pub n: Option<u64>,
}

/// What is to be shown other than a difference.
#[derive(Debug, Clone, Args)]
pub struct GoalArguments {
    /// Show that the treatment is not worse by this much; one-sided.
    #[arg(long, value_name = "MARGIN", requires = "better")]
    pub non_inferior_by: Option<f64>,
    /// Which direction is good, for --non-inferior-by.
    #[arg(long, value_enum)]
    pub better: Option<Direction>,
    /// Show that the difference lies within plus or minus this much.
    #[arg(long, value_name = "MARGIN", conflicts_with = "non_inferior_by")]
    pub equivalent_within: Option<f64>,
}

/// What all calculators share.
#[derive(Debug, Clone, Args)]
pub struct PowerCommon {
    /// Wanted power.
    #[arg(long, default_value_t = 0.8, value_parser = open_share)]
    pub power: f64,
    /// Error probability of the first kind, over both sides where there are two [default: 0.05; against a
    /// margin 0.025 a side, as decisions take it].
    #[arg(long, value_parser = open_share)]
    pub alpha: Option<f64>,
    /// Look for a change in one direction only.
    #[arg(long)]
    pub one_sided: bool,
    /// Treatment units per control unit.
    #[arg(long, default_value_t = 1.0)]
    pub ratio: f64,
    /// Variance over that of independent observations, where units are requests of fewer users.
    #[arg(long, default_value_t = 1.0)]
    pub design_effect: f64,
    /// New units a day over both arms; gives the days.
    #[arg(long)]
    pub per_day: Option<f64>,
    /// Number of looks at equal distances, the last one included.
    #[arg(long)]
    pub looks: Option<usize>,
    /// Bounds of the looks.
    #[arg(long, value_enum, default_value_t = Bounds::ObrienFleming)]
    pub bounds: Bounds,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Formulas for shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ShareFormulaName {
    /// Pooled variance without a change, as the chi-square test.
    Pooled,
    /// Each arm's own variance.
    Unpooled,
    /// Arcsine square roots.
    Arcsine,
    /// Pooled, with continuity correction.
    Corrected,
    /// The control's variance without a change, as Evan Miller's calculator.
    ControlVariance,
    /// Each arm's own variance; with --non-inferior-by.
    Wald,
    /// Restricted maximum likelihood; with --non-inferior-by.
    FarringtonManning,
}

/// Formulas for means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MeanFormulaName {
    /// Noncentral t.
    T,
    /// Normal.
    Normal,
}

/// Which direction is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Direction {
    /// Such as a rating.
    Higher,
    /// Such as an error share.
    Lower,
}

/// Forms of group-sequential bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Bounds {
    /// Strict early.
    ObrienFleming,
    /// One bound for all looks.
    Pocock,
    /// Spending function like O'Brien-Fleming.
    SpendObrienFleming,
    /// Spending function like Pocock.
    SpendPocock,
}
