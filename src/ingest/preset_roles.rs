//! Applies a tool's preset to the columns that a file has.

use super::ask::Contender;
use super::column_profile::ColumnProfile;
use super::durations::{duration_unit, spans_ms};
use super::fit::value_fit;
use super::issues::{Effect, Issues};
use super::mapping::{ColumnRole, Mapping, Role, RowFilter, TableKind};
use super::names::{name_score, normalize};
use super::outcome::OutcomeForm;
use super::profile::{Profile, Sample};
use super::tools::{PresetColumn, ToolPreset};

/// A name of the user's own that says "arm" beats whatever the tool itself writes.
const SAYS_ARM: f64 = 0.85;

/// The filter of a preset that keeps any of the sampled rows.
pub(super) fn rows(preset: &ToolPreset, sample: &Sample) -> Option<RowFilter> {
    let mut filters = preset.rows.iter();
    filters.find(|rows| sample.has_rows(rows)).cloned()
}

/// The roles that a preset gives to a file's columns, and the columns that could be the arm or the
/// unit as well.
pub(super) fn mapping(preset: &ToolPreset, profile: &Profile) -> (Mapping, Vec<Contender>) {
    let mut mapping = Mapping {
        tool: Some(preset.name.clone()),
        kind: preset.kind,
        ..Mapping::default()
    };
    let mut contenders = Vec::new();
    for wanted in &preset.columns {
        let found = match wanted.role {
            Role::Variant if preset.kind.is_requests() => arms(preset, wanted, profile),
            _ => candidates(wanted, profile, preset.kind),
        };
        if matches!(wanted.role, Role::Variant | Role::Unit) {
            contenders.extend(found.iter().map(|column| Contender {
                role: wanted.role,
                column: *column,
                score: if says_arm(&profile.columns[*column]) {
                    1.0
                } else {
                    SAYS_ARM
                },
            }));
        }
        let is_free = |column: &&usize| {
            let name = &profile.columns[**column].name;
            mapping
                .columns
                .iter()
                .all(|c| c.column != *name || c.role == Role::Time)
        };
        let n_taken = if wanted.role.is_repeatable() {
            found.len()
        } else {
            1
        };
        let taken: Vec<usize> = found
            .iter()
            .filter(is_free)
            .take(n_taken)
            .copied()
            .collect();
        for column in taken {
            let role = role_of(wanted, &profile.columns[column], &mapping, profile);
            mapping.columns.push(role);
        }
    }
    (mapping, contenders)
}

/// What a preset has to say about a file.
pub(super) fn note(preset: &ToolPreset, profile: &Profile, issues: &mut Issues) {
    for note in &preset.notes {
        let column = match &note.column {
            None => None,
            Some(name) => match profile.columns.iter().find(|c| c.name == *name) {
                Some(column) if !note.only_if_empty || column.n_null == column.n => Some(name),
                _ => continue,
            },
        };
        let column = column.map(String::as_str);
        let about = "About this tool's export";
        issues.note(Effect::Noted, column, about, &note.text, &note.hint);
    }
}

fn role_of(
    wanted: &PresetColumn,
    column: &ColumnProfile,
    mapping: &Mapping,
    profile: &Profile,
) -> ColumnRole {
    let mut unit = wanted.unit;
    if let (Some(documented), Some(other)) = (wanted.unit, wanted.or_unit) {
        let spans = spans_ms(mapping, &profile.columns);
        let spans = spans.as_deref().filter(|_| wanted.role == Role::Latency);
        let told = duration_unit(column, spans).unit;
        unit = Some(if told == other { other } else { documented });
    }
    ColumnRole {
        unit,
        stamp: wanted.stamp,
        scale: wanted.scale,
        nulls: wanted.nulls.clone(),
        ..ColumnRole::new(&column.name, wanted.role)
    }
}

/// The file's columns under the names of a preset, in its order, those that hold something and fit.
fn candidates(wanted: &PresetColumn, profile: &Profile, kind: TableKind) -> Vec<usize> {
    let mut found = Vec::new();
    for name in wanted.column.all() {
        for (i, column) in profile.columns.iter().enumerate() {
            let is_any = match name.strip_suffix('*') {
                Some(start) => column.name.starts_with(start),
                None => false,
            };
            let fits = match wanted.role {
                // The one experiment or score of a table is worth knowing too.
                Role::Segment | Role::Variant if kind.is_requests() => {
                    fits(wanted.role, column, profile)
                }
                // An id that is new in every row tells requests apart, not users.
                Role::Unit => unit_fit(column, profile) > 0.4,
                // An error column that is empty throughout says that nothing failed.
                Role::Status => column.n_null < column.n || is_error(column),
                _ => column.n_null < column.n,
            };
            if (is_any || column.name == *name) && fits && !found.contains(&i) {
                found.push(i);
            }
        }
    }
    found
}

/// The columns that may say the arm: first those of the user's own whose names say so.
fn arms(preset: &ToolPreset, wanted: &PresetColumn, profile: &Profile) -> Vec<usize> {
    let of_tool = preset.column_names();
    let is_own = |column: &&usize| {
        let column = &profile.columns[**column];
        !column.is_key() && !of_tool.contains(&column.name) && says_arm(column)
    };
    let all: Vec<usize> = (0..profile.columns.len())
        .filter(|i| fits(Role::Variant, &profile.columns[*i], profile))
        .collect();
    let own = all.iter().filter(is_own).copied();
    let of_preset = candidates(wanted, profile, preset.kind);
    // Of free-form properties only those that are named like an arm.
    let is_property = |i: &usize| {
        let name = &profile.columns[*i].name;
        wanted.column.all().iter().any(|n| {
            n.strip_suffix(".*").is_some_and(|start| {
                name.strip_prefix(start)
                    .is_some_and(|rest| rest.starts_with('.'))
            })
        }) && !wanted.column.all().contains(name)
    };
    let of_preset = of_preset
        .into_iter()
        .filter(|i| !is_property(i) || says_arm(&profile.columns[*i]));
    let mut found: Vec<usize> = Vec::new();
    for column in own.chain(of_preset) {
        if !found.contains(&column) {
            found.push(column);
        }
    }
    // A column with one value compares nothing; it serves where there is no other.
    found.sort_by_key(|i| profile.columns[*i].n_distinct < 2);
    found
}

fn fits(role: Role, column: &ColumnProfile, profile: &Profile) -> bool {
    value_fit(column, role, &normalize(&column.name), profile.n_rows) > 0.0
}

fn unit_fit(column: &ColumnProfile, profile: &Profile) -> f64 {
    value_fit(column, Role::Unit, &normalize(&column.name), profile.n_rows)
}

fn says_arm(column: &ColumnProfile) -> bool {
    name_score(&normalize(column.last_name()), Role::Variant).0 >= 0.95
}

fn is_error(column: &ColumnProfile) -> bool {
    OutcomeForm::of_name(&normalize(&column.name)) == OutcomeForm::Error
}
