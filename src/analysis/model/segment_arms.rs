//! Every arm within every segment value, for logs that compare more than two.

use serde::Serialize;

use super::ArmValue;
use crate::units::ValueForm;

/// One metric of every arm within each value of a segment column: load curves, models, languages.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SegmentArms {
    /// The segment's column.
    pub segment: String,
    /// The metric's id, as in the scorecard.
    pub metric: String,
    /// As shown to people.
    pub label: String,
    /// How its values are written.
    pub form: ValueForm,
    /// The largest values: ascending where all are numbers, else the largest first.
    pub values: Vec<SegmentArmsValue>,
    /// Values that gave way to larger ones, or with too few requests in all arms.
    pub n_left_out: u64,
}

/// What the arms show within one segment value.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SegmentArmsValue {
    /// The value; `""` for an empty cell.
    pub value: String,
    /// Requests per arm shown.
    pub n_requests: Vec<u64>,
    /// Per arm shown, in the log's order; as they are, without weights for stages.
    pub arms: Vec<ArmValue>,
}

impl SegmentArms {
    /// Arms shown: the control, the treatment, and the largest others.
    pub const MAX_ARMS: usize = 12;

    /// The values as numbers; `None` where one is none.
    pub fn numbers(&self) -> Option<Vec<f64>> {
        let number = |value: &SegmentArmsValue| number(&value.value);
        self.values.iter().map(number).collect()
    }
}

impl SegmentArmsValue {
    /// The value as shown to people.
    pub fn shown_value(&self) -> &str {
        if self.value.is_empty() {
            "(empty)"
        } else {
            &self.value
        }
    }
}

/// A segment value that is a finite number.
pub(crate) fn number(value: &str) -> Option<f64> {
    let number: f64 = value.parse().ok()?;
    number.is_finite().then_some(number)
}
