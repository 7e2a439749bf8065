//! Structured text inside one cell: JSON objects, Python's way of writing them, literal quotes.

use serde_json::Value;

/// Cells longer than this hold prompts, not properties.
const LONGEST: usize = 16_384;
/// Keys deeper than this stay JSON text.
const MAX_DEPTH: usize = 3;

/// A cell without the one pair of literal quotes that some exports leave in it.
pub(super) fn bare(text: &str) -> &str {
    let inner = text
        .trim()
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    inner.filter(|inner| !inner.contains('"')).unwrap_or(text)
}

/// The object in a cell, written as JSON or as Python prints it; `None` where it is neither.
pub(super) fn object(text: &str) -> Option<Value> {
    let text = text.trim();
    if !(text.starts_with('{') && text.ends_with('}')) || text.len() > LONGEST {
        return None;
    }
    let parsed = serde_json::from_str(text).or_else(|_| serde_json::from_str(&from_python(text)));
    parsed.ok().filter(Value::is_object)
}

/// The value at a dotted path of an object; keys may themselves contain dots, and a number picks
/// from a list.
pub(super) fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    let get = |key: &str| match value {
        Value::Object(map) => map.get(key),
        Value::Array(list) => list.get(key.parse::<usize>().ok()?),
        _ => None,
    };
    let mut dots = path.match_indices('.').map(|(i, _)| i);
    get(path).or_else(|| dots.find_map(|i| at(get(&path[..i])?, &path[i + 1..])))
}

/// A JSON value as the text of a cell.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// The dotted names of the plain values in an object.
pub(super) fn leaves(object: &Value, push: &mut dyn FnMut(String, String)) {
    fn walk(value: &Value, prefix: &str, depth: usize, push: &mut dyn FnMut(String, String)) {
        let Value::Object(map) = value else { return };
        for (key, value) in map {
            let name = match prefix {
                "" => key.clone(),
                _ => format!("{prefix}.{key}"),
            };
            if value.is_object() && depth < MAX_DEPTH {
                walk(value, &name, depth + 1, push);
            } else if let Some(text) = text(value).filter(|_| !value.is_array()) {
                push(name, text);
            }
        }
    }
    walk(object, "", 1, push);
}

/// Python's `{'max': 0, 'ok': True, 'note': None}` as JSON.
fn from_python(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\'' | '"' => {
                out.push('"');
                while let Some(inside) = chars.next() {
                    match inside {
                        _ if inside == c => break,
                        '\\' => match chars.next() {
                            Some('\'') => out.push('\''),
                            Some(escaped) => out.extend(['\\', escaped]),
                            None => {}
                        },
                        '"' => out.push_str("\\\""),
                        _ => out.push(inside),
                    }
                }
                out.push('"');
            }
            _ if c.is_alphabetic() => {
                let mut word = String::from(c);
                while let Some(next) = chars.next_if(|n| n.is_alphanumeric() || *n == '_') {
                    word.push(next);
                }
                out.push_str(match word.as_str() {
                    "True" => "true",
                    "False" => "false",
                    "None" | "nan" | "inf" => "null",
                    other => other,
                });
            }
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, path: &str, expected: Option<&str>) {
        let found = object(text).and_then(|o| at(&o, path).and_then(super::text));
        assert_eq!(found.as_deref(), expected, "{text} {path}");
    }

    #[test]
    fn keys_of_json_and_python_text() {
        check(r#"{"tier":"pro","n":{"x":3}}"#, "n.x", Some("3"));
        check(r#"{"$feature/new.ui":"b"}"#, "$feature/new.ui", Some("b"));
        check(r#"{"a":[{"v":1}]}"#, "a.0.v", Some("1"));
        check("{'max': 0, 'ok': True, 'note': None}", "ok", Some("true"));
        check("{'it\\'s': 'a \"b\"'}", "it's", Some("a \"b\""));
        check("{'open': ", "open", None);
        check("{datetime(2026, 1, 1)}", "x", None);
        check("plain", "x", None);
    }

    #[test]
    fn one_pair_of_literal_quotes_is_dropped() {
        assert_eq!(bare("\"2026-03-02\""), "2026-03-02");
        assert_eq!(bare("a \"b\""), "a \"b\"");
        assert_eq!(bare("\"a\" and \"b\""), "\"a\" and \"b\"");
    }
}
