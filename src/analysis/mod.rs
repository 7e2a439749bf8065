//! Data × statistics: the one value that the screen, the report and the command line show.
//!
//! [`analyze`] turns a log into an [`Analysis`]: plain data that carries the settings, counts and
//! method names that produced it. Nothing downstream computes a number.

mod arms;
mod decision;
mod health;
mod latency;
mod model;
mod plan;
mod scorecard;
mod segments;
mod settings;
mod stages;
mod strategy;
mod tests_panel;
mod trends;

pub use model::*;
pub use settings::{AnalysisSettings, Margins};

use crate::data::RequestLog;
use crate::error::Result;
use crate::jobs::Progress;
