use std::collections::BTreeMap;

use super::template::Template;
use super::*;

fn check(text: &str, chinese: &str, korean: &str) {
    assert_eq!(Language::Chinese.say(text), chinese);
    assert_eq!(Language::Korean.say(text), korean);
    assert_eq!(Language::English.say(text), text);
}

#[test]
fn a_text_is_found_whole_or_by_its_template() {
    check("Open", "打开", "열기");
    check("12 more reasons", "另有 12 条理由", "이유 12건 더 보기");
    check("▲ for", "▲ 支持", "▲ 찬성");
    check(
        "The rule first fires after 3 min.",
        "该规则在 3 min 后首次触发。",
        "이 규칙은 3 min 후 처음 발동합니다.",
    );
}

/// An arm may be called like anything that the window says.
#[test]
fn names_are_left_as_they_are() {
    check("Control: Open", "对照组：Open", "대조군: Open");
    check("prompt-v2", "prompt-v2", "prompt-v2");
    check("", "", "");
    check("12,608", "12,608", "12,608");
}

#[test]
fn values_within_a_sentence_are_translated_too() {
    check(
        "Go to Plan: How much data is needed",
        "转到规划：需要多少数据",
        "계획(으)로 이동: 데이터가 얼마나 필요한지",
    );
}

/// Lists of a check's finding: item by item, with the names in them as they are.
#[test]
fn items_of_a_finding_are_translated() {
    check(
        "Other arms have the same number to the request, but a has 53 of 55 where qps is 0.5; a has 95 of 99 where qps is 0.9",
        "其他组的数量完全相同，但 a 在 qps 为 0.5 时只有 55 个中的 53 个；a 在 qps 为 0.9 时只有 99 个中的 95 个",
        "다른 군은 개수가 정확히 같으나 a: qps 값이 0.5일 때 55개 중 53개; a: qps 값이 0.9일 때 99개 중 95개",
    );
    for text in [
        "Slowest requests: 2 of a took 101 s or more, so that its mean is 2.59 s and not 2.14 s",
        "Fewer than 20 users in b: 23, who count as 16.2, as one sent 12.8 % of its requests; c: 24, who count as 16.8, as one sent 9.88 % of its requests",
        "Stamps run backwards 16 times, by up to 59 min 59 s at data row 5,701; one step is an hour, as when daylight saving time ends",
        "Of 11 values of qps, these are not compared: 1 with fewer than 50 requests in an arm",
    ] {
        let said = Language::Chinese.say(text);
        assert_ne!(said, text);
        for word in ["who", "its", "step", "with"] {
            assert!(!said.contains(word), "{said}");
        }
    }
}

#[test]
fn what_is_not_known_stays_english() {
    for text in [
        "Nobody wrote this sentence. Nor this one",
        "Nothing of all this",
        "From somewhere to nowhere",
    ] {
        check(text, text, text);
    }
}

#[test]
fn the_locale_says_which_language() {
    for (locale, expected) in [
        ("zh_CN.UTF-8", Language::Chinese),
        ("zh-Hans-CN", Language::Chinese),
        ("ko_KR.UTF-8", Language::Korean),
        ("ko", Language::Korean),
        ("de_DE@euro", Language::English),
        ("C", Language::English),
        ("", Language::English),
    ] {
        assert_eq!(Language::of_locale(locale), expected, "{locale}");
    }
    for language in Language::ALL {
        assert_eq!(Language::of_tag(language.tag()), Some(language));
    }
}

/// A decision as it is made, with its list, its figures and a name in another language.
#[test]
fn sentences_of_the_analysis_are_recognised() {
    check("Roll back prompt-v2", "回滚 prompt-v2", "prompt-v2 롤백");
    check(
        "p95 latency is worse by 23 % and mean rating is worse by 0.122",
        "p95 延迟变差 23 %、平均评分变差 0.122",
        "p95 지연 시간 23 % 악화, 평균 평점 0.122 악화",
    );
    check(
        "p95 latency is worse by 28 %, p95 time to first token is worse by 39 % and mean rating is worse by 0.217",
        "p95 延迟变差 28 %、p95 首 token 时间变差 39 %、平均评分变差 0.217",
        "p95 지연 시간 28 % 악화, p95 첫 토큰 시간 39 % 악화, 평균 평점 0.217 악화",
    );
    check(
        "p95 latency is worse by 4.32 s to 4.53 s since 2026-03-03 12:00:01 UTC and mean rating is worse by 0.503 where language is ko",
        "自 2026-03-03 12:00:01 UTC 起p95 延迟变差 4.32 s 至 4.53 s、在 language 为 ko 处平均评分变差 0.503",
        "2026-03-03 12:00:01 UTC부터 p95 지연 시간 4.32 s ~ 4.53 s 악화, language이(가) ko인 곳에서 평균 평점 0.503 악화",
    );
    check(
        "p95 latency is worse by 27 % (better where model_size is 7b) and p95 time to first token is worse by 80 %",
        "p95 延迟变差 27 %（在 model_size 为 7b 处变好）、p95 首 token 时间变差 80 %",
        "p95 지연 시간 27 % 악화(model_size이(가) 7b인 곳에서는 개선), p95 첫 토큰 시간 80 % 악화",
    );
    check(
        "Mean rating is worse where language is 한국어: −0.503 [−0.612, −0.393]",
        "在 language 为 한국어 处平均评分变差：−0.503 [−0.612, −0.393]",
        "language이(가) 한국어인 곳에서 평균 평점 악화: −0.503 [−0.612, −0.393]",
    );
    check(
        "Is every user in one arm only? 74 of 24,416 users (0.303 %) are in more than one arm",
        "每位用户只在一个组吗？24,416 位用户中有 74 位（0.303 %）在多个组",
        "모든 사용자가 한 군에만 있는가? 사용자 24,416명 중 74명(0.303 %)이 둘 이상의 군에 있습니다",
    );
    check(
        "The treatment's share grew from 5.82 % to 52.3 %; see health for the split",
        "实验组占比从 5.82 % 增至 52.3 %；分流情况见健康检查",
        "실험군 비율이 5.82 %에서 52.3 %로 늘었습니다. 분배는 상태 점검 참고",
    );
    check(
        "Error share of the canary over the last 100 requests is above 5 %",
        "金丝雀最近 100 个请求的错误率高于 5 %",
        "카나리의 오류율(최근 요청 100개)이(가) 5 % 초과",
    );
}

/// Each entry is complete: both languages, with the places of the English text and no others.
#[test]
fn the_tables_are_complete() {
    let mut seen = BTreeMap::new();
    for (table, text) in TABLES {
        let entries: BTreeMap<String, [String; 2]> = toml::from_str(text).unwrap();
        for (english, said) in entries {
            let places = |text: &str| -> Vec<String> {
                let mut names: Vec<_> = Template::new(text)
                    .places()
                    .map(|place| place.name.clone())
                    .collect();
                names.sort();
                names
            };
            let expected = places(&english);
            for said in &said {
                assert!(!said.trim().is_empty(), "{table}: {english}: empty");
                assert_eq!(places(said), expected, "{table}: {english}: {said}");
                assert!(!said.contains('!') || english.contains('!'), "{said}");
            }
            assert!(
                !english.contains("}{"),
                "{english}: places need words between"
            );
            if let Some(other) = seen.insert(english.clone(), table) {
                panic!("{english}: in {other} and in {table}");
            }
        }
    }
    assert!(seen.len() > 400);
}
