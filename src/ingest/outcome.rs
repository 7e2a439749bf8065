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
        let lower = text.to_lowercase();
        let word = match lower.as_str() {
            "ok" | "success" | "succeeded" | "completed" | "complete" | "done" | "unset"
            | "info" | "debug" | "default" | "normal" | "成功" | "正常" | "성공" | "정상" => {
                Some(Outcome::Ok)
            }
            "error" | "failure" | "failed" | "fail" | "exception" | "timeout" | "timed_out"
            | "fatal" | "critical" | "失败" | "失敗" | "超时" | "逾時" | "异常" | "異常"
            | "错误" | "錯誤" | "실패" | "시간초과" | "타임아웃" | "오류" | "에러" => {
                Some(Outcome::Error)
            }
            "rate_limited" | "rate_limit" | "ratelimit" | "throttled" | "限流" => {
                Some(Outcome::RateLimited)
            }
            "cancelled" | "canceled" | "aborted" | "client_closed" | "已取消" | "取消" | "취소" => {
                Some(Outcome::Cancelled)
            }
            // Classes as metrics label them, and the names of gRPC's codes.
            "1xx" | "2xx" | "3xx" => Some(Outcome::Ok),
            "4xx"
            | "5xx"
            | "unavailable"
            | "deadline_exceeded"
            | "internal"
            | "invalid_argument"
            | "not_found"
            | "already_exists"
            | "permission_denied"
            | "failed_precondition"
            | "out_of_range"
            | "unimplemented"
            | "data_loss"
            | "unauthenticated" => Some(Outcome::Error),
            "resource_exhausted" => Some(Outcome::RateLimited),
            "warning" | "warn" => Some(Outcome::Ok),
            // Not over yet, or nothing known.
            "in_progress" | "pending" | "running" | "queued" | "unknown" => Some(Outcome::Unknown),
            "true" | "t" | "yes" => Some(if self == Self::Error {
                Outcome::Error
            } else {
                Outcome::Ok
            }),
            "false" | "f" | "no" => Some(if self == Self::Error {
                Outcome::Ok
            } else {
                Outcome::Error
            }),
            _ => None,
        };
        // Any other text in an error column is the error's message.
        word.or_else(|| {
            (self == Self::Error).then(|| {
                if lower.contains("429") || lower.contains("rate limit") {
                    Outcome::RateLimited
                } else {
                    Outcome::Error
                }
            })
        })
    }

    fn of_code(self, code: i64) -> Option<Outcome> {
        match (self, code) {
            (Self::Error, 0) | (Self::Success, 1) => Some(Outcome::Ok),
            (Self::Success, 0) | (Self::Error, 1) => Some(Outcome::Error),
            (_, 429) => Some(Outcome::RateLimited),
            (_, 499 | 0) => Some(Outcome::Cancelled),
            (_, 100..=399) => Some(Outcome::Ok),
            (_, 400..=599) => Some(Outcome::Error),
            (Self::Error, _) => Some(Outcome::Error),
            _ => None,
        }
    }
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
        check(OutcomeForm::Error, "429.0", Some(Outcome::RateLimited));
        check(OutcomeForm::Error, "connection reset", Some(Outcome::Error));
        check(OutcomeForm::Error, "False", Some(Outcome::Ok));
        check(OutcomeForm::Success, "False", Some(Outcome::Error));
        check(OutcomeForm::Success, "1", Some(Outcome::Ok));
    }
}
