//! What is known of rows that cannot be kept: their arm, and whether they failed.

use super::batch::{Texts, Values};
use super::kept::Kept;
use super::mapping::ColumnRole;
use super::outcome::OutcomeForm;
use super::part::Labels;
use crate::data::{LeftOut, RowsLeftOut};

/// The rows of a batch that are not kept, by the codes of its arms; none where no column names arms.
pub(super) fn left_out(
    arms: Option<&Labels>,
    status: Option<(&ColumnRole, &Values)>,
    form: OutcomeForm,
    kept: &Kept,
) -> LeftOut {
    let mut found = LeftOut::default();
    let Some(arms) = arms.filter(|arms| kept.n < arms.codes.len()) else {
        return found;
    };
    let texts = status.map(|(role, values)| (role, Texts::of(values)));
    for (i, code) in arms.codes.iter().enumerate().filter(|(i, _)| !kept.has(*i)) {
        let failed = texts.as_ref().is_some_and(|(role, texts)| {
            let text = texts.get(i).filter(|text| !role.is_null(text));
            let outcome = text.and_then(|text| form.read(text));
            outcome.is_some_and(crate::data::Outcome::is_error)
        });
        let row = RowsLeftOut {
            n: 1,
            n_failed: u64::from(failed),
        };
        match *code {
            Labels::NONE => found.without_arm.add(row),
            code => found.of_arm_mut(usize::from(code)).add(row),
        }
    }
    found
}
