//! The rows and columns of a file that a mapping asks for: keys of JSON text inside cells become
//! columns, rows that are no requests of their own are left out.

use serde_json::Value;

use super::batch::{Batch, Texts, Values};
use super::cell;
use super::derive::Expression;
use super::issues::{Effect, Issues};
use super::mapping::{Mapping, RowFilter};

/// What to read, and what to make of it.
pub(super) struct View {
    /// Columns of the file, each once.
    wanted: Vec<String>,
    outputs: Vec<Output>,
    /// Place of the column that tells which rows count.
    rows: Option<(usize, RowFilter)>,
}

enum Output {
    /// A column as it is.
    Whole(usize),
    /// One key of the JSON text in its cells.
    Key { of: usize, path: String },
    /// An expression over other outputs.
    Derived { of: Expression, inputs: Vec<Self> },
}

impl View {
    /// The columns of a mapping, in its order, from a file with these columns.
    pub(super) fn new(
        mapping: &Mapping,
        in_file: &[String],
        mut expressions: Vec<Expression>,
    ) -> Self {
        let mut wanted: Vec<String> = Vec::new();
        let mut place = |name: &str| {
            wanted.iter().position(|w| w == name).unwrap_or_else(|| {
                wanted.push(name.to_owned());
                wanted.len() - 1
            })
        };
        let mut read = |name: &str| match key_of(name, in_file) {
            Some((of, path)) => Output::Key {
                of: place(of),
                path: path.to_owned(),
            },
            None => Output::Whole(place(name)),
        };
        let mut output = |name: &String| {
            let derived = expressions.iter().position(|e| e.name == *name);
            match derived.map(|at| expressions.swap_remove(at)) {
                Some(of) => Output::Derived {
                    inputs: of.inputs.iter().map(|input| read(input)).collect(),
                    of,
                },
                None => read(name),
            }
        };
        let columns = mapping.columns.iter().map(|c| &c.column);
        let outputs = columns.map(&mut output).collect();
        let rows = mapping
            .rows
            .as_ref()
            .map(|rows| (place(&rows.column), rows.clone()));
        Self {
            wanted,
            outputs,
            rows,
        }
    }

    /// The columns to read.
    pub(super) fn wanted(&self) -> &[String] {
        &self.wanted
    }

    /// The columns of the mapping at the rows that count.
    pub(super) fn of(&self, mut batch: Batch, issues: &mut Issues) -> Batch {
        if let Some((at, rows)) = &self.rows {
            keep(&mut batch, *at, rows, issues);
        }
        let mut objects: Objects = vec![None; self.wanted.len()];
        let outputs = self.outputs.iter();
        let columns = outputs
            .map(|output| output.of(&batch, &mut objects, issues))
            .collect();
        Batch { columns, ..batch }
    }
}

/// Per column of the file the objects in its cells, once they were needed.
type Objects = Vec<Option<Vec<Option<Value>>>>;

impl Output {
    fn of(&self, batch: &Batch, objects: &mut Objects, issues: &mut Issues) -> Values {
        match self {
            Self::Whole(at) => batch.columns[*at].clone(),
            Self::Key { of, path } => {
                let objects = objects[*of].get_or_insert_with(|| objects_of(&batch.columns[*of]));
                let values = objects
                    .iter()
                    .map(|object| cell::at(object.as_ref()?, path).and_then(cell::text));
                Values::of_texts(values)
            }
            Self::Derived { of, inputs } => {
                let inputs: Vec<Values> = inputs
                    .iter()
                    .map(|input| input.of(batch, objects, issues))
                    .collect();
                of.of(&inputs, batch.rows.len()).unwrap_or_else(|error| {
                    // It was computed for the sample: this stretch alone is at odds with it.
                    let kind = (
                        Effect::Missing,
                        "An expression that could not be computed from this row on",
                        "Its values count as missing there; look at the columns that it names",
                    );
                    let line = batch.lines.first().copied().unwrap_or_default();
                    issues.value(kind, Some(&of.name), line, &error.message);
                    Values::repeated("", batch.rows.len())
                })
            }
        }
    }
}

/// The column and the key that a name means where the file has no column of that name.
pub(super) fn key_of<'a>(name: &'a str, in_file: &[String]) -> Option<(&'a str, &'a str)> {
    if in_file.iter().any(|column| column == name) {
        return None;
    }
    let mut splits = name
        .match_indices('.')
        .map(|(i, _)| (&name[..i], &name[i + 1..]));
    splits.find(|(column, _)| in_file.iter().any(|c| c == column))
}

fn objects_of(column: &Values) -> Vec<Option<Value>> {
    let texts = Texts::of(column);
    (0..column.len())
        .map(|i| texts.get(i).and_then(cell::object))
        .collect()
}

fn keep(batch: &mut Batch, at: usize, rows: &RowFilter, issues: &mut Issues) {
    let texts = Texts::of(&batch.columns[at]);
    let kept: Vec<bool> = (0..batch.rows.len())
        .map(|i| rows.keeps(texts.get(i)))
        .collect();
    for i in (0..kept.len()).filter(|&i| !kept[i]) {
        let kind = (
            Effect::Noted,
            "Rows that are no requests of their own were left out",
            "Several rows belong to one request; the mapping's `rows` says which of them count",
        );
        let value = texts.get(i).unwrap_or("(empty)");
        issues.value(kind, Some(&rows.column), batch.lines[i], value);
    }
    if kept.iter().all(|k| *k) {
        return;
    }
    let columns = batch.columns.iter().map(|column| column.filtered(&kept));
    let columns = columns.collect();
    let at_kept = |i: &usize| kept[*i];
    let indices: Vec<usize> = (0..kept.len()).filter(at_kept).collect();
    batch.rows = indices.iter().map(|&i| batch.rows[i]).collect();
    batch.lines = indices.iter().map(|&i| batch.lines[i]).collect();
    batch.columns = columns;
}
