//! A spread sample of the rows of delimited text.

use super::batch::{Texts, Values};
use super::issues::Issues;
use super::profile::Sampled;
use super::reader::Reader;
use super::source::{Format, Source};
use crate::error::{Error, ErrorKind, Result};

/// Rows of stretches spread over a large file, and how many they are; `None` where too few could
/// be read on their own.
fn sample_stretches(
    reader: &Reader,
    names: &[String],
    n_wanted: usize,
) -> Result<Option<(Vec<Sampled>, u64)>> {
    let batches = reader.spread_sample(names)?.unwrap_or_default();
    let n: usize = batches.iter().map(|batch| batch.rows.len()).sum();
    if n < n_wanted / 10 {
        return Ok(None);
    }
    let step = (n / n_wanted).max(1);
    let columns = names.iter().enumerate().map(|(at, name)| {
        let values = batches
            .iter()
            .flat_map(|batch| as_texts(&batch.columns[at]));
        Sampled::text(name.clone(), values.step_by(step).collect())
    });
    Ok(Some((columns.collect(), n as u64)))
}

/// Every k-th row, k doubling whenever the sample is full: even spread in one pass.
pub(super) fn sample_text(
    source: &Source,
    n_wanted: usize,
    tick: &dyn Fn(u64) -> Result<()>,
) -> Result<(Vec<Sampled>, u64)> {
    let mut reader = Reader::open(source)?;
    let mut ignored = Issues::default();
    let mut names = reader.header().to_vec();
    names.retain(|name| !name.is_empty());
    if let Some(sample) = sample_stretches(&reader, &names, n_wanted)? {
        return Ok(sample);
    }
    let mut kept: Vec<Vec<Option<String>>> = vec![Vec::new(); names.len()];
    let (mut step, mut n_read) = (1u64, 0u64);
    while let Some(batch) = reader.next_batch(&names, &mut ignored)? {
        tick(reader.progress().0)?;
        for i in 0..batch.rows.len() {
            if n_read.is_multiple_of(step) {
                for (values, column) in kept.iter_mut().zip(&batch.columns) {
                    values.push(Texts::of(column).get(i).map(str::to_owned));
                }
            }
            n_read += 1;
        }
        while kept
            .first()
            .is_some_and(|values| values.len() > 2 * n_wanted)
        {
            step *= 2;
            for values in &mut kept {
                let mut i = 0;
                values.retain(|_| {
                    i += 1;
                    i % 2 == 1
                });
            }
        }
    }
    let n_rows = reader.n_rows_seen();
    if n_read == 0 && n_rows > 0 {
        return Err(no_row_fits(source));
    }
    let columns = names
        .into_iter()
        .zip(kept)
        .map(|(name, values)| Sampled::text(name, values));
    Ok((columns.collect(), n_rows))
}

/// The values of a column as text.
pub(super) fn as_texts(values: &Values) -> Vec<Option<String>> {
    let mut texts = Vec::with_capacity(values.len());
    Texts::of(values).for_each(|_, text| texts.push(text.map(str::to_owned)));
    texts
}

/// The file has rows, but each of them contradicts its format.
pub(super) fn no_row_fits(source: &Source) -> Error {
    let (message, hint) = if matches!(source.format, Format::JsonLines | Format::JsonWrapped) {
        (
            "No line is a JSON object of its own",
            "Write one object a line, for example with: jq -c . log.json > log.jsonl",
        )
    } else {
        (
            "No row fits the column names",
            "A quote may be open, or the header may belong to another file; export the log again",
        )
    };
    Error::new(ErrorKind::Malformed, message).hint(hint)
}
