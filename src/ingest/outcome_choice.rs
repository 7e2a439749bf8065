//! Which column says how requests went, where several could: a status that never fails tells nothing
//! beside the errors that another column holds.

use super::ask::Contender;
use super::column_profile::{ColumnProfile, NO_CODE};
use super::detect::Guess;
use super::mapping::{Mapping, Role};
use super::names::{name_score, normalize};
use super::outcome::OutcomeForm;
use super::unread::LISTED;
use crate::data::Outcome;

/// Fewer failures than this share of the rows move no error share far.
const FEW: f64 = 0.001;

/// Takes errors or truth values for the outcome where the status that was chosen never fails, and no
/// outcome for a kind of requests to split by.
pub(super) fn settle(mapping: &mut Mapping, guesses: &mut [Guess], contenders: &[Contender]) {
    let Some(chosen) = guesses.iter().position(|g| g.role == Some(Role::Status)) else {
        set_segments_aside(mapping, guesses);
        return;
    };
    let is_failing = |outcome: &Outcome| outcome.is_error();
    if outcomes(&guesses[chosen].profile).iter().any(is_failing) {
        return;
    }
    let of_status = contenders.iter().filter(|c| c.role == Role::Status);
    let tells = |c: &&Contender| {
        let guess = &guesses[c.column];
        let form = OutcomeForm::of_name(&normalize(&guess.profile.name));
        let is_free = guess.role.is_none_or(Role::is_repeatable);
        is_free
            && form != OutcomeForm::Status
            && fails_beside(&guesses[chosen].profile, &guess.profile)
    };
    let n_failed = |c: &Contender| {
        let found = outcomes(&guesses[c.column].profile);
        found.iter().filter(|o| is_failing(o)).count()
    };
    let Some(best) = of_status.filter(tells).max_by_key(|c| n_failed(c)) else {
        return;
    };
    let (place, score) = (best.column, best.score);
    let status = guesses[chosen].profile.name.clone();
    guesses[chosen] = Guess::none(&guesses[chosen].profile);
    let name = guesses[place].profile.name.clone();
    guesses[place].take(
        Role::Status,
        score,
        format!("has the failures; `{status}` has none"),
    );
    mapping.columns.retain(|c| c.column != name);
    for column in &mut mapping.columns {
        if column.role == Role::Status {
            column.column.clone_from(&name);
        }
    }
    let place_of = |name: &str| guesses.iter().position(|g| g.profile.name == name);
    mapping.columns.sort_by_key(|c| place_of(&c.column));
}

/// Whether a column has failures where another that could be the outcome says nothing of them.
pub(super) fn fails_beside(chosen: &ColumnProfile, other: &ColumnProfile) -> bool {
    let pairs = outcomes(chosen).into_iter().zip(outcomes(other));
    let is_news = |(known, told): &(Outcome, Outcome)| {
        told.is_error() && matches!(known, Outcome::Ok | Outcome::Unknown)
    };
    let n = pairs.filter(is_news).count();
    n as f64 > FEW * other.n as f64
}

/// What the sampled rows of a column say as outcomes.
fn outcomes(column: &ColumnProfile) -> Vec<Outcome> {
    let form = OutcomeForm::of_name(&normalize(&column.name));
    let read = |value: &String| form.read(value).unwrap_or(Outcome::Unknown);
    let frequent: Vec<Outcome> = column.frequent.iter().map(read).collect();
    // A rare text is one of many messages.
    let rare = if form == OutcomeForm::Error {
        Outcome::Error
    } else {
        Outcome::Unknown
    };
    let of_code = |code: &u32| match *code {
        NO_CODE => form.of_null(),
        code => frequent.get(code as usize).copied().unwrap_or(rare),
    };
    column.codes.iter().map(of_code).collect()
}

/// A status whose words nobody knows is an outcome all the same: its mix is what the arms do.
fn set_segments_aside(mapping: &mut Mapping, guesses: &mut [Guess]) {
    for guess in guesses.iter_mut().filter(|g| g.role == Some(Role::Segment)) {
        let normalized = normalize(&guess.profile.name);
        let says_outcome = OutcomeForm::of_name(&normalized) != OutcomeForm::Status
            || normalized.contains("status");
        if says_outcome && name_score(&normalized, Role::Status).0 >= LISTED {
            mapping.columns.retain(|c| c.column != guess.profile.name);
            *guess = Guess::none(&guess.profile);
        }
    }
}
