//! The calculators on the command line.

use crate::support::program::Dir;

#[test]
fn power_needs_no_log() {
    let dir = Dir::new();
    let size = "power proportions --baseline 0.10 --mde 0.05 --power 0.8";
    let arguments: Vec<&str> = size.split(' ').collect();
    assert!(
        dir.ok(&arguments)
            .contains("686 units in the control and 686 in the treatment")
    );
    let with_json: Vec<&str> = arguments.iter().copied().chain(["--json"]).collect();
    let found = dir.json(&with_json);
    assert_eq!(found["sample_size"]["n_control"], 686);
    assert_eq!(found["sample_size"]["n_treatment"], 686);
    assert!(dir.files().is_empty());
}

#[test]
fn power_plans_every_kind_of_question() {
    let dir = Dir::new();
    for (arguments, expected) in [
        (
            "proportions --baseline 0.10 --mde 0.05",
            "Guides give 2,348 per group for this question; no formula does",
        ),
        (
            "proportions --baseline 0.10 --mde 0.05 --formula corrected",
            "726 units in the control and 726",
        ),
        (
            "proportions --baseline 0.10 --mde 0.05 --looks 5 --per-day 500",
            "706 units in the control and 706",
        ),
        (
            "proportions --baseline 0.10 --n 686",
            "Detectable increase +5.00 pp, decrease −4.09 pp",
        ),
        (
            "proportions --baseline 0.05 --non-inferior-by 0.01 --better lower",
            "not worse by 1.00 pp; one-sided alpha",
        ),
        (
            "proportions --baseline 0.05 --equivalent-within 0.01",
            "9,983 units",
        ),
        ("means --sd 2 --mde 1", "64 units in the control and 64"),
        ("means --sd 2 --mde 1 --n 64", "Power 80.1 %"),
        (
            "ratio --pilot-n 400 --pilot-half-width 0.012 --mde 0.01",
            "ratio over units, delta method",
        ),
        (
            "quantile --quantile 0.95 --median 800 --value 3000 --n 20000",
            "two quantiles, normal",
        ),
        (
            "paired-proportions --discordant 0.2 --mde 0.1",
            "155 pairs (paired proportions, McNemar (Connor))",
        ),
        ("paired-means --sd 2 --mde 1", "34 pairs"),
    ] {
        let arguments: Vec<&str> = ["power"].into_iter().chain(arguments.split(' ')).collect();
        let text = dir.ok(&arguments);
        assert!(text.contains(expected), "{arguments:?}: {text}");
        let with_json: Vec<&str> = arguments.iter().copied().chain(["--json"]).collect();
        assert_eq!(dir.json(&with_json)["schema"], 1);
    }
    for (arguments, message) in [
        (
            "proportions --baseline 0.1 --mde 0.05 --formula wald",
            "--non-inferior-by",
        ),
        (
            "proportions --baseline 0.1 --mde 0.05 --looks 31",
            "1 to 30 looks",
        ),
        ("means --sd 2 --equivalent-within 0.2 --looks 2", "--looks"),
        ("quantile --quantile 0.95 --mde 200", "--median and --value"),
    ] {
        let arguments: Vec<&str> = ["power"].into_iter().chain(arguments.split(' ')).collect();
        dir.fails(&arguments, 1, message);
    }
}
