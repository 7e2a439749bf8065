//! Guesses which column plays which role, from a tool's preset or from names and values, with the
//! evidence in words.

use serde::Serialize;

use super::ask::{self, Contender};
use super::assign::best_assignment;
use super::column_profile::ColumnProfile;
use super::durations::{duration_unit, is_moment, spans_ms, stamp_form};
use super::fit::{describe, score};
use super::mapping::{ColumnRole, Mapping, Role};
use super::outcome_choice;
use super::preset_roles;
use super::profile::Profile;
use super::question::Answer;
use super::shadow_ids;
use super::tools::ToolPreset;

/// Guesses below this are not taken.
pub(super) const THRESHOLD: f64 = 0.45;

/// A guess about one column.
#[derive(Debug, Clone, Serialize)]
pub struct Guess {
    /// What the values look like.
    pub profile: ColumnProfile,
    /// The role; `None` where none fits.
    pub role: Option<Role>,
    /// 0 to 1; below 0.9 it should be confirmed.
    pub confidence: f64,
    /// Why, in words.
    pub evidence: String,
}

/// Finds the roles of a file's columns, and what has to be asked about them.
pub(super) fn detect(profile: &Profile, preset: Option<&ToolPreset>) -> (Mapping, Vec<Guess>) {
    let columns = &profile.columns;
    let (mut mapping, mut guesses, contenders) = match preset {
        Some(preset) => by_preset(profile, preset),
        None => by_names_and_values(profile, &Role::ALL, &Mapping::default()),
    };
    if preset.is_none() {
        shadow_ids::take(&mut mapping, &mut guesses);
        outcome_choice::settle(&mut mapping, &mut guesses, &contenders);
    }
    mapping.decimal_mark = profile.decimal_mark;
    complete(&mut mapping, columns);
    mapping.questions = ask::questions(&mapping, profile, &contenders, preset);
    // Where nothing stands for a role, no column plays it.
    for question in &mapping.questions {
        if let Some(Answer::Role { role, column: None }) = question.assumed_answer() {
            mapping.columns.retain(|c| c.role != *role);
            for guess in guesses.iter_mut().filter(|g| g.role == Some(*role)) {
                *guess = Guess::none(&guess.profile);
            }
        }
    }
    for guess in &mut guesses {
        let mut of_column = mapping.columns.iter();
        let detail = match of_column.find(|c| c.column == guess.profile.name) {
            Some(ColumnRole {
                unit: Some(unit), ..
            }) => unit.label().to_owned(),
            Some(ColumnRole {
                stamp: Some(stamp), ..
            }) => stamp.label(),
            _ => continue,
        };
        guess.evidence.extend([", ", detail.as_str()]);
    }
    (mapping, guesses)
}

/// The preset's roles; other columns may still be ratings, metrics or segments of the user's own.
fn by_preset(profile: &Profile, preset: &ToolPreset) -> (Mapping, Vec<Guess>, Vec<Contender>) {
    let (of_preset, contenders) = preset_roles::mapping(preset, profile);
    let mut open = vec![Role::Metric, Role::Segment];
    if of_preset.column(Role::Rating).is_none() {
        open.push(Role::Rating);
    }
    if !preset.kind.is_requests() {
        open.clear();
    }
    let (mut mapping, mut guesses, _) = by_names_and_values(profile, &open, &of_preset);
    // What the tool writes besides is no segment merely because it has few values.
    let is_own = |g: &Guess| g.role != Some(Role::Segment) || g.confidence > 0.5;
    for guess in guesses.iter_mut().filter(|g| !is_own(g)) {
        mapping.columns.retain(|c| c.column != guess.profile.name);
        *guess = Guess::none(&guess.profile);
    }
    for guess in &mut guesses {
        let mut of_column = of_preset.columns.iter();
        if let Some(column) = of_column.find(|c| c.column == guess.profile.name) {
            guess.role = Some(column.role);
            guess.confidence = 1.0;
            let described = describe(&guess.profile, column.role);
            guess.evidence = format!("{}; {described}", preset.name);
        }
    }
    let own = std::mem::take(&mut mapping.columns);
    mapping = of_preset;
    mapping.columns.extend(own);
    let place = |name: &str| profile.columns.iter().position(|c| c.name == name);
    mapping.columns.sort_by_key(|c| place(&c.column));
    (mapping, guesses, contenders)
}

