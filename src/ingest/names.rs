//! Column names of tools and people in English, Chinese and Korean, by role.

use super::mapping::Role;

/// Names per role, the most telling first; normalised as by [`normalize`].
const NAMES: [(Role, &[&str]); 13] = [
    (
        Role::Time,
        &[
            "timestamp",
            "ts",
            "start_time",
            "started_at",
            "request_time",
            "request_created_at",
            "created_at",
            "time",
            "datetime",
            "event_time",
            "launch_time",
            "start_time_unix_nano",
            "timestamp_ms",
            "creation_date",
            "date",
            "start",
            "请求时间",
            "开始时间",
            "创建时间",
            "时间戳",
            "时间",
            "日期",
            "時間",
            "時間戳記",
            "建立時間",
            "요청시간",
            "요청_시각",
            "시작시간",
            "생성일시",
            "타임스탬프",
            "일시",
            "시간",
            "날짜",
        ],
    ),
    (
        Role::EndTime,
        &[
            "end_time",
            "finish_time",
            "finished_at",
            "completed_at",
            "response_created_at",
            "end_time_unix_nano",
            "ended_at",
            "end",
            "结束时间",
            "完成时间",
            "響應時間點",
            "종료시간",
            "완료시간",
            "응답시각",
        ],
    ),
    (
        Role::Variant,
        &[
            "variant",
            "variant_name",
            "variation",
            "variation_id",
            "arm",
            "experiment_group",
            "ab_group",
            "treatment",
            "group",
            "group_name",
            "cohort",
            "bucket",
            "prompt_version",
            "model_version",
            "model_name",
            "model",
            "model_group",
            "version",
            "prompt_name",
            "deployment",
            "release",
            "policy",
            "route",
            "provider",
            "变体",
            "实验组",
            "分组",
            "组别",
            "模型版本",
            "提示词版本",
            "版本",
            "模型",
            "桶",
            "變體",
            "組別",
            "변형",
            "실험군",
            "실험그룹",
            "그룹",
            "모델버전",
            "프롬프트버전",
            "버전",
            "모델",
            "버킷",
        ],
    ),
    (
        Role::Unit,
        &[
            "user_id",
            "userid",
            "uid",
            "user",
            "end_user",
            "distinct_id",
            "customer_id",
            "account_id",
            "tenant_id",
            "visitor_id",
            "member_id",
            "device_id",
            "anonymous_id",
            "session_id",
            "conversation_id",
            "context_key",
            "programmer_id",
            "request_user_id",
            "用户_id",
            "用户编号",
            "用户",
            "客户_id",
            "租户",
            "设备_id",
            "会话_id",
            "使用者_id",
            "用戶",
            "사용자_id",
            "사용자",
            "유저_id",
            "회원번호",
            "고객_id",
            "테넌트",
            "기기_id",
            "세션_id",
        ],
    ),
    (
        Role::RequestId,
        &[
            "request_id",
            "req_id",
            "x_request_id",
            "inference_id",
            "call_id",
            "run_id",
            "trace_id",
            "span_id",
            "correlation_id",
            "response_id",
            "id",
            "test_id",
            "请求_id",
            "请求编号",
            "追踪_id",
            "链路_id",
            "請求編號",
            "요청_id",
            "요청_번호",
            "추적_id",
            "트레이스_id",
        ],
    ),
    (
        Role::Latency,
        &[
            "latency",
            "latency_ms",
            "e2e_latency",
            "end_to_end_latency",
            "response_time",
            "request_duration",
            "duration",
            "elapsed",
            "elapsed_time",
            "processing_time",
            "execution_time",
            "total_time",
            "request_time",
            "delay",
            "took",
            "rt",
            "延迟",
            "时延",
            "耗时",
            "响应时间",
            "响应耗时",
            "处理时间",
            "用时",
            "延遲",
            "回應時間",
            "지연시간",
            "지연",
            "응답시간",
            "소요시간",
            "처리시간",
            "레이턴시",
        ],
    ),
    (
        Role::Ttft,
        &[
            "ttft",
            "time_to_first_token",
            "first_token_latency",
            "first_token_time",
            "time_to_first_chunk",
            "首字延迟",
            "首_token_时延",
            "首包时间",
            "首字元延遲",
            "첫토큰시간",
            "최초토큰지연",
        ],
    ),
    (
        Role::Status,
        &[
            "status_code",
            "http_status",
            "response_status",
            "response_code",
            "status",
            "error_code",
            "error",
            "is_error",
            "error_type",
            "error_message",
            "error_msg",
            "exception",
            "success",
            "is_success",
            "ok",
            "state",
            "level",
            "outcome",
            "result",
            "状态码",
            "状态",
            "是否成功",
            "错误码",
            "错误信息",
            "错误",
            "结果",
            "異常",
            "狀態",
            "錯誤",
            "상태코드",
            "상태",
            "성공여부",
            "오류",
            "에러",
            "에러코드",
            "오류메시지",
            "결과",
        ],
    ),
    (
        Role::Rating,
        &[
            "rating",
            "user_rating",
            "feedback_rating",
            "user_feedback",
            "score",
            "stars",
            "feedback",
            "thumbs",
            "thumb",
            "csat",
            "satisfaction",
            "vote",
            "like",
            "nps",
            "preference",
            "helpful",
            "quality",
            "评分",
            "得分",
            "打分",
            "满意度",
            "反馈",
            "点赞",
            "赞踩",
            "星级",
            "評分",
            "滿意度",
            "回饋",
            "평점",
            "점수",
            "별점",
            "만족도",
            "피드백",
            "좋아요",
            "추천여부",
        ],
    ),
    (
        Role::TokensIn,
        &[
            "prompt_tokens",
            "input_tokens",
            "tokens_in",
            "context_tokens",
            "request_tokens",
            "number_input_tokens",
            "req_units",
            "input_length",
            "input_usage",
            "输入_token",
            "提示词_token_数",
            "输入长度",
            "輸入_token",
            "입력토큰",
            "프롬프트토큰",
            "입력길이",
        ],
    ),
    (
        Role::TokensOut,
        &[
            "completion_tokens",
            "output_tokens",
            "tokens_out",
            "generated_tokens",
            "generation_tokens",
            "response_tokens",
            "number_output_tokens",
            "res_units",
            "output_length",
            "output_usage",
            "输出_token",
            "生成_token_数",
            "回复长度",
            "輸出_token",
            "출력토큰",
            "생성토큰",
            "완료토큰",
            "출력길이",
        ],
    ),
    (
        Role::Cost,
        &[
            "cost",
            "total_cost",
            "cost_usd",
            "response_cost",
            "spend",
            "price",
            "amount",
            "fee",
            "charge",
            "成本",
            "费用",
            "花费",
            "金额",
            "价格",
            "費用",
            "비용",
            "요금",
            "금액",
            "단가",
            "사용금액",
        ],
    ),
    (
        Role::Segment,
        &[
            "country",
            "country_code",
            "region",
            "locale",
            "language",
            "lang",
            "device",
            "platform",
            "os",
            "browser",
            "channel",
            "plan",
            "tier",
            "segment",
            "category",
            "task",
            "task_name",
            "env",
            "environment",
            "endpoint",
            "tenant",
            "team_id",
            "model_size",
            "国家",
            "地区",
            "语言",
            "设备",
            "平台",
            "渠道",
            "套餐",
            "等级",
            "类别",
            "环境",
            "國家",
            "語言",
            "국가",
            "지역",
            "언어",
            "기기",
            "플랫폼",
            "채널",
            "요금제",
            "등급",
            "카테고리",
            "환경",
        ],
    ),
];

/// Names of outcomes that are neither status nor rating.
const METRICS: [&str; 12] = [
    "copied",
    "click",
    "clicked",
    "converted",
    "conversion",
    "accepted",
    "correct",
    "resolved",
    "retained",
    "purchased",
    "refusal",
    "hallucination",
];

/// Unit suffixes that say nothing about the role.
const SUFFIXES: [&str; 12] = [
    "ms", "s", "us", "ns", "sec", "secs", "seconds", "millis", "usd", "毫秒", "秒", "초",
];

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
        } else if given.last() == words.first() && words.len() == 1 && name.len() > 2 {
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
