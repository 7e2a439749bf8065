//! The decision report: one HTML file that needs no script, no network and no other file.

mod cover;
mod latency;
mod log;
mod method;
mod parts;
mod rollback;
mod scorecard;
mod segments;
mod strategies;
mod tests_section;
mod trends;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{ReportInput, svg, text};

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
            "strategy",
            "What the rollout strategy adds",
            strategies::body(input),
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
