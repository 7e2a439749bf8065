//! Status columns of every kind to [`Outcome`], and words to ratings.

use crate::data::Outcome;

/// How a status column is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OutcomeForm {
    /// HTTP codes and status words; an empty cell is unknown.
    Status,
    /// Error codes or texts; an empty cell is success.
    Error,
    /// Booleans that are true for success.
    Success,
}

/// What words mean, in lower case.
pub(super) const WORDS: [(Outcome, &[&str]); 5] = [
    (
        Outcome::Ok,
        &[
            "ok",
            "success",
            "succeeded",
            "completed",
            "complete",
            "done",
            "unset",
            "info",
            "debug",
            "default",
            "normal",
            "pass",
            "passed",
            "no_error",
            "no error",
            "noerror",
            "warning",
            "warn",
            "成功",
            "正常",
            "성공",
            "정상",
            // Classes as metrics label them.
            "1xx",
            "2xx",
            "3xx",
            // Why a model's answer ended.
            "stop",
            "length",
            "tool_calls",
            "function_call",
            "end_turn",
            "stop_sequence",
            "max_tokens",
            "eos",
        ],
    ),
    (
        Outcome::Error,
        &[
            "error",
            "failure",
            "failed",
            "fail",
            "exception",
            "timeout",
            "timed_out",
            "fatal",
            "critical",
            "失败",
            "失敗",
            "超时",
            "逾時",
            "异常",
            "異常",
            "错误",
            "錯誤",
            "실패",
            "시간초과",
            "타임아웃",
            "오류",
            "에러",
            "4xx",
            "5xx",
            // The names of gRPC's codes.
            "unavailable",
            "deadline_exceeded",
            "internal",
            "invalid_argument",
            "not_found",
            "already_exists",
            "permission_denied",
            "failed_precondition",
            "out_of_range",
            "unimplemented",
            "data_loss",
            "unauthenticated",
        ],
    ),
    (
        Outcome::RateLimited,
        &[
            "rate_limited",
            "rate_limit",
            "ratelimit",
            "throttled",
            "限流",
            "resource_exhausted",
        ],
    ),
    (
        Outcome::Cancelled,
        &[
            "cancelled",
            "canceled",
            "aborted",
            "client_closed",
            "已取消",
            "取消",
            "취소",
        ],
    ),
    // Not over yet, or nothing known.
    (
        Outcome::Unknown,
        &["in_progress", "pending", "running", "queued", "unknown"],
    ),
];

/// Words for truth values, in lower case.
pub(super) const TRUTHS: [(bool, &[&str]); 2] = [
    (true, &["true", "t", "yes"]),
    (false, &["false", "f", "no"]),
];

/// Texts of an empty list or object: as good as an empty cell.
pub(super) const EMPTY: [&str; 2] = ["[]", "{}"];

/// Parts of an error's message that tell of a limit, in lower case.
pub(super) const RATE_LIMIT_PARTS: [&str; 2] = ["429", "rate limit"];

/// Numbers from here on are no codes, but may be somebody's.
const MOST_CODE: f64 = 100_000.0;

impl OutcomeForm {
    /// What the column's name says.
    pub(super) fn of_name(normalized: &str) -> Self {
        let words: Vec<&str> = normalized.split('_').collect();
        let has = |candidates: &[&str]| candidates.iter().any(|c| words.contains(c));
        if has(&[
            "error",
            "errors",
            "err",
            "exception",
            "错误",
            "에러",
            "오류",
            "异常",
            "failed",
            "failure",
            "errored",
        ]) {
            Self::Error
        } else if has(&["success", "ok", "succeeded", "성공여부"]) {
            Self::Success
        } else {
            Self::Status
        }
    }

    /// The outcome of an empty cell.
    pub(super) fn of_null(self) -> Outcome {
        if self == Self::Error {
            Outcome::Ok
        } else {
            Outcome::Unknown
        }
    }

