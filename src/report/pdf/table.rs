//! Tables over pages: rows stay whole, headers are repeated.

use super::super::document::{Align, Cell, Column, Shown, Table};
use super::super::text::prose;
use super::blocks::tone_colour;
use super::sheet::{
    BOTTOM, Colour, HAIR, INK, LEFT, QUIET, SUNKEN, Sheet, Style, TOP, WIDTH, pieces,
};
use crate::units;

/// White at the left and right of a cell.
const PAD: f32 = 4.0;
/// White above and below.
const LEAD: f32 = 3.0;
/// Columns from which text is set smaller.
const MANY: usize = 7;

/// A line of a cell, before it is broken.
struct Part {
    text: String,
    style: Style,
}

/// A cell broken into lines.
struct Laid {
    lines: Vec<(String, Style)>,
    align: Align,
}

pub(super) fn table(sheet: &mut Sheet, table: &Table) {
    let size = if table.columns.len() >= MANY {
        6.8
    } else {
        7.8
    };
    let heads: Vec<Vec<Part>> = table
        .columns
        .iter()
        .map(|column| head(column, size))
        .collect();
    let rows: Vec<Vec<Vec<Part>>> = table
        .rows
        .iter()
        .map(|row| {
            let cells = row.iter().zip(&table.columns);
            cells
                .map(|(cell, column)| parts(cell, column.align, size))
                .collect()
        })
        .collect();
    let widths = widths(sheet, &heads, &rows);
    let lay = |sheet: &Sheet, cells: &[Vec<Part>]| -> Vec<Laid> {
        let columns = cells.iter().zip(&widths).zip(&table.columns);
        columns
            .map(|((cell, width), column)| Laid {
                lines: broken(sheet, cell, width - 2.0 * PAD),
                align: column.align,
            })
            .collect()
    };
    let header = lay(sheet, &heads);
    let body: Vec<Vec<Laid>> = rows.iter().map(|row| lay(sheet, row)).collect();
    let first = body.first().map_or(0.0, |row| height(row));
    sheet.need(height(&header) + first);
    draw(sheet, &header, &widths, Some(SUNKEN));
    for (k, mut row) in body.into_iter().enumerate() {
        // A row that is higher than a page cannot stay whole.
        if height(&row) + height(&header) < BOTTOM - TOP && sheet.need(height(&row)) {
            draw(sheet, &header, &widths, Some(SUNKEN));
        } else {
            let shared = row.iter_mut().take(table.n_shared(k));
            shared.for_each(|cell| cell.lines.clear());
        }
        draw(sheet, &row, &widths, None);
    }
    sheet.advance(4.0);
    if !table.more.is_empty() {
        sheet.paragraph(&table.more, Style::small().quiet());
    }
    sheet.gap(6.0);
}

fn head(column: &Column, size: f32) -> Vec<Part> {
    let style = Style::sized(size).bold().quiet();
    let mut out = vec![Part {
        text: column.title.clone(),
        style,
    }];
    if !column.sub.is_empty() {
        let style = Style::sized(size - 0.8).quiet();
        out.push(Part {
            text: column.sub.clone(),
            style,
        });
    }
    out
}

fn parts(cell: &Cell, align: Align, size: f32) -> Vec<Part> {
    let part = |text: &str, is_bold: bool, colour: Colour| Part {
        text: prose(text),
        style: Style {
            size,
            is_bold,
            colour,
        },
    };
    let small = |text: &str, colour: Colour| Part {
        text: prose(text),
        style: Style::sized(size - 0.8).coloured(colour),
    };
    let is_head = align == Align::Head;
    let mut out = match &cell.shown {
        Shown::Nothing => vec![part(units::NO_VALUE, false, QUIET)],
        Shown::Text(text) | Shown::Code(text) => vec![part(text, is_head, INK)],
        Shown::Number { text, .. } => vec![part(text, false, INK)],
        Shown::Estimate { text, interval, .. } => {
            vec![part(text, true, INK), small(interval, QUIET)]
        }
        Shown::Chip(chip) => {
            let text = format!("{} {}", chip.symbol, chip.label);
            vec![part(&text, true, tone_colour(chip.tone))]
        }
    };
    out.extend(cell.notes.iter().map(|note| small(note, QUIET)));
    if !cell.warning.is_empty() {
        out.push(small(
            &cell.warning,
            tone_colour(super::super::chart::Tone::Caution),
        ));
    }
    out
}

/// What every column would like, squeezed down to what its longest word needs where the page is
/// too narrow for all.
fn widths(sheet: &Sheet, heads: &[Vec<Part>], rows: &[Vec<Vec<Part>>]) -> Vec<f32> {
    let mut most = vec![0.0_f32; heads.len()];
    let mut least = vec![0.0_f32; heads.len()];
    for row in std::iter::once(heads).chain(rows.iter().map(Vec::as_slice)) {
        for (k, cell) in row.iter().enumerate() {
            for part in cell {
                let whole = sheet.width(&part.text, part.style) + 2.0 * PAD + 0.5;
                most[k] = most[k].max(whole);
                let words = pieces(&part.text)
                    .into_iter()
                    .map(|word| sheet.width(word.trim_end(), part.style));
                least[k] = least[k].max(words.fold(0.0, f32::max) + 2.0 * PAD + 0.5);
            }
        }
    }
    let total = |widths: &[f32]| widths.iter().sum::<f32>();
    let (wish, need) = (total(&most), total(&least));
    if wish <= WIDTH {
        let spare = (WIDTH - wish) / heads.len().max(1) as f32;
        return most.iter().map(|width| width + spare).collect();
    }
    if need >= WIDTH {
        return least.iter().map(|width| width * WIDTH / need).collect();
    }
    // Room beyond the least goes by what is missing, less than in proportion for long texts.
    let missing: Vec<f32> = most
        .iter()
        .zip(&least)
        .map(|(m, l)| (m - l).sqrt())
        .collect();
    let all = total(&missing);
    let spare = WIDTH - need;
    least
        .iter()
        .zip(&missing)
        .map(|(l, m)| l + spare * m / all)
        .collect()
}

fn broken(sheet: &Sheet, parts: &[Part], room: f32) -> Vec<(String, Style)> {
    let lines = parts.iter().flat_map(|part| {
        let lines = sheet.wrap(&part.text, part.style, room);
        lines.into_iter().map(|line| (line, part.style))
    });
    lines.collect()
}

fn height(row: &[Laid]) -> f32 {
    let of = |cell: &Laid| {
        cell.lines
            .iter()
            .map(|(_, style)| style.line())
            .sum::<f32>()
    };
    row.iter().map(of).fold(0.0, f32::max) + 2.0 * LEAD
}

fn draw(sheet: &mut Sheet, row: &[Laid], widths: &[f32], ground: Option<Colour>) {
    let (top, height) = (sheet.y(), height(row));
    if let Some(colour) = ground {
        sheet.fill(LEFT, top, WIDTH, height, colour);
    }
    sheet.fill(LEFT, top, WIDTH, 0.5, HAIR);
    let mut left = LEFT;
    for (cell, width) in row.iter().zip(widths) {
        let mut y = top + LEAD;
        for (line, style) in &cell.lines {
            let x = match cell.align {
                Align::Right => left + width - PAD - sheet.width(line, *style),
                Align::Head | Align::Left => left + PAD,
            };
            sheet.text_at(x, y, line, *style);
            y += style.line();
        }
        left += width;
    }
    sheet.advance(height);
}
