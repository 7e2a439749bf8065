//! Columns whose names say what they are and whose values do not: never left out in silence, because
//! a decision without the latency that a log seems to have is another decision.

use super::detect::Guess;
use super::fit::describe;
use super::issues::{Effect, Issues, shortened};
use super::mapping::{Mapping, Role};
use super::names::{name_score, normalize};
use super::number::{DecimalMark, parse_number};
use super::question::Answer;
use super::stamp_text::text_stamp_us;
use crate::data::Doubt;
use crate::error::{Error, ErrorKind, Result};

/// A name of this score is listed as it stands, not merely similar.
pub(super) const LISTED: f64 = 0.75;

/// Says which columns could not be read as what their names promise.
pub(super) fn note_unread(mapping: &Mapping, guesses: &[Guess], issues: &mut Issues) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    for guess in guesses {
        let profile = &guess.profile;
        if guess.role.is_some() || profile.is_key() {
            continue;
        }
        let Some(role) = promised(&profile.name, mapping) else {
            continue;
        };
        if profile.n_null == profile.n {
            issues.note(
                Effect::Noted,
                Some(&profile.name),
                "A column without values",
                &format!("by its name it would be {}", role.label()),
                "Nothing can be said about it; check that the export fills it",
            );
            continue;
        }
        let found = match role {
            Role::Variant => describe(profile, role),
            _ => profile.samples.join(", "),
        };
        issues.note(
            Effect::Assumed,
            Some(&profile.name),
            "Left out: its name promises what its values do not hold",
            &format!("{}, yet it holds {found}", role.label()),
            "Correct the export, or say with --mapping or on the Log screen what the column is",
        );
        doubts.push(Doubt {
            text: format!(
                "`{}` was left out: its values could not be read as \"{}\".",
                profile.name,
                role.label()
            ),
            is_of_outcome: matches!(role, Role::Status | Role::Latency | Role::Ttft),
        });
    }
    doubts
}

/// What the questions of a mapping leave open, without the values that they show.
pub(super) fn open_questions(mapping: &Mapping) -> impl Iterator<Item = Doubt> {
    mapping.questions.iter().map(|question| {
        let assumed = match question.assumed_answer() {
            Some(Answer::Role { column, .. }) => column
                .as_deref()
                .map_or_else(|| "none".to_owned(), |column| format!("`{column}`")),
            _ => question.assumed_label().to_owned(),
        };
        Doubt {
            text: format!("{} Assumed: {assumed}.", question.text),
            is_of_outcome: question.role == Some(Role::Status),
        }
    })
}

/// Refuses a table whose first line holds values instead of names: it would lose a request, and no
/// column would be known by its name.
pub(super) fn check_names(names: &[String]) -> Result<()> {
    let is_value = |name: &&String| {
        let is_stamp = text_stamp_us(name, &mut false).is_some();
        is_stamp || parse_number(name, DecimalMark::Point).is_some()
    };
    let is_known = |name: &String| {
        let normalized = normalize(name);
        let mut roles = Role::ALL.into_iter();
        roles.any(|role| name_score(&normalized, role).0 >= LISTED)
    };
    let n_values = names.iter().filter(is_value).count();
    if n_values < 2 || n_values * 3 < names.len() || names.iter().any(is_known) {
        return Ok(());
    }
    let shown: Vec<String> = names.iter().take(5).map(|n| shortened(n)).collect();
    Err(Error::new(
        ErrorKind::NotARequestLog,
        format!("The first line holds values, not the names of the columns: {}", shown.join(", ")),
    )
    .hint("Add a first line with names, such as timestamp,variant,latency_ms,status,user_id; or name the columns by these values with --mapping"))
}

/// The role that a name promises and that no other column plays.
fn promised(name: &str, mapping: &Mapping) -> Option<Role> {
    let normalized = normalize(name);
    // Ids of which every row has its own are as good as none, and lose nothing.
    let is_id = |role: Role| matches!(role, Role::Unit | Role::RequestId);
    let open = Role::ALL
        .into_iter()
        .filter(|role| !role.is_repeatable() && !is_id(*role) && mapping.column(*role).is_none());
    open.map(|role| (name_score(&normalized, role).0, role))
        .filter(|(score, _)| *score >= LISTED)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, role)| role)
}
