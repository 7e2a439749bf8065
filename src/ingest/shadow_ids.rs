//! Request ids that occur more than once: in a shadow test every arm answers the request, and a client
//! that tries again sends its id again.

use std::collections::HashMap;

use super::column_profile::{ColumnProfile, NO_CODE};
use super::detect::Guess;
use super::fit::describe;
use super::mapping::{ColumnRole, Mapping, Role};
use super::names::{name_score, normalize};
use super::unread::LISTED;

/// Ids from which on a pattern is one.
const FEWEST_IDS: usize = 20;
/// Rows per id and arm, on average, beyond which the id is that of a session or a user.
const MOST_ROWS: f64 = 1.4;
/// Of the ids that repeat in a shadow test, the share that does so in another arm; of sessions whose
/// requests are assigned one by one three in four at most, at so few rows.
const ACROSS_ARMS: f64 = 0.85;

/// How the ids of a column repeat.
struct Repeats {
    rows_per_id_and_arm: f64,
    /// Whether those that repeat do so in another arm.
    are_pairs: bool,
}

/// Takes a column that is named like request ids for them where its ids repeat as those of requests do.
pub(super) fn take(mapping: &mut Mapping, guesses: &mut [Guess]) {
    let arms = mapping.column(Role::Variant).and_then(|arm| {
        let of_arm = guesses.iter().find(|g| g.profile.name == arm.column)?;
        Some(of_arm.profile.codes.clone())
    });
    let chosen = mapping.column(Role::RequestId).map(|c| c.column.clone());
    let mut best: Option<(usize, f64)> = None;
    for (place, guess) in guesses.iter().enumerate() {
        let profile = &guess.profile;
        let (score, _) = name_score(&normalize(&profile.name), Role::RequestId);
        if score < LISTED || guess.role.is_some_and(|r| r != Role::Segment) || profile.is_key() {
            continue;
        }
        let Some(repeats) = repeats(profile, arms.as_deref()) else {
            continue;
        };
        let is_of_requests = repeats.rows_per_id_and_arm <= MOST_ROWS;
        // Beside an id of which every row has its own, pairs alone tell more.
        let tells_more = chosen.is_none() || repeats.are_pairs;
        if is_of_requests && tells_more && best.is_none_or(|(_, other)| score > other) {
            best = Some((place, score));
        }
    }
    let Some((place, score)) = best else { return };
    if let Some(other) = guesses.iter_mut().find(|g| g.role == Some(Role::RequestId)) {
        *other = Guess::none(&other.profile);
    }
    let guess = &mut guesses[place];
    let name = guess.profile.name.clone();
    let evidence = describe(&guess.profile, Role::RequestId);
    guess.take(
        Role::RequestId,
        score,
        format!("named like a request id; {evidence}, hardly ever twice in one arm"),
    );
    mapping
        .columns
        .retain(|c| c.role != Role::RequestId && c.column != name);
    mapping
        .columns
        .push(ColumnRole::new(&name, Role::RequestId));
    let place_of = |name: &str| guesses.iter().position(|g| g.profile.name == name);
    mapping.columns.sort_by_key(|c| place_of(&c.column));
}

/// `None` where too few ids, or none, repeat.
fn repeats(ids: &ColumnProfile, arms: Option<&[u32]>) -> Option<Repeats> {
    let mut of_ids: HashMap<u32, HashMap<u32, usize>> = HashMap::new();
    for (row, id) in ids
        .codes
        .iter()
        .enumerate()
        .filter(|(_, id)| **id != NO_CODE)
    {
        let arm = arms.and_then(|arms| arms.get(row)).copied().unwrap_or(0);
        *of_ids.entry(*id).or_default().entry(arm).or_default() += 1;
    }
    let n_rows: usize = of_ids.values().flat_map(HashMap::values).sum();
    let n_in_arms: usize = of_ids.values().map(HashMap::len).sum();
    let repeated: Vec<usize> = (of_ids.values())
        .filter(|arms| arms.values().sum::<usize>() > 1)
        .map(HashMap::len)
        .collect();
    let n_across = repeated.iter().filter(|n_arms| **n_arms > 1).count();
    (of_ids.len() >= FEWEST_IDS && !repeated.is_empty()).then(|| Repeats {
        rows_per_id_and_arm: n_rows as f64 / n_in_arms as f64,
        are_pairs: repeated.len() >= FEWEST_IDS
            && n_across as f64 > ACROSS_ARMS * repeated.len() as f64,
    })
}