    /// The outcome of a cell; `None` where its text says nothing that is known.
    pub(super) fn read(self, text: &str) -> Option<Outcome> {
        let text = text.trim();
        if let Some(code) = text.parse::<f64>().ok().filter(|c| c.fract() == 0.0) {
            return self.of_code(code as i64);
        }
        if EMPTY.contains(&text) {
            return Some(self.of_null());
        }
        if let Some(code) = leading_code(text).filter(|_| self == Self::Status) {
            return self.of_code(code);
        }
        let lower = text.to_lowercase();
        let is_in = |words: &[&str]| words.contains(&lower.as_str());
        let word = WORDS.iter().find(|(_, words)| is_in(words));
        let word = word.map(|(outcome, _)| *outcome).or_else(|| {
            let truths = TRUTHS.iter().find(|(_, words)| is_in(words));
            truths.map(|(is_true, _)| self.of_truth(*is_true))
        });
        // Any other text in an error column is the error's message.
        word.or_else(|| {
            (self == Self::Error).then(|| {
                if RATE_LIMIT_PARTS.iter().any(|part| lower.contains(part)) {
                    Outcome::RateLimited
                } else {
                    Outcome::Error
                }
            })
        })
    }

    /// What a failure is called in tables: a code, or a word that is known. Whatever else the cell holds is
    /// a message, which may quote what users wrote, and has no name.
    pub(super) fn error_code(text: &str) -> Option<String> {
        let text = text.trim();
        // Spreadsheets with a decimal comma write 429,0.
        let has_noughts = |rest: &str| rest.len() < 3 && rest.bytes().all(|b| b == b'0');
        let whole = text.split_once(',').filter(|(_, rest)| has_noughts(rest));
        let number = whole.map_or(text, |(whole, _)| whole).parse::<f64>();
        if let Some(code) = number.ok().filter(|c| c.fract() == 0.0) {
            return (code.abs() < MOST_CODE).then(|| (code as i64).to_string());
        }
        if let Some(code) = leading_code(text) {
            return Some(code.to_string());
        }
        let lower = text.to_lowercase();
        let mut words = WORDS.iter().flat_map(|(_, words)| words.iter());
        words.any(|word| **word == lower).then_some(lower)
    }

    /// The outcome of a truth value.
    pub(super) fn of_truth(self, is_true: bool) -> Outcome {
        if is_true == (self == Self::Error) {
            Outcome::Error
        } else {
            Outcome::Ok
        }
    }

    fn of_code(self, code: i64) -> Option<Outcome> {
        let known = self
            .codes()
            .find(|((from, to), _)| (*from..=*to).contains(&code));
        let other = (self == Self::Error).then_some(Outcome::Error);
        known.map(|(_, outcome)| outcome).or(other)
    }

    /// What codes mean, from and to; the first that holds counts.
    pub(super) fn codes(self) -> impl Iterator<Item = ((i64, i64), Outcome)> {
        let truths: &[((i64, i64), Outcome)] = match self {
            Self::Error => &[((0, 0), Outcome::Ok), ((1, 1), Outcome::Error)],
            Self::Success => &[((1, 1), Outcome::Ok), ((0, 0), Outcome::Error)],
            Self::Status => &[],
        };
        let of_http = [
            ((429, 429), Outcome::RateLimited),
            ((499, 499), Outcome::Cancelled),
            ((0, 0), Outcome::Cancelled),
            ((100, 399), Outcome::Ok),
            ((400, 599), Outcome::Error),
        ];
        truths.iter().copied().chain(of_http)
    }
}

/// The code that begins `500 Internal Server Error` or follows in `HTTP/1.1 500`.
fn leading_code(text: &str) -> Option<i64> {
    let is_http = |head: &str| head.to_lowercase().starts_with("http/");
    let (code, is_whole) = match text.split_once(' ')? {
        (head, rest) if is_http(head) => (rest.split(' ').next()?, true),
        (code, rest) => (code, !rest.is_empty()),
    };
    let is_code = is_whole && code.len() == 3 && code.bytes().all(|b| b.is_ascii_digit());
    let code = is_code.then(|| code.parse().ok()).flatten();
    code.filter(|code| (100..600).contains(code))
}

