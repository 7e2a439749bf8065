//! Where in a TOML text something stands: key paths to lines and back, and what was meant.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

/// A path such as `rule[0].any[2].cmp` with the byte range of its key or value.
struct Entry {
    path: String,
    key: Range<usize>,
    value: Range<usize>,
}

/// The keys of a TOML text with their positions.
pub(super) struct Places<'a> {
    text: &'a str,
    entries: Vec<Entry>,
}

impl<'a> Places<'a> {
    /// The places of as much of the text as can be parsed.
    pub(super) fn of(text: &'a str) -> Self {
        let mut entries = Vec::new();
        let (root, _) = DeTable::parse_recoverable(text);
        walk_table(root.get_ref(), "", &mut entries);
        Self { text, entries }
    }

    /// The line of a key, from 1; of the nearest parent where the key itself is missing.
    pub(super) fn line_of(&self, path: &str) -> Option<u64> {
        let mut path = path;
        loop {
            if let Some(entry) = self.entries.iter().find(|entry| entry.path == path) {
                return Some(self.line_at(entry.key.start));
            }
            path = &path[..path.rfind(['.', '['])?];
        }
    }

    /// The path of the smallest thing that holds the byte range.
    pub(super) fn path_at(&self, range: &Range<usize>) -> Option<&str> {
        let holds = |span: &Range<usize>| span.start <= range.start && range.end <= span.end;
        self.entries
            .iter()
            .filter(|entry| holds(&entry.key) || holds(&entry.value))
            // Deeper entries come later and are the more specific ones.
            .min_by_key(|entry| {
                let span = if holds(&entry.key) { &entry.key } else { &entry.value };
                (span.len(), std::cmp::Reverse(entry.path.len()))
            })
            .map(|entry| entry.path.as_str())
    }

    /// The line of a byte, from 1.
    pub(super) fn line_at(&self, byte: usize) -> u64 {
        let before = self.text.get(..byte).unwrap_or(self.text);
        before.bytes().filter(|b| *b == b'\n').count() as u64 + 1
    }
}

fn walk_table(table: &DeTable<'_>, path: &str, entries: &mut Vec<Entry>) {
    for (key, value) in table {
        let dot = if path.is_empty() { "" } else { "." };
        let path = format!("{path}{dot}{}", key.get_ref());
        walk_value(value.get_ref(), &path, entries, key.span(), value.span());
    }
}

fn walk_value(
    value: &DeValue<'_>,
    path: &str,
    entries: &mut Vec<Entry>,
    key: Range<usize>,
    span: Range<usize>,
) {
    entries.push(Entry {
        path: path.to_owned(),
        key,
        value: span,
    });
    match value {
        DeValue::Table(table) => walk_table(table, path, entries),
        DeValue::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                let path = format!("{path}[{i}]");
                walk_value(item.get_ref(), &path, entries, item.span(), item.span());
            }
        }
        _ => {}
    }
}

/// The candidate that was probably meant by `name`: at most two edits away, the nearest first.
pub(super) fn nearest<'c>(name: &str, candidates: &[&'c str]) -> Option<&'c str> {
    candidates
        .iter()
        .map(|candidate| (edits(name, candidate), *candidate))
        .filter(|(distance, candidate)| *distance <= 2 && *distance < candidate.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The Levenshtein distance.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "[arms]\ncanary = 'c'\n\n[[rule]]\nid = 'x'\nany = [\n  { cmp = '>' },\n  { cmp = '<', value = 1 },\n]\n[[rule]]\nid = 'y'\n";

    #[test]
    fn lines_of_keys() {
        let places = Places::of(TEXT);
        for (path, line) in [
            ("arms.canary", 2),
            ("rule[0]", 4),
            ("rule[0].id", 5),
            ("rule[0].any[1].cmp", 8),
            ("rule[0].any[1].missing", 8),
            ("rule[1].id", 11),
        ] {
            assert_eq!(places.line_of(path), Some(line), "{path}");
        }
    }

    #[test]
    fn paths_of_bytes() {
        let places = Places::of(TEXT);
        let at = TEXT.find("'<'").unwrap();
        assert_eq!(places.path_at(&(at..at + 3)), Some("rule[0].any[1].cmp"));
        let at = TEXT.find("value").unwrap();
        assert_eq!(places.path_at(&(at..at + 5)), Some("rule[0].any[1].value"));
    }

    #[test]
    fn the_nearest_name_is_offered() {
        assert_eq!(
            nearest("treshold", &["value", "threshold"]),
            Some("threshold")
        );
        assert_eq!(nearest("cmpp", &["name", "cmp"]), Some("cmp"));
        assert_eq!(nearest("xyz", &["value"]), None);
    }
}
