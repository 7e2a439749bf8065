//! Which files make up one log: paths, folders and patterns to sources in reading order.
//!
//! What was named must be read: a file that cannot be, or that does not fit the others, is an
//! error. What was merely found, in a folder or by a pattern, is left out with an issue when
//! another file is a log.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::LoadedFile;
use super::issues::{Effect, Issues};
use super::reader::column_names;
use super::source::{Encoding, Format, Part, Source};
use crate::error::{Error, ErrorKind, Result};

/// Folders such as `day=2026-03-02` inside each other, as engines write them.
const MAX_PARTITIONS: usize = 8;
/// Endings that say how a file is written, not what it holds.
const ENDINGS: [&str; 14] = [
    "csv", "tsv", "txt", "log", "json", "jsonl", "ndjson", "parquet", "pq", "gz", "zst", "bz2",
    "zip", "snappy",
];

/// The files of one log, in reading order.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) sources: Vec<Source>,
    /// Per file: its columns; of JSON those of its first objects, until all were seen.
    pub(super) columns: Vec<Vec<String>>,
    /// Per file: its rows, once they were counted.
    pub(super) n_rows_of: Vec<u64>,
    /// Per file: whether its last row had no end of line, once all were read.
    pub(super) ends_in_line: Vec<bool>,
    /// Per file: its name without ending, as short as the files can be told apart by it.
    pub(super) labels: Vec<String>,
    /// The made-up column that holds the labels; none where there is one file.
    pub(super) label_column: Option<String>,
}

/// A file that was named, or found in a folder or by a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Candidate {
    path: PathBuf,
    is_named: bool,
}

/// What a folder holds.
#[derive(Debug, Default)]
struct Listing {
    files: Vec<PathBuf>,
    /// The folders that were looked into.
    folders: BTreeSet<PathBuf>,
    /// Folders inside each other at the moment.
    depth: usize,
}

impl Files {
    /// Finds and opens the files of a log.
    pub(super) fn open(
        paths: &[PathBuf],
        encoding: Option<Encoding>,
        issues: &mut Issues,
    ) -> Result<Self> {
        let candidates = without_repeats(expand(paths)?, issues);
        let mut opened = Vec::new();
        let mut first_error = None;
        for candidate in &candidates {
            let parts = match Source::open(&candidate.path, encoding) {
                Ok(parts) => parts,
                Err(error) => vec![Part {
                    path: candidate.path.clone(),
                    source: Err(error),
                }],
            };
            // What an archive holds was found rather than named, unless it is all there is.
            let is_named = candidate.is_named && parts.len() == 1;
            for part in parts {
                let read = part.source.and_then(|source| {
                    let columns = column_names(&source).map_err(|e| e.at(&source.path))?;
                    Ok((is_named, source, columns))
                });
                match read {
                    Ok(read) => opened.push(read),
                    Err(error) if is_named => return Err(error),
                    Err(error) => {
                        leave_out(&part.path, &error.message, issues);
                        first_error.get_or_insert(error);
                    }
                }
            }
        }
        if opened.is_empty() {
            return Err(first_error.unwrap_or_else(nothing_named));
        }
        if opened.len() > 1 {
            opened = fitting(opened, issues)?;
        }
        let (sources, columns): (Vec<_>, Vec<_>) = opened.into_iter().map(|o| (o.1, o.2)).unzip();
        Ok(Self {
            labels: labels(&sources),
            label_column: (sources.len() > 1).then(|| free_name(&columns)),
            sources,
            columns,
            n_rows_of: Vec::new(),
            ends_in_line: Vec::new(),
        })
    }

    /// Rows in all files.
    pub(super) fn n_rows(&self) -> u64 {
        self.n_rows_of.iter().sum()
    }

    /// Whether semicolons stand between the fields of every file.
    pub(super) fn have_semicolons(&self) -> bool {
        let mut formats = self.sources.iter().map(|s| s.format);
        formats.all(|f| matches!(f, Format::Csv { delimiter: ';', .. }))
    }

    pub(super) fn into_loaded(self) -> Vec<LoadedFile> {
        let described = self.sources.into_iter().zip(self.labels);
        described
            .zip(self.n_rows_of)
            .map(|((source, label), rows)| LoadedFile {
                source,
                label,
                rows,
            })
            .collect()
    }

    /// All column names, in the order of their first appearance, with the made-up one.
    pub(super) fn all_columns(&self) -> Vec<String> {
        let mut seen = BTreeSet::new();
        let own = self.columns.iter().flatten();
        own.chain(&self.label_column)
            .filter(|name| !name.is_empty() && seen.insert(name.as_str()))
            .cloned()
            .collect()
    }

    /// What people call the log: the file's name, or how many files it is.
    pub(super) fn name(&self) -> String {
        let first = file_name(&self.sources[0].path);
        match self.sources.len() {
            1 => first,
            2 => format!("{first} and {}", file_name(&self.sources[1].path)),
            n => format!("{first} and {} more files", n - 1),
        }
    }

