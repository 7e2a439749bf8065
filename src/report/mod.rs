//! Analysis and replay to bytes: charts, HTML, JSON. Formats, never computes: a number that stands
//! here came from [`crate::analysis`] or [`crate::rules`].

mod again;
pub mod chart;
pub mod charts;
mod context;
pub mod csv;
pub mod document;
mod examples;
pub mod fonts;
mod form;
pub mod html;
mod input;
pub mod json;
pub mod markdown;
mod notes;
pub mod panels;
mod pdf;
pub mod picture;
mod redact;
mod sections;
pub mod segment_map;
pub mod svg;
pub mod table;
pub mod text;
pub mod ticks;
mod translate;
pub mod write;

pub use again::Recipe;
pub use context::{ArmContext, Context, Override};
pub use document::Document;
pub use examples::{Example, ExampleGroup, Examples, Measure, Texts as ExampleTexts};
pub use form::ReportForm;
pub use input::{IssueLine, LoadNotes, MappingLine, ReportInput, UnusedLine};
pub use notes::load_notes;
pub use sections::document;
pub use translate::spoken_chart;

#[cfg(test)]
pub(crate) mod fixture;
