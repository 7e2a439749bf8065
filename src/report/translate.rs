//! A report in another language. Every text of the document is looked up as the window does it;
//! names from the log, the rules and the analyst stay as they are.

use std::collections::BTreeSet;

use super::chart::{Axis, Chart, Layer, Scale};
use super::document::{
    Banner, Block, Callout, Cell, Chip, Document, Figure, Item, Section, Shown, Table, Tile,
};
use super::{Context, LoadNotes, ReportInput};
use crate::analysis::Analysis;
use crate::language::Language;
use crate::rules::Rulebook;

/// Facts whose values are sentences; those of the others are names.
const SAID_FACTS: [&str; 8] = [
    "Rollout",
    "Period, by completion",
    "Period, by start",
    "Completions, from an unknown start",
    "Starts, from an unknown start",
    "Rows",
    "Data",
    "Read from",
];

/// Facts that are names or, where Hindsight chose, sentences about them.
const CHOSEN_FACTS: [&str; 4] = ["Control", "Treatment", "Margins", "Hypothesis"];

/// Puts a document into the language of its input.
pub(super) fn translate(document: &mut Document, input: &ReportInput<'_>) {
    if input.language == Language::English {
        return;
    }
    let speaker = Speaker {
        language: input.language,
        names: names(input),
    };
    for (name, value) in &mut document.facts {
        if SAID_FACTS.contains(&name.as_str()) || CHOSEN_FACTS.contains(&name.as_str()) {
            speaker.say(value);
        }
        speaker.say(name);
    }
    let is_overruled = input.context.overrule.is_some();
    speaker.banner(&mut document.banner, is_overruled);
    for tile in &mut document.tiles {
        speaker.tile(tile);
    }
    for section in &mut document.sections {
        speaker.section(section);
    }
    speaker.say(&mut document.origin);
}

/// A chart that stands alone, and the line below it that says where it is from, in a language.
pub fn spoken_chart(
    chart: &Chart,
    origin: &str,
    analysis: &Analysis,
    rulebook: &Rulebook,
    language: Language,
) -> (Chart, String) {
    let (mut chart, mut origin) = (chart.clone(), origin.to_owned());
    if language != Language::English {
        let input = ReportInput {
            analysis,
            replay: None,
            rulebook: Some(rulebook),
            lab: None,
            examples: None,
            load: &LoadNotes::default(),
            mapping: None,
            context: &Context::default(),
            title: "",
            version: "",
            language,
        };
        let speaker = Speaker {
            language,
            names: names(&input),
        };
        speaker.chart(&mut chart);
        speaker.say(&mut origin);
    }
    (chart, origin)
}

/// What is never looked up: a label of the log may be a word of ours.
fn names(input: &ReportInput<'_>) -> BTreeSet<String> {
    let analysis = input.analysis;
    let arms = analysis.arms.iter().map(|arm| arm.name.clone());
    let segments = analysis
        .segments
        .iter()
        .flat_map(|found| [found.segment.clone(), found.value.clone()]);
    let unused = input.load.unused.iter().map(|line| line.column.clone());
    let columns = input.load.mapping.iter().map(|line| line.column.clone());
    let columns = columns.chain(unused);
    let rules = input.rulebook.iter().flat_map(|book| &book.rules);
    let conditions = rules.clone().flat_map(|rule| {
        let conditions = rule.conditions().into_iter();
        conditions.map(|condition| condition.name.clone())
    });
    arms.chain(segments)
        .chain(columns)
        .chain(conditions)
        .chain(rules.map(|rule| rule.id.clone()))
        .collect()
}

struct Speaker {
    language: Language,
    names: BTreeSet<String>,
}

impl Speaker {
    fn say(&self, text: &mut String) {
        if !self.names.contains(text.as_str())
            && let Some(said) = self.language.known(text)
        {
            *text = said;
        }
    }

    fn all(&self, texts: &mut [String]) {
        for text in texts {
            self.say(text);
        }
    }

