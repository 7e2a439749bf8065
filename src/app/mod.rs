//! Placeholder.
use crate::cli::LogArguments;
/// Opens.
pub fn open(_: &LogArguments, _: Option<(f32, f32)>) -> Result<(), String> {
    Err("There is no display".to_owned())
}