/// One column per role so that all fit best together; segments and metrics are what is left.
/// Columns that `taken` names are left alone.
fn by_names_and_values(
    profile: &Profile,
    roles: &[Role],
    taken: &Mapping,
) -> (Mapping, Vec<Guess>, Vec<Contender>) {
    let columns = &profile.columns;
    let is_open =
        |c: &ColumnProfile| !c.is_key() && taken.columns.iter().all(|t| t.column != c.name);
    let scored = |role: Role| {
        columns.iter().map(move |c| {
            let scored = is_open(c).then(|| score(c, role, profile.n_rows));
            scored.filter(|(score, _)| *score >= THRESHOLD)
        })
    };
    let mut guesses: Vec<Guess> = columns.iter().map(Guess::none).collect();
    let mut contenders = Vec::new();
    let single: Vec<Role> = roles
        .iter()
        .copied()
        .filter(|r| !r.is_repeatable())
        .collect();
    let scores: Vec<Vec<Option<(f64, String)>>> =
        single.iter().map(|role| scored(*role).collect()).collect();
    let gain = |s: &Option<(f64, String)>| s.as_ref().map_or(0.0, |(s, _)| s - THRESHOLD + 1e-6);
    let gains: Vec<Vec<f64>> = scores
        .iter()
        .map(|of| of.iter().map(gain).collect())
        .collect();
    for ((role, place), scores) in single.iter().zip(best_assignment(&gains)).zip(&scores) {
        for (column, score) in scores.iter().enumerate() {
            contenders.extend(score.as_ref().map(|(score, _)| Contender {
                role: *role,
                column,
                score: *score,
            }));
        }
        if let Some((column, (score, evidence))) = place.and_then(|i| Some((i, scores[i].clone()?)))
        {
            guesses[column].take(*role, score, evidence);
        }
    }
    for role in roles.iter().copied().filter(|r| r.is_repeatable()) {
        for (guess, scored) in guesses.iter_mut().zip(scored(role)) {
            // An outcome is no kind of requests, even where another column was taken for it.
            let is_outcome = role == Role::Segment && {
                let (status, _) = score(&guess.profile, Role::Status, profile.n_rows);
                status >= THRESHOLD
            };
            // A column that could be both is what it fits better.
            if let Some((score, evidence)) = scored.filter(|_| !is_outcome)
                && (guess.role.is_none() || (is_repeated(guess) && score > guess.confidence))
            {
                guess.take(role, score, evidence);
            }
        }
    }
    let mut mapping = Mapping::default();
    for guess in &guesses {
        let role = guess
            .role
            .map(|role| ColumnRole::new(&guess.profile.name, role));
        mapping.columns.extend(role);
    }
    (mapping, guesses, contenders)
}

fn is_repeated(guess: &Guess) -> bool {
    guess.role.is_some_and(Role::is_repeatable)
}

impl Guess {
    pub(super) fn none(profile: &ColumnProfile) -> Self {
        Self {
            profile: profile.clone(),
            role: None,
            confidence: 0.0,
            evidence: String::new(),
        }
    }

    pub(super) fn take(&mut self, role: Role, confidence: f64, evidence: String) {
        (self.role, self.confidence, self.evidence) = (Some(role), confidence, evidence);
    }
}

/// Fills in the units and stamp forms that a mapping leaves open.
pub(super) fn complete(mapping: &mut Mapping, columns: &[ColumnProfile]) {
    let profile_of = |name: &str| columns.iter().find(|c| c.name == name);
    for column in &mut mapping.columns {
        let Some(profile) = profile_of(&column.column) else {
            continue;
        };
        let form = stamp_form(profile);
        if column.role.is_stamp() && column.stamp.is_none() {
            column.stamp = form;
        } else if column.role == Role::Ttft && column.stamp.is_none() && column.unit.is_none() {
            column.stamp = form.filter(|_| is_moment(profile));
        }
    }
    let spans = spans_ms(mapping, columns);
    for column in &mut mapping.columns {
        let is_open = column.role.is_duration() && column.unit.is_none() && column.stamp.is_none();
        if let Some(profile) = profile_of(&column.column).filter(|_| is_open) {
            let spans = spans.as_deref().filter(|_| column.role == Role::Latency);
            column.unit = Some(duration_unit(profile, spans).unit);
        }
    }
}
