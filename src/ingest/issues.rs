//! What was rejected or repaired while reading: the user sees every one of these.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::units;

/// Row numbers and samples kept per issue; the count is always complete.
const EXAMPLES: usize = 5;

/// What happened to the affected values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Whole rows were left out.
    Rejected,
    /// The values count as missing; their rows stay.
    Missing,
    /// The values were read in a way that could be wrong.
    Assumed,
    /// Worth knowing; nothing was lost.
    Noted,
}

impl Effect {
    /// As shown to people.
    pub fn label(self) -> &'static str {
        match self {
            Self::Rejected => "rows rejected",
            Self::Missing => "values missing",
            Self::Assumed => "assumed",
            Self::Noted => "note",
        }
    }
}

/// One kind of problem in one column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Issue {
    /// What happened to the values.
    pub effect: Effect,
    /// The column, by its name in the file; `None` for whole rows or the file.
    pub column: Option<String>,
    /// What was found, one sentence.
    pub message: String,
    /// What to do.
    pub hint: String,
    /// How many values or rows; 0 where the issue is about the column as a whole.
    pub count: u64,
    /// The first affected lines as an editor counts them (header is line 1), or rows of a Parquet
    /// file counted from 1.
    pub lines: Vec<u64>,
    /// Per line the file that it is in, where the log has several; else empty.
    pub files: Vec<String>,
    /// The first affected values.
    pub samples: Vec<String>,
}

impl Issue {
    /// The first places: "3, 17", or "a 3, b 17" where the log has several files.
    pub fn places(&self) -> String {
        let place = |(i, line): (usize, &u64)| match self.files.get(i) {
            Some(file) => format!("{file} {line}"),
            None => line.to_string(),
        };
        let places: Vec<String> = self.lines.iter().enumerate().map(place).collect();
        places.join(", ")
    }

    /// On one line: "latency: Not a number (2 times, first at line 5: 1.2.3)".
    pub fn in_short(&self) -> String {
        let text = match &self.column {
            Some(column) => format!("{column}: {}", self.message),
            None => self.message.clone(),
        };
        let times = match self.count {
            0 => return text,
            1 => "once".to_owned(),
            n => format!("{} times", units::count(n)),
        };
        let first = match self.lines.first() {
            Some(line) if self.count == 1 => format!(", at line {line}"),
            Some(line) => format!(", first at line {line}"),
            None => String::new(),
        };
        let sample = match self.samples.first() {
            Some(sample) => format!(": {sample}"),
            None => String::new(),
        };
        format!("{text} ({times}{first}{sample})")
    }

    fn add_sample(&mut self, sample: &str) {
        self.count += 1;
        let sample = shortened(sample);
        if self.samples.len() < EXAMPLES && !self.samples.contains(&sample) {
            self.samples.push(sample);
        }
    }
}

/// Collects issues; many of one kind become one entry with a count.
#[derive(Debug, Clone, Default)]
pub(super) struct Issues {
    by_kind: BTreeMap<(Effect, Option<String>, &'static str), Issue>,
    /// Where the lines of the next values are, in a log of several files.
    file: Option<String>,
}

impl Issues {
    /// Says which file the next lines are in; none in a log of one file.
    pub(super) fn in_file(&mut self, file: Option<&String>) {
        self.file = file.cloned();
    }

    /// Reports one affected value at a line. `message` and `hint` say the kind, not the value.
    pub(super) fn value(
        &mut self,
        kind: (Effect, &'static str, &str),
        column: Option<&str>,
        line: u64,
        sample: &str,
    ) {
        let (effect, message, hint) = kind;
        let file = self.file.clone();
        let issue = self.entry(effect, column, message, hint);
        if issue.lines.len() < EXAMPLES {
            issue.lines.push(line);
            issue.files.extend(file);
        }
        issue.add_sample(sample);
    }

    /// Reports a column in all rows of a file.
    pub(super) fn rows_of_file(
        &mut self,
        kind: (Effect, &'static str, &str),
        column: &str,
        n_rows: u64,
        file: &str,
    ) {
        let (effect, message, hint) = kind;
        let issue = self.entry(effect, Some(column), message, hint);
        issue.add_sample(file);
        issue.count += n_rows - 1;
    }

    /// Reports a whole file.
    pub(super) fn file(&mut self, kind: (Effect, &'static str, &str), sample: &str) {
        let (effect, message, hint) = kind;
        self.entry(effect, None, message, hint).add_sample(sample);
    }

    /// Reports something about a column or the file as a whole.
    pub(super) fn note(
        &mut self,
        effect: Effect,
        column: Option<&str>,
        message: &'static str,
        detail: &str,
        hint: &str,
    ) {
        let issue = self.entry(effect, column, message, hint);
        if !detail.is_empty() {
            issue.message = format!("{message}: {detail}");
        }
    }

    /// Adds the issues of later rows, whose lines count from `line`.
    pub(super) fn absorb(&mut self, later: Self, line: u64) {
        for (key, found) in later.by_kind {
            let Some(issue) = self.by_kind.get_mut(&key) else {
                let lines = found.lines.iter().map(|l| l + line).collect();
                self.by_kind.insert(key, Issue { lines, ..found });
                continue;
            };
            issue.count += found.count;
            let free = EXAMPLES - issue.lines.len().min(EXAMPLES);
            issue
                .lines
                .extend(found.lines.iter().take(free).map(|l| l + line));
            for sample in found.samples {
                if issue.samples.len() < EXAMPLES && !issue.samples.contains(&sample) {
                    issue.samples.push(sample);
                }
            }
        }
    }

    /// Takes over what was found in a table beside the log.
    pub(super) fn take_over(&mut self, other: Self, file: &str) {
        for ((effect, column, message), mut issue) in other.by_kind {
            let column = column.map_or_else(|| file.to_owned(), |c| format!("{file}: {c}"));
            issue.column = Some(column.clone());
            self.by_kind.insert((effect, Some(column), message), issue);
        }
    }

    /// The first of the gravest.
    pub(super) fn gravest(&self) -> Option<&Issue> {
        self.by_kind.values().next()
    }

    /// All issues, the gravest first, then by column.
    pub(super) fn into_list(self) -> Vec<Issue> {
        self.by_kind.into_values().collect()
    }

    fn entry(
        &mut self,
        effect: Effect,
        column: Option<&str>,
        message: &'static str,
        hint: &str,
    ) -> &mut Issue {
        let key = (effect, column.map(str::to_owned), message);
        self.by_kind.entry(key).or_insert_with(|| Issue {
            effect,
            column: column.map(str::to_owned),
            message: message.to_owned(),
            hint: hint.to_owned(),
            count: 0,
            lines: Vec::new(),
            files: Vec::new(),
            samples: Vec::new(),
        })
    }
}

/// Prompts can be long: enough to recognise the value, on one line.
pub(super) fn shortened(text: &str) -> String {
    let mut out: String = text
        .chars()
        .take(60)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if text.chars().nth(60).is_some() {
        out.push('…');
    }
    out
}
