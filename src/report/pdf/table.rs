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
/// The width up to which a column keeps its longest word whole where the page is too narrow for all.
const LONGEST: f32 = 0.26 * WIDTH;
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

/// Tables up to this height are not broken over pages.
const WHOLE: f32 = 140.0;

/// A table broken into lines.
struct Broken {
    widths: Vec<f32>,
    header: Vec<Laid>,
    body: Vec<Vec<Laid>>,
}

pub(super) fn table(sheet: &mut Sheet, table: &Table) {
    let Broken {
        widths,
        header,
        body,
    } = Broken::of(sheet, table);
    let heights: Vec<f32> = body.iter().map(|row| height(row)).collect();
    let head = height(&header);
    sheet.need(least(head, &heights));
    let is_new: Vec<bool> = (0..heights.len()).map(|k| table.n_shared(k) == 0).collect();
    let breaks = breaks(head, &heights, &is_new, BOTTOM - sheet.y());
    draw(sheet, &header, &widths, Some(SUNKEN));
    for (k, mut row) in body.into_iter().enumerate() {
        if breaks.contains(&k) {
            sheet.new_page();
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

/// The height of what a table puts on its first page at least.
pub(super) fn beginning(sheet: &Sheet, table: &Table) -> f32 {
    let broken = Broken::of(sheet, table);
    let heights: Vec<f32> = broken.body.iter().map(|row| height(row)).collect();
    least(height(&broken.header), &heights)
}

/// The whole of a short table, the header and two rows of a long one.
fn least(head: f32, heights: &[f32]) -> f32 {
    let whole = head + heights.iter().sum::<f32>();
    if whole <= WHOLE {
        return whole;
    }
    let first = head + heights.iter().take(2).sum::<f32>();
    // Two rows that fill a page may part.
    if first <= BOTTOM - TOP {
        first
    } else {
        head + heights.first().copied().unwrap_or(0.0)
    }
}

/// The rows before which a new page begins. No page gets the last row alone; and where rows are about the
/// same thing as those above, `is_new` tells which begin with another, one or two of them are not left behind.
fn breaks(head: f32, heights: &[f32], is_new: &[bool], first: f32) -> Vec<usize> {
    let mut out: Vec<usize> = Vec::new();
    let mut left = first - head;
    let mut k = 0;
    while k < heights.len() {
        let page = out.last().copied().unwrap_or(0);
        // A row that is higher than a page cannot stay whole.
        if heights[k] > left && k > page {
            let group = (page..=k).rev().find(|k| is_new[*k]).unwrap_or(k);
            if group > page + 1 && k - group <= 2 {
                k = group;
            }
            out.push(k);
            left = BOTTOM - TOP - head;
        }
        left -= heights[k];
        k += 1;
    }
    let n = heights.len();
    let before = out.iter().rev().nth(1).copied().unwrap_or(0);
    if let Some(last) = out.last_mut()
        && *last + 1 == n
        && *last - before > 2
        && heights[n - 2] + heights[n - 1] <= BOTTOM - TOP - head
    {
        *last -= 1;
    }
    out
}

impl Broken {
    fn of(sheet: &Sheet, table: &Table) -> Self {
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
        let body = rows.iter().map(|row| lay(sheet, row)).collect();
        Self {
            widths,
            header,
            body,
        }
    }
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
    let wish = total(&most);
    if wish <= WIDTH {
        let spare = (WIDTH - wish) / heads.len().max(1) as f32;
        return most.iter().map(|width| width + spare).collect();
    }
    // Where not all fit, a name of many letters is broken before figures are.
    for width in &mut least {
        *width = width.min(LONGEST);
    }
    let need = total(&least);
    if need >= WIDTH {
        let most = capped(&least, WIDTH);
        return least.iter().map(|width| width.min(most)).collect();
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

/// The width at which the widest columns are cut so that all fit into `room`: names of 300 letters are
/// broken, the figures beside them stay whole.
fn capped(widths: &[f32], room: f32) -> f32 {
    let mut sorted = widths.to_vec();
    sorted.sort_by(f32::total_cmp);
    let mut left = room;
    let n = sorted.len();
    for (k, width) in sorted.iter().enumerate() {
        let share = left / (n - k) as f32;
        if *width > share {
            return share;
        }
        left -= width;
    }
    f32::INFINITY
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_widest_columns_give_way() {
        assert_eq!(capped(&[10.0, 500.0, 20.0], 100.0), 70.0);
        assert_eq!(capped(&[300.0, 10.0, 300.0], 110.0), 50.0);
        assert_eq!(capped(&[10.0, 20.0], 100.0), f32::INFINITY);
    }

    #[test]
    fn no_page_gets_the_last_row_alone() {
        for (n, first, expected) in [
            (10, 120.0, &[][..]),
            (10, 100.0, &[8]),
            (10, 70.0, &[6]),
            (2, 25.0, &[1]),
        ] {
            let found = breaks(10.0, &vec![10.0; n], &vec![true; n], first);
            assert_eq!(found, expected, "{n} {first}");
        }
        let page = BOTTOM - TOP;
        let found = breaks(10.0, &[page, page], &[true; 2], 20.0);
        assert_eq!(found, [1], "higher than a page");
        // Rows 4 to 6 are about one thing, of which the page would keep one row.
        let is_new: Vec<bool> = (0..10).map(|k| !(5..7).contains(&k)).collect();
        assert_eq!(breaks(10.0, &[10.0; 10], &is_new, 60.0), [4]);
        assert_eq!(least(10.0, &[10.0; 5]), 60.0);
        assert_eq!(least(10.0, &[10.0; 50]), 30.0);
    }
}
