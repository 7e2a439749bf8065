//! Which column plays which role: detected, correctable, and saved as a small text file so that
//! the next export opens without questions.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::derive::Derived;
use super::encoding::Encoding;
use super::number::{DecimalMark, is_null_word};
use super::on_disk::read_text;
use super::question::{Answer, Question};
use super::side::Side;
use super::stamp::{DurationUnit, StampForm};
use crate::data::Quantity;
use crate::error::{Error, ErrorKind, Result};

/// What a column means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Start of the request.
    Time,
    /// End of the request.
    EndTime,
    /// Identifies the request.
    RequestId,
    /// Who was assigned to an arm.
    Unit,
    /// The arm.
    Variant,
    /// End-to-end latency.
    Latency,
    /// Time to first token.
    Ttft,
    /// HTTP code, status word, error code or text.
    Status,
    /// User or judge score.
    Rating,
    /// When the rating was given.
    RatedAt,
    /// Prompt tokens.
    TokensIn,
    /// Completion tokens.
    TokensOut,
    /// Cost per request.
    Cost,
    /// To split by; several columns may play it.
    Segment,
    /// Any other outcome as 0/1 or number; several columns may play it.
    Metric,
    /// A number about the user from before the experiment, to adjust effects by.
    Covariate,
}

impl Role {
    /// The number that a request has in such a column; `None` where it is none of a fixed set.
    pub(super) fn quantity(self) -> Option<Quantity> {
        Some(match self {
            Self::Latency => Quantity::LatencyMs,
            Self::Ttft => Quantity::TtftMs,
            Self::Rating => Quantity::Rating,
            Self::TokensIn => Quantity::TokensIn,
            Self::TokensOut => Quantity::TokensOut,
            Self::Cost => Quantity::Cost,
            _ => return None,
        })
    }

    /// All roles, in the order in which they are shown.
    pub const ALL: [Self; 16] = [
        Self::Time,
        Self::EndTime,
        Self::Variant,
        Self::Unit,
        Self::RequestId,
        Self::Latency,
        Self::Ttft,
        Self::Status,
        Self::Rating,
        Self::RatedAt,
        Self::TokensIn,
        Self::TokensOut,
        Self::Cost,
        Self::Segment,
        Self::Metric,
        Self::Covariate,
    ];

    /// As shown to people.
    pub fn label(self) -> &'static str {
        match self {
            Self::Time => "Time (start)",
            Self::EndTime => "Time (end)",
            Self::RequestId => "Request id",
            Self::Unit => "User or other unit",
            Self::Variant => "Variant (arm)",
            Self::Latency => "Latency",
            Self::Ttft => "Time to first token",
            Self::Status => "Status or error",
            Self::Rating => "Rating",
            Self::RatedAt => "Time of the rating",
            Self::TokensIn => "Prompt tokens",
            Self::TokensOut => "Completion tokens",
            Self::Cost => "Cost",
            Self::Segment => "Segment",
            Self::Metric => "Other metric",
            Self::Covariate => "Known before exposure",
        }
    }

    /// Whether several columns may play it.
    pub fn is_repeatable(self) -> bool {
        matches!(self, Self::Segment | Self::Metric)
    }

    /// Whether its values are durations with a unit.
    pub fn is_duration(self) -> bool {
        matches!(self, Self::Latency | Self::Ttft)
    }

    /// Whether its values are stamps.
    pub fn is_stamp(self) -> bool {
        matches!(self, Self::Time | Self::EndTime | Self::RatedAt)
    }
}

/// One column's part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnRole {
    /// The column's name in the file, or `column.key` for a key of the JSON text in its cells.
    pub column: String,
    /// Its role.
    pub role: Role,
    /// For durations: their unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<DurationUnit>,
    /// For stamps: how they are written. A time to first token with a stamp is the moment of the
    /// token, and counts from the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stamp: Option<StampForm>,
    /// Factor of every number: 0.01 makes cents dollars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<f64>,
    /// For costs: the currency, such as `USD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// Further words that mean "no value", such as a 0 in ratings from 1 to 5.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nulls: Vec<String>,
}

impl ColumnRole {
    /// A column's role; how it is written is told from its values.
    pub fn new(column: &str, role: Role) -> Self {
        Self {
            column: column.to_owned(),
            role,
            unit: None,
            stamp: None,
            scale: None,
            currency: None,
            nulls: Vec::new(),
        }
    }

    /// The currency of a cost: as declared, else as the column's name tells.
    pub fn currency(&self) -> Option<String> {
        let of_name = || currency_of_name(&self.column).map(str::to_owned);
        self.currency.clone().or_else(of_name)
    }

    /// Whether a cell says that it has no value.
    pub(super) fn is_null(&self, text: &str) -> bool {
        let text = text.trim();
        is_null_word(text) || self.nulls.iter().any(|null| null == text)
    }

