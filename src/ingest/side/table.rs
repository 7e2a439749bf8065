//! A side table as texts, numbers and times, with the columns that play each part.

use super::super::batch::Texts;
use super::super::detect::{complete, detect};
use super::super::files::{Files, file_name};
use super::super::issues::{Effect, Issues};
use super::super::log_reader::each_batch;
use super::super::mapping::{self, ColumnRole, Mapping, Role};
use super::super::names::normalize;
use super::super::number::{is_null_word, parse_number};
use super::super::outcome::rating_of_word;
use super::super::preset_roles;
use super::super::profile::{Profile, sample};
use super::super::stamp_column::{NO_STAMP, StampReader};
use super::super::tools::Tools;
use super::super::view::View;
use super::{Join, Side, SideKind};
use crate::data::Event;
use crate::error::{Error, ErrorKind, Result};
use crate::jobs::Progress;

/// Key columns that are tried.
const MAX_KEYS: usize = 8;

/// Of Langfuse's scores: types whose `value` is an index or 0, and the label another column.
const WORD_TYPES: [&str; 2] = ["CATEGORICAL", "TEXT"];
const NOT_A_SCORE: (Effect, &str, &str) = (
    Effect::Missing,
    "A score that is no number and no word such as good or bad",
    "The row was left out; name another column with value, or other scores with name",
);

/// The rows of a side table that count.
pub(super) struct Table {
    /// Columns that may be the key, with their cells.
    pub(super) keys: Vec<(String, Vec<Option<String>>)>,
    pub(super) values: Vec<Option<String>>,
    /// Per row; [`NO_STAMP`] where there is none.
    pub(super) times: Vec<i64>,
    /// Of ratings: the score, NaN where there is none.
    pub(super) numbers: Vec<f64>,
    notes: Vec<Option<String>>,
}

impl Table {
    pub(super) fn n_rows(&self) -> usize {
        self.values.len()
    }

    pub(super) fn events(&self) -> impl Iterator<Item = Event> + '_ {
        let placed = (0..self.n_rows()).filter(|i| self.times[*i] != NO_STAMP);
        placed.map(|i| Event {
            time_us: self.times[i],
            kind: self.values[i].clone().unwrap_or_default(),
            note: self.notes[i].clone().unwrap_or_default(),
        })
    }
}

