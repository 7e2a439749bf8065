//! The decision report: one HTML file that needs no script, no network and no other file.

mod cover;
mod latency;
mod log;
mod method;
mod parts;
mod rollback;
mod scorecard;
mod segments;
mod tests_section;
mod trends;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{svg, text};
use crate::analysis::Analysis;
use crate::rules::{Replay, Rulebook};

/// What a report is made of.
#[derive(Debug, Clone, Copy)]
pub struct ReportInput<'a> {
    /// The analysis.
    pub analysis: &'a Analysis,
    /// What the rollback rules would have done; `None` leaves that section out.
    pub replay: Option<&'a Replay>,
    /// The rules that were replayed: descriptions, known faults and units of conditions.
    pub rulebook: Option<&'a Rulebook>,
    /// What was read.
    pub load: &'a LoadNotes,
    /// The report's title; empty takes the log's name.
    pub title: &'a str,
    /// Version of the program.
    pub version: &'a str,
}

/// How the log was read.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
pub struct LoadNotes {
    /// File name without its folder, or how many files.
    pub source: String,
    /// Size of the input in bytes.
    pub bytes: u64,
    /// Such as `CSV, UTF-8, comma`.
    pub format: String,
    /// Data rows in the input.
    pub rows_read: u64,
    /// Rows that could not be used.
    pub rows_rejected: u64,
    /// What was found while reading, the worst first.
    pub issues: Vec<IssueLine>,
    /// Which column plays which role.
    pub mapping: Vec<MappingLine>,
}

/// One finding of the reader.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
pub struct IssueLine {
    /// How bad it is, as shown to people.
    pub severity: String,
    /// The column; empty for the whole row or file.
    pub column: String,
    /// Which rows and how many, in words.
    pub rows: String,
    /// What is wrong.
    pub message: String,
    /// What to do; may be empty.
    pub hint: String,
    /// A value as it stands in the file; may be empty.
    pub sample: String,
}

/// The part that a column plays.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
pub struct MappingLine {
    /// What it is used as, such as `latency`.
    pub role: String,
    /// Its name in the file.
    pub column: String,
    /// Its unit; may be empty.
    pub unit: String,
}

/// The report as HTML. The same input gives the same bytes.
pub fn render(input: &ReportInput<'_>) -> String {
    let sections = sections(input);
    let title = title(input);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy"
                    content="default-src 'none'; style-src 'unsafe-inline'; img-src data:";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content={ "Hindsight " (input.version) };
                title { (title) }
                style { (PreEscaped(svg::STYLE)) (PreEscaped(include_str!("report.css"))) }
            }
            body {
                a.skip href="#decision" { "Skip to the decision" }
                div.layout {
                    (contents(&sections))
                    main {
                        (cover::cover(input, title))
                        @for (k, section) in sections.iter().enumerate() {
                            section #(section.id) {
                                h2 { span.number { (k + 1) } (section.title) }
                                (section.body)
                            }
                        }
                        footer {
                            "Hindsight " (input.version) ". Computed on one machine, offline, from the \
                             log named above; nothing in this file refers to anything outside it."
                        }
                    }
                }
            }
        }
    };
    // Escaping markup is not enough: text from logs may also turn the reading direction.
    let lines: Vec<_> = page.0.split('\n').map(text::visible).collect();
    lines.join("\n")
}

/// A numbered part of the report.
struct Section {
    id: &'static str,
    title: &'static str,
    body: Markup,
}

fn sections(input: &ReportInput<'_>) -> Vec<Section> {
    let parts = [
        ("scorecard", "Scorecard", scorecard::body(input)),
        ("latency", "Latency", latency::body(input)),
        ("trends", "Over time", trends::body(input)),
        (
            "tests",
            "Tests and their assumptions",
            tests_section::body(input),
        ),
        (
            "segments",
            "Segments that lose first",
            segments::body(input),
        ),
        ("rollback", "Rollback rules", rollback::body(input)),
        ("log", "The log", Some(log::body(input))),
        ("method", "Method and limits", Some(method::method(input))),
        (
            "reproduce",
            "How to reproduce",
            Some(method::reproduce(input)),
        ),
    ];
    parts
        .into_iter()
        .filter_map(|(id, title, body)| {
            Some(Section {
                id,
                title,
                body: body?,
            })
        })
        .collect()
}

fn contents(sections: &[Section]) -> Markup {
    html! {
        nav aria-label="Contents" {
            p.brand { "Hindsight" }
            ol {
                li { a href="#decision" { "Decision" } }
                li { a href="#health" { "Health of the log" } }
                @for section in sections {
                    li { a href={ "#" (section.id) } { (section.title) } }
                }
            }
        }
    }
}

fn title<'a>(input: &ReportInput<'a>) -> &'a str {
    if input.title.trim().is_empty() {
        &input.analysis.log.name
    } else {
        input.title
    }
}

#[cfg(test)]
mod tests;
