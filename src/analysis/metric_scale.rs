//! What the numbers of a metric are on, for people.

use super::metrics::{Kind, Metric};
use crate::data::{Numbers, Quantity, RequestLog};
use crate::units;

/// The ratings that were given, that the currency of costs is unknown; empty where the metric's name and
/// form say it.
pub(super) fn of(metric: &Metric, log: &RequestLog) -> String {
    let plain = units::plain;
    match metric.kind {
        Kind::Mean(Quantity::Rating) => {
            let ratings = log
                .quantity(Quantity::Rating)
                .map_or(&[][..], Numbers::table);
            let given: Vec<f64> = ratings.iter().copied().filter(|v| !v.is_nan()).collect();
            match given.as_slice() {
                [] => String::new(),
                [only] => format!("all rated {}", plain(*only)),
                [no, yes] => format!("rated {} or {}", plain(*no), plain(*yes)),
                [lowest, .., highest] => format!("rated {} to {}", plain(*lowest), plain(*highest)),
            }
        }
        // A currency that is known stands in the metric's name.
        Kind::Mean(Quantity::Cost) if log.currency.is_none() => {
            "currency: not named by the log".to_owned()
        }
        Kind::ErrorShare | Kind::RatedShare | Kind::Mean(_) | Kind::Quantile(..) => String::new(),
    }
}
