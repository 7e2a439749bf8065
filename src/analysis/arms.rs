//! Which arm is the control, which one the decision is about, and how large each is.

use std::cmp::Reverse;

use super::model::{ArmRole, ArmSummary, ChosenBy, ErrorCount, OutcomeCounts};
use super::settings::AnalysisSettings;
use crate::data::{ArmWord, Outcome, RequestLog, Units};
use crate::error::{Error, ErrorKind, Result};

/// Indices of the control and of the arm that the decision is about; `sizes` are requests per arm, and of
/// the log only names are read.
pub(super) fn choose(
    log: &RequestLog,
    sizes: &[u64],
    settings: &AnalysisSettings,
) -> Result<(usize, Option<usize>)> {
    let control = match &settings.control {
        Some(name) => named(log, name, "control")?,
        None => guessed_control(log, sizes, settings.treatment.as_deref()),
    };
    let treatment = match &settings.treatment {
        Some(name) => Some(named(log, name, "treatment")?),
        None => known(log, ArmWord::Treatment)
            .filter(|t| *t != control)
            .or_else(|| largest(log, sizes, Some(control), Some(control))),
    };
    if treatment == Some(control) {
        return Err(Error::new(
            ErrorKind::Settings,
            "Control and treatment are the same arm",
        )
        .hint("Name two different arms"));
    }
    Ok((control, treatment))
}

/// Size, span and outcomes of every arm.
pub(super) fn summarize(
    log: &RequestLog,
    rows: &[Vec<u32>],
    control: usize,
    treatment: Option<usize>,
) -> Vec<ArmSummary> {
    let n_all = log.n_rows().max(1) as f64;
    let mut arms: Vec<ArmSummary> = log
        .arms
        .iter()
        .enumerate()
        .map(|(i, arm)| ArmSummary {
            name: arm.name.clone(),
            role: match i {
                i if i == control => ArmRole::Control,
                i if Some(i) == treatment => ArmRole::Treatment,
                _ => ArmRole::Other,
            },
            n_requests: 0,
            n_units: None,
            share_of_requests: 0.0,
            span_us: None,
            outcomes: OutcomeCounts::default(),
            errors: errors(log, &rows[i]),
        })
        .collect();
    for row in 0..log.n_rows() {
        let arm = &mut arms[usize::from(log.arm[row])];
        let event = log.event_us[row];
        arm.n_requests += 1;
        arm.span_us = Some(
            arm.span_us
                .map_or((event, event), |(first, _)| (first, event)),
        );
        let outcome = if log.has_outcome {
            log.outcome[row]
        } else {
            Outcome::Unknown
        };
        let counter = match outcome {
            Outcome::Ok => &mut arm.outcomes.ok,
            Outcome::Error => &mut arm.outcomes.error,
            Outcome::RateLimited => &mut arm.outcomes.rate_limited,
            Outcome::Cancelled => &mut arm.outcomes.cancelled,
            Outcome::Unknown => &mut arm.outcomes.unknown,
        };
        *counter += 1;
    }
    let mut last_seen =
        vec![usize::MAX; log.units.as_ref().map_or(0, |units| units.n_units as usize)];
    for (i, arm) in arms.iter_mut().enumerate() {
        arm.share_of_requests = arm.n_requests as f64 / n_all;
        arm.n_units = log.units.as_ref().map(|units| {
            let ids = rows[i]
                .iter()
                .map(|row| units.id[*row as usize])
                .filter(|id| *id != Units::NONE);
            let is_new = |id: &u32| std::mem::replace(&mut last_seen[*id as usize], i) != i;
            ids.filter(is_new).count() as u64
        });
    }
    arms
}

/// How often each code occurs among the failed requests of some rows.
fn errors(log: &RequestLog, rows: &[u32]) -> Vec<ErrorCount> {
    let Some(codes) = log
        .error_codes
        .as_ref()
        .filter(|c| c.code.len() == log.n_rows())
    else {
        return Vec::new();
    };
    let mut counts = vec![0; codes.values.len()];
    for row in rows.iter().map(|row| *row as usize) {
        if log.outcome[row].is_error() {
            counts[usize::from(codes.code[row])] += 1;
        }
    }
    let found = codes.values.iter().zip(counts).filter(|(_, n)| *n > 0);
    let mut errors: Vec<ErrorCount> = found
        .map(|(code, n)| ErrorCount {
            code: code.clone(),
            n,
        })
        .collect();
    errors.sort_by(|a, b| b.n.cmp(&a.n).then_with(|| a.code.cmp(&b.code)));
    errors
}

