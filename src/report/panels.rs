//! What a rollout strategy has to say beyond the scorecard, as tables that every form of the report,
//! the window and the command line show: pairs of a shadow test, the switch of a blue-green rollout,
//! the effect by day since users met the treatment.

use super::chart::Chart;
use super::charts;
use crate::analysis::{Analysis, NoveltyFinding, ShadowFinding, SwitchFinding};
use crate::stats::{Estimate, TestResult};
use crate::units::{self, ValueForm};

/// A titled table with what to know before and after it.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    /// What it is about.
    pub title: String,
    /// One sentence each, before the table.
    pub lead: Vec<String>,
    /// Column titles.
    pub header: Vec<&'static str>,
    /// Cells.
    pub rows: Vec<Vec<String>>,
    /// What the table cannot say.
    pub note: String,
    /// The same drawn, the metrics that decide.
    pub charts: Vec<Chart>,
}

/// The panels that an analysis has.
pub fn panels(analysis: &Analysis) -> Vec<Panel> {
    let shadow = analysis
        .shadow
        .iter()
        .flat_map(|found| shadow(analysis, found));
    let switch = analysis.switch.iter().map(|found| switch(analysis, found));
    let novelty = analysis
        .novelty
        .iter()
        .map(|found| novelty(analysis, found));
    shadow.chain(switch).chain(novelty).collect()
}

fn shadow(analysis: &Analysis, found: &ShadowFinding) -> Vec<Panel> {
    let control = &analysis.arms[analysis.control].name;
    let shadow = analysis
        .treatment
        .map_or("", |arm| &analysis.arms[arm].name);
    let mut lead = vec![format!(
        "{} requests were answered by both arms; {} of {control} and {} of {shadow} have no partner{}",
        units::count(found.n_pairs),
        units::count(found.n_unpaired.0),
        units::count(found.n_unpaired.1),
        match found.n_repeats {
            0 => String::new(),
            n => format!("; of {} repeated ids the last row counts", units::count(n)),
        }
    )];
    let mut rows: Vec<Vec<String>> = found
        .metrics
        .iter()
        .map(|metric| {
            vec![
                metric.label.clone(),
                units::count(metric.n_pairs),
                metric.form.value(metric.control),
                metric.form.value(metric.treatment),
                change(metric.form, metric.difference.as_ref()),
                metric.unit.label().to_owned(),
                p(metric.test.as_ref()),
                p(metric.signed_rank.as_ref()),
            ]
        })
        .collect();
    if let Some(errors) = &found.errors {
        let counts = &errors.counts;
        lead.push(format!(
            "Both answered {}, both failed {}, only {control} failed {}, only {shadow} failed {}: they agree in {}",
            units::count(counts.neither),
            units::count(counts.both),
            units::count(counts.only_control),
            units::count(counts.only_treatment),
            units::share(errors.agreement)
        ));
        let share =
            |n: u64| ValueForm::Share.value(n as f64 / counts.n().unwrap_or(1).max(1) as f64);
        rows.push(vec![
            "Failures (McNemar)".to_owned(),
            units::count(counts.n().unwrap_or(0)),
            share(counts.both + counts.only_control),
            share(counts.both + counts.only_treatment),
            change(ValueForm::Share, errors.difference.as_ref()),
            "by request".to_owned(),
            p(errors.test.as_ref()),
            String::new(),
        ]);
    }
    let pairs = Panel {
        title: "Shadow test: the same request in both arms".to_owned(),
        lead,
        header: vec![
            "Metric", "Pairs", "Control", "Shadow", "Paired difference", "Unit", "p (paired t)", "p (signed rank)",
        ],
        rows,
        note: "A pair compares a request with itself, so that hard and easy requests cancel. Ratings have no pairs: users saw one answer. By user: paired t test on users' mean differences. These differences decide; latency quantiles have no pairs, and their intervals, which take the arms as independent, are rather too wide".to_owned(),
        charts: Vec::new(),
    };
    let load = Panel {
        title: "What the shadow took on top".to_owned(),
        lead: Vec::new(),
        header: vec!["Resource", "Control", "Shadow", "On top"],
        rows: found
            .load
            .iter()
            .map(|load| {
                let on_top = load.treatment / load.control;
                vec![
                    load.label.clone(),
                    units::number(load.control),
                    units::number(load.treatment),
                    if on_top.is_finite() {
                        units::relative(on_top)
                    } else {
                        units::NO_VALUE.to_owned()
                    },
                ]
            })
            .collect(),
        note: "Sums over the selected rows".to_owned(),
        charts: Vec::new(),
    };
    vec![pairs, load]
}

