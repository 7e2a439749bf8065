//! The JSON form of a replay. Field names are stable; fields may be added.

use serde_json::{Value, json};

use super::Replay;
use crate::error::{Error, ErrorKind, Result};
use crate::units;

/// The version of the form.
const SCHEMA: u32 = 1;

/// One object: `schema`, `time_zero` and `rules`. The thinned series of the charts are left out.
pub fn to_json(replay: &Replay) -> Result<Value> {
    let rules = serde_json::to_value(&replay.rules)
        .map_err(|e| Error::new(ErrorKind::Internal, format!("Cannot write the replay: {e}")))?;
    Ok(json!({
        "schema": SCHEMA,
        "time_zero": units::instant_iso(replay.time_zero_us, replay.clock),
        "last_event_us": replay.last_event_us,
        "canary_from_us": replay.canary_from_us,
        "censoring": replay.censoring,
        "replanned": replay.replanned,
        "grain_us": replay.grain_us,
        "events": replay.events,
        "stages": replay.stages,
        "routers": replay.routers,
        "rules": rules,
    }))
}
