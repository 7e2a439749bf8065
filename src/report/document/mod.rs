//! A report as data: headings, sentences, tables and figures, made once by [`super::sections`] and
//! written by every form of the report. Numbers are put into words here and nowhere after.

mod cell;
mod table;

pub use cell::{Cell, Shown};
pub use table::{Align, Column, Density, Table};

use super::chart::{Chart, Tone};
use crate::language::Language;

/// A whole report.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Its title.
    pub title: String,
    /// Version of the program.
    pub version: String,
    /// What its texts are written in.
    pub language: Language,
    /// Who, what, when: name and value.
    pub facts: Vec<(String, String)>,
    /// What to do and why.
    pub banner: Banner,
    /// The metrics that matter most, for whoever reads one page.
    pub tiles: Vec<Tile>,
    /// The rest, in order.
    pub sections: Vec<Section>,
    /// Where its pictures come from.
    pub origin: String,
}

/// The decision.
#[derive(Debug, Clone, PartialEq)]
pub struct Banner {
    /// Good or bad news.
    pub tone: Tone,
    /// A shape that says the same without colour.
    pub symbol: &'static str,
    /// `Recommendation`, or `Decision` where the analyst overruled it.
    pub kicker: String,
    /// What to do, in two words.
    pub kind: String,
    /// One sentence.
    pub headline: String,
    /// Printed with weight: an unsound log, an overruled recommendation.
    pub callouts: Vec<Callout>,
    /// Why.
    pub reasons: Vec<Item>,
    /// What to do next; at most one sentence.
    pub next_step: Vec<String>,
    /// What would change a reading.
    pub would_change: Vec<String>,
    /// What speaks against it.
    pub dissent: Vec<String>,
}

/// One metric in large type.
#[derive(Debug, Clone, PartialEq)]
pub struct Tile {
    /// The metric.
    pub label: String,
    /// The difference.
    pub change: String,
    /// Its interval; may be empty.
    pub interval: String,
    /// The value in each arm.
    pub arms: String,
    /// How it reads.
    pub verdict: Chip,
}

/// A numbered part of the report.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// Stable anchor.
    pub id: &'static str,
    /// Heading.
    pub title: String,
    /// What it holds.
    pub blocks: Vec<Block>,
}

/// A part of a section.
#[derive(Debug, Clone, PartialEq)]
pub enum Block {
    /// A heading below the section's, with chips beside it.
    Heading(String, Vec<Chip>),
    /// What to know before the rest, set quieter.
    Lead(String),
    /// A paragraph.
    Paragraph(String),
    /// Small print below what it speaks of.
    Note(String),
    /// Name and value.
    Facts(Vec<(String, String)>),
    /// Names with longer explanations.
    Definitions(Vec<(String, String)>),
    /// A bulleted list.
    Bullets(Vec<String>),
    /// Statements, each with its weight.
    Items(Vec<Item>),
    /// A table.
    Table(Table),
    /// One chart over the whole width, or several side by side.
    Figures(Vec<Figure>),
    /// Text with weight.
    Callout(Callout),
    /// Text to be taken letter by letter.
    Code(String),
}

/// A word with a colour and a shape.
#[derive(Debug, Clone, PartialEq)]
pub struct Chip {
    /// Colour.
    pub tone: Tone,
    /// Shape.
    pub symbol: &'static str,
    /// The word.
    pub label: String,
}

/// A statement with its weight.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// The weight.
    pub chip: Chip,
    /// What is spoken of; may be empty.
    pub about: String,
    /// What is said.
    pub text: String,
    /// What that means and what to do.
    pub notes: Vec<String>,
}

/// Text with weight.
#[derive(Debug, Clone, PartialEq)]
pub struct Callout {
    /// Colour.
    pub tone: Tone,
    /// In bold.
    pub title: String,
    /// One paragraph or list entry each.
    pub lines: Vec<String>,
}

/// A chart within the report.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// The chart; its own caption is for where it stands alone.
    pub chart: Chart,
    /// What stands below it here.
    pub caption: String,
    /// Height at the width it gets, pixels.
    pub height_px: u32,
    /// The same as a table, folded where a form can fold.
    pub twin: Option<Table>,
}

impl Figure {
    /// A chart with its own caption.
    pub fn new(chart: Chart, height_px: u32, twin: Option<Table>) -> Self {
        Self {
            caption: chart.caption.clone(),
            chart,
            height_px,
            twin,
        }
    }
}

impl Document {
    /// Every chart, in order.
    pub fn charts(&self) -> impl Iterator<Item = &Chart> {
        self.figures().map(|figure| &figure.chart)
    }

    /// Every table, in order, those behind charts included.
    pub fn tables(&self) -> impl Iterator<Item = &Table> {
        self.blocks().flat_map(|block| match block {
            Block::Table(table) => vec![table],
            Block::Figures(figures) => figures.iter().filter_map(|f| f.twin.as_ref()).collect(),
            _ => Vec::new(),
        })
    }

    fn figures(&self) -> impl Iterator<Item = &Figure> {
        self.blocks().flat_map(|block| match block {
            Block::Figures(figures) => figures.as_slice(),
            _ => &[],
        })
    }

    fn blocks(&self) -> impl Iterator<Item = &Block> {
        self.sections.iter().flat_map(|section| &section.blocks)
    }
}

impl Chip {
    /// A chip.
    pub fn new(tone: Tone, symbol: &'static str, label: impl Into<String>) -> Self {
        Self {
            tone,
            symbol,
            label: label.into(),
        }
    }
}
