//! The report as Markdown: in full, and short enough for a comment on a pull request.

use std::fmt::Write as _;

use super::chart::Tone;
use super::document::{Align, Banner, Block, Cell, Document, Item, Shown, Table};
use super::text;
use crate::language::Language;
use crate::units;

/// The whole report. Charts are given by their captions, for Markdown holds no pictures.
pub fn render(document: &Document) -> String {
    let mut out = format!("# {}\n\n", safe(&document.title));
    for (name, value) in &document.facts {
        let _infallible = writeln!(out, "- {}: {}", safe(name), safe(value));
    }
    out += &banner(&document.banner, 2, document.language);
    for section in &document.sections {
        let _infallible = writeln!(out, "\n## {}", safe(&section.title));
        for block in &section.blocks {
            out += &self::block(block, document.language);
        }
    }
    out + &footer(document)
}

/// Decision, reasons, the deciding metrics and what the health checks object to.
pub fn short(document: &Document) -> String {
    let mut out = format!("### {}\n", safe(&document.title));
    out += &banner(&document.banner, 4, document.language);
    let deciding = document
        .tables()
        .filter(|table| ["scorecard-primary", "scorecard-guardrail"].contains(&table.id.as_str()));
    for found in deciding {
        out += &compact(found);
    }
    let objections: Vec<String> = document
        .sections
        .iter()
        .filter(|section| section.id == "health")
        .flat_map(|section| &section.blocks)
        .filter_map(|block| match block {
            Block::Items(items) => Some(items),
            _ => None,
        })
        .flatten()
        .filter(|check| matches!(check.chip.tone, Tone::Caution | Tone::Bad))
        .map(item)
        .collect();
    if !objections.is_empty() {
        let _infallible = write!(
            out,
            "\n<details><summary>{}</summary>\n\n",
            document
                .language
                .say(&format!("Health of the log: {} remarks", objections.len()))
        );
        out += &objections.concat();
        out += "\n</details>\n";
    }
    out + &footer(document)
}

fn footer(document: &Document) -> String {
    format!("\n---\n{}\n", safe(&document.origin))
}

fn banner(banner: &Banner, level: usize, language: Language) -> String {
    let hashes = "#".repeat(level);
    let mut out = format!(
        "\n{hashes} {}: {} {}\n\n{}\n",
        safe(&banner.kicker),
        banner.symbol,
        safe(&banner.kind),
        line(&banner.headline)
    );
    for callout in &banner.callouts {
        let _infallible = writeln!(
            out,
            "\n> **{}.** {}",
            safe(&callout.title),
            safe(&callout.lines.join(" "))
        );
    }
    out.push('\n');
    out.extend(banner.reasons.iter().map(item));
    for (title, sentences) in [
        ("Next step", &banner.next_step),
        ("What would change a reading", &banner.would_change),
        ("Doubts about this decision", &banner.dissent),
    ] {
        if !sentences.is_empty() {
            let _infallible = write!(out, "\n**{}**\n\n", language.say(title));
            out += &each(sentences, |sentence| format!("- {}\n", line(sentence)));
        }
    }
    out
}

fn item(item: &Item) -> String {
    let about = if item.about.is_empty() {
        String::new()
    } else {
        format!(" {}:", safe(&item.about))
    };
    let mut said = item.text.clone();
    for note in &item.notes {
        if !said.ends_with(['.', '?', '。']) {
            said.push('.');
        }
        let _infallible = write!(said, " {note}");
    }
    format!(
        "- {} **{}**{about} {}\n",
        item.chip.symbol,
        safe(&item.chip.label),
        safe(&said)
    )
}

fn block(block: &Block, language: Language) -> String {
    match block {
        Block::Heading(title, chips) => {
            let chips = each(chips, |chip| {
                format!(" ({} {})", chip.symbol, safe(&chip.label))
            });
            format!("\n### {}{chips}\n", safe(title))
        }
        Block::Lead(text) | Block::Paragraph(text) | Block::Note(text) => {
            format!("\n{}\n", line(text))
        }
        Block::Facts(entries) | Block::Definitions(entries) => {
            let lines = each(entries, |(name, text)| {
                format!("- **{}**: {}\n", safe(name), safe(text))
            });
            format!("\n{lines}")
        }
        Block::Bullets(entries) => {
            let lines = each(entries, |entry| format!("- {}\n", line(entry)));
            format!("\n{lines}")
        }
        Block::Items(items) => format!("\n{}", each(items, item)),
        Block::Table(found) => table(found),
        Block::Figures(figures) => each(figures, |figure| {
            let chart = &figure.chart;
            format!(
                "\n*{} {}: {}. {}*\n",
                language.say("Chart"),
                safe(&chart.id),
                safe(&chart.title),
                safe(&figure.caption)
            )
        }),
        Block::Callout(callout) => {
            let lines = each(&callout.lines, |entry| format!("> - {}\n", line(entry)));
            format!("\n> **{}**\n>\n{lines}", safe(&callout.title))
        }
        Block::Code(text) => fenced(text),
    }
}

/// Every item in its form, one after the other.
fn each<T>(items: &[T], form: impl Fn(&T) -> String) -> String {
    items.iter().map(form).collect()
}

/// A fence longer than any run of backticks within.
fn fenced(text: &str) -> String {
    let mut fence = "```".to_owned();
    while text.contains(&fence) {
        fence.push('`');
    }
    format!("\n{fence}\n{text}\n{fence}\n")
}

