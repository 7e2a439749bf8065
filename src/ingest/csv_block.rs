//! A block of delimited text to columns. One row a line with at most plain quotes is split here; any
//! other block goes through the `csv` crate.

use std::sync::Arc;

use super::batch::{Batch, TextBuilder, TextColumn, Values, row_number};
use super::csv::{CsvFormat, count_lines, plain_reader};
use super::issues::{Effect, Issues};
use super::reader::Extent;
use crate::error::Result;

/// Whole records.
pub(super) struct Block {
    pub(super) format: Arc<CsvFormat>,
    pub(super) bytes: Vec<u8>,
    /// Whether the file ends with it.
    pub(super) is_last: bool,
}

impl Block {
    /// The rows of a block; rows and lines count from 0 at its start.
    pub(super) fn parse(
        mut self,
        wanted: &[String],
        issues: &mut Issues,
    ) -> Result<(Batch, Extent)> {
        let header = &self.format.header;
        let indices: Vec<Option<usize>> = wanted
            .iter()
            .map(|name| header.iter().position(|h| h == name))
            .collect();
        let text = match String::from_utf8(std::mem::take(&mut self.bytes)) {
            Ok(text) => text,
            Err(error) => {
                self.bytes = error.into_bytes();
                return self.parse_any(&indices, issues);
            }
        };
        let Some((columns, n_rows)) = split(&text, &self.format, &indices) else {
            self.bytes = text.into_bytes();
            return self.parse_any(&indices, issues);
        };
        let text = Arc::new(text);
        let column = |stretches| Values::Text(TextColumn::of(text.clone(), stretches));
        let extent = Extent {
            n_rows: u64::from(n_rows),
            n_lines: u64::from(n_rows),
        };
        let batch = Batch {
            columns: columns.into_iter().map(column).collect(),
            rows: (0..n_rows).collect(),
            lines: (0..extent.n_lines).collect(),
            file: 0,
        };
        Ok((batch, extent))
    }

    /// Through the `csv` crate: everything that is not one row a line of the right width in UTF-8.
    fn parse_any(&self, indices: &[Option<usize>], issues: &mut Issues) -> Result<(Batch, Extent)> {
        let mut reader = plain_reader(&self.bytes, self.format.delimiter);
        let mut builders: Vec<TextBuilder> = Vec::new();
        builders.resize_with(indices.len(), TextBuilder::default);
        let (mut rows, mut lines) = (Vec::new(), Vec::new());
        let mut record = csv::ByteRecord::new();
        let mut n_rows = 0;
        // Bytes in memory cannot fail to be read, and any bytes are records.
        while reader.read_byte_record(&mut record).unwrap_or(false) {
            // The parser's own position lies before blank lines; its end is exact, because every
            // record ends with one line feed.
            let inside = record.iter().map(count_lines).sum::<u64>();
            let line = (reader.position().line() - 2).saturating_sub(inside);
            n_rows += 1;
            if self.is_unclosed(&record, reader.position().byte()) {
                let kind = (
                    Effect::Rejected,
                    "A quote that is never closed",
                    "Everything from this line to the end of the file was taken for one value and left out; correct the quote in the export",
                );
                let last = record.iter().next_back().unwrap_or_default();
                // No line feed ends this record: the last one is part of the value.
                issues.value(kind, None, line + 1, &String::from_utf8_lossy(last));
                break;
            }
            if !self.check_width(&record, line, issues) {
                continue;
            }
            for (builder, index) in builders.iter_mut().zip(indices) {
                let field = index.and_then(|i| record.get(i)).unwrap_or_default();
                append(builder, field, line, issues);
            }
            rows.push(row_number(n_rows - 1)?);
            lines.push(line);
        }
        let columns = builders.into_iter().map(TextBuilder::finish);
        let batch = Batch {
            columns: columns.collect(),
            rows,
            lines,
            file: 0,
        };
        let n_lines = count_lines(&self.bytes);
        Ok((batch, Extent { n_rows, n_lines }))
    }

    /// Whether a record is the file's last because its last value has no closing quote: then the
    /// value holds the file's last line feed.
    fn is_unclosed(&self, record: &csv::ByteRecord, end: u64) -> bool {
        let is_end = self.is_last
            && self.bytes[(end as usize).min(self.bytes.len())..]
                .trim_ascii()
                .is_empty();
        let holds_end = record
            .iter()
            .next_back()
            .is_some_and(|f| f.ends_with(b"\n"));
        // A closed value may end with a line feed of its own; then the quote comes after it.
        let last = self.bytes.iter().rfind(|b| **b != b'\n');
        is_end && holds_end && last != Some(&b'"')
    }

    /// Whether the row can be used; says why not.
    fn check_width(&self, record: &csv::ByteRecord, line: u64, issues: &mut Issues) -> bool {
        let width = self.format.header.len();
        let extra = record.iter().skip(width).find(|field| !field.is_empty());
        if let Some(field) = extra {
            let kind = (
                Effect::Rejected,
                "More fields than column names",
                "A delimiter or quote inside a value is not quoted; quote such values in the export",
            );
            issues.value(kind, None, line, &String::from_utf8_lossy(field));
            return false;
        }
        if record.len() < width {
            let kind = (
                Effect::Missing,
                "Fewer fields than column names",
                "The fields that are not there count as missing; a truncated last line means that the export was cut off",
            );
            issues.value(
                kind,
                None,
                line,
                &String::from_utf8_lossy(record.get(record.len() - 1).unwrap_or(b"")),
            );
        }
        true
    }
}