/// The arm that a word calls the control; else, of those that no word calls the treatment, the
/// lowest version, and where they are no versions of one thing the largest arm.
fn guessed_control(log: &RequestLog, sizes: &[u64], treatment: Option<&str>) -> usize {
    let tried = match treatment {
        Some(name) => log.arm_index(name),
        None => known(log, ArmWord::Treatment),
    };
    let called = known(log, ArmWord::Control).filter(|arm| Some(*arm) != tried);
    called
        .or_else(|| lowest_version(log, sizes, tried))
        .or_else(|| largest(log, sizes, tried, None))
        .unwrap_or(0)
}

/// The largest arm but one. Of equals, whatever the order of the rows: the one whose name most others
/// contain, as what they vary; beside a `base`, the one that varies its name least; else the first by name.
fn largest(
    log: &RequestLog,
    sizes: &[u64],
    except: Option<usize>,
    base: Option<usize>,
) -> Option<usize> {
    let candidates = (0..sizes.len()).filter(|i| Some(*i) != except && sizes[*i] > 0);
    let name = |i: usize| log.arms[i].name.as_str();
    let n_varied = |i: usize| {
        let others = log.arms.iter().filter(|arm| arm.name != name(i));
        others.filter(|arm| arm.name.contains(name(i))).count()
    };
    let added = |i: usize| match base {
        Some(base) if name(i).contains(name(base)) => name(i).len() - name(base).len(),
        _ => usize::MAX,
    };
    candidates.min_by_key(|&i| (Reverse(sizes[i]), added(i), Reverse(n_varied(i)), name(i)))
}

/// How control and treatment came to be chosen.
pub(super) fn chosen_by(
    log: &RequestLog,
    sizes: &[u64],
    settings: &AnalysisSettings,
    (control, treatment): (usize, Option<usize>),
) -> [ChosenBy; 2] {
    let by_size = |arm: Option<usize>| {
        let n = arm.map_or(0, |arm| sizes[arm]);
        let others = (0..sizes.len()).filter(|other| Some(*other) != arm && *other != control);
        match others.filter(|other| sizes[*other] == n).count() {
            0 => ChosenBy::Size,
            _ => ChosenBy::Tie,
        }
    };
    let of_control = if settings.control.is_some() {
        ChosenBy::Analyst
    } else if known(log, ArmWord::Control) == Some(control) {
        ChosenBy::Name
    } else if lowest_version(log, sizes, None) == Some(control) {
        ChosenBy::Version
    } else {
        by_size(Some(control))
    };
    let of_treatment = if settings.treatment.is_some() {
        ChosenBy::Analyst
    } else if treatment.is_some() && known(log, ArmWord::Treatment) == treatment {
        ChosenBy::Name
    } else {
        by_size(treatment)
    };
    [of_control, of_treatment]
}

/// The lowest of several arms whose names differ in their numbers alone, such as `prompt-v1` and
/// `prompt-v2`: by its size a canary that grew past one half would pass for the control.
fn lowest_version(log: &RequestLog, sizes: &[u64], except: Option<usize>) -> Option<usize> {
    let arms = (0..sizes.len()).filter(|i| Some(*i) != except && sizes[*i] > 0);
    let versions: Vec<(usize, String, Vec<u64>)> = arms
        .map(|arm| {
            let (stem, numbers) = version(&log.arms[arm].name);
            (arm, stem, numbers)
        })
        .collect();
    let (_, stem, _) = versions.first()?;
    let is_one = versions.len() > 1 && versions.iter().all(|(_, other, _)| other == stem);
    let lowest = versions.iter().min_by(|a, b| a.2.cmp(&b.2));
    lowest.filter(|_| is_one).map(|(arm, ..)| *arm)
}