    fn banner(&self, banner: &mut Banner, is_overruled: bool) {
        self.say(&mut banner.kicker);
        self.say(&mut banner.kind);
        if !is_overruled {
            self.say(&mut banner.headline); // else it is the analyst's reason
        }
        for callout in &mut banner.callouts {
            self.callout(callout);
        }
        self.items(&mut banner.reasons);
        self.all(&mut banner.next_step);
        self.all(&mut banner.would_change);
        self.all(&mut banner.dissent);
    }

    fn tile(&self, tile: &mut Tile) {
        self.say(&mut tile.label);
        self.chip(&mut tile.verdict);
    }

    fn section(&self, section: &mut Section) {
        self.say(&mut section.title);
        let is_of_analyst = section.id == "context";
        for block in &mut section.blocks {
            match block {
                Block::Definitions(entries) if is_of_analyst => {
                    for (name, _) in entries {
                        self.say(name);
                    }
                }
                Block::Table(table) if is_of_analyst => self.head(table),
                block => self.block(block),
            }
        }
    }

    fn block(&self, block: &mut Block) {
        match block {
            Block::Heading(title, chips) => {
                self.say(title);
                for chip in chips {
                    self.chip(chip);
                }
            }
            Block::Lead(text) | Block::Paragraph(text) | Block::Note(text) => self.say(text),
            Block::Facts(entries) | Block::Definitions(entries) => {
                for (name, text) in entries {
                    self.say(name);
                    self.say(text);
                }
            }
            Block::Bullets(entries) => self.all(entries),
            Block::Items(items) => self.items(items),
            Block::Table(table) => self.table(table),
            Block::Figures(figures) => {
                for figure in figures {
                    self.figure(figure);
                }
            }
            Block::Callout(callout) => self.callout(callout),
            Block::Code(_) => {}
        }
    }

    fn chip(&self, chip: &mut Chip) {
        self.say(&mut chip.label);
    }

    fn items(&self, items: &mut [Item]) {
        for item in items {
            self.item(item);
        }
    }

    fn item(&self, item: &mut Item) {
        self.chip(&mut item.chip);
        self.say(&mut item.about);
        self.say(&mut item.text);
        self.all(&mut item.notes);
    }

    fn callout(&self, callout: &mut Callout) {
        self.say(&mut callout.title);
        self.all(&mut callout.lines);
    }

    fn head(&self, table: &mut Table) {
        self.say(&mut table.title);
        self.say(&mut table.more);
        for column in &mut table.columns {
            self.say(&mut column.title);
            self.say(&mut column.sub);
        }
    }

    fn table(&self, table: &mut Table) {
        self.head(table);
        for cell in table.rows.iter_mut().flatten() {
            self.cell(cell);
        }
    }

    fn cell(&self, cell: &mut Cell) {
        match &mut cell.shown {
            Shown::Text(text) | Shown::Number { text, .. } => self.say(text),
            Shown::Chip(chip) => self.chip(chip),
            Shown::Nothing | Shown::Code(_) | Shown::Estimate { .. } => {}
        }
        self.all(&mut cell.notes);
        self.say(&mut cell.warning);
    }

    fn figure(&self, figure: &mut Figure) {
        self.chart(&mut figure.chart);
        self.say(&mut figure.caption);
        if let Some(twin) = &mut figure.twin {
            self.table(twin);
        }
    }

    fn chart(&self, chart: &mut Chart) {
        self.say(&mut chart.title);
        self.say(&mut chart.caption);
        self.axis(&mut chart.x);
        self.axis(&mut chart.y);
        for layer in &mut chart.layers {
            match layer {
                Layer::Line { name, .. }
                | Layer::Band { name, .. }
                | Layer::Steps { name, .. }
                | Layer::Intervals { name, .. }
                | Layer::Bars { name, .. }
                | Layer::Marks { name, .. } => self.say(name),
                Layer::Labels { items } => {
                    for (.., label) in items {
                        self.say(label);
                    }
                }
                Layer::Rule { label, .. } | Layer::Span { label, .. } => self.say(label),
            }
        }
    }

    fn axis(&self, axis: &mut Axis) {
        self.say(&mut axis.label);
        if let Scale::Category(labels) = &mut axis.scale {
            self.all(labels);
        }
    }
}
