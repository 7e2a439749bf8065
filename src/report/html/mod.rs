//! The decision report: one HTML file that needs no script, no network and no other file.

mod parts;
mod sort;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::document::{Banner, Document, Tile};
use super::{svg, text};
use crate::language::Language;
use parts::{block, callout, chip, facts, running, tone_class};

/// The report as HTML. The same input gives the same bytes.
pub fn render(document: &Document) -> String {
    let language = document.language;
    let page = html! {
        (DOCTYPE)
        html lang=(language.tag()) {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy"
                    content="default-src 'none'; style-src 'unsafe-inline'; img-src data:";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content={ "Hindsight " (document.version) };
                title { (document.title) }
                style { (PreEscaped(svg::STYLE)) (PreEscaped(include_str!("report.css"))) }
            }
            body {
                a.skip href="#decision" { (language.say("Skip to the decision")) }
                div.layout {
                    (contents(document))
                    main { (body(document)) }
                }
            }
        }
    };
    // Escaping markup is not enough: text from logs may also turn the reading direction.
    let lines: Vec<_> = page.0.split('\n').map(text::visible).collect();
    lines.join("\n")
}

fn body(document: &Document) -> Markup {
    let language = document.language;
    html! {
        header.cover {
            p.kicker { (language.say("Decision report")) }
            h1 { (document.title) }
            (facts(&document.facts))
        }
        (banner(&document.banner, language))
        @if !document.tiles.is_empty() {
            div.tiles { @for one in &document.tiles { (tile(one)) } }
        }
        @for (k, section) in document.sections.iter().enumerate() {
            section #(section.id) {
                h2 { span.number { (k + 1) } (section.title) }
                @for one in &section.blocks { (block(one, language)) }
            }
        }
        footer {
            "Hindsight " (document.version) ". "
            (language.say("Computed on one machine, offline, from the log named above; nothing in this file \
                           refers to anything outside it."))
        }
    }
}

fn contents(document: &Document) -> Markup {
    let language = document.language;
    html! {
        nav aria-label=(language.say("Contents")) {
            p.brand { "Hindsight" }
            ol {
                li { a href="#decision" { (language.say("Decision")) } }
                @for section in &document.sections {
                    li { a href={ "#" (section.id) } { (section.title) } }
                }
            }
        }
    }
}

fn banner(banner: &Banner, language: Language) -> Markup {
    html! {
        section #decision class={ "decision " (tone_class(banner.tone)) } {
            p.recommendation { (banner.kicker) }
            h2 { span.symbol aria-hidden="true" { (banner.symbol) } (banner.kind) }
            p.headline { (running(&banner.headline)) }
            @for found in &banner.callouts { (callout(found)) }
            ul.reasons {
                @for reason in &banner.reasons {
                    li { (chip(&reason.chip)) span { (running(&reason.text)) } }
                }
            }
            @for (title, sentences) in [
                ("Next step", &banner.next_step),
                ("What would change a reading", &banner.would_change),
                ("Doubts about this decision", &banner.dissent),
            ] {
                @if !sentences.is_empty() {
                    h3.plain { (language.say(title)) }
                    ul.outlook { @for sentence in sentences { li { (running(sentence)) } } }
                }
            }
        }
    }
}

fn tile(tile: &Tile) -> Markup {
    html! {
        div class={ "tile " (tone_class(tile.verdict.tone)) } {
            p.label { (tile.label) }
            p.change { (tile.change) }
            p.interval { (tile.interval) }
            p.arms { (tile.arms) }
            (chip(&tile.verdict))
        }
    }
}

#[cfg(test)]
mod tests;
