//! Exports of the tools that people have, by their documented columns: which roles are found
//! without a word from the user.

use std::fs;

use crate::ingest::roles;
use crate::support::real_logs::read_as;

/// `row` writes row `i` under `header`; `expected` are the columns that must be found.
#[track_caller]
fn check(name: &str, header: &str, row: impl Fn(usize) -> String, expected: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    let lines = std::iter::once(header.to_owned()).chain((0..200).map(row));
    let text = lines.collect::<Vec<_>>().join("\n");
    fs::write(&path, text.trim_start()).unwrap();
    let loaded = read_as(&path, None);
    assert_eq!(roles(&loaded.mapping), expected, "{name}");
    assert_eq!(loaded.log.n_rows(), 200, "{name}");
}

fn time(i: usize) -> String {
    format!("2026-03-02T06:{:02}:{:02}", i / 60, i % 60)
}

/// `user` is the owner of the key, the same in every row; `end_user` is who was assigned.
#[test]
fn litellm() {
    let row = |i: usize| {
        let (at, arm, status) = (time(i), i % 2, ["success", "failure"][i % 2]);
        let tokens = 100 + i;
        format!(
            "r{i},{at}.5Z,{at}.9Z,{at}.6Z,m{arm},u{},service,0.0{i},{tokens},5{arm},4{arm}0,{status}",
            i % 23
        )
    };
    check(
        "litellm.csv",
        "request_id,startTime,endTime,completionStartTime,model,end_user,user,spend,prompt_tokens,completion_tokens,request_duration_ms,status",
        row,
        &[
            "request_id = Request id",
            "startTime = Time (start) date and time",
            "endTime = Time (end) date and time",
            "model = Variant (arm)",
            "end_user = User or other unit",
            "spend = Cost",
            "prompt_tokens = Prompt tokens",
            "completion_tokens = Completion tokens",
            "request_duration_ms = Latency milliseconds",
            "status = Status or error",
        ],
    );
}

#[test]
fn helicone() {
    let row = |i: usize| {
        let (at, user, arm, latency) = (time(i), i % 23, i % 2, 900 + i);
        let (rating, country) = (["true", "false", ""][i % 3], ["US", "KR"][i / 2 % 2]);
        format!("r{i},{at}Z,u{user},m{arm},200,{latency},9{arm},0.0{i},{rating},{country}")
    };
    check(
        "helicone.csv",
        "request_id,request_created_at,request_user_id,request_model,response_status,delay_ms,time_to_first_token,cost,feedback_rating,country_code",
        row,
        &[
            "request_id = Request id",
            "request_created_at = Time (start) date and time",
            "request_user_id = User or other unit",
            "request_model = Variant (arm)",
            "response_status = Status or error",
            "delay_ms = Latency milliseconds",
            "time_to_first_token = Time to first token milliseconds",
            "cost = Cost",
            "feedback_rating = Rating",
            "country_code = Segment",
        ],
    );
}

#[test]
fn phoenix() {
    let row = |i: usize| {
        let (at, status) = (time(i), ["OK", "ERROR", "UNSET"][i % 3]);
        let (user, arm, tokens) = (i % 23, i % 2, 100 + i);
        format!("s{i},t{i},{at}+00:00,{at}.7+00:00,{status},m{arm},u{user},{tokens},{i}")
    };
    check(
        "phoenix.csv",
        "context.span_id,context.trace_id,start_time,end_time,status_code,attributes.llm.model_name,attributes.user.id,attributes.llm.token_count.prompt,attributes.llm.token_count.completion",
        row,
        &[
            "context.trace_id = Request id",
            "start_time = Time (start) date and time",
            "end_time = Time (end) date and time",
            "status_code = Status or error",
            "attributes.llm.model_name = Variant (arm)",
            "attributes.user.id = User or other unit",
            "attributes.llm.token_count.prompt = Prompt tokens",
            "attributes.llm.token_count.completion = Completion tokens",
        ],
    );
}