fn switch(analysis: &Analysis, found: &SwitchFinding) -> Panel {
    let clock = analysis.log.clock;
    let name = |arm: usize| &analysis.arms[arm].name;
    let stray = match found.n_stray {
        0 => String::new(),
        n => format!("; {} requests lie on the wrong side of it", units::count(n)),
    };
    let daily = if found.has_daily_pattern {
        ", with a daily pattern"
    } else {
        ""
    };
    Panel {
        title: "Before and after the switch".to_owned(),
        lead: vec![
            format!(
                "Switched from {} to {} at {}{stray}",
                name(found.before),
                name(found.after),
                units::instant(found.at_us, clock)
            ),
            found.warning.clone(),
        ],
        header: vec![
            "Metric",
            "Jump at the switch",
            "p (jump)",
            "Change of slope per day",
            "p (slope)",
            "Buckets",
        ],
        rows: found
            .series
            .iter()
            .map(|series| {
                vec![
                    series.label.clone(),
                    change(series.form, Some(&series.level)),
                    p(Some(&series.level_test)),
                    change(series.form, Some(&series.slope_per_day)),
                    p(Some(&series.slope_test)),
                    units::count(series.points.len() as u64),
                ]
            })
            .collect(),
        note: format!(
            "After minus before. Segmented regression on buckets of {}{daily}, errors of neighbouring buckets correlated (Prais-Winsten)",
            units::duration_us(found.width_us)
        ),
        charts: found
            .series
            .iter()
            .filter(|series| decides(analysis, &series.metric))
            .map(|series| charts::around_switch(analysis, found, series))
            .collect(),
    }
}

fn novelty(analysis: &Analysis, found: &NoveltyFinding) -> Panel {
    let mut rows = Vec::new();
    for series in &found.series {
        for day in &series.days {
            let users = format!(
                "{} / {}",
                units::count(day.n_units.0),
                units::count(day.n_units.1)
            );
            rows.push(vec![
                if day.day == 0 {
                    series.label.clone()
                } else {
                    String::new()
                },
                (day.day + 1).to_string(),
                users,
                change(series.form, day.difference.as_ref()),
                String::new(),
            ]);
        }
        rows.push(vec![
            String::new(),
            "trend per day".to_owned(),
            String::new(),
            change(series.form, Some(&series.slope_per_day)),
            p(Some(&series.test)),
        ]);
    }
    let sampled = match found.one_user_in {
        1 => String::new(),
        n => format!(". One user in {n} was looked at"),
    };
    Panel {
        title: "Novelty: the effect by day since a user's first request in the arm".to_owned(),
        lead: vec![
            "An effect that fades as users get used to the treatment, or grows as they learn it, shows as a trend".to_owned(),
        ],
        header: vec!["Metric", "Day", "Users (control / treatment)", "Difference and interval", "p (trend)"],
        rows,
        note: format!(
            "Treatment minus control, by user. Later days hold the users who stayed; in a rollout whose share grows, days of the arms lie at different dates{sampled}"
        ),
        charts: found
            .series
            .iter()
            // Latency is followed by its mean, which is no metric of the scorecard.
            .filter(|series| series.metric == "latency_mean" || decides(analysis, &series.metric))
            .map(|series| charts::novelty(analysis, series))
            .collect(),
    }
}

fn decides(analysis: &Analysis, metric: &str) -> bool {
    let mut rows = analysis.scorecard.iter();
    rows.any(|row| row.id == metric && row.role.decides())
}

fn change(form: ValueForm, estimate: Option<&Estimate>) -> String {
    estimate.map_or_else(
        || units::NO_VALUE.to_owned(),
        |e| form.change_with_interval(e.value, e.interval.lower, e.interval.upper),
    )
}

fn p(test: Option<&TestResult>) -> String {
    test.map_or_else(|| units::NO_VALUE.to_owned(), |test| units::p_value(test.p))
}
