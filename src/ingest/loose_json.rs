//! JSON as some writers leave it: `NaN` and `Infinity` (Python's `json.dumps`), and halves of
//! surrogate pairs in strings cut by length (JavaScript).

/// The text with what JSON does not know replaced; `None` where there is nothing of the kind.
///
/// `NaN` becomes null, infinities become strings, so that they are reported as what they are, and
/// half a pair becomes U+FFFD.
pub(super) fn repaired(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(bytes.len() + 8);
    let (mut i, mut is_string, mut is_changed) = (0, false, false);
    while i < bytes.len() {
        let rest = &bytes[i..];
        let (n, replacement): (usize, &[u8]) = match rest[0] {
            b'"' => {
                is_string = !is_string;
                (1, b"\"")
            }
            b'\\' if is_string => escape(rest, &mut is_changed),
            b'N' if !is_string && rest.starts_with(b"NaN") => (3, b"null"),
            b'I' if !is_string && rest.starts_with(b"Infinity") => (8, b"\"Infinity\""),
            b'-' if !is_string && rest.starts_with(b"-Infinity") => (9, b"\"-Infinity\""),
            _ => (1, &rest[..1]),
        };
        is_changed |= n > 1 && !is_string;
        out.extend_from_slice(replacement);
        i += n;
    }
    is_changed.then_some(out)
}

/// The length of an escape sequence, and what stands in its place.
fn escape<'a>(rest: &'a [u8], is_changed: &mut bool) -> (usize, &'a [u8]) {
    let unit = |at: usize| {
        let digits = rest.get(at..at + 6)?.strip_prefix(b"\\u")?;
        u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    };
    let n = match unit(0) {
        Some(0xd800..=0xdbff) if matches!(unit(6), Some(0xdc00..=0xdfff)) => 12,
        Some(0xd800..=0xdfff) => {
            *is_changed = true;
            return (6, b"\\ufffd");
        }
        _ => 2.min(rest.len()),
    };
    (n, &rest[..n])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        let found = repaired(text.as_bytes()).map(|b| String::from_utf8(b).unwrap());
        assert_eq!(found.as_deref(), expected, "{text}");
    }

    #[test]
    fn only_what_json_does_not_know_is_replaced() {
        check(r#"{"a": 1, "b": "NaN \" -Infinity"}"#, None);
        check(r#"{"a": "\ud83d\ude00 \\u", "b": -1}"#, None);
        check(
            r#"{"a": NaN, "b": [Infinity, -Infinity], "NaN": 1}"#,
            Some(r#"{"a": null, "b": ["Infinity", "-Infinity"], "NaN": 1}"#),
        );
        check(
            r#"{"a": "x\ud83d", "b": "\ude00y"}"#,
            Some(r#"{"a": "x\ufffd", "b": "\ufffdy"}"#),
        );
        check(r#"{"a": "\"#, None);
    }
}