/// A name without its digits and dots, and the numbers that these made.
fn version(name: &str) -> (String, Vec<u64>) {
    let is_figure = |c: char| c.is_ascii_digit() || c == '.';
    let numbers = name.split(|c: char| !c.is_ascii_digit());
    (
        name.to_lowercase().replace(is_figure, ""),
        numbers.filter_map(|number| number.parse().ok()).collect(),
    )
}

/// The arm that is called by one of these words; else the only one with such a word in its name.
pub(super) fn known(log: &RequestLog, word: ArmWord) -> Option<usize> {
    let names: Vec<String> = log.arms.iter().map(|a| a.name.to_lowercase()).collect();
    let called = names.iter().position(|name| word.is_name(name));
    called.or_else(|| {
        let mut found = (0..names.len()).filter(|arm| word.is_in(&names[*arm]));
        found.next().filter(|_| found.next().is_none())
    })
}

fn named(log: &RequestLog, name: &str, part: &str) -> Result<usize> {
    log.arm_index(name).ok_or_else(|| {
        let arms = log
            .arms
            .iter()
            .take(20)
            .map(|arm| arm.name.as_str())
            .collect::<Vec<_>>()
            .join(", ");
        Error::new(ErrorKind::Settings, format!("No arm is called \"{name}\""))
            .key(part)
            .hint(format!("The arms are: {arms}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Arm;

    /// Arms with their numbers of requests.
    fn chosen(arms: &[(&str, usize)]) -> (usize, Option<usize>) {
        let names = arms.iter().map(|(name, _)| Arm {
            name: (*name).into(),
        });
        let log = RequestLog {
            arms: names.collect(),
            ..RequestLog::default()
        };
        let sizes: Vec<u64> = arms.iter().map(|(_, n)| *n as u64).collect();
        choose(&log, &sizes, &AnalysisSettings::default()).unwrap()
    }

    #[test]
    fn words_in_names_tell_the_control_whatever_the_sizes() {
        assert_eq!(chosen(&[("canary", 90), ("stable", 10)]), (1, Some(0)));
        assert_eq!(chosen(&[("gpt-x-canary", 90), ("gpt-w", 10)]), (1, Some(0)));
        assert_eq!(chosen(&[("模型甲-对照组", 4), ("模型乙", 5)]), (0, Some(1)));
        assert_eq!(chosen(&[("새 모델", 5), ("기존 모델", 4)]), (1, Some(0)));
        assert_eq!(chosen(&[("b안", 9), ("a안", 4)]), (1, Some(0)));
        assert_eq!(chosen(&[("green", 9), ("blue", 4)]), (1, Some(0)));
        // Two arms with such a word say nothing.
        assert_eq!(chosen(&[("old x", 4), ("old y", 5)]), (1, Some(0)));
        // Part of a longer word, and a single letter.
        assert_eq!(
            chosen(&[("goldfish", 4), ("plan a", 3), ("zebra", 5)]),
            (2, Some(0))
        );
    }

    #[test]
    fn of_versions_the_lowest_is_the_control() {
        assert_eq!(
            chosen(&[("prompt-v2", 90), ("prompt-v1", 10)]),
            (1, Some(0))
        );
        assert_eq!(chosen(&[("v10", 5), ("v9", 4), ("v11", 3)]), (1, Some(0)));
        assert_eq!(chosen(&[("v1.1", 5), ("v1", 4)]), (1, Some(0)));
        assert_eq!(chosen(&[("v2", 5), ("w1", 4)]), (0, Some(1)));
    }

    #[test]
    fn else_the_largest_arm_is_the_control() {
        assert_eq!(chosen(&[("x", 4), ("y", 9), ("z", 6)]), (1, Some(2)));
    }

    #[test]
    fn of_equals_names_tell_whatever_the_order_of_the_rows() {
        let mut names = ["ps_naive", "naive", "ps_stack", "aibrix_naive_7"];
        for _ in 0..4 {
            names.rotate_left(1);
            let arms = names.map(|name| (name, 2558));
            let (control, treatment) = chosen(&arms);
            assert_eq!(names[control], "naive");
            assert_eq!(treatment.map(|arm| names[arm]), Some("ps_naive"));
        }
        let providers = [
            ("together", 450),
            ("lepton", 450),
            ("groq", 150),
            ("anyscale", 450),
        ];
        assert_eq!(chosen(&providers), (3, Some(1)));
    }
}
