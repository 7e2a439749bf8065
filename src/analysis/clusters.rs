//! How requests cluster in users: who is in several arms, and how far that widens chance.

use crate::data::{RequestLog, Units};

/// Users, and those of them who are in more than one arm; `None` where the log names no users.
pub(super) fn crossing_counts(log: &RequestLog) -> Option<(u64, u64)> {
    let units_column = log.units.as_ref()?;
    let mut arm_of = vec![u16::MAX; units_column.n_units as usize];
    let mut is_crossing = vec![false; units_column.n_units as usize];
    for (row, id) in units_column
        .id
        .iter()
        .enumerate()
        .filter(|(_, id)| **id != Units::NONE)
    {
        let first = &mut arm_of[*id as usize];
        if *first == u16::MAX {
            *first = log.arm[row];
        } else if *first != log.arm[row] {
            is_crossing[*id as usize] = true;
        }
    }
    let n_units = arm_of.iter().filter(|arm| **arm != u16::MAX).count() as u64;
    Some((n_units, is_crossing.iter().filter(|c| **c).count() as u64))
}

/// How much whole users inflate the chance variation of request counts: Σn²/Σn over requests per
/// user. 1 where users do not stick to an arm, because then requests are not assigned by user.
pub(super) fn request_design_effect(log: &RequestLog) -> f64 {
    let Some((n_units, n_crossing)) = crossing_counts(log) else {
        return 1.0;
    };
    if n_crossing as f64 > 0.1 * n_units as f64 {
        return 1.0;
    }
    let mut sizes = vec![0u64; log.units.as_ref().map_or(0, |units| units.n_units as usize)];
    for id in log
        .units
        .iter()
        .flat_map(|units| &units.id)
        .filter(|id| **id != Units::NONE)
    {
        sizes[*id as usize] += 1;
    }
    let (sum, squares) = sizes.iter().fold((0.0, 0.0), |(s, q), n| {
        (s + *n as f64, q + (*n as f64).powi(2))
    });
    if sum > 0.0 { squares / sum } else { 1.0 }
}
