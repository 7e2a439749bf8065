//! Where the ticks of an axis stand and what they say; the window and the report use the same.

use chrono::{DateTime, Utc};

use super::chart::Scale;
use super::text;
use crate::units::{self, Clock, ValueForm};

/// At most about `max` ticks in `lo..=hi`: coordinates of the scale, ascending, with their labels.
/// Empty where the range is empty or not finite.
pub fn ticks(scale: &Scale, (lo, hi): (f64, f64), max: usize) -> Vec<(f64, String)> {
    if !lo.is_finite() || !hi.is_finite() || lo > hi || max == 0 {
        return Vec::new();
    }
    match scale {
        Scale::Linear(form) => linear(Unit::of(*form, lo, hi), Sign::Minus, (lo, hi), max),
        Scale::Change(form) => linear(Unit::of_change(*form, lo, hi), Sign::Both, (lo, hi), max),
        Scale::Relative => linear(
            Unit {
                size: 0.01,
                name: " %",
            },
            Sign::Both,
            (lo, hi),
            max,
        ),
        Scale::LogMs => logarithmic((lo, hi), max),
        Scale::Time(Clock::RowOrder) => linear(Unit::PLAIN, Sign::Minus, (lo, hi), max),
        Scale::Time(clock) => times(*clock, (lo, hi), max),
        Scale::Category(labels) => categories(labels, (lo, hi), max),
    }
}

/// What labels count in: `size` in the scale's coordinates, and its name.
#[derive(Clone, Copy)]
struct Unit {
    size: f64,
    name: &'static str,
}

impl Unit {
    const PLAIN: Self = Self {
        size: 1.0,
        name: "",
    };

    fn of(form: ValueForm, lo: f64, hi: f64) -> Self {
        match form {
            ValueForm::Share => Self {
                size: 0.01,
                name: " %",
            },
            ValueForm::LatencyMs if lo.abs().max(hi.abs()) >= 2000.0 => Self {
                size: 1000.0,
                name: " s",
            },
            ValueForm::LatencyMs => Self {
                size: 1.0,
                name: " ms",
            },
            ValueForm::Number => Self::PLAIN,
            ValueForm::PerThousand => Self {
                size: 0.001,
                name: "",
            },
        }
    }

    fn of_change(form: ValueForm, lo: f64, hi: f64) -> Self {
        match form {
            ValueForm::Share => Self {
                size: 0.01,
                name: " pp",
            },
            _ => Self::of(form, lo, hi),
        }
    }
}

/// Which signs are written.
#[derive(Clone, Copy, PartialEq)]
enum Sign {
    Minus,
    Both,
}

/// Ticks at whole multiples of 1, 2 or 5 times a power of ten.
fn linear(unit: Unit, sign: Sign, (lo, hi): (f64, f64), max: usize) -> Vec<(f64, String)> {
    let (lo, hi) = (lo / unit.size, hi / unit.size);
    let Some((step, decimals)) = nice_step((hi - lo) / max as f64) else {
        return vec![(lo * unit.size, label(lo, 2, unit, sign))];
    };
    multiples(lo, hi, step, max)
        .map(|value| (value * unit.size, label(value, decimals, unit, sign)))
        .collect()
}

/// Multiples of `step` in `lo..=hi`, with room for rounding; never many more than `max`.
fn multiples(lo: f64, hi: f64, step: f64, max: usize) -> impl Iterator<Item = f64> {
    let slack = 1e-9 * (hi - lo) / step;
    let first = (lo / step - slack).ceil();
    let last = (hi / step + slack).floor();
    let n = (last - first + 1.0).clamp(0.0, 2.0 * max as f64 + 2.0) as usize;
    (0..n).map(move |k| {
        let value = (first + k as f64) * step;
        if value == 0.0 { 0.0 } else { value }
    })
}

/// The smallest of 1, 2, 5 times a power of ten that is at least `rough`, and its decimals.
fn nice_step(rough: f64) -> Option<(f64, usize)> {
    if !(rough.is_finite() && rough > 1e-12) {
        return None;
    }
    let magnitude = rough.log10().floor();
    let power = 10f64.powf(magnitude);
    let factor = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .find(|f| f * power >= rough * (1.0 - 1e-9))
        .unwrap_or(10.0);
    let decimals = if factor == 10.0 {
        -magnitude - 1.0
    } else {
        -magnitude
    };
    Some((factor * power, decimals.max(0.0) as usize))
}

