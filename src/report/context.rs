//! What the log cannot tell: who rolled out what and why, and whether the analyst decides otherwise.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::analysis::DecisionKind;
use crate::error::{Error, ErrorKind, Result};

/// The analyst's words; everything may be empty.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Context {
    /// The report's title.
    pub title: String,
    /// Who answers for the rollout.
    pub owner: String,
    /// When the report was made or the decision taken, as it is to be printed.
    pub date: String,
    /// What the rollout was to show.
    pub hypothesis: String,
    /// Anything else a reader should know.
    pub background: String,
    /// What each arm is, by its label in the log.
    pub arms: BTreeMap<String, ArmContext>,
    /// Set where the analyst decides otherwise than recommended.
    #[serde(rename = "override")]
    pub overrule: Option<Override>,
}

/// What an arm is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ArmContext {
    /// The model and its version.
    pub model: String,
    /// The version of the prompt.
    pub prompt: String,
    /// Temperature, token limits, retrieval and the like.
    pub parameters: String,
    /// Anything else.
    pub note: String,
}

/// A decision that is not the recommended one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Override {
    /// What was decided.
    pub decision: DecisionKind,
    /// Why; printed.
    pub reason: String,
    /// Who; may be empty.
    #[serde(default)]
    pub by: String,
}

impl Context {
    /// Reads a context file (TOML).
    ///
    /// # Errors
    /// Unknown keys, and an override without a reason.
    pub fn parse(text: &str) -> Result<Self> {
        let context: Self = toml::from_str(text).map_err(|cause| {
            Error::new(
                ErrorKind::Settings,
                format!("The context file cannot be read: {}", cause.message()),
            )
            .hint("docs/report.md lists its keys")
        })?;
        context.checked()
    }

    /// The same, unless it overrules without saying why.
    pub fn checked(self) -> Result<Self> {
        match &self.overrule {
            Some(o) if o.reason.trim().is_empty() => Err(Error::new(
                ErrorKind::Settings,
                "A recommendation can be overruled only with a reason",
            )
            .hint("Add --reason '…', or reason = \"…\" below [override]; the report prints it")),
            _ => Ok(self),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_file_is_read_and_mistakes_are_named() {
        let context = Context::parse(
            "owner = \"Ada\"\n[arms.v2]\nmodel = \"m-2\"\n[override]\ndecision = \"hold\"\nreason = \"Holiday\"\n",
        )
        .unwrap();
        assert_eq!(context.arms["v2"].model, "m-2");
        assert_eq!(context.overrule.unwrap().decision, DecisionKind::Hold);
        let error = Context::parse("ownr = \"Ada\"").unwrap_err();
        assert!(error.message.contains("ownr"), "{}", error.message);
        let silent = "[override]\ndecision = \"ship\"\nreason = \" \"\n";
        assert!(
            Context::parse(silent)
                .unwrap_err()
                .message
                .contains("reason")
        );
    }
}
