//! Text to numbers, with the marks that people and tools write.

use serde::{Deserialize, Serialize};

/// What separates whole from fraction; the other of comma and point groups thousands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DecimalMark {
    /// `1,528.2`
    #[default]
    Point,
    /// `1.528,2`
    Comma,
}

/// Words that mean "no value"; compared without case.
const NULL_WORDS: [&str; 9] = [
    "null",
    "none",
    "nan",
    "n/a",
    "na",
    "-",
    "\\n",
    "nil",
    "undefined",
];

/// Whether a cell says that it has no value.
pub(super) fn is_null_word(text: &str) -> bool {
    text.len() <= 9
        && (text.is_empty()
            || NULL_WORDS
                .iter()
                .any(|word| text.eq_ignore_ascii_case(word)))
}

/// A number, allowing spaces around, thousands separators, and a currency sign.
pub(super) fn parse_number(text: &str, mark: DecimalMark) -> Option<f64> {
    let text = text.trim();
    // The plain form first: it is nearly all of a log.
    let plain = text
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+' | b'e' | b'E'));
    if plain && (mark == DecimalMark::Point || !text.contains('.')) {
        return text.parse().ok().filter(|v: &f64| v.is_finite());
    }
    let text = text.trim_start_matches(['$', '€', '¥', '₩', '£']).trim();
    let (group, decimal) = match mark {
        DecimalMark::Point => (',', '.'),
        DecimalMark::Comma => ('.', ','),
    };
    let (whole, fraction) = text
        .split_once(decimal)
        .map_or((text, None), |(w, f)| (w, Some(f)));
    let mut clean = String::with_capacity(text.len());
    let mut groups = whole.split([group, '\u{a0}', '\u{202f}', '\'']);
    clean.push_str(groups.next()?);
    for digits in groups {
        if digits.len() != 3 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        clean.push_str(digits);
    }
    if let Some(fraction) = fraction {
        clean.push('.');
        clean.push_str(fraction);
    }
    let numeric = |b: u8| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+' | b'e' | b'E');
    if clean.is_empty() || !clean.bytes().all(numeric) {
        return None;
    }
    clean.parse().ok().filter(|v: &f64| v.is_finite())
}

/// What the commas and points of a column's samples say about its decimal mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MarkEvidence {
    /// No mark, or none that tells.
    Silent,
    /// Proven by a value.
    Proven(DecimalMark),
    /// Every comma is followed by three digits: thousands or decimals, both possible.
    Ambiguous,
}

/// Reads the decimal mark of a column from sampled values that contain digits.
pub(super) fn mark_evidence<'a>(values: impl Iterator<Item = &'a str>) -> MarkEvidence {
    let mut ambiguous = false;
    for value in values {
        let value = value.trim();
        let numeric = value
            .bytes()
            .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b',' | b'-' | b'+' | b'e' | b'E'));
        let Some(comma) = value.rfind(',').filter(|_| numeric) else {
            continue;
        };
        match value.rfind('.') {
            Some(point) if point > comma => return MarkEvidence::Proven(DecimalMark::Point),
            Some(_) => return MarkEvidence::Proven(DecimalMark::Comma),
            None if value.matches(',').count() > 1 => {
                return MarkEvidence::Proven(DecimalMark::Point);
            }
            None if value.len() - comma - 1 == 3 && comma <= 3 && !value.starts_with('0') => {
                ambiguous = true;
            }
            None => return MarkEvidence::Proven(DecimalMark::Comma),
        }
    }
    if ambiguous {
        MarkEvidence::Ambiguous
    } else {
        MarkEvidence::Silent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, mark: DecimalMark, expected: Option<f64>) {
        assert_eq!(parse_number(text, mark), expected, "{text} {mark:?}");
    }

    #[test]
    fn numbers_as_people_write_them() {
        use DecimalMark::{Comma, Point};
        check("1.5", Point, Some(1.5));
        check(" 1,528.2 ", Point, Some(1528.2));
        check("1,5", Point, None);
        check("0,5575", Comma, Some(0.5575));
        check("1.528,2", Comma, Some(1528.2));
        check("$0.0021", Point, Some(0.0021));
        check("1.2E-05", Point, Some(1.2e-5));
        check("inf", Point, None);
        check("1e999", Point, None);
        check("ok", Point, None);
        check("", Point, None);
    }

    #[test]
    fn decimal_marks_are_proven_or_asked() {
        let evidence = |values: &[&str]| mark_evidence(values.iter().copied());
        assert_eq!(
            evidence(&["1,528.2"]),
            MarkEvidence::Proven(DecimalMark::Point)
        );
        assert_eq!(
            evidence(&["0,55"]),
            MarkEvidence::Proven(DecimalMark::Comma)
        );
        assert_eq!(evidence(&["1,234", "5,678"]), MarkEvidence::Ambiguous);
        assert_eq!(
            evidence(&["1,234", "0,5"]),
            MarkEvidence::Proven(DecimalMark::Comma)
        );
        assert_eq!(evidence(&["12", "a,b"]), MarkEvidence::Silent);
    }
}
