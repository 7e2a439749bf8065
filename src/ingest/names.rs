//! How well a column's name fits a role.

use super::known_names::{METRICS, NAMES, SUFFIXES, WHOLE};
use super::mapping::Role;

/// Lower case, words joined by `_`: `startTimeUnixNano` → `start_time_unix_nano`.
pub(super) fn normalize(name: &str) -> String {
    let mut out = String::new();
    let mut previous: Option<char> = None;
    let chars: Vec<char> = name.chars().collect();
    for (i, &c) in chars.iter().enumerate() {
        let next_is_lower = chars.get(i + 1).is_some_and(|n| n.is_lowercase());
        if c.is_alphanumeric() {
            let starts_word = c.is_uppercase()
                && previous.is_some_and(|p| {
                    p.is_lowercase() || p.is_ascii_digit() || (p.is_uppercase() && next_is_lower)
                });
            let changes_script =
                previous.is_some_and(|p| p.is_alphanumeric() && p.is_ascii() != c.is_ascii());
            if (starts_word || changes_script) && !out.ends_with('_') && !out.is_empty() {
                out.push('_');
            }
            out.extend(c.to_lowercase());
        } else if !out.is_empty() && !out.ends_with('_') {
            out.push('_');
        }
        previous = Some(c);
    }
    out.trim_end_matches('_').to_owned()
}

/// How well a normalised name fits a role: 1 for its first name, 0.5 for a part, 0 for none.
/// Returns the known name that matched.
pub(super) fn name_score(normalized: &str, role: Role) -> (f64, &'static str) {
    if role == Role::Metric {
        return METRICS
            .iter()
            .find(|n| **n == normalized)
            .map_or((0.0, ""), |n| (0.9, *n));
    }
    let names = NAMES
        .iter()
        .find(|(r, _)| *r == role)
        .map_or([].as_slice(), |(_, names)| *names);
    let bare = without_suffix(normalized);
    let mut best = (0.0, "");
    for (i, &name) in names.iter().enumerate() {
        // Earlier names are more telling, but any listed name beats a partial match.
        let rank = 1.0 - 0.25 * i as f64 / names.len() as f64;
        let words: Vec<&str> = name.split('_').collect();
        let given: Vec<&str> = bare.split('_').collect();
        let score = if normalized == name || bare == name || bare == without_suffix(name) {
            rank
        } else if words.len() > 1 && words.iter().all(|w| given.contains(w)) {
            0.7 * rank
        } else if given.last() == words.first()
            && words.len() == 1
            && name.len() > 2
            && !WHOLE.contains(&name)
        {
            0.6 * rank
        } else {
            0.0
        };
        if score > best.0 {
            best = (score, name);
        }
    }
    best
}

fn without_suffix(name: &str) -> &str {
    match name.rsplit_once('_') {
        Some((rest, last)) if SUFFIXES.contains(&last) => rest,
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_normalised() {
        for (name, expected) in [
            ("startTimeUnixNano", "start_time_unix_nano"),
            ("TIMESTAMP", "timestamp"),
            ("ContextTokens", "context_tokens"),
            ("HTTPStatus", "http_status"),
            ("用户ID", "用户_id"),
            ("latencies.request", "latencies_request"),
            ("_id", "id"),
        ] {
            assert_eq!(normalize(name), expected);
        }
    }

    #[test]
    fn names_find_their_role() {
        for (name, role) in [
            ("end_to_end_latency_s", Role::Latency),
            ("ttft_s", Role::Ttft),
            ("launch_time", Role::Time),
            ("finish_time", Role::EndTime),
            ("programmer_id", Role::Unit),
            ("用户ID", Role::Unit),
            ("응답시간", Role::Latency),
            ("GeneratedTokens", Role::TokensOut),
            ("error_code", Role::Status),
            ("copied", Role::Metric),
            ("model_size", Role::Segment),
        ] {
            let scores = Role::ALL.map(|r| (name_score(&normalize(name), r).0, r));
            let best = scores
                .into_iter()
                .max_by(|a, b| a.0.total_cmp(&b.0))
                .unwrap();
            assert_eq!(best.1, role, "{name}: {scores:?}");
        }
    }
}