/// The stretches of the wanted columns, and the number of rows; `None` where a line is blank, has not
/// the width of the header, or a quoted value holds a quote or a line end.
#[expect(clippy::type_complexity, reason = "stretches per column, and a count")]
fn split(
    text: &str,
    format: &CsvFormat,
    indices: &[Option<usize>],
) -> Option<(Vec<Vec<(u32, u32)>>, u32)> {
    let width = format.header.len();
    // Where each field goes; fields that nobody asked for go nowhere.
    let mut targets: Vec<Vec<usize>> = vec![Vec::new(); width];
    for (target, index) in indices.iter().enumerate() {
        if let Some(index) = index {
            targets[*index].push(target);
        }
    }
    let mut columns: Vec<Vec<(u32, u32)>> = vec![Vec::new(); indices.len()];
    let bytes = text.as_bytes();
    let (mut start, mut field, mut n_rows) = (0u32, 0, 0);
    // Inside quotes, and where the quotes of the field end.
    let (mut is_quoted, mut quoted_end) = (false, None);
    let mut see = |at: u32| -> bool {
        let byte = bytes[at as usize];
        if byte == b'"' {
            if is_quoted {
                (is_quoted, quoted_end) = (false, Some(at));
                let next = bytes.get(at as usize + 1);
                // A doubled quote, or letters after the closing one.
                return next.is_some_and(|next| *next == format.delimiter || *next == b'\n');
            }
            // Further inside a field it is a letter.
            is_quoted = at == start;
            return true;
        }
        if is_quoted {
            return byte != b'\n';
        }
        if field == width {
            return false;
        }
        let stretch = match quoted_end.take() {
            Some(end) => (start + 1, end),
            None => (start, at),
        };
        for target in &targets[field] {
            columns[*target].push(stretch);
        }
        field += 1;
        if byte == b'\n' {
            if field != width || (width == 1 && at == start) {
                return false;
            }
            field = 0;
            n_rows += 1;
        }
        start = at + 1;
        true
    };
    if !each_of(bytes, format.delimiter, &mut see) {
        return None;
    }
    if start as usize != bytes.len() {
        return None;
    }
    Some((columns, n_rows))
}

/// Calls `see` with the place of each delimiter, line feed and quote, until it returns false.
#[inline]
fn each_of(bytes: &[u8], delimiter: u8, see: &mut impl FnMut(u32) -> bool) -> bool {
    const LOW: u64 = 0x0101_0101_0101_0101;
    const SEVEN: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    let (delimiters, newlines) = (LOW * u64::from(delimiter), LOW * u64::from(b'\n'));
    let quotes = LOW * u64::from(b'"');
    // The high bit of each byte that is zero, exactly.
    let zeros = |word: u64| !(((word & SEVEN) + SEVEN) | word | SEVEN);
    let (words, rest) = bytes.as_chunks::<8>();
    for (i, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let mut found = zeros(word ^ delimiters) | zeros(word ^ newlines) | zeros(word ^ quotes);
        while found != 0 {
            if !see(i as u32 * 8 + found.trailing_zeros() / 8) {
                return false;
            }
            found &= found - 1;
        }
    }
    let done = bytes.len() - rest.len();
    rest.iter().enumerate().all(|(i, byte)| {
        let is_end = *byte == delimiter || matches!(byte, b'\n' | b'"');
        !is_end || see((done + i) as u32)
    })
}

fn append(builder: &mut TextBuilder, field: &[u8], line: u64, issues: &mut Issues) {
    match std::str::from_utf8(field) {
        Ok(text) => builder.append(text),
        Err(_) => {
            let text = String::from_utf8_lossy(field);
            let kind = (
                Effect::Assumed,
                "Bytes that are not UTF-8",
                "Export the log as UTF-8; such letters are shown as \u{fffd}",
            );
            issues.value(kind, None, line, &text);
            builder.append(&text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::batch::Texts;

    /// Rows of two columns, as split here and as the `csv` crate reads them.
    fn check(text: &str, is_plain: bool) {
        let block = |bytes: &[u8]| Block {
            format: Arc::new(CsvFormat {
                delimiter: b',',
                header: vec!["a".to_owned(), "b".to_owned()],
            }),
            bytes: bytes.to_vec(),
            is_last: true,
        };
        let indices = [Some(1), Some(0)];
        let split = split(text, &block(b"").format, &indices);
        assert_eq!(split.is_some(), is_plain, "{text:?}");
        let wanted = ["b".to_owned(), "a".to_owned()];
        let mut issues = Issues::default();
        let (found, _) = block(text.as_bytes()).parse(&wanted, &mut issues).unwrap();
        let (expected, _) = block(text.as_bytes())
            .parse_any(&indices, &mut issues)
            .unwrap();
        assert_eq!(
            (&found.rows, &found.lines),
            (&expected.rows, &expected.lines)
        );
        for (found, expected) in found.columns.iter().zip(&expected.columns) {
            let (found, expected) = (Texts::of(found), Texts::of(expected));
            for row in 0..expected_rows(text) {
                assert_eq!(found.get(row), expected.get(row), "{text:?}");
            }
        }
    }

    fn expected_rows(text: &str) -> usize {
        text.matches('\n').count()
    }

    #[test]
    fn splitting_agrees_with_the_csv_crate() {
        check("1,2\n3,4\n", true);
        check(",\n한국어,\n", true);
        check("\"one\",\"a, b\"\n\"\",2\n", true);
        check("5\" pipe,a\"b\"\n", true);
        check("\"two \"\"quotes\"\"\",x\n", false);
        check("\"a\"b,x\n", false);
        check("\"two\nlines\",x\n1,2\n", false);
        check("1,2\n\n3,4\n", false);
        check("1\n2,3\n", false);
        check("1,2,3\n", false);
    }
}
