//! Single requests that went badly, where they were asked for.

use super::super::document::{Block, Cell, Column, Table};
use crate::analysis::Badness;
use crate::report::{Example, ExampleGroup, Examples, ReportInput};
use crate::units;

pub(super) fn blocks(input: &ReportInput<'_>) -> Vec<Block> {
    let Some(examples) = input.examples else {
        return Vec::new();
    };
    let mut out = vec![Block::Lead(format!(
        "Single requests of {}, listed because the analyst asked for them (--examples). They show what bad \
         requests look like, not how many there are.",
        examples.arm
    ))];
    if !examples.columns.is_empty() {
        out.push(Block::Note(
            "Ids, e-mail and web addresses, numbers and keys were taken out of the text, and long text was \
             cut. Names of people and what else a text tells are still in it: read it before it is passed on."
                .to_owned(),
        ));
    }
    if examples.groups.is_empty() {
        out.push(Block::Paragraph(
            "The log tells of no bad request.".to_owned(),
        ));
    }
    for group in &examples.groups {
        let (id, title) = titled(group);
        out.push(Block::Heading(title.clone(), Vec::new()));
        out.push(Block::Table(table(examples, group, id, &title)));
    }
    out
}

fn titled(group: &ExampleGroup) -> (&'static str, String) {
    let (shown, n) = (group.requests.len() as u64, group.n);
    let of = format!("{} of {}", units::count(shown), units::count(n));
    match group.what {
        Badness::Failed => (
            "examples-failed",
            format!("Failed: {of}, at even distances"),
        ),
        Badness::Slowest => ("examples-slowest", format!("Slowest answers: {of}")),
        Badness::LowestRated => ("examples-lowest-rated", format!("Rated lowest: {of}")),
    }
}

fn table(examples: &Examples, group: &ExampleGroup, id: &str, title: &str) -> Table {
    let has_times = group
        .requests
        .iter()
        .any(|request| !request.time.is_empty());
    let mut columns = vec![Column::right("Data row")];
    columns.extend(has_times.then(|| Column::left("Event time")));
    columns.push(Column::left("Outcome"));
    columns.extend(
        examples
            .measures
            .iter()
            .map(|m| Column::right(m.label.as_str())),
    );
    columns.extend(
        examples
            .columns
            .iter()
            .map(|name| Column::left(name.as_str())),
    );
    let row = |request: &Example| {
        let mut cells = vec![Cell::count(request.data_row)];
        cells.extend(has_times.then(|| Cell::text(request.time.as_str())));
        cells.push(Cell::text(request.outcome));
        let values = examples.measures.iter().zip(&request.values);
        cells.extend(values.map(|(measure, value)| Cell::value(measure.form, *value)));
        cells.extend(request.texts.iter().map(|text| match text.as_str() {
            "" => Cell::none(),
            text => Cell::text(text),
        }));
        cells
    };
    Table::new(id, title, columns).with(group.requests.iter().map(row))
}