    /// [`Self::is_null`] of a typed number.
    pub(super) fn is_null_number(&self, value: f64) -> bool {
        self.nulls.iter().any(|null| null.parse() == Ok(value))
    }
}

/// `cost_usd` is in USD.
fn currency_of_name(name: &str) -> Option<&'static str> {
    const CODES: [&str; 12] = [
        "USD", "EUR", "GBP", "CNY", "KRW", "JPY", "INR", "CHF", "CAD", "AUD", "BRL", "SGD",
    ];
    const WORDS: [(&str, &str); 8] = [
        ("RMB", "CNY"),
        ("DOLLARS", "USD"),
        ("EUROS", "EUR"),
        ("元", "CNY"),
        ("人民币", "CNY"),
        ("美元", "USD"),
        ("원", "KRW"),
        ("円", "JPY"),
    ];
    let name = name.to_uppercase();
    let has = |word: &str| {
        name.split(|c: char| !c.is_alphanumeric())
            .any(|part| part == word)
    };
    let known = CODES.into_iter().find(|code| has(code));
    known.or_else(|| {
        let word = WORDS.iter().find(|(word, _)| has(word));
        word.map(|(_, code)| *code)
    })
}

/// What one row of a table is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TableKind {
    /// A request: the table is a log.
    #[default]
    Requests,
    /// A unit's assignment to an arm, joined to a log by unit and time.
    Assignments,
    /// A rating of a request or trace, joined to a log by its id.
    Scores,
}

impl TableKind {
    /// Whether the table is a log of its own.
    pub fn is_requests(&self) -> bool {
        *self == Self::Requests
    }
}

/// Which rows of a table count, where several belong to one request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowFilter {
    /// The column that tells them apart.
    pub column: String,
    /// Its values in the rows that count; `""` is an empty cell.
    pub is: Vec<String>,
}

impl RowFilter {
    /// Whether a row with this value counts.
    pub(super) fn keeps(&self, value: Option<&str>) -> bool {
        let value = value.map(str::trim).filter(|v| !is_null_word(v));
        self.is.iter().any(|is| is == value.unwrap_or_default())
    }
}

/// The roles of a file's columns; columns that are not named are not read.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// The tool whose export this is; for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// What one row is.
    #[serde(default, skip_serializing_if = "TableKind::is_requests")]
    pub kind: TableKind,
    /// Of all numbers in the file.
    #[serde(default)]
    pub decimal_mark: DecimalMark,
    /// Of text that does not tell its encoding: a name of the WHATWG standard such as `euc-kr`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
    /// The zone of stamps without one, as an IANA name; UTC where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// The rows that count; all where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<RowFilter>,
    /// In the order of the file.
    #[serde(default)]
    pub columns: Vec<ColumnRole>,
    /// Columns made of others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub derive: Vec<Derived>,
    /// Tables beside the log.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub side: Vec<Side>,
    /// What the values did not tell, and what was assumed meanwhile. A mapping file has none:
    /// what it says is meant.
    #[serde(skip)]
    pub questions: Vec<Question>,
}

impl Mapping {
    /// The column that plays a role that only one may play.
    pub fn column(&self, role: Role) -> Option<&ColumnRole> {
        self.columns.iter().find(|column| column.role == role)
    }

    /// The columns that it names.
    pub(super) fn column_names(&self) -> Vec<String> {
        self.columns.iter().map(|c| c.column.clone()).collect()
    }

    /// Gives a column another role, or none. A role that only one column may play is taken from
    /// whichever had it.
    pub fn assign(&mut self, column: &str, role: Option<Role>) {
        self.columns
            .retain(|c| c.column != column && (Some(c.role) != role || c.role.is_repeatable()));
        self.columns
            .extend(role.map(|role| ColumnRole::new(column, role)));
        self.questions
            .retain(|q| !q.is_about(column) && (role.is_none() || q.role != role));
    }

    /// Says what unit a column of durations is in.
    pub fn set_unit(&mut self, column: &str, unit: DurationUnit) {
        self.questions.retain(|q| !q.is_about(column));
        self.change(column, |c| c.unit = Some(unit));
    }

    /// Takes an answer over, and the question with it.
    pub fn answer(&mut self, question: &Question, answer: &Answer) {
        self.questions.retain(|q| q != question);
        match answer {
            Answer::Role { role, column } => match column {
                Some(column) if self.column(*role).is_some_and(|c| c.column == *column) => {}
                Some(column) => self.assign(column, Some(*role)),
                None => self.columns.retain(|c| c.role != *role),
            },
            Answer::Time { column } => {
                if self.column(Role::Time).is_none_or(|c| c.column != *column) {
                    self.columns.retain(|c| c.role != Role::Time);
                    self.columns.push(ColumnRole::new(column, Role::Time));
                }
            }
            Answer::Unit { column, unit } => self.change(column, |c| c.unit = Some(*unit)),
            Answer::Stamp { column, stamp } => self.change(column, |c| c.stamp = Some(*stamp)),
            Answer::Scale { column, scale } => self.change(column, |c| c.scale = Some(*scale)),
            Answer::Nulls { column, nulls } => {
                self.change(column, |c| c.nulls.clone_from(nulls));
            }
            Answer::DecimalMark { mark } => self.decimal_mark = *mark,
        }
    }

