//! What the numbers of a metric are on, for people.

use super::metrics::{Kind, Metric};
use crate::data::{Numbers, Quantity, RequestLog};
use crate::units;

/// The ratings that were given, the currency of costs; empty where the form of the metric says it.
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
        Kind::Mean(Quantity::Cost) => match &log.currency {
            Some(currency) => format!("currency: {currency}"),
            None => "currency: not named by the log".to_owned(),
        },
        Kind::ErrorShare | Kind::RatedShare | Kind::Mean(_) | Kind::Quantile(..) => String::new(),
    }
}
