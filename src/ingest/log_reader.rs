//! Several files as one table: rows numbered on, missing columns filled, the file's label as a
//! column of its own.

use polars::prelude::{Column, DataType, IntoColumn as _, NamedFrom as _, Series};

use super::batch::{Batch, row_number};
use super::files::Files;
use super::issues::Issues;
use super::profile::Sampled;
use super::reader::Reader;
use crate::error::Result;

/// Reads the batches of all files of a log from start to end.
pub(super) struct LogReader<'a> {
    files: &'a Files,
    current: Option<Reader>,
    /// Of `current`, or of the next file to open.
    file: usize,
    /// Data rows of the files before.
    n_rows_before: u64,
}

impl<'a> LogReader<'a> {
    /// Before the first row.
    pub(super) fn new(files: &'a Files) -> Self {
        Self {
            files,
            current: None,
            file: 0,
            n_rows_before: 0,
        }
    }

    /// The next rows of `wanted`, in that order, or `None` at the end.
    pub(super) fn next_batch(
        &mut self,
        wanted: &[String],
        issues: &mut Issues,
    ) -> Result<Option<Batch>> {
        while let Some(source) = self.files.sources.get(self.file) {
            issues.in_file(self.files.labels_shown().get(self.file));
            let reader = match &mut self.current {
                Some(reader) => reader,
                None => self.current.insert(Reader::open(source)?),
            };
            let names = self.files.names_to_read(self.file, wanted);
            if let Some(batch) = reader.next_batch(&names, issues)? {
                return self
                    .files
                    .as_rows_of_log(self.file, self.n_rows_before, batch, &names, wanted)
                    .map(Some);
            }
            self.n_rows_before += reader.n_rows_seen();
            self.current = None;
            self.file += 1;
        }
        Ok(None)
    }

    /// Data rows read so far, rejected ones included.
    pub(super) fn n_rows_seen(&self) -> u64 {
        self.n_rows_before + self.current.as_ref().map_or(0, Reader::n_rows_seen)
    }
}

impl Files {
    /// Per file the name that issues give it; empty where there is one file.
    pub(super) fn labels_shown(&self) -> &[String] {
        if self.sources.len() > 1 {
            &self.labels
        } else {
            &[]
        }
    }

    /// Of the wanted columns of the log, those that a file can have.
    pub(super) fn names_to_read(&self, file: usize, wanted: &[String]) -> Vec<String> {
        let own = wanted
            .iter()
            .filter(|n| Some(*n) != self.label_column.as_ref());
        own.filter(|n| self.columns[file].contains(n))
            .cloned()
            .collect()
    }

    /// A file's batch of columns `names` as rows of the log with columns `wanted`.
    pub(super) fn as_rows_of_log(
        &self,
        file: usize,
        n_rows_before: u64,
        mut batch: Batch,
        names: &[String],
        wanted: &[String],
    ) -> Result<Batch> {
        batch.file = file;
        if self.sources.len() == 1 {
            return Ok(batch);
        }
        for row in &mut batch.rows {
            *row = row_number(n_rows_before + u64::from(*row))?;
        }
        let n = batch.rows.len();
        let column = |name: &String| -> Column {
            if Some(name) == self.label_column.as_ref() {
                let labels = Series::new(name.as_str().into(), [self.labels[file].as_str()]);
                return labels.new_from_index(0, n).into_column();
            }
            match names.iter().position(|read| read == name) {
                Some(i) => batch.columns[i].clone(),
                None => Series::full_null(name.as_str().into(), n, &DataType::String).into_column(),
            }
        };
        batch.columns = wanted.iter().map(column).collect();
        Ok(batch)
    }
}

/// The samples of all files as columns of the log.
pub(super) fn together(files: &Files, mut samples: Vec<Vec<Sampled>>) -> Vec<Sampled> {
    if samples.len() == 1 {
        return samples.remove(0);
    }
    let n_of = |sample: &Vec<Sampled>| sample.first().map_or(0, |c| c.values.len());
    let column = |name: String| -> Sampled {
        let mut values = Vec::new();
        let mut types = Vec::new();
        for (sample, label) in samples.iter().zip(&files.labels) {
            match sample.iter().find(|c| c.name == name) {
                Some(own) => {
                    values.extend(own.values.iter().cloned());
                    types.push(own.dtype.clone());
                }
                None => {
                    let is_label = Some(&name) == files.label_column.as_ref();
                    values.extend(vec![is_label.then(|| label.clone()); n_of(sample)]);
                }
            }
        }
        // Files that store a column in different ways agree on its text alone.
        let first = types.first().cloned().flatten();
        let mut column = Sampled::text(name, values);
        column.dtype = first.filter(|first| types.iter().all(|t| t.as_ref() == Some(first)));
        column
    };
    files.all_columns().into_iter().map(column).collect()
}