    fn change(&mut self, column: &str, change: impl Fn(&mut ColumnRole)) {
        let of_column = self.columns.iter_mut().filter(|c| c.column == column);
        of_column.for_each(change);
    }

    /// Reads a mapping file (TOML).
    pub fn read(path: &Path) -> Result<Self> {
        let text = read_text(path)?;
        let mut mapping: Self = toml::from_str(&text).map_err(|cause| {
            let line = cause.span().map_or(1, |span| {
                text[..span.start.min(text.len())].matches('\n').count() as u64 + 1
            });
            Error::new(
                ErrorKind::Settings,
                format!("The mapping file is not valid: {}", cause.message()),
            )
            .at(path)
            .line(line)
            .hint("`hindsight inspect LOG --write-mapping FILE` writes a valid one to start from")
        })?;
        // Tables beside the log lie where the mapping file says, wherever the program runs.
        for side in &mut mapping.side {
            side.file = path.with_file_name("").join(&side.file);
        }
        Ok(mapping)
    }

    /// As the text of a mapping file.
    /// What was assumed stands on top, to be checked.
    pub fn to_toml(&self) -> String {
        let assumed = self.questions.iter().map(|question| {
            format!(
                "# Please check: {} Assumed: {}.\n",
                question.text.replace('\n', " "),
                question.assumed_label().replace('\n', " ")
            )
        });
        // A plain struct of strings and enums always has a TOML form.
        assumed.collect::<String>() + &toml::to_string(self).unwrap_or_default()
    }

    /// Checks the mapping against the columns of a file.
    pub fn check(&self, names: &[String]) -> Result<()> {
        let of_rows = self
            .rows
            .as_ref()
            .map(|rows| ("rows.column".to_owned(), &rows.column));
        let of_columns = self.columns.iter().enumerate();
        let of_columns = of_columns.map(|(i, c)| (format!("columns[{i}].column"), &c.column));
        if let Some((key, name)) = of_rows
            .into_iter()
            .chain(of_columns)
            .find(|(_, name)| !is_in(name, names))
        {
            let listed: Vec<&str> = names.iter().take(20).map(String::as_str).collect();
            return Err(Error::new(
                ErrorKind::Settings,
                format!("The log has no column named \"{name}\""),
            )
            .key(key)
            .hint(format!("Its columns are: {}", listed.join(", "))));
        }
        for (i, column) in self.columns.iter().enumerate() {
            let twice = self.columns[..i]
                .iter()
                .any(|c| c.role == column.role && !c.role.is_repeatable());
            if twice {
                return Err(Error::new(
                    ErrorKind::Settings,
                    format!("Two columns play the role \"{}\"", column.role.label()),
                )
                .key(format!("columns[{i}].role"))
                .hint("Keep one of them; make the other a segment or leave it out"));
            }
        }
        Ok(())
    }
}

/// Whether a file has a column, or one whose cells may hold the key.
pub(super) fn is_in(column: &str, names: &[String]) -> bool {
    let of_key = |name: &String| {
        column
            .strip_prefix(name.as_str())
            .is_some_and(|rest| rest.starts_with('.'))
    };
    names.iter().any(|name| name == column || of_key(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_survives_its_file() {
        let mut mapping = Mapping::default();
        mapping.assign("took", Some(Role::Latency));
        mapping.columns[0].unit = Some(DurationUnit::S);
        mapping.assign("t", Some(Role::Time));
        mapping.columns[1].stamp = Some(StampForm::Epoch(DurationUnit::Ms));
        let text = mapping.to_toml();
        assert_eq!(toml::from_str::<Mapping>(&text).unwrap(), mapping, "{text}");
    }

    #[test]
    fn a_role_moves_and_segments_gather() {
        let mut mapping = Mapping::default();
        mapping.assign("a", Some(Role::Variant));
        mapping.assign("b", Some(Role::Variant));
        mapping.assign("c", Some(Role::Segment));
        mapping.assign("d", Some(Role::Segment));
        assert_eq!(
            mapping.column(Role::Variant).map(|c| c.column.as_str()),
            Some("b")
        );
        assert_eq!(mapping.columns.len(), 3);
        mapping.assign("b", None);
        assert_eq!(mapping.column(Role::Variant), None);
    }
}
