//! Analysis and replay to bytes: charts, HTML, JSON. Formats, never computes: a number that stands
//! here came from [`crate::analysis`] or [`crate::rules`].

pub mod chart;
pub mod charts;
mod fonts;
pub mod html;
mod input;
pub mod json;
mod notes;
pub mod panels;
pub mod picture;
pub mod segment_map;
pub mod svg;
pub mod text;
pub mod ticks;
pub mod write;

pub use input::{IssueLine, LoadNotes, MappingLine, ReportInput};
pub use notes::load_notes;

#[cfg(test)]
pub(crate) mod fixture;
