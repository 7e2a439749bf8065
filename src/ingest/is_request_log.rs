//! Whether a table is a log of requests at all.

use std::path::Path;

use super::mapping::{Mapping, Role, TableKind};
use super::profile::Profile;
use crate::error::{Error, ErrorKind, Result};

/// A request log tells at least when or how its requests went.
pub(super) fn check(mapping: &Mapping, profile: &Profile, path: &Path) -> Result<()> {
    let is = match mapping.kind {
        TableKind::Requests => None,
        TableKind::Assignments => Some(("say who was assigned to which arm", "assignments")),
        TableKind::Scores => Some(("rate requests that stand elsewhere", "ratings")),
    };
    if let Some((is, table)) = is {
        let tool = mapping.tool.as_deref().unwrap_or("its rows");
        return Err(Error::new(
            ErrorKind::NotARequestLog,
            format!("This is not a log of requests: {tool} {is}"),
        )
        .at(path)
        .hint(format!(
            "Open the log of the requests and add this table to it: --{table} \"{}\", or on the Log screen",
            path.display()
        )));
    }
    let has = |role| mapping.column(role).is_some();
    // One constant word named like a variant says nothing about requests.
    let n_arms = mapping
        .column(Role::Variant)
        .and_then(|c| profile.columns.iter().find(|p| p.name == c.column));
    let has_arms = n_arms.is_some_and(|p| p.n_distinct > 1);
    let tells_how = [
        Role::Latency,
        Role::Ttft,
        Role::Status,
        Role::Rating,
        Role::TokensIn,
        Role::TokensOut,
        Role::Cost,
        Role::Metric,
    ]
    .into_iter()
    .any(has);
    if tells_how || has_arms || !mapping.side.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = profile
        .columns
        .iter()
        .take(12)
        .map(|c| c.name.as_str())
        .collect();
    let more = if profile.columns.len() > 12 {
        ", …"
    } else {
        ""
    };
    Err(Error::new(
        ErrorKind::NotARequestLog,
        "No column looks like a variant, latency, status, rating, tokens or cost of single requests",
    )
    .at(path)
    .hint(format!(
        "The columns are: {}{more}. If it is a request log, say which column is what with --mapping FILE",
        names.join(", ")
    )))
}
