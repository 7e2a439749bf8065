//! Around a blue-green switch, and by day since users met the treatment.

use super::{arm_name, arm_tone, seconds, time_axis};
use crate::analysis::{Analysis, NoveltySeries, SwitchFinding, SwitchSeries};
use crate::report::chart::{Along, Axis, Chart, Layer, Mark, Scale, Tone};
use crate::units::{self, ValueForm};

/// One metric by bucket before and after the switch, the fitted model, and the model as if there had
/// been no switch.
pub fn around_switch(analysis: &Analysis, found: &SwitchFinding, series: &SwitchSeries) -> Chart {
    let middle = |start_us: i64| seconds(start_us + found.width_us / 2);
    let is_after = |start_us: i64| start_us >= found.at_us;
    let values = |after: bool| {
        let points = series.points.iter();
        points
            .filter(|p| is_after(p.start_us) == after)
            .map(|p| (middle(p.start_us), p.value))
            .collect::<Vec<_>>()
    };
    // Two pieces: a line over the switch would draw a slope that the model does not have.
    let fitted = |after: bool| {
        let points = series.points.iter();
        points
            .filter(|p| is_after(p.start_us) == after)
            .map(|p| (middle(p.start_us), p.fitted))
            .collect::<Vec<_>>()
    };
    let marks = |arm: usize, after: bool| Layer::Marks {
        name: arm_name(analysis, arm).to_owned(),
        tone: arm_tone(analysis, arm),
        mark: Mark::Dot,
        points: values(after),
    };
    let line = |arm: usize, after: bool| Layer::Line {
        name: "fitted".to_owned(),
        tone: arm_tone(analysis, arm),
        points: fitted(after),
    };
    let without = series
        .points
        .iter()
        .filter(|p| is_after(p.start_us))
        .map(|p| (middle(p.start_us), p.without_switch));
    let (first, last) = (series.points.first(), series.points.last());
    let from_us = first.map_or(found.at_us, |p| p.start_us);
    let to_us = last.map_or(found.at_us, |p| p.start_us) + found.width_us;
    Chart {
        id: format!("switch-{}", series.metric),
        title: format!("{} around the switch", series.label),
        caption: format!(
            "Per bucket of {}: what was seen, the fitted model, and its course without the switch. Jump {} (p {}).",
            units::duration_us(found.width_us),
            series.form.change_with_interval(
                series.level.value,
                series.level.interval.lower,
                series.level.interval.upper
            ),
            units::p_value(series.level_test.p),
        ),
        x: time_axis(analysis.log.clock, from_us, to_us),
        y: Axis::new(series.label.clone(), Scale::Linear(series.form)),
        layers: vec![
            Layer::Rule {
                label: "switch".to_owned(),
                tone: Tone::Caution,
                axis: Along::X,
                at: seconds(found.at_us),
            },
            marks(found.before, false),
            marks(found.after, true),
            line(found.before, false),
            line(found.after, true),
            Layer::Line {
                name: "without the switch".to_owned(),
                tone: Tone::Quiet,
                points: without.collect(),
            },
        ],
    }
}

/// The effect on one metric by day since users met the treatment, with its trend.
pub fn novelty(analysis: &Analysis, series: &NoveltySeries) -> Chart {
    let day = |day: u32| f64::from(day) + 1.0;
    let items: Vec<(f64, f64, f64, f64)> = series
        .days
        .iter()
        .filter_map(|d| {
            let found = d.difference?;
            let interval = found.interval;
            Some((day(d.day), interval.lower, found.value, interval.upper))
        })
        .collect();
    let n_days = series.days.len() as f64;
    let ends = items.iter().flat_map(|item| [item.1, item.3]);
    let reach = ends.map(f64::abs).fold(0.0, f64::max) * 1.1;
    Chart {
        id: format!("novelty-{}", series.metric),
        title: format!("{}: effect by day since first request", series.label),
        caption: format!(
            "Treatment minus control among the users seen on each day, {} % intervals for each day alone. Trend per day {} (p {}).",
            units::significant(analysis.settings.level * 100.0, 2),
            series.form.change_with_interval(
                series.slope_per_day.value,
                series.slope_per_day.interval.lower,
                series.slope_per_day.interval.upper
            ),
            units::p_value(series.test.p),
        ),
        x: Axis::new(
            "Day since a user\u{2019}s first request in the arm",
            Scale::Linear(ValueForm::Number),
        )
        .from_to(0.5, n_days + 0.5),
        y: Axis::new("Difference", Scale::Change(series.form)).from_to(-reach, reach),
        layers: vec![
            Layer::Rule {
                label: String::new(),
                tone: Tone::Quiet,
                axis: Along::Y,
                at: 0.0,
            },
            Layer::Intervals {
                name: analysis
                    .treatment
                    .map_or("", |arm| arm_name(analysis, arm))
                    .to_owned(),
                tone: analysis
                    .treatment
                    .map_or(Tone::Quiet, |arm| arm_tone(analysis, arm)),
                along: Along::Y,
                items,
            },
        ],
    }
}
