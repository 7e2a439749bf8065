//! Which column plays which role: detected, correctable, and saved as a small text file so that
//! the next export opens without questions.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::number::DecimalMark;
use super::stamp::{DurationUnit, StampForm};
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
}

impl Role {
    /// All roles, in the order in which they are shown.
    pub const ALL: [Self; 14] = [
        Self::Time,
        Self::EndTime,
        Self::Variant,
        Self::Unit,
        Self::RequestId,
        Self::Latency,
        Self::Ttft,
        Self::Status,
        Self::Rating,
        Self::TokensIn,
        Self::TokensOut,
        Self::Cost,
        Self::Segment,
        Self::Metric,
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
            Self::TokensIn => "Prompt tokens",
            Self::TokensOut => "Completion tokens",
            Self::Cost => "Cost",
            Self::Segment => "Segment",
            Self::Metric => "Other metric",
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
        matches!(self, Self::Time | Self::EndTime)
    }
}

/// One column's part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnRole {
    /// The column's name in the file.
    pub column: String,
    /// Its role.
    pub role: Role,
    /// For durations: their unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<DurationUnit>,
    /// For stamps: how they are written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stamp: Option<StampForm>,
}

/// The roles of a file's columns; columns that are not named are not read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// Of all numbers in the file.
    #[serde(default)]
    pub decimal_mark: DecimalMark,
    /// The zone of stamps without one, as an IANA name; UTC where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// In the order of the file.
    #[serde(default)]
    pub columns: Vec<ColumnRole>,
}

impl Mapping {
    /// The column that plays a role that only one may play.
    pub fn column(&self, role: Role) -> Option<&ColumnRole> {
        self.columns.iter().find(|column| column.role == role)
    }

    /// Gives a column another role, or none. A role that only one column may play is taken from
    /// whichever had it.
    pub fn assign(&mut self, column: &str, role: Option<Role>) {
        self.columns
            .retain(|c| c.column != column && (Some(c.role) != role || c.role.is_repeatable()));
        if let Some(role) = role {
            self.columns.push(ColumnRole {
                column: column.to_owned(),
                role,
                unit: None,
                stamp: None,
            });
        }
    }

    /// Reads a mapping file (TOML).
    pub fn read(path: &Path) -> Result<Self> {
        let text =
            std::fs::read_to_string(path).map_err(|cause| Error::unreadable(path, &cause))?;
        toml::from_str(&text).map_err(|cause| {
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
        })
    }

    /// As the text of a mapping file.
    pub fn to_toml(&self) -> String {
        // A plain struct of strings and enums always has a TOML form.
        toml::to_string(self).unwrap_or_default()
    }

    /// Checks the mapping against the columns of a file.
    pub fn check(&self, names: &[String]) -> Result<()> {
        for (i, column) in self.columns.iter().enumerate() {
            if !names.contains(&column.column) {
                let listed = names
                    .iter()
                    .take(20)
                    .map(String::as_str)
                    .collect::<Vec<_>>()
                    .join(", ");
                return Err(Error::new(
                    ErrorKind::Settings,
                    format!("The log has no column named \"{}\"", column.column),
                )
                .key(format!("columns[{i}].column"))
                .hint(format!("Its columns are: {listed}")));
            }
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
