//! Aligned text tables for people.

use super::output::printable;

/// Columns aligned by display width, the first to the left and numbers to the right.
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
    let right: Vec<bool> = (0..header.len()).map(|i| i > 0 && is_number(i)).collect();
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

/// Columns that a text takes in a terminal: East Asian wide characters take two.
fn width(text: &str) -> usize {
    let wide = |c: char| matches!(u32::from(c), 0x1100..=0x115f | 0x2e80..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff | 0xfe30..=0xfe6f | 0xff00..=0xff60 | 0xffe0..=0xffe6 | 0x1f300..=0x1faff | 0x20000..=0x3fffd);
    text.chars().map(|c| if wide(c) { 2 } else { 1 }).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_characters_align() {
        let text = table(
            &["Arm", "n"],
            &[
                vec!["한국어".into(), "1".into()],
                vec!["en".into(), "20".into()],
            ],
        );
        assert_eq!(text, "Arm      n\n──────────\n한국어   1\nen      20\n");
    }
}