fn label(value: f64, decimals: usize, unit: Unit, sign: Sign) -> String {
    let number = decimal(value, decimals);
    let plus = if sign == Sign::Both && value > 0.0 {
        "+"
    } else {
        ""
    };
    if number == "0" {
        format!("0{}", unit.name)
    } else {
        format!("{plus}{number}{}", unit.name)
    }
}

/// `value` to so many decimals, written as every number is.
fn decimal(value: f64, decimals: usize) -> String {
    let rounded = (value * 10f64.powi(decimals as i32)).round() / 10f64.powi(decimals as i32);
    if rounded == 0.0 {
        return "0".to_owned();
    }
    let magnitude = (rounded.abs().log10() + 1e-9).floor() as i32;
    units::significant(rounded, (decimals as i32 + 1 + magnitude).max(1) as usize)
}

/// 1-2-5 in each decade where there is room, else each decade or every few; a range within a
/// decade gets round steps.
fn logarithmic((lo, hi): (f64, f64), max: usize) -> Vec<(f64, String)> {
    let within = |value: f64| value >= lo - 1e-9 && value <= hi + 1e-9;
    let decades = (lo.floor() as i64).max(-12)..=(hi.ceil() as i64).min(15);
    let at = |factors: &'static [f64], every: usize| -> Vec<(f64, String)> {
        decades
            .clone()
            .filter(|decade| decade.rem_euclid(every as i64) == 0)
            .flat_map(|decade| factors.iter().map(move |f| f.log10() + decade as f64))
            .filter(|&coordinate| within(coordinate))
            .map(|coordinate| (coordinate, milliseconds(10f64.powf(coordinate))))
            .collect()
    };
    let fine = at(&[1.0, 2.0, 5.0], 1);
    if fine.len() < 3 {
        let (low, high) = (10f64.powf(lo), 10f64.powf(hi));
        let unit = Unit::of(ValueForm::LatencyMs, low, high);
        return linear(unit, Sign::Minus, (low, high), max)
            .into_iter()
            .filter(|(ms, _)| *ms > 0.0)
            .map(|(ms, text)| (ms.log10(), text))
            .collect();
    }
    if fine.len() <= max {
        return fine;
    }
    (1..=9)
        .map(|every| at(&[1.0], every))
        .find(|coarse| coarse.len() <= max)
        .unwrap_or_default()
}

/// A round latency in the unit that is read most easily: `20 ms`, `5 s`.
fn milliseconds(ms: f64) -> String {
    if ms < 999.5 {
        format!("{} ms", units::significant(ms, 1))
    } else {
        format!("{} s", units::significant(ms / 1e3, 1))
    }
}

/// Round steps of time in seconds.
const STEPS_S: [i64; 24] = [
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200,
    86_400, 172_800, 604_800, 1_209_600, 2_592_000, 7_776_000, 31_536_000,
];

fn times(clock: Clock, (lo, hi): (f64, f64), max: usize) -> Vec<(f64, String)> {
    let rough = (hi - lo) / max as f64;
    let step = STEPS_S.into_iter().find(|&s| s as f64 >= rough);
    if rough < 0.2 || step.is_none() {
        return linear(
            Unit {
                size: 1.0,
                name: " s",
            },
            Sign::Minus,
            (lo, hi),
            max,
        );
    }
    let step = step.unwrap_or(1);
    multiples(lo, hi, step as f64, max)
        .map(|at| (at, time_label(clock, at as i64, step)))
        .collect()
}

fn time_label(clock: Clock, seconds: i64, step: i64) -> String {
    match DateTime::<Utc>::from_timestamp(seconds, 0) {
        Some(time) if clock == Clock::Epoch => {
            let form = if step >= 2_592_000 {
                "%Y-%m-%d"
            } else if seconds.rem_euclid(86_400) == 0 {
                "%-d %b"
            } else if step < 60 {
                "%H:%M:%S"
            } else {
                "%H:%M"
            };
            time.format(form).to_string()
        }
        _ if seconds == 0 => "0".to_owned(),
        _ => units::duration_us(seconds * 1_000_000),
    }
}

