//! Several files as one table: rows numbered on, missing columns filled, the file's label as a
//! column of its own.

use std::ops::Range;

use super::batch::{Batch, Values};
use super::files::Files;
use super::issues::Issues;
use super::profile::Sampled;
use super::reader::{Extent, Piece, Reader};
use super::view::View;
use crate::error::Result;

/// Reads the pieces of all files of a log from start to end.
pub(super) struct LogReader<'a> {
    files: &'a Files,
    current: Option<Reader>,
    /// Of `current`, or of the next file to open.
    file: usize,
    /// Bytes of the files before.
    n_bytes_before: u64,
    /// Where the next piece that is placed begins.
    place: Place,
    /// Per file its data rows, rejected ones included.
    n_rows_of: Vec<u64>,
    /// Per file whether it ended within a line.
    ends_in_line: Vec<bool>,
}

/// What was found of the files when all has been read.
#[derive(Debug, Default)]
pub(super) struct FileEnds {
    /// Per file its data rows, rejected ones included.
    pub(super) n_rows_of: Vec<u64>,
    /// Per file whether it ended within a line, which counts as its last row.
    pub(super) ends_in_line: Vec<bool>,
}

/// A place in the files of a log.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    file: usize,
    /// Data rows of the files before.
    n_rows_before: u64,
    /// Data rows and lines of the file so far.
    row: u64,
    line: u64,
}

/// Consecutive rows of one file, not yet parsed.
pub(super) struct LogPiece {
    piece: Piece,
    file: usize,
    /// What the rows and lines of the file's first piece count from.
    first_place: (u64, u64),
}

/// A piece that has been parsed, as rows of the log.
pub(super) struct ReadLogPiece {
    pub(super) batch: Batch,
    /// Lines as in the batch.
    pub(super) issues: Issues,
    pub(super) extent: LogExtent,
}

/// Which rows a piece holds.
pub(super) struct LogExtent {
    file: usize,
    first_place: (u64, u64),
    extent: Extent,
}

impl<'a> LogReader<'a> {
    /// Before the first row.
    pub(super) fn new(files: &'a Files) -> Self {
        Self {
            files,
            current: None,
            file: 0,
            n_bytes_before: 0,
            place: Place {
                file: usize::MAX,
                ..Place::default()
            },
            n_rows_of: vec![0; files.sources.len()],
            ends_in_line: vec![false; files.sources.len()],
        }
    }

    /// The next rows, or `None` at the end.
    pub(super) fn next_piece(
        &mut self,
        wanted: &[String],
        issues: &mut Issues,
    ) -> Result<Option<LogPiece>> {
        while let Some(source) = self.files.sources.get(self.file) {
            issues.in_file(self.files.labels_shown().get(self.file));
            let reader = match &mut self.current {
                Some(reader) => reader,
                None => self.current.insert(Reader::open(source)?),
            };
            let names = self.files.names_to_read(self.file, wanted);
            if let Some(piece) = reader.next_piece(&names, issues)? {
                return Ok(Some(LogPiece {
                    piece,
                    file: self.file,
                    first_place: reader.first_place(),
                }));
            }
            self.n_rows_of[self.file] += reader.n_rows_seen();
            self.ends_in_line[self.file] = reader.ends_in_line();
            self.n_bytes_before += source.bytes;
            self.current = None;
            self.file += 1;
        }
        Ok(None)
    }

    /// What the rows and lines of a piece count from. Pieces are placed in their order.
    pub(super) fn place(&mut self, of: &LogExtent) -> (u64, u64) {
        if self.place.file != of.file {
            // The rows of a file before are all known: its pieces have been placed.
            let n_rows_before = self.n_rows_of[..of.file].iter().sum();
            let (row, line) = of.first_place;
            self.place = Place {
                file: of.file,
                n_rows_before,
                row,
                line,
            };
        }
        let place = self.place;
        self.place.row += of.extent.n_rows;
        self.place.line += of.extent.n_lines;
        self.n_rows_of[of.file] += of.extent.n_rows;
        (place.n_rows_before + place.row, place.line)
    }

    /// The rows of the log that a piece holds, where that is known before it is parsed.
    pub(super) fn known_rows(&self, piece: &LogPiece) -> Option<Range<u64>> {
        let before: u64 = self.n_rows_of[..piece.file].iter().sum();
        let rows = piece.piece.known_rows()?;
        Some(before + rows.start..before + rows.end)
    }

    /// Bytes read so far.
    pub(super) fn n_bytes_read(&self) -> u64 {
        let of_current = self.files.sources.get(self.file).zip(self.current.as_ref());
        let read = of_current.map_or(0, |(source, reader)| {
            let (done, all) = reader.progress();
            (source.bytes as f64 * (done as f64 / all.max(1) as f64)) as u64
        });
        self.n_bytes_before + read
    }

    /// When all has been read.
    pub(super) fn into_ends(self) -> FileEnds {
        FileEnds {
            n_rows_of: self.n_rows_of,
            ends_in_line: self.ends_in_line,
        }
    }
}

/// Shows all batches of a log one after another, their rows and lines counted as in the files.
pub(super) fn each_batch(
    files: &Files,
    view: &View,
    issues: &mut Issues,
    mut take: impl FnMut(&Batch, &mut Issues) -> Result<()>,
) -> Result<()> {
    let mut reader = LogReader::new(files);
    while let Some(piece) = reader.next_piece(view.wanted(), issues)? {
        let mut read = piece.read(files, view.wanted())?;
        let mut batch = view.of(read.batch, &mut read.issues);
        let (row, line) = reader.place(&read.extent);
        issues.absorb(read.issues, line);
        batch.rows.iter_mut().for_each(|r| *r += row as u32);
        batch.lines.iter_mut().for_each(|l| *l += line);
        take(&batch, issues)?;
    }
    Ok(())
}

impl LogPiece {
    /// Parses the wanted columns of the log.
    pub(super) fn read(self, files: &Files, wanted: &[String]) -> Result<ReadLogPiece> {
        let mut issues = Issues::default();
        issues.in_file(files.labels_shown().get(self.file));
        let names = files.names_to_read(self.file, wanted);
        let read = self.piece.read(&names, issues)?;
        Ok(ReadLogPiece {
            batch: files.as_rows_of_log(self.file, read.batch, &names, wanted),
            issues: read.issues,
            extent: LogExtent {
                file: self.file,
                first_place: self.first_place,
                extent: read.extent,
            },
        })
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

    /// A file's batch of columns `names` as one with the columns `wanted` of the log.
    fn as_rows_of_log(
        &self,
        file: usize,
        mut batch: Batch,
        names: &[String],
        wanted: &[String],
    ) -> Batch {
        batch.file = file;
        if self.sources.len() == 1 {
            return batch;
        }
        let n = batch.rows.len();
        let column = |name: &String| -> Values {
            if Some(name) == self.label_column.as_ref() {
                return Values::repeated(&self.labels[file], n);
            }
            let read = names.iter().position(|read| read == name);
            read.map_or_else(|| Values::repeated("", n), |i| batch.columns[i].clone())
        };
        batch.columns = wanted.iter().map(column).collect();
        batch
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
