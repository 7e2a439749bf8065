//! Aligned text tables for people.

use super::output::printable;

/// Columns aligned by display width: numbers to the right, text and the outer columns to the left.
pub(super) fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let clean = |cells: &[String]| -> Vec<String> {
        cells
            .iter()
            .map(|c| printable(c).replace('\n', " "))
            .collect()
    };
    let rows: Vec<Vec<String>> = rows.iter().map(|row| clean(row)).collect();
    let widths: Vec<usize> = (0..header.len())
        .map(|i| {
            rows.iter()
                .filter_map(|row| row.get(i))
                .map(|cell| width(cell))
                .chain([width(header[i])])
                .max()
                .unwrap_or(0)
        })
        .collect();
    let is_number = |i: usize| {
        rows.iter().filter_map(|row| row.get(i)).any(|cell| {
            cell.starts_with(|c: char| c.is_ascii_digit() || c == '+' || c == '\u{2212}')
        })
    };
    let right: Vec<bool> = (0..header.len())
        .map(|i| i > 0 && i + 1 < header.len() && is_number(i))
        .collect();
    let line = |cells: &[String]| -> String {
        let padded = cells.iter().enumerate().map(|(i, cell)| {
            let pad = " ".repeat(
                widths
                    .get(i)
                    .copied()
                    .unwrap_or(0)
                    .saturating_sub(width(cell)),
            );
            if right.get(i).copied().unwrap_or(false) {
                pad + cell
            } else {
                cell.clone() + &pad
            }
        });
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    let header: Vec<String> = header.iter().map(|h| (*h).to_owned()).collect();
    let rule = "─".repeat(widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1)) + "\n";
    line(&header) + &rule + &rows.iter().map(|row| line(row)).collect::<String>()
}

/// A text of at most `room` columns of the terminal, with an ellipsis where it was longer.
pub(super) fn cut(text: &str, room: usize) -> String {
    let text = printable(text).replace('\n', " ");
    if width(&text) <= room {
        return text;
    }
    let mut kept = String::new();
    let mut left = room.saturating_sub(1);
    for c in text.chars() {
        let Some(rest) = left.checked_sub(char_width(c)) else {
            break;
        };
        left = rest;
        kept.push(c);
    }
    format!("{}…", kept.trim_end())
}

/// Columns that a text takes in a terminal: East Asian wide characters take two.
fn width(text: &str) -> usize {
    text.chars().map(char_width).sum()
}

fn char_width(c: char) -> usize {
    match u32::from(c) {
        0x1100..=0x115f
        | 0x2e80..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1faff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_by_display_width() {
        assert_eq!(cut("short", 5), "short");
        assert_eq!(cut("longer", 5), "long…");
        assert_eq!(cut("한국어는", 5), "한국…");
        assert_eq!(cut("two\nlines", 20), "two lines");
    }

    #[test]
    fn wide_characters_align() {
        let text = table(
            &["Arm", "n", "Is"],
            &[
                vec!["한국어".into(), "1".into(), "2 words".into()],
                vec!["en".into(), "20".into(), "b".into()],
            ],
        );
        assert_eq!(
            text,
            "Arm      n  Is\n───────────────────\n한국어   1  2 words\nen      20  b\n"
        );
    }
}