/// What [`OutcomeForm::Status`] makes of texts that begin with a code, as patterns in lower case in which
/// `_` is any character and `%` any text; the first that fits counts.
pub(super) fn leading_patterns() -> Vec<(String, Outcome)> {
    let of_codes = [
        ("429", Outcome::RateLimited),
        ("499", Outcome::Cancelled),
        ("1__", Outcome::Ok),
        ("2__", Outcome::Ok),
        ("3__", Outcome::Ok),
        ("4__", Outcome::Error),
        ("5__", Outcome::Error),
    ];
    let patterns = |(code, outcome)| {
        let patterns = [format!("{code} %"), format!("http/_._ {code}%")];
        patterns.map(|pattern| (pattern, outcome))
    };
    of_codes.into_iter().flat_map(patterns).collect()
}

/// Words that stand for a rating: thumbs as 1 and 0.
pub(super) fn rating_of_word(text: &str) -> Option<f64> {
    // The tone of skin says nothing about the rating.
    let is_tone = |c: char| ('\u{1f3fb}'..='\u{1f3ff}').contains(&c);
    match text
        .trim()
        .trim_end_matches(is_tone)
        .to_lowercase()
        .as_str()
    {
        "true" | "yes" | "t" | "y" | "up" | "thumbs_up" | "like" | "liked" | "good"
        | "positive" | "👍" | "赞" | "讚" | "好评" | "好評" | "좋아요" => Some(1.0),
        "false" | "no" | "f" | "n" | "down" | "thumbs_down" | "dislike" | "disliked" | "bad"
        | "negative" | "👎" | "踩" | "差评" | "差評" | "倒讚" | "싫어요" => Some(0.0),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(form: OutcomeForm, text: &str, expected: Option<Outcome>) {
        assert_eq!(form.read(text), expected, "{form:?} {text}");
    }

    #[test]
    fn http_codes_words_and_messages() {
        check(OutcomeForm::Status, "200", Some(Outcome::Ok));
        check(OutcomeForm::Status, "503.0", Some(Outcome::Error));
        check(OutcomeForm::Status, "429", Some(Outcome::RateLimited));
        check(OutcomeForm::Status, "499", Some(Outcome::Cancelled));
        check(OutcomeForm::Status, "实패", None);
        check(OutcomeForm::Status, "실패", Some(Outcome::Error));
        check(
            OutcomeForm::Status,
            "500 Internal Server Error",
            Some(Outcome::Error),
        );
        check(OutcomeForm::Status, "HTTP/1.1 200", Some(Outcome::Ok));
        check(
            OutcomeForm::Status,
            "HTTP/1.1 429 Too Many",
            Some(Outcome::RateLimited),
        );
        check(OutcomeForm::Status, "2000 things", None);
        check(OutcomeForm::Status, "pass", Some(Outcome::Ok));
        check(
            OutcomeForm::Error,
            "200 tokens too many",
            Some(Outcome::Error),
        );
        check(OutcomeForm::Error, "no_error", Some(Outcome::Ok));
        check(OutcomeForm::Error, "[]", Some(Outcome::Ok));
        check(OutcomeForm::Error, "429.0", Some(Outcome::RateLimited));
        check(OutcomeForm::Error, "connection reset", Some(Outcome::Error));
        check(OutcomeForm::Error, "False", Some(Outcome::Ok));
        check(OutcomeForm::Success, "False", Some(Outcome::Error));
        check(OutcomeForm::Success, "1", Some(Outcome::Ok));
    }

    #[test]
    fn failures_are_called_by_codes_and_known_words_alone() {
        for (text, code) in [
            ("429", Some("429")),
            (" 429.0 ", Some("429")),
            ("429,0", Some("429")),
            ("-100,0", Some("-100")),
            ("503 Service of alice", Some("503")),
            ("Timeout", Some("timeout")),
            ("1,000", None),
            ("15551234567", None),
            ("no answer for alice", None),
            ("true", None),
        ] {
            assert_eq!(OutcomeForm::error_code(text).as_deref(), code, "{text}");
        }
    }
}