/// Reads a side table and fills in the columns that were not named, but for the key. Times without
/// a zone are in the log's.
pub(super) fn read(
    side: &mut Side,
    time_zone: Option<&str>,
    join: &mut Join,
    issues: &mut Issues,
    progress: &Progress,
) -> Result<Table> {
    let mut own_issues = Issues::default();
    let mut files = Files::open(std::slice::from_ref(&side.file), None, &mut own_issues)?;
    let mut sample = sample(&mut files, &named(side), progress)?;
    let in_files = sample.in_files();
    let tools = Tools::default();
    let preset = tools.recognise(&sample.names().collect::<Vec<_>>());
    let rows = preset.and_then(|preset| preset_roles::rows(preset, &sample));
    let profile = sample.profile(rows.as_ref());
    let detected = detect(&profile, preset).0;
    let keys = find_columns(side, (&profile, &detected), &in_files)?;
    let mut parts = Mapping {
        decimal_mark: profile.decimal_mark,
        time_zone: time_zone.map(str::to_owned),
        rows,
        ..Mapping::default()
    };
    let mut place = |column: &Option<String>, role: Role| {
        let column = column.as_ref()?;
        parts.columns.push(ColumnRole::new(column, role));
        Some(parts.columns.len() - 1)
    };
    let (time, value) = (
        place(&side.time, Role::Time),
        place(&side.value, Role::Segment),
    );
    let (name, note) = (
        place(&side.name_column, Role::Segment),
        place(&side.note, Role::Segment),
    );
    let is_ratings = side.kind == SideKind::Ratings;
    let words = word_columns(side, &profile).map(|(words, types)| {
        let words = place(&Some(words), Role::Segment);
        (words, place(&Some(types), Role::Segment))
    });
    let first_key = parts.columns.len();
    let of_key = |key: &String| ColumnRole::new(key, Role::Segment);
    parts.columns.extend(keys.iter().map(of_key));
    complete(&mut parts, &profile.columns);
    let stamps = StampReader::new(&parts)?;
    let view = View::new(&parts, &in_files, Vec::new());
    let mut table = Table {
        keys: keys.into_iter().map(|key| (key, Vec::new())).collect(),
        values: Vec::new(),
        times: Vec::new(),
        numbers: Vec::new(),
        notes: Vec::new(),
    };
    let mut names: Vec<String> = Vec::new();
    each_batch(&files, &view, &mut own_issues, |batch, found| {
        let texts: Vec<Texts<'_>> = batch.columns.iter().map(Texts::of).collect();
        let cell = |at: Option<usize>, i: usize| -> Option<String> {
            let text = texts[at?].get(i).map(str::trim);
            text.filter(|t| !is_null_word(t)).map(str::to_owned)
        };
        let read = |at: usize| stamps.read(&parts.columns[at], &batch.columns[at], batch, found);
        let times = time.map(read);
        for i in 0..batch.rows.len() {
            join.rows += 1;
            let own_name = cell(name, i);
            if side.name.is_some() && own_name != side.name {
                join.rows_of_other_names += 1;
                continue;
            }
            if let Some(own_name) = own_name.filter(|n| !names.contains(n) && names.len() < 20) {
                names.push(own_name);
            }
            let is_word = |types| cell(types, i).is_some_and(|t| WORD_TYPES.contains(&t.as_str()));
            let mut text = match words {
                Some((words, types)) if is_word(types) => cell(words, i),
                _ => cell(value, i),
            };
            if let Some(score) = text.as_deref().filter(|_| is_ratings) {
                let number =
                    parse_number(score, parts.decimal_mark).or_else(|| rating_of_word(score));
                if number.is_none() {
                    found.value(NOT_A_SCORE, side.value.as_deref(), batch.lines[i], score);
                    text = None;
                }
                table.numbers.push(number.unwrap_or(f64::NAN));
            } else {
                table.numbers.push(f64::NAN);
            }
            table.values.push(text);
            table.notes.push(cell(note, i));
            table.times.push(times.as_ref().map_or(NO_STAMP, |t| t[i]));
            for (k, (_, keys)) in table.keys.iter_mut().enumerate() {
                keys.push(cell(Some(first_key + k), i));
            }
        }
        Ok(())
    })?;
    files.check_unchanged(&mut own_issues)?;
    join.files = files.sources;
    issues.take_over(own_issues, &file_name(&side.file));
    check_names(side, &names)?;
    if table.values.is_empty() {
        return Err(no_such_name(side));
    }
    Ok(table)
}

fn named(side: &Side) -> Vec<String> {
    let columns = [
        &side.key,
        &side.value,
        &side.time,
        &side.note,
        &side.name_column,
    ];
    columns.into_iter().flatten().cloned().collect()
}

/// Fills in the columns of a side table; returns those that may be the key.
fn find_columns(
    side: &mut Side,
    (profile, detected): (&Profile, &Mapping),
    in_files: &[String],
) -> Result<Vec<String>> {
    if let Some(missing) = named(side).iter().find(|n| !mapping::is_in(n, in_files)) {
        return Err(Error::new(
            ErrorKind::Settings,
            format!("The table has no column named \"{missing}\""),
        )
        .hint(format!("Its columns are: {}", in_files.join(", "))));
    }
    let of_role = |role| detected.column(role).map(|c| c.column.clone());
    let pick = |known: &[&str]| pick(profile, known);
    side.time = side
        .time
        .take()
        .or_else(|| of_role(Role::Time))
        .or_else(|| pick(&["timestamp", "time", "created_at", "event_time", "date"]));
    let (values, names): (&[&str], &[&str]) = match side.kind {
        SideKind::Ratings => (
            &["score", "value", "rating", "feedback", "thumb", "label"],
            &[
                "metric_name",
                "annotation_name",
                "score_name",
                "name",
                "key",
                "metric",
            ],
        ),
        SideKind::Assignments => (
            &[
                "variant",
                "variation",
                "variation_id",
                "variant_name",
                "group_name",
                "feature_flag_response",
                "variation_value",
                "group",
                "arm",
                "value",
            ],
            &[
                "experiment_name",
                "experiment_id",
                "feature_flag",
                "flag_key",
                "feature_name",
                "experiment",
                "flag",
                "key",
                "event_type",
            ],
        ),
        SideKind::Events => (
            &["kind", "type", "event_type", "event", "action", "name"],
            &[],
        ),
    };
    side.value = side
        .value
        .take()
        .or_else(|| pick(values))
        .or_else(|| match side.kind {
            SideKind::Ratings => of_role(Role::Rating),
            SideKind::Assignments => {
                of_role(Role::Variant).or_else(|| experiment_property(profile))
            }
            SideKind::Events => None,
        });
    side.name_column = side.name_column.take().or_else(|| pick(names));
    if side.kind == SideKind::Events {
        side.note = side.note.take().or_else(|| {
            pick(&[
                "note",
                "message",
                "description",
                "title",
                "comment",
                "version",
            ])
        });
        return match side.time {
            Some(_) => Ok(Vec::new()),
            None => Err(no_column("time", in_files)),
        };
    }
    if side.value.is_none() {
        return Err(no_column("value", in_files));
    }
    let keys = match &side.key {
        Some(key) => vec![key.clone()],
        None => id_columns(profile, side.name_column.as_deref()),
    };
    if keys.is_empty() {
        return Err(no_column("key", in_files));
    }
    Ok(keys)
}