    /// Whether the labels are names rather than numbers or dates: then the files may well be the
    /// arms.
    pub(super) fn are_named_apart(&self) -> bool {
        let words =
            |label: &String| -> String { label.chars().filter(|c| c.is_alphabetic()).collect() };
        let distinct: BTreeSet<String> = self.labels.iter().map(words).collect();
        self.labels.len() <= 50 && distinct.len() > 1
    }
}

/// The files behind paths, folders and patterns; nothing for those that cannot be read.
pub fn files_behind(paths: &[PathBuf]) -> Vec<PathBuf> {
    let expanded = paths.iter().filter_map(|path| {
        let candidates = expand(std::slice::from_ref(path)).ok()?;
        Some(candidates.into_iter().map(|candidate| candidate.path))
    });
    expanded.flatten().collect()
}

/// The files behind paths, folders and patterns.
fn expand(paths: &[PathBuf]) -> Result<Vec<Candidate>> {
    let mut found = Vec::new();
    for path in paths {
        let found_at = |path: PathBuf| Candidate {
            path,
            is_named: false,
        };
        if path.is_dir() {
            let mut inside = Listing::default();
            list_folder(path, &mut inside)?;
            if inside.files.is_empty() {
                return Err(Error::new(ErrorKind::Unreadable, "The folder holds no files")
                    .at(path)
                    .hint("Name the files, or a folder that holds them; only folders such as day=2026-03-02 are looked into"));
            }
            found.extend(inside.files.into_iter().map(found_at));
        } else if let Some(pattern) = pattern_of(path) {
            found.extend(matching(pattern, path)?.into_iter().map(found_at));
        } else {
            found.push(Candidate {
                path: path.clone(),
                is_named: true,
            });
        }
    }
    Ok(found)
}

/// The visible files of a folder by name, then those of its partition folders. A folder that links
/// lead back to is listed once.
fn list_folder(folder: &Path, found: &mut Listing) -> Result<()> {
    let unreadable = |cause: std::io::Error| Error::unreadable(folder, &cause);
    let real = std::fs::canonicalize(folder).map_err(unreadable)?;
    if !found.folders.insert(real) {
        return Ok(());
    }
    let mut entries = std::fs::read_dir(folder)
        .and_then(Iterator::collect::<std::io::Result<Vec<_>>>)
        .map_err(unreadable)?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    let mut partitions = Vec::new();
    for entry in entries {
        let path = entry.path();
        let name = file_name(&path);
        // Engines mark their own files with an underscore: _SUCCESS, _delta_log.
        if name.starts_with(['.', '_']) {
            continue;
        }
        if path.is_file() {
            found.files.push(path);
        } else if name.contains('=') && path.is_dir() {
            partitions.push(path);
        }
    }
    found.depth += 1;
    if found.depth <= MAX_PARTITIONS {
        partitions
            .iter()
            .try_for_each(|partition| list_folder(partition, found))?;
    }
    found.depth -= 1;
    Ok(())
}

/// A path with `*`, `?` or `[…]` that is no file's name.
fn pattern_of(path: &Path) -> Option<&str> {
    path.to_str()
        .filter(|text| text.contains(['*', '?', '[']) && !path.exists())
}

fn matching(pattern: &str, path: &Path) -> Result<Vec<PathBuf>> {
    let options = glob::MatchOptions {
        require_literal_separator: true,
        require_literal_leading_dot: true,
        ..glob::MatchOptions::default()
    };
    let paths = glob::glob_with(pattern, options).map_err(|cause| {
        Error::new(
            ErrorKind::Settings,
            format!("The pattern cannot be read: {}", cause.msg),
        )
        .at(path)
        .hint("Write for example logs/2026-03-*.csv")
    })?;
    let mut found: Vec<PathBuf> = paths
        .filter_map(Result::ok)
        .filter(|p| p.is_file())
        .collect();
    found.sort();
    if found.is_empty() {
        return Err(
            Error::new(ErrorKind::Unreadable, "No file matches the pattern")
                .at(path)
                .hint("Check the path; relative paths start at the current folder"),
        );
    }
    Ok(found)
}

/// The same file reached twice is read once.
fn without_repeats(candidates: Vec<Candidate>, issues: &mut Issues) -> Vec<Candidate> {
    let mut seen = BTreeSet::new();
    let mut kept = Vec::new();
    for candidate in candidates {
        let real = std::fs::canonicalize(&candidate.path);
        if seen.insert(real.unwrap_or_else(|_missing| candidate.path.clone())) {
            kept.push(candidate);
        } else {
            let kind = (
                Effect::Noted,
                "A file that was named twice",
                "It was read once",
            );
            issues.file(kind, &file_name(&candidate.path));
        }
    }
    kept
}

