//! Text from logs, made safe to show: labels may hold markup, control characters and characters
//! that turn the reading direction; and how wide a text will be, for lack of a font.

use std::borrow::Cow;
use std::fmt::Write as _;

/// `text` with control, bidirectional and other unseen characters written out, as `⟨U+202E⟩`.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unseen) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_unseen(c) {
            let _infallible = write!(out, "⟨U+{:04X}⟩", u32::from(c));
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// `text` for XML content and quoted attributes, with unseen characters made visible.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in visible(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}

/// `text` as a part of a file name: lower-case letters and digits, everything else a hyphen; never
/// empty.
pub fn slug(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars().take(80) {
        if c.is_alphanumeric() {
            out.extend(c.to_lowercase());
        } else if !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
    }
    let out = out.trim_end_matches('-');
    if out.is_empty() { "x" } else { out }.to_owned()
}

/// A sentence in which no line ends between a number and its unit, or p and its value.
pub fn prose(text: &str) -> String {
    const UNITS: [&str; 7] = ["%", "pp", "ms", "s", "min", "h", "d"];
    let mut out = String::with_capacity(text.len());
    for word in text.split(' ') {
        let is_unit = UNITS.contains(&word.trim_end_matches([',', ';', ':', '.', ')', ']']));
        let is_p_value = out.ends_with(" p") || out.ends_with("p\u{a0}<");
        if is_p_value || is_unit && out.ends_with(|c: char| c.is_ascii_digit()) {
            out.push('\u{a0}');
        } else if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

/// Estimated width in pixels in a common sans-serif font of `size` pixels; errs on the wide side.
pub fn width(text: &str, size: f64) -> f64 {
    text.chars().map(em).sum::<f64>() * size
}

/// `text`, shortened with an ellipsis so that it fits into `room` pixels.
pub fn cut(text: &str, size: f64, room: f64) -> Cow<'_, str> {
    if width(text, size) <= room {
        return Cow::Borrowed(text);
    }
    let mut left = room / size - em('…');
    let kept: String = text
        .chars()
        .take_while(|&c| {
            left -= em(c);
            left >= 0.0
        })
        .collect();
    Cow::Owned(format!("{}…", kept.trim_end()))
}

/// `text` in lines of at most `room` pixels, broken at spaces and between wide characters.
pub fn wrapped(text: &str, size: f64, room: f64) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in words(text) {
        if !line.is_empty() && width(&line, size) + width(word.trim_end(), size) > room {
            lines.push(line.trim_end().to_owned());
            line.clear();
        }
        line.push_str(word);
    }
    if !line.trim().is_empty() {
        lines.push(line.trim_end().to_owned());
    }
    lines
}

/// Pieces after which a line may end.
fn words(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut from = 0;
    for (at, c) in text.char_indices() {
        let end = at + c.len_utf8();
        if c == ' ' || is_wide(c) {
            out.push(&text[from..end]);
            from = end;
        }
    }
    out.push(&text[from..]);
    out
}

/// Whether a reader would not see `c`, or would see its neighbours in another order.
pub fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(u32::from(c),
            0x00AD | 0x061C | 0x180E | 0x200B | 0x200E..=0x200F | 0x2028..=0x202E
            | 0x2060..=0x206F | 0xFEFF | 0xFFF9..=0xFFFB | 0xFFFE..=0xFFFF | 0xE0000..=0xE007F)
}

/// Width of a character relative to the font size, as in the wider of the common fonts.
fn em(c: char) -> f64 {
    match c {
        'i' | 'j' | 'l' | 'I' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' | ' ' => 0.32,
        'f' | 't' | 'r' | '(' | ')' | '[' | ']' | '/' | '-' => 0.41,
        'm' | 'M' | 'W' | '@' | '%' | '…' | '—' => 0.98,
        'w' | '+' | '−' | '±' | '<' | '>' | '=' | '≤' | '≥' | '×' => 0.84,
        'A'..='Z' => 0.72,
        _ if is_joined(c) => 0.0,
        _ if is_wide(c) => 1.02,
        _ => 0.635,
    }
}

/// Drawn upon the character before.
fn is_joined(c: char) -> bool {
    matches!(u32::from(c), 0x0300..=0x036F | 0x200C..=0x200D | 0xFE00..=0xFE0F)
}

/// Whether `c` takes a square, as Han, kana and Hangul do: a line may end after it.
pub(super) fn is_wide(c: char) -> bool {
    matches!(u32::from(c),
        0x1100..=0x115F | 0x2E80..=0xA4CF | 0xAC00..=0xD7A3 | 0xF900..=0xFAFF | 0xFE30..=0xFE6F
        | 0xFF00..=0xFF60 | 0xFFE0..=0xFFE6 | 0x1F300..=0x1FAFF | 0x20000..=0x3FFFD)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_stays_with_its_unit() {
        assert_eq!(
            prose("worse by 48 %, +1.2 s [+1 min 3 s, +2 h] in 3 days"),
            "worse by 48\u{a0}%, +1.2\u{a0}s [+1\u{a0}min 3\u{a0}s, +2\u{a0}h] in 3 days"
        );
    }

    #[test]
    fn unseen_characters_are_written_out() {
        for (text, shown) in [
            ("plain 서울 👩‍🔬", "plain 서울 👩‍🔬"),
            ("a\u{202E}b", "a⟨U+202E⟩b"),
            ("\0\n\u{9b}", "⟨U+0000⟩⟨U+000A⟩⟨U+009B⟩"),
        ] {
            assert_eq!(visible(text), shown);
        }
    }

    #[test]
    fn markup_is_escaped() {
        assert_eq!(
            escaped("<script>&\"'\u{2066}"),
            "&lt;script&gt;&amp;&quot;&#39;⟨U+2066⟩"
        );
    }

    #[test]
    fn slugs_are_plain_file_names() {
        for (text, name) in [
            ("../../x", "x"),
            ("Error share (한국어)", "error-share-한국어"),
            ("=HYPERLINK(\"a\")", "hyperlink-a"),
            ("\u{1b}[0m/\\:", "0m"),
            ("…", "x"),
        ] {
            assert_eq!(slug(text), name);
        }
    }

    #[test]
    fn wide_characters_count_double() {
        assert!(width("模型", 10.0) > 1.5 * width("ab", 10.0));
        assert_eq!(cut("short", 10.0, 100.0), "short");
        let cut = cut("모델모델모델모델", 10.0, 52.0);
        assert_eq!(cut, "모델모델…");
    }

    #[test]
    fn lines_break_at_spaces_and_between_wide_characters() {
        assert_eq!(wrapped("aaaa bbbb cccc", 10.0, 65.0), ["aaaa bbbb", "cccc"]);
        assert_eq!(wrapped("模型模型", 10.0, 21.0), ["模型", "模型"]);
        assert_eq!(wrapped("", 10.0, 50.0), Vec::<String>::new());
    }
}