/// The columns with a score's label and its type, where the column with the score holds an index.
fn word_columns(side: &Side, profile: &Profile) -> Option<(String, String)> {
    let has = |name: &str| profile.columns.iter().any(|c| c.name == name);
    let is_langfuse = side.kind == SideKind::Ratings
        && side.value.as_deref() == Some("value")
        && has("string_value")
        && has("data_type");
    is_langfuse.then(|| ("string_value".to_owned(), "data_type".to_owned()))
}

/// The columns whose names say that they identify something.
pub(super) fn id_columns(profile: &Profile, other_than: Option<&str>) -> Vec<String> {
    let columns = profile.columns.iter().map(|c| &c.name);
    columns
        .filter(|name| is_id(name) && Some(name.as_str()) != other_than)
        .take(MAX_KEYS)
        .cloned()
        .collect()
}

/// Whether a column's name says that it identifies something.
pub(super) fn is_id(name: &str) -> bool {
    let normalized = normalize(name);
    let last = normalized.rsplit('_').next().unwrap_or_default();
    [
        "id", "uuid", "uid", "key", "user", "session", "trace", "unit", "target", "编号", "用户",
    ]
    .contains(&last)
        || normalized.ends_with("id")
}

/// The first known name that a column has, whole or after a prefix such as `properties.`.
fn pick(profile: &Profile, known: &[&str]) -> Option<String> {
    let names = || profile.columns.iter().map(|c| &c.name);
    let whole = known
        .iter()
        .find_map(|k| names().find(|n| normalize(n) == *k));
    let ends = |n: &str, k: &str| {
        normalize(n)
            .strip_suffix(k)
            .is_some_and(|rest| rest.ends_with('_'))
    };
    whole
        .or_else(|| {
            known
                .iter()
                .find_map(|k| names().find(|n| n.contains('.') && ends(n, k)))
        })
        .cloned()
}

/// Amplitude keeps a user's arm in a property named after the flag.
fn experiment_property(profile: &Profile) -> Option<String> {
    let mut names = profile.columns.iter().map(|c| &c.name);
    names.find(|name| name.contains("[Experiment] ")).cloned()
}

fn check_names(side: &Side, names: &[String]) -> Result<()> {
    // An event's own type tells its kind, not which experiment.
    if side.name.is_some() || names.len() <= 1 {
        return Ok(());
    }
    let what = match side.kind {
        SideKind::Ratings => "scores",
        _ => "experiments or flags",
    };
    let option = match side.kind {
        SideKind::Ratings => "--rating-name",
        _ => "--experiment",
    };
    Err(Error::new(
        ErrorKind::Settings,
        format!("The table holds several {what}: {}", names.join(", ")),
    )
    .key("side.name")
    .hint(format!(
        "Choose one: name = \"{}\" in the mapping file, or {option}",
        names[0]
    )))
}

fn no_such_name(side: &Side) -> Error {
    let name = side.name.as_deref().unwrap_or_default();
    Error::new(
        ErrorKind::Settings,
        format!("No row of the table is named \"{name}\""),
    )
    .key("side.name")
    .hint("Look at the column with the names, and name it with name_column if it is another")
}

fn no_column(what: &str, in_files: &[String]) -> Error {
    Error::new(
        ErrorKind::Settings,
        format!("No column of the table looks like its {what}"),
    )
    .key(format!("side.{what}"))
    .hint(format!(
        "Name it in the mapping file: {what} = \"COLUMN\". The columns are: {}",
        in_files.join(", ")
    ))
}