/// The files that share most of their columns with what most files look like.
fn fitting(
    opened: Vec<(bool, Source, Vec<String>)>,
    issues: &mut Issues,
) -> Result<Vec<(bool, Source, Vec<String>)>> {
    let model = commonest(&opened);
    let (model_path, model_columns) = (opened[model].1.path.clone(), opened[model].2.clone());
    let mut kept = Vec::new();
    for (is_named, source, columns) in opened {
        let n_common = columns.iter().filter(|c| model_columns.contains(c)).count();
        if 2 * n_common > columns.len().min(model_columns.len()) {
            kept.push((is_named, source, columns));
            continue;
        }
        let reason = format!("Its columns are not those of {}", file_name(&model_path));
        if is_named {
            return Err(Error::new(ErrorKind::NotARequestLog, reason)
                .at(&source.path)
                .hint(format!(
                    "It has: {}. Open it by itself, or export both files in the same form",
                    listed(&columns)
                )));
        }
        leave_out(&source.path, &reason, issues);
    }
    Ok(kept)
}

/// The first file with the columns that most files have.
fn commonest(opened: &[(bool, Source, Vec<String>)]) -> usize {
    let n_alike = |i: &usize| opened.iter().filter(|o| o.2 == opened[*i].2).count();
    let best = (0..opened.len()).map(|i| n_alike(&i)).max();
    (0..opened.len())
        .find(|i| Some(n_alike(i)) == best)
        .unwrap_or(0)
}

fn leave_out(path: &Path, reason: &str, issues: &mut Issues) {
    let kind = (
        Effect::Rejected,
        "A file was left out",
        "Name the files one by one to read these only, or move it elsewhere",
    );
    issues.file(kind, &format!("{}: {reason}", file_name(path)));
}

/// Names without endings, with as much of the folders as tells the files apart.
fn labels(sources: &[Source]) -> Vec<String> {
    let parts: Vec<Vec<String>> = sources
        .iter()
        .map(|source| {
            let mut parts: Vec<String> = source
                .path
                .components()
                .map(|c| c.as_os_str().to_string_lossy().into_owned())
                .collect();
            if let Some(last) = parts.last_mut() {
                *last = without_ending(last).to_owned();
            }
            parts
        })
        .collect();
    let longest = parts.iter().map(Vec::len).max().unwrap_or(1);
    let shortened = |n: usize| -> Vec<String> {
        parts
            .iter()
            .map(|p| p[p.len().saturating_sub(n)..].join("/"))
            .collect()
    };
    (1..=longest)
        .map(shortened)
        .find(|labels| labels.iter().collect::<BTreeSet<_>>().len() == labels.len())
        .unwrap_or_else(|| {
            sources
                .iter()
                .map(|s| s.path.display().to_string())
                .collect()
        })
}

fn without_ending(name: &str) -> &str {
    let mut name = name;
    while let Some((stem, ending)) = name.rsplit_once('.') {
        if stem.is_empty() || !ENDINGS.contains(&ending.to_lowercase().as_str()) {
            break;
        }
        name = stem;
    }
    name
}

/// `file`, unless a column has that name.
fn free_name(columns: &[Vec<String>]) -> String {
    let is_free = |name: &&str| columns.iter().flatten().all(|c| c != name);
    ["file", "source_file", "log_file"]
        .into_iter()
        .find(is_free)
        .unwrap_or("file of the log")
        .to_owned()
}

pub(super) fn file_name(path: &Path) -> String {
    path.file_name()
        .map_or_else(|| "log".to_owned(), |n| n.to_string_lossy().into_owned())
}

fn listed(columns: &[String]) -> String {
    let more = if columns.len() > 12 { ", …" } else { "" };
    let shown: Vec<&str> = columns.iter().take(12).map(String::as_str).collect();
    shown.join(", ") + more
}

fn nothing_named() -> Error {
    Error::new(ErrorKind::Unreadable, "No file was named")
        .hint("Name a log file or a folder of them")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_say_how_not_what() {
        for (name, expected) in [
            ("bedrock_70b.json", "bedrock_70b"),
            ("log.csv.gz", "log"),
            ("v1.2.csv", "v1.2"),
            (".csv", ".csv"),
        ] {
            assert_eq!(without_ending(name), expected);
        }
    }

    fn check_apart(labels: &[&str], expected: bool) {
        let files = Files {
            sources: Vec::new(),
            columns: Vec::new(),
            n_rows_of: Vec::new(),
            ends_in_line: Vec::new(),
            labels: labels.iter().map(|l| (*l).to_owned()).collect(),
            label_column: None,
        };
        assert_eq!(files.are_named_apart(), expected, "{labels:?}");
    }

    #[test]
    fn parts_and_days_are_no_arms() {
        check_apart(&["control", "treatment"], true);
        check_apart(&["groq_70b", "groq_13b", "lepton_70b"], true);
        check_apart(&["2026-03-01", "2026-03-02"], false);
        check_apart(&["part-00000", "part-00001"], false);
        check_apart(&["day=2026-03-01/part-0", "day=2026-03-02/part-0"], false);
    }
}
