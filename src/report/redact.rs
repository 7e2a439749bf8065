//! Text of a request with what could tell who somebody is, or open something, taken out: ids, e-mail
//! addresses, web addresses, numbers and keys. Names and what else a text tells stay.

use super::text::is_wide;

/// The most characters that are kept of a text.
const LONGEST: usize = 280;

/// `text` without digits, ids of the same request, addresses and keys, shortened.
///
/// Each is replaced by what it was, such as `⟨number⟩`. Whatever holds a digit goes, so that no phone
/// number, account or date stays, however it is written.
pub(super) fn redacted(text: &str, ids: &[&str]) -> String {
    let text = without_ids(text, ids);
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(first) = rest.chars().next() {
        let is_token = is_of_token(first);
        let end = rest
            .find(|c: char| is_of_token(c) != is_token)
            .unwrap_or(rest.len());
        let (part, after) = rest.split_at(end);
        if is_token {
            push_token(&mut out, part);
        } else {
            out.push_str(part);
        }
        rest = after;
    }
    shortened(&out)
}

/// What a user or request was called elsewhere in its row.
fn without_ids(text: &str, ids: &[&str]) -> String {
    let mut text = text.to_owned();
    // One or two letters are found in every text.
    for id in ids.iter().filter(|id| id.chars().count() > 2) {
        text = text.replace(id, "⟨id⟩");
    }
    text
}

/// Letters, digits and what joins them in addresses, numbers and keys. Han, kana and Hangul stand
/// without spaces and are no part of any.
fn is_of_token(c: char) -> bool {
    c.is_numeric() || c.is_alphanumeric() && !is_wide(c) || "_-+.@/=:%&?#~\\".contains(c)
}

fn push_token(out: &mut String, token: &str) {
    let is_mark = |c: char| !c.is_alphanumeric();
    let core = token.trim_matches(is_mark);
    let Some(what) = what_to_hide(token, core) else {
        out.push_str(token);
        return;
    };
    // Marks around it are no part of it.
    let before = &token[..token.len() - token.trim_start_matches(is_mark).len()];
    let after = token.trim_start_matches(is_mark);
    let after = &after[after.trim_end_matches(is_mark).len()..];
    if what == NUMBER && out.trim_end().ends_with(NUMBER) {
        out.truncate(out.trim_end().len()); // the groups of one
    } else {
        out.push_str(before);
        out.push_str(what);
    }
    out.push_str(after);
}

const NUMBER: &str = "⟨number⟩";

fn what_to_hide(token: &str, core: &str) -> Option<&'static str> {
    let has_digit = core.chars().any(char::is_numeric);
    let n_letters = core.chars().filter(|c| c.is_alphabetic()).count();
    if token.contains('@') && n_letters > 0 {
        Some("⟨e-mail⟩")
    } else if token.contains("://") || core.starts_with("www.") {
        Some("⟨address⟩")
    } else if is_key(core, has_digit) {
        Some("⟨key⟩")
    } else if has_digit && n_letters > 0 {
        Some("⟨id⟩")
    } else if has_digit {
        Some(NUMBER)
    } else {
        None
    }
}

/// Long and mixed, as no word is: tokens, hashes, passwords in base64.
fn is_key(core: &str, has_digit: bool) -> bool {
    let n = core.chars().count();
    let has = |of: fn(&char) -> bool| core.chars().any(|c| of(&c));
    let turns = core
        .as_bytes()
        .windows(2)
        .filter(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase())
        .count();
    let is_named = ["sk-", "pk-", "ghp_", "xox", "AKIA", "eyJ"]
        .iter()
        .any(|start| core.starts_with(start) && n >= 12);
    is_named || n >= 16 && has_digit && has(char::is_ascii_alphabetic) || n >= 20 && turns >= 3
}

fn shortened(text: &str) -> String {
    let mut out: String = text.chars().take(LONGEST).collect();
    if text.chars().nth(LONGEST).is_some() {
        // No half of a place-holder.
        if let Some(at) = out.rfind('⟨').filter(|at| !out[*at..].contains('⟩')) {
            out.truncate(at);
        }
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_tells_who_or_opens_something_is_taken_out() {
        for (text, expected) in [
            (
                "Mail jörg.k@example.co.uk, or call +49 151 2345-678!",
                "Mail ⟨e-mail⟩, or call +⟨number⟩!",
            ),
            ("请联系13800138000谢谢", "请联系⟨number⟩谢谢"),
            ("key=sk-abc123def456ghi789jkl.", "⟨key⟩."),
            (
                "user u4344 (550e8400-e29b-41d4-a716-446655440000)",
                "user ⟨id⟩ (⟨key⟩)",
            ),
            (
                "see https://x.example/a?token=ab, www.x.example/b",
                "see ⟨address⟩, ⟨address⟩",
            ),
            ("AKIAIOSFODNNEXAMPLE", "⟨key⟩"),
            ("aGVsbG8gV29ybGQgdGhpcyBpcw", "⟨key⟩"),
            (
                "４２ and ٤٢ and 3.5 %",
                "⟨number⟩ and ⟨number⟩ and ⟨number⟩ %",
            ),
            (
                "Plain words, a-b and/or c: stay.",
                "Plain words, a-b and/or c: stay.",
            ),
            ("Mr Zed is zed-id here", "Mr Zed is ⟨id⟩ here"),
        ] {
            assert_eq!(redacted(text, &["zed-id", "a"]), expected);
        }
    }

    #[test]
    fn long_texts_are_cut_between_places() {
        let text = format!("{}{}", "a ".repeat(136), "call 1234567 now");
        let short = redacted(&text, &[]);
        assert!(short.ends_with('…') && !short.contains("⟨num…"), "{short}");
        assert!(short.chars().count() <= LONGEST + 1);
    }

    proptest! {
        #[test]
        fn no_digit_and_no_id_of_the_request_stays(text in ".{0,80}", id in "[a-z]{3,8}") {
            let text = format!("{text} {id} {text}{id}x");
            let shown = redacted(&text, &[&id]);
            prop_assert!(!shown.chars().any(char::is_numeric), "{}", shown);
            prop_assert!(["number", "mail", "address", "key"].iter().any(|word| word.contains(&id)) || !shown.contains(&id), "{}", shown);
        }
    }
}
