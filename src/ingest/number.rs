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
pub(super) const NULL_WORDS: [&str; 17] = [
    "null",
    "none",
    "nan",
    "n/a",
    "na",
    "-",
    "\\n",
    "nil",
    "undefined",
    "[]",
    "{}",
    // What spreadsheets write where a formula has no result.
    "#n/a",
    "#null!",
    "#num!",
    "#div/0!",
    "#value!",
    "#ref!",
];

/// Signs before an amount; they say nothing about its size.
const CURRENCIES: [char; 5] = ['$', '€', '¥', '₩', '£'];

/// Whether a cell says that it has no value.
pub(super) fn is_null_word(text: &str) -> bool {
    let Some(first) = text.as_bytes().first() else {
        return true;
    };
    matches!(
        first,
        b'n' | b'N' | b'-' | b'\\' | b'u' | b'U' | b'[' | b'{' | b'#'
    ) && text.len() <= 9
        && NULL_WORDS
            .iter()
            .any(|word| text.eq_ignore_ascii_case(word))
}

/// Without spaces around; most cells have none, which their first and last byte show.
pub(super) fn trimmed(text: &str) -> &str {
    match text.as_bytes() {
        [first, .., last] if first.is_ascii_graphic() && last.is_ascii_graphic() => text,
        _ => text.trim(),
    }
}

/// A number, allowing spaces around, thousands separators, and a currency sign.
pub(super) fn parse_number(text: &str, mark: DecimalMark) -> Option<f64> {
    let text = trimmed(text);
    // The plain forms first: they are nearly all of a log.
    if let Some(value) = short_decimal(text.as_bytes(), mark) {
        return Some(value);
    }
    let plain = text
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+' | b'e' | b'E'));
    if plain && (mark == DecimalMark::Point || !text.contains('.')) {
        return text.parse().ok().filter(|v: &f64| v.is_finite());
    }
    if let Some(list) = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')) {
        return mean_of_list(list);
    }
    let text = text.trim_start_matches(CURRENCIES).trim();
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

/// Digits with at most one point, up to fifteen of them. The digits as an integer and the power of
/// ten are exact as floats, so that their quotient is the float nearest to the decimal (Clinger 1990).
#[inline]
fn short_decimal(text: &[u8], mark: DecimalMark) -> Option<f64> {
    const TENS: [f64; 16] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
    ];
    let (is_negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    if digits.is_empty() || digits.len() > 16 {
        return None;
    }
    let (mut integer, mut point) = (0u64, None);
    for (i, byte) in digits.iter().enumerate() {
        match byte {
            b'0'..=b'9' => integer = integer * 10 + u64::from(byte - b'0'),
            b'.' if point.is_none() && mark == DecimalMark::Point => point = Some(i),
            _ => return None,
        }
    }
    let n_fraction = point.map_or(0, |point| digits.len() - 1 - point);
    let n_digits = digits.len() - usize::from(point.is_some());
    if n_digits == 0 || n_digits > 15 {
        return None;
    }
    let value = integer as f64 / TENS[n_fraction];
    Some(if is_negative { -value } else { value })
}

/// The mean of a list in a cell: scores of one request are exported as `[1]` or `[0, 1]`.
fn mean_of_list(list: &str) -> Option<f64> {
    let numbers: Option<Vec<f64>> = list
        .split(',')
        .map(|n| n.trim().parse::<f64>().ok().filter(|v| v.is_finite()))
        .collect();
    numbers.map(|numbers| numbers.iter().sum::<f64>() / numbers.len() as f64)
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
    let (mut ambiguous, mut has_points) = (false, false);
    for value in values {
        let value = value.trim().trim_start_matches(CURRENCIES);
        let numeric = value
            .bytes()
            .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b',' | b'-' | b'+' | b'e' | b'E'));
        let Some(comma) = value.rfind(',').filter(|_| numeric) else {
            // A point before other than three digits begins decimals.
            let point = value.find('.').filter(|_| numeric);
            let n_after = point.map(|p| value[p + 1..].bytes().take_while(u8::is_ascii_digit));
            has_points |=
                n_after.is_some_and(|n| value.matches('.').count() == 1 && n.count() != 3);
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
    if has_points {
        MarkEvidence::Proven(DecimalMark::Point)
    } else if ambiguous {
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
        check("-.5", Point, Some(-0.5));
        check("7.", Point, Some(7.0));
        check(".", Point, None);
        check("-", Point, None);
        check("123456789.012345", Point, Some(123_456_789.012_345));
        check("12345678901234568", Point, Some(12_345_678_901_234_568.0));
        check(" 1,528.2 ", Point, Some(1528.2));
        check("1,5", Point, None);
        check("0,5575", Comma, Some(0.5575));
        check("1.528,2", Comma, Some(1528.2));
        check("$0.0021", Point, Some(0.0021));
        check("1.2E-05", Point, Some(1.2e-5));
        check("[1]", Point, Some(1.0));
        check("[0, 0.5]", Comma, Some(0.25));
        check("[a]", Point, None);
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
        assert_eq!(
            evidence(&["1.234", "0.5"]),
            MarkEvidence::Proven(DecimalMark::Point)
        );
        assert_eq!(evidence(&["1.234", "10.0.0.1"]), MarkEvidence::Silent);
    }
}
