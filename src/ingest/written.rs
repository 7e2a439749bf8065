//! Single rows as they stand in the files: every column as text, whatever its role.

use std::ops::Range;
use std::path::PathBuf;

use rayon::prelude::*;

use super::Mapping;
use super::batch::{Batch, Texts};
use super::files::Files;
use super::issues::Issues;
use super::log_reader::LogReader;
use crate::error::Result;
use crate::jobs::Progress;

/// Pieces of a file that are parsed at once.
const PIECES_AT_ONCE: usize = 8;

/// Rows of a log's files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WrittenRows {
    /// The columns, in the order of the files.
    pub columns: Vec<String>,
    /// The data row, counted from 0 over all files, and its cells; an empty one is missing.
    pub rows: Vec<(u32, Vec<String>)>,
}

/// Reads data rows, ascending and counted from 0 over all files, with the named columns, or with all
/// of them. A row that the files do not have, or that cannot be read, is left out.
///
/// Fails when a file cannot be read any more, or when cancelled.
pub fn written_rows(
    paths: &[PathBuf],
    mapping: &Mapping,
    rows: &[u32],
    columns: Option<&[String]>,
    progress: &Progress,
) -> Result<WrittenRows> {
    let mut issues = Issues::default();
    let files = Files::open(paths, mapping.encoding, &mut issues)?;
    let columns = columns.map_or_else(|| files.all_columns(), <[String]>::to_vec);
    let n_bytes = files.sources.iter().map(|source| source.bytes).sum();
    progress.phase("Reading", n_bytes)?;
    let mut reader = LogReader::new(&files);
    let mut found = Vec::new();
    let mut is_end = false;
    while !is_end && found.len() < rows.len() {
        let mut pieces = Vec::new();
        while pieces.len() < PIECES_AT_ONCE && !is_end {
            match reader.next_piece(&columns, &mut issues)? {
                Some(piece) => {
                    // Row groups in which no wanted row lies are not decoded.
                    let has_any = |range: Range<u64>| {
                        let next = rows.partition_point(|row| u64::from(*row) < range.start);
                        rows.get(next)
                            .is_some_and(|row| u64::from(*row) < range.end)
                    };
                    if reader.known_rows(&piece).is_none_or(has_any) {
                        pieces.push(piece);
                    }
                }
                None => is_end = true,
            }
        }
        let read: Vec<_> = pieces
            .into_par_iter()
            .map(|piece| piece.read(&files, &columns))
            .collect::<Result<_>>()?;
        for piece in read {
            let (first, _) = reader.place(&piece.extent);
            take(&piece.batch, first, rows, &mut found);
        }
        progress.tick(reader.n_bytes_read())?;
    }
    Ok(WrittenRows {
        columns,
        rows: found,
    })
}

/// The wanted rows of a batch whose rows count from `first`.
fn take(batch: &Batch, first: u64, rows: &[u32], found: &mut Vec<(u32, Vec<String>)>) {
    let number = |row: &u32| u32::try_from(first + u64::from(*row)).unwrap_or(u32::MAX);
    let keep: Vec<bool> = batch
        .rows
        .iter()
        .map(|row| rows.binary_search(&number(row)).is_ok())
        .collect();
    let kept = batch.rows.iter().zip(&keep).filter(|(_, keep)| **keep);
    let numbers: Vec<u32> = kept.map(|(row, _)| number(row)).collect();
    if numbers.is_empty() {
        return;
    }
    let columns: Vec<_> = batch.columns.iter().map(|c| c.filtered(&keep)).collect();
    let texts: Vec<Texts<'_>> = columns.iter().map(Texts::of).collect();
    found.extend(numbers.into_iter().enumerate().map(|(i, row)| {
        let cells = texts.iter().map(|t| t.get(i).unwrap_or("").to_owned());
        (row, cells.collect())
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_found_over_several_files_with_all_their_text() {
        let folder = tempfile::tempdir().unwrap();
        let text = |name: &str, from: usize, n: usize| {
            let row = |i: usize| format!("v{},{i},\"a, {i}\nb\"\n", i % 2);
            let rows: String = (from..from + n).map(row).collect();
            let path = folder.path().join(name);
            std::fs::write(&path, format!("variant,latency_ms,prompt\n{rows}")).unwrap();
            path
        };
        let paths = [text("a.csv", 0, 5), text("b.csv", 5, 5)];
        let rows = [0, 4, 5, 9, 77];
        let read = |columns: Option<&[String]>| {
            let progress = Progress::unwatched();
            written_rows(&paths, &Mapping::default(), &rows, columns, &progress).unwrap()
        };
        let all = read(None);
        assert_eq!(&all.columns[..3], ["variant", "latency_ms", "prompt"]);
        let numbers: Vec<u32> = all.rows.iter().map(|(row, _)| *row).collect();
        assert_eq!(numbers, [0, 4, 5, 9]);
        for (row, cells) in &all.rows {
            assert_eq!(cells[1], row.to_string());
            assert_eq!(cells[2], format!("a, {row}\nb"));
        }
        let one = read(Some(&["latency_ms".to_owned()]));
        assert_eq!(one.rows[3], (9, vec!["9".to_owned()]));
    }
}
