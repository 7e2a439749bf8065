//! What quantities, measures and scopes are called in both tables.

use super::{Measure, Scope, UnitMeasure};
use crate::data::{Outcome, Quantity};

impl Outcome {
    /// Its number in [`Measure::Outcome`].
    pub fn number(self) -> i32 {
        match self {
            Self::Ok => 0,
            Self::Error => 1,
            Self::RateLimited => 2,
            Self::Cancelled => 3,
            Self::Unknown => 4,
        }
    }
}

/// Names of quantities; those of the log's own metrics are `metric.` and their column.
const QUANTITIES: [(Quantity, &str); 6] = [
    (Quantity::LatencyMs, "latency_ms"),
    (Quantity::TtftMs, "ttft_ms"),
    (Quantity::Rating, "rating"),
    (Quantity::TokensIn, "tokens_in"),
    (Quantity::TokensOut, "tokens_out"),
    (Quantity::Cost, "cost"),
];
const METRIC: &str = "metric.";
/// What follows the name of a duration of requests that were not answered.
const UNANSWERED: &str = ".unanswered";

/// The name of a quantity in both tables.
pub fn quantity_name(quantity: Quantity, extra_names: &[String]) -> String {
    if let Quantity::Extra(i) = quantity {
        let name = extra_names.get(usize::from(i)).map_or("", String::as_str);
        return format!("{METRIC}{name}");
    }
    let known = QUANTITIES.iter().find(|(known, _)| *known == quantity);
    known.map_or("", |(_, name)| *name).to_owned()
}

fn quantity_of_name(name: &str, extra_names: &mut Vec<String>) -> Option<Quantity> {
    let Some(extra) = name.strip_prefix(METRIC) else {
        let known = QUANTITIES.iter().find(|(_, known)| *known == name);
        return known.map(|(quantity, _)| *quantity);
    };
    let known = extra_names.iter().position(|known| known == extra);
    let at = known.unwrap_or_else(|| {
        extra_names.push(extra.to_owned());
        extra_names.len() - 1
    });
    Some(Quantity::Extra(u16::try_from(at).ok()?))
}

/// Whether durations of a quantity are counted in bins.
pub fn is_duration(quantity: Quantity) -> bool {
    matches!(quantity, Quantity::LatencyMs | Quantity::TtftMs)
}

/// Whether a quantity counts in answered requests alone: a failure has no answer whose length or
/// duration would say anything.
pub fn needs_answer(quantity: Quantity) -> bool {
    is_duration(quantity) || quantity == Quantity::TokensOut
}

impl Measure {
    /// Its name in the table.
    pub fn name(self, extra_names: &[String]) -> String {
        match self {
            Self::Requests => "requests".to_owned(),
            Self::Users => "users".to_owned(),
            Self::Outcome => "outcome".to_owned(),
            Self::Of(quantity) => quantity_name(quantity, extra_names),
            Self::Unanswered(quantity) => quantity_name(quantity, extra_names) + UNANSWERED,
        }
    }

    /// The measure of a name; `extra_names` gains metrics that it lacks. `None` for a name that this
    /// version does not know.
    pub fn of_name(name: &str, extra_names: &mut Vec<String>) -> Option<Self> {
        Some(match name {
            "requests" => Self::Requests,
            "users" => Self::Users,
            "outcome" => Self::Outcome,
            "latency_ms.unanswered" => Self::Unanswered(Quantity::LatencyMs),
            "ttft_ms.unanswered" => Self::Unanswered(Quantity::TtftMs),
            name => Self::Of(quantity_of_name(name, extra_names)?),
        })
    }
}

impl UnitMeasure {
    /// Its name and bin in the table.
    pub fn name(self, extra_names: &[String]) -> (String, Option<i32>) {
        match self {
            Self::Requests => ("requests".to_owned(), None),
            Self::Users => ("users".to_owned(), None),
            Self::ErrorShare => ("error_share".to_owned(), None),
            Self::RatedShare => ("rated_share".to_owned(), None),
            Self::Mean(quantity) => (quantity_name(quantity, extra_names), None),
            Self::UpTo(quantity, bin) => (quantity_name(quantity, extra_names), Some(bin)),
        }
    }

    /// The measure of a name and a bin, as [`Measure::of_name`].
    pub fn of_name(name: &str, bin: Option<i32>, extra_names: &mut Vec<String>) -> Option<Self> {
        Some(match (name, bin) {
            ("requests", None) => Self::Requests,
            ("users", None) => Self::Users,
            ("error_share", None) => Self::ErrorShare,
            ("rated_share", None) => Self::RatedShare,
            (name, None) => Self::Mean(quantity_of_name(name, extra_names)?),
            (name, Some(bin)) => Self::UpTo(quantity_of_name(name, extra_names)?, bin),
        })
    }
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::All, Self::Overlap, Self::Stage];

    /// Its name in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Overlap => "overlap",
            Self::Stage => "stage",
        }
    }
}