#[test]
fn kong() {
    let row = |i: usize| {
        serde_json::json!({
            "started_at": 1_772_432_843_000_u64 + 1000 * i as u64,
            "request": {"id": format!("r{i}")},
            "consumer": {"id": format!("u{}", i % 23)},
            "ai": {"proxy": {"meta": {"request_model": format!("m{}", i % 2), "llm_latency": 800 + i}}},
            "latencies": {"request": 803 + i},
            "response": {"status": 200},
        })
        .to_string()
    };
    check(
        "kong.jsonl",
        "",
        row,
        &[
            "started_at = Time (start) milliseconds since 1970",
            "request.id = Request id",
            "consumer.id = User or other unit",
            "ai.proxy.meta.request_model = Variant (arm)",
            "latencies.request = Latency milliseconds",
            "response.status = Status or error",
        ],
    );
}

/// Its line is written when the request is over, so its stamps are ends.
#[test]
fn nginx() {
    let row = |i: usize| {
        let (at, us, status) = (time(i), 1_772_432_843 + i, [200, 499, 500][i % 3]);
        let (user, arm) = (i % 23, ["stable", "canary"][i % 2]);
        format!(
            "{at}+00:00,{us}.250,r{i},0.{},0.{i},{status},u{user},{arm}",
            100 + i
        )
    };
    check(
        "nginx.csv",
        "time_iso8601,msec,request_id,request_time,upstream_response_time,status,remote_user,variant",
        row,
        &[
            "msec = Time (end) seconds since 1970",
            "request_id = Request id",
            "request_time = Latency seconds",
            "status = Status or error",
            "remote_user = User or other unit",
            "variant = Variant (arm)",
        ],
    );
}

/// Dates carry literal quotes inside their cells.
#[test]
fn langfuse() {
    let row = |i: usize| {
        let (at, user, version) = (time(i), i % 23, 1 + i % 2);
        let level = ["DEFAULT", "DEFAULT", "ERROR"][i % 3];
        format!(
            "t{i},\"\"\"{at}Z\"\"\",{version},u{user},1.{i},0.{i},{level},1{version},{i},0.00{i}"
        )
    };
    check(
        "langfuse.csv",
        "traceId,startTime,promptVersion,userId,latency,timeToFirstToken,level,inputUsage,outputUsage,totalCost",
        row,
        &[
            "traceId = Request id",
            "startTime = Time (start) date and time",
            "promptVersion = Variant (arm)",
            "userId = User or other unit",
            "latency = Latency seconds",
            "timeToFirstToken = Time to first token seconds",
            "level = Status or error",
            "inputUsage = Prompt tokens",
            "outputUsage = Completion tokens",
            "totalCost = Cost",
        ],
    );
}

#[test]
fn korean_and_chinese_names() {
    let korean = |i: usize| {
        let (second, user, arm) = (i % 60, i % 23, ["대조군", "실험군"][i % 2]);
        let (status, latency, rating) = (["성공", "실패"][i % 2], 900 + i, 1 + i % 5);
        format!(
            "2026년 3월 2일 06:27:{second:02},u{user},{arm},{status},{latency},{rating},10{user},{i},0.{i}"
        )
    };
    check(
        "korean.csv",
        "요청시간,사용자ID,실험군,상태,응답시간,평점,입력토큰,출력토큰,비용",
        korean,
        &[
            "요청시간 = Time (start) date and time",
            "사용자ID = User or other unit",
            "실험군 = Variant (arm)",
            "상태 = Status or error",
            "응답시간 = Latency milliseconds",
            "평점 = Rating",
            "입력토큰 = Prompt tokens",
            "출력토큰 = Completion tokens",
            "비용 = Cost",
        ],
    );
    let chinese = |i: usize| {
        let (second, user, arm) = (i % 60, i % 23, ["对照组", "实验组"][i % 2]);
        let (status, latency, rating) = (["成功", "超时"][i % 2], 900 + i, 1 + i % 5);
        format!(
            "2026年3月2日 06:27:{second:02},u{user},{arm},{status},{latency},{rating},10{user},{i}"
        )
    };
    check(
        "chinese.csv",
        "请求时间,用户ID,实验组,状态,响应时间(毫秒),评分,输入Token,输出Token",
        chinese,
        &[
            "请求时间 = Time (start) date and time",
            "用户ID = User or other unit",
            "实验组 = Variant (arm)",
            "状态 = Status or error",
            "响应时间(毫秒) = Latency milliseconds",
            "评分 = Rating",
            "输入Token = Prompt tokens",
            "输出Token = Completion tokens",
        ],
    );
}