fn table(table: &Table) -> String {
    let titles = table
        .columns
        .iter()
        .map(|column| match column.sub.as_str() {
            "" => safe(&column.title),
            sub => format!("{}<br>{}", safe(&column.title), safe(sub)),
        });
    let mut out = header(table, &titles.collect::<Vec<_>>());
    for cells in &table.rows {
        out += &row(&cells
            .iter()
            .map(|found| cell(found, true))
            .collect::<Vec<_>>());
    }
    if !table.more.is_empty() {
        let _infallible = writeln!(out, "\n{}", safe(&table.more));
    }
    out
}

/// The table without the small print of its cells.
fn compact(table: &Table) -> String {
    let titles = table.columns.iter().map(|column| safe(&column.title));
    let mut out = header(table, &titles.collect::<Vec<_>>());
    for cells in &table.rows {
        out += &row(&cells
            .iter()
            .map(|found| cell(found, false))
            .collect::<Vec<_>>());
    }
    out
}

fn header(table: &Table, titles: &[String]) -> String {
    let rule = table.columns.iter().map(|column| match column.align {
        Align::Right => "---:".to_owned(),
        Align::Left | Align::Head => "---".to_owned(),
    });
    format!("\n{}{}", row(titles), row(&rule.collect::<Vec<_>>()))
}

fn row(cells: &[String]) -> String {
    format!("| {} |\n", cells.join(" | "))
}

fn cell(cell: &Cell, in_full: bool) -> String {
    let mut out = match &cell.shown {
        Shown::Nothing => units::NO_VALUE.to_owned(),
        Shown::Text(text) | Shown::Number { text, .. } => safe(text),
        Shown::Code(text) => safe(text),
        Shown::Estimate { text, interval, .. } => format!("{} {}", safe(text), safe(interval)),
        Shown::Chip(chip) => format!("{} {}", chip.symbol, safe(&chip.label)),
    };
    if in_full {
        for note in cell
            .notes
            .iter()
            .chain((!cell.warning.is_empty()).then_some(&cell.warning))
        {
            let _infallible = write!(out, "<br>{}", safe(note));
        }
    }
    out
}

/// Text that stays text: no markup, no links, no mentions, no line breaks.
fn safe(text: &str) -> String {
    let shown = text::visible(text);
    let mut out = String::with_capacity(shown.len() + 8);
    let mut chars = shown.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map(|(_, next)| *next);
        let is_word = |c: char| c.is_alphanumeric();
        let is_within = shown[..at].ends_with(is_word) && next.is_some_and(is_word);
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '|' | '~' | '$' => out.extend(['\\', c]),
            '_' if !is_within => out.push_str("\\_"),
            '[' if shown[at..].contains("](") || shown[at..].contains("][") => out.push_str("\\["),
            ']' if matches!(next, Some('(' | '[' | ':')) => out.push_str("\\]"),
            '!' if next == Some('[') => out.push_str("\\!"),
            // Forges turn these into pings and links.
            '@' | '#' if next.is_some_and(is_word) => {
                out.push(c);
                out.push_str("<!-- -->");
            }
            ':' if next == Some('/') => out.push_str(":<!-- -->"),
            _ => out.push(c),
        }
    }
    out
}

/// [`safe`] at the start of a line, where more characters are markup; an empty comment hides them.
fn line(text: &str) -> String {
    let out = safe(text);
    if out.starts_with(['#', '+', '-', '=']) || is_numbered(&out) {
        return format!("<!-- -->{out}");
    }
    out
}

/// Whether a line would be taken for an entry of a numbered list.
fn is_numbered(text: &str) -> bool {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
    rest.len() < text.len() && (rest.starts_with(". ") || rest.starts_with(") "))
}

#[cfg(test)]
mod tests {
    use super::super::document;
    use super::super::fixture::{canary, canary_named};
    use super::*;

    fn full(name: &str) -> String {
        render(&document(&canary_named(name).input()))
    }

    #[test]
    fn every_figure_of_the_page_is_in_the_markdown() {
        let text = full("v2");
        for figure in [
            "+1.24 pp",
            "+0.310\u{a0}pp",
            "by user, p 0.001",
            "## Scorecard",
            "requests-2026-03.csv",
        ] {
            assert!(text.contains(figure), "{figure}");
        }
        assert!(!text.contains("NaN"));
    }

    #[test]
    fn rows_have_as_many_cells_as_their_header() {
        let text = full("a|b");
        let mut width = 0;
        let mut is_header = true;
        for line in text.lines() {
            if !line.starts_with('|') {
                is_header = true;
                continue;
            }
            let bars = line.replace("\\|", "").matches('|').count();
            if is_header {
                width = bars;
            }
            is_header = false;
            assert_eq!(bars, width, "{line}");
        }
    }

    #[test]
    fn labels_cannot_become_markup() {
        for (label, shown) in [
            ("<script>", "&lt;script&gt;"),
            ("[a](http://x)", "\\[a\\](http:<!-- -->//x)"),
            ("@team", "@<!-- -->team"),
            ("`x`\n# y", "\\`x\\`⟨U+000A⟩# y"),
            ("![a][b]", "\\!\\[a\\][b]"),
            ("error_share", "error_share"),
            ("\u{1b}[31m", "⟨U+001B⟩[31m"),
        ] {
            assert_eq!(safe(label), shown);
        }
    }

    #[test]
    fn no_label_starts_a_list_or_a_heading() {
        for (label, shown) in [
            ("# x", "<!-- --># x"),
            ("- x", "<!-- -->- x"),
            ("1. x", "<!-- -->1. x"),
            ("1.5 s", "1.5 s"),
        ] {
            assert_eq!(line(label), shown);
        }
    }

    #[test]
    fn the_short_form_fits_a_comment_and_names_the_decision() {
        let text = short(&document(&canary().input()));
        assert!(text.len() < 8_000, "{}", text.len());
        assert!(text.contains("Roll back") && text.contains("p95 latency"));
        assert!(!text.contains("## Method"));
    }
}
