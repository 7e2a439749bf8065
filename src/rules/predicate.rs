//! [`RowPredicate`]: which rows of a log an arm is, such as `variant == 'canary' and region ==
//! 'eu'`.

use super::Cmp;
use crate::data::RequestLog;

/// Comparisons of columns with texts, combined. `and` binds closer than `or`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RowPredicate {
    /// True if all comparisons of any of these hold.
    any: Vec<Vec<Equality>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Equality {
    column: String,
    cmp: Cmp,
    value: String,
}

/// What the arm column is called in predicates, besides its own name.
const ARM_COLUMNS: [&str; 2] = ["variant", "arm"];

impl RowPredicate {
    /// Reads a predicate; `None` if the text is a plain label.
    pub(super) fn parse(text: &str) -> Option<Result<Self, String>> {
        if !text.contains("==") && !text.contains("!=") {
            return None;
        }
        let parts = text
            .split(" or ")
            .map(|part| part.split(" and ").map(Equality::parse).collect());
        let any: Result<Vec<Vec<Equality>>, String> = parts.collect();
        Some(any.map(|any| Self { any }))
    }

    /// The rows, ascending; or which column the log lacks.
    pub(super) fn rows(&self, log: &RequestLog) -> Result<Vec<u32>, String> {
        let any = self
            .any
            .iter()
            .map(|all| all.iter().map(|part| part.on(log)).collect())
            .collect::<Result<Vec<Vec<Column<'_>>>, String>>()?;
        Ok((0..log.n_rows())
            .filter(|row| {
                any.iter()
                    .any(|all| all.iter().all(|part| part.holds(*row)))
            })
            .map(|row| row as u32)
            .collect())
    }
}

/// An equality on the codes of a column.
enum Column<'a> {
    Arm {
        log: &'a RequestLog,
        wanted: Vec<bool>,
    },
    Segment {
        code: &'a [u16],
        wanted: Vec<bool>,
    },
}

impl Column<'_> {
    fn holds(&self, row: usize) -> bool {
        match self {
            Self::Arm { log, wanted } => wanted[usize::from(log.arm[row])],
            Self::Segment { code, wanted } => wanted[usize::from(code[row])],
        }
    }
}

impl Equality {
    fn parse(text: &str) -> Result<Self, String> {
        let fault = || {
            format!(
                "{:?} is not a comparison such as variant == 'canary'",
                text.trim()
            )
        };
        let (column, cmp, value) = [("==", Cmp::Eq), ("!=", Cmp::Ne)]
            .into_iter()
            .find_map(|(sign, cmp)| {
                let (column, value) = text.split_once(sign)?;
                Some((column.trim(), cmp, value.trim()))
            })
            .ok_or_else(fault)?;
        let quoted = |quote: char| {
            let inner = value.strip_prefix(quote)?.strip_suffix(quote)?;
            (!inner.contains(quote)).then_some(inner)
        };
        let value = quoted('\'').or_else(|| quoted('"')).ok_or_else(fault)?;
        if column.is_empty() || column.contains(char::is_whitespace) {
            return Err(fault());
        }
        Ok(Self {
            column: column.to_owned(),
            cmp,
            value: value.to_owned(),
        })
    }

    fn on<'a>(&self, log: &'a RequestLog) -> Result<Column<'a>, String> {
        let wanted = |value: &str| (value == self.value) == (self.cmp == Cmp::Eq);
        if ARM_COLUMNS.contains(&self.column.as_str()) {
            let wanted = log.arms.iter().map(|arm| wanted(&arm.name)).collect();
            return Ok(Column::Arm { log, wanted });
        }
        let segment = log.segments.iter().find(|s| s.name == self.column);
        let Some(segment) = segment else {
            let mut known = vec!["variant"];
            known.extend(log.segments.iter().map(|s| s.name.as_str()));
            return Err(format!(
                "the log has no column called {:?} to tell arms by; it has {}",
                self.column,
                known.join(", ")
            ));
        };
        Ok(Column::Segment {
            code: &segment.code,
            wanted: segment.values.iter().map(|value| wanted(value)).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Arm, Outcome, Segment};

    fn log() -> RequestLog {
        RequestLog {
            arms: ["stable", "canary"].map(|n| Arm { name: n.into() }).into(),
            arm: vec![0, 1, 1, 0],
            row: vec![0, 1, 2, 3],
            start_us: vec![0; 4],
            event_us: vec![0; 4],
            outcome: vec![Outcome::Ok; 4],
            segments: vec![Segment {
                name: "region".into(),
                values: vec!["eu".into(), "us".into()],
                code: vec![0, 0, 1, 1],
            }],
            ..RequestLog::default()
        }
    }

    fn rows(text: &str) -> Result<Vec<u32>, String> {
        RowPredicate::parse(text).unwrap()?.rows(&log())
    }

    #[test]
    fn predicates_choose_rows() {
        assert_eq!(rows("variant == 'canary'").unwrap(), [1, 2]);
        assert_eq!(
            rows("variant != \"canary\" and region == 'us'").unwrap(),
            [3]
        );
        assert_eq!(
            rows("region == 'us' or variant == 'canary'").unwrap(),
            [1, 2, 3]
        );
        assert_eq!(rows("variant == 'nobody'").unwrap(), [0_u32; 0]);
    }

    #[test]
    fn labels_are_no_predicates_and_faults_are_named() {
        assert!(RowPredicate::parse("gpt-4o (new)").is_none());
        assert!(
            rows("planet == 'earth'")
                .unwrap_err()
                .contains("it has variant, region")
        );
        assert!(
            rows("variant == canary")
                .unwrap_err()
                .contains("not a comparison")
        );
    }
}