fn categories(labels: &[String], (lo, hi): (f64, f64), max: usize) -> Vec<(f64, String)> {
    let every = labels.len().div_ceil(max).max(1);
    labels
        .iter()
        .enumerate()
        .step_by(every)
        .map(|(k, label)| (k as f64, text::visible(label).into_owned()))
        .filter(|(at, _)| *at >= lo && *at <= hi)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(scale: &Scale, range: (f64, f64), max: usize, expected: &[&str]) {
        let got: Vec<String> = ticks(scale, range, max)
            .into_iter()
            .map(|(_, text)| text)
            .collect();
        assert_eq!(got, expected, "{scale:?} {range:?}");
    }

    #[test]
    fn axes_of_costs_count_per_thousand_requests() {
        check(
            &Scale::Linear(ValueForm::PerThousand),
            (0.0, 0.0052),
            3,
            &["0", "2", "4"],
        );
    }

    #[test]
    fn linear_ticks_are_round() {
        check(
            &Scale::Linear(ValueForm::Share),
            (0.0, 0.043),
            5,
            &["0 %", "1 %", "2 %", "3 %", "4 %"],
        );
        check(
            &Scale::Linear(ValueForm::Number),
            (0.0, 2300.0),
            4,
            &["0", "1,000", "2,000"],
        );
        check(
            &Scale::Linear(ValueForm::Number),
            (3.6, 4.1),
            5,
            &["3.6", "3.7", "3.8", "3.9", "4.0", "4.1"],
        );
        check(
            &Scale::Linear(ValueForm::LatencyMs),
            (0.0, 4000.0),
            4,
            &["0 s", "1 s", "2 s", "3 s", "4 s"],
        );
    }

    #[test]
    fn changes_carry_their_sign() {
        check(
            &Scale::Change(ValueForm::Share),
            (-0.01, 0.02),
            4,
            &["−1 pp", "0 pp", "+1 pp", "+2 pp"],
        );
        check(
            &Scale::Change(ValueForm::LatencyMs),
            (-100.0, 200.0),
            3,
            &["−100 ms", "0 ms", "+100 ms", "+200 ms"],
        );
        check(
            &Scale::Relative,
            (-0.05, 0.1),
            3,
            &["−5 %", "0 %", "+5 %", "+10 %"],
        );
    }

    #[test]
    fn log_ticks_say_milliseconds_and_seconds() {
        check(
            &Scale::LogMs,
            (2.0, 4.0),
            9,
            &["100 ms", "200 ms", "500 ms", "1 s", "2 s", "5 s", "10 s"],
        );
        check(
            &Scale::LogMs,
            (0.0, 6.0),
            7,
            &["1 ms", "10 ms", "100 ms", "1 s", "10 s", "100 s", "1,000 s"],
        );
        check(
            &Scale::LogMs,
            (2.5, 2.6),
            5,
            &["320 ms", "340 ms", "360 ms", "380 ms"],
        );
    }

    #[test]
    fn times_are_round() {
        let day = 20_513.0 * 86_400.0; // 2026-03-01
        check(
            &Scale::Time(Clock::Epoch),
            (day + 3_600.0 * 20.0, day + 3_600.0 * 34.0),
            5,
            &["21:00", "2 Mar", "03:00", "06:00", "09:00"],
        );
        check(
            &Scale::Time(Clock::Relative),
            (0.0, 5_400.0),
            3,
            &["0", "30 min", "1 h", "1 h 30 min"],
        );
        check(
            &Scale::Time(Clock::Epoch),
            (day, day + 4.0 * 86_400.0),
            4,
            &["1 Mar", "2 Mar", "3 Mar", "4 Mar", "5 Mar"],
        );
    }

    #[test]
    fn degenerate_ranges_give_few_ticks() {
        check(&Scale::Linear(ValueForm::Number), (f64::NAN, 1.0), 5, &[]);
        check(&Scale::Linear(ValueForm::Number), (2.0, 2.0), 5, &["2.00"]);
        check(
            &Scale::Category(vec!["a".into(), "b\u{202E}".into()]),
            (-0.5, 1.5),
            2,
            &["a", "b⟨U+202E⟩"],
        );
        assert!(ticks(&Scale::Time(Clock::Epoch), (0.0, 1e12), 4).len() <= 12);
        assert!(ticks(&Scale::LogMs, (-300.0, 300.0), 4).len() <= 12);
    }
}
