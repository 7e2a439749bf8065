//! The first page: what to do, why, three numbers; then the log's health and what was rolled out.

use std::fmt::Write as _;

use super::super::chart::Tone;
use super::super::context::Override;
use super::super::document::{
    Banner, Block, Callout, Cell, Chip, Column, Item, Shown, Table, Tile,
};
use super::method::margins_are_defaults;
use super::{arm_name, by_gravity, from_cells, quiet, read};
use crate::analysis::{
    Analysis, ArmRole, DecisionKind, Effect, EventTimes, ReasonWeight, ScorecardRow, SegmentEffect,
    Severity, Verdict,
};
use crate::report::ReportInput;
use crate::stats::Estimate;
use crate::units::{self, Clock};

/// How many numbers stand on the first page.
const TILES: usize = 3;

pub(super) fn facts(input: &ReportInput<'_>) -> Vec<(String, String)> {
    let analysis = input.analysis;
    let log = &analysis.log;
    let names = |role: ArmRole| {
        let of_role = analysis.arms.iter().filter(move |arm| arm.role == role);
        let names: Vec<&str> = of_role.map(|arm| arm.name.as_str()).collect();
        names.join(", ")
    };
    // Whose choice the arms are matters as much as which they are.
    let chosen = |names: String, by: &Option<String>| match by {
        None if analysis.arms.len() > 2 => format!("{names} (chosen by Hindsight)"),
        _ => names,
    };
    let settings = &analysis.settings;
    let control = chosen(names(ArmRole::Control), &settings.control);
    let mut out = vec![("Control", control)];
    if analysis.treatment.is_some() {
        let treatment = chosen(names(ArmRole::Treatment), &settings.treatment);
        out.push(("Treatment", treatment));
    }
    if analysis.arms.iter().any(|arm| arm.role == ArmRole::Other) {
        out.push(("Other arms", names(ArmRole::Other)));
    }
    let known = if analysis.strategy.is_declared {
        "as declared"
    } else {
        "inferred"
    };
    out.push((
        "Rollout",
        format!("{} ({known})", analysis.strategy.label(log.clock)),
    ));
    // That the first row is row 1 tells nobody anything.
    let spans = log.first_us.zip(log.last_us);
    if let Some((first, last)) = spans.filter(|_| log.clock != Clock::RowOrder) {
        let from = units::instant(first, log.clock);
        let name = match (log.clock, log.times) {
            (Clock::Epoch, EventTimes::Completion) => "Period, by completion",
            (Clock::Epoch, EventTimes::Start) => "Period, by start",
            (_, EventTimes::Completion) => "Completions, from an unknown start",
            (_, EventTimes::Start) => "Starts, from an unknown start",
        };
        out.push((
            name,
            format!("{from} to {}", units::instant(last, log.clock)),
        ));
    }
    let mut data = format!("{} requests", units::count(log.n_requests));
    if log.n_requests < log.n_requests_unfiltered {
        let _infallible = write!(
            data,
            " of {} (filtered)",
            units::count(log.n_requests_unfiltered)
        );
    }
    if let Some(n) = log.n_units {
        let _infallible = write!(data, ", {} users", units::count(n));
    }
    out.push(("Data", data));
    if let Some(cells) = &analysis.cells {
        out.push(("Read from", from_cells::fact(cells)));
    }
    if analysis.treatment.is_some() && margins_are_defaults(analysis) {
        out.push((
            "Margins",
            "defaults of Hindsight, chosen by nobody for this rollout".to_owned(),
        ));
    }
    if input.context.hypothesis.is_empty() {
        out.push(("Hypothesis", "none was given".to_owned()));
    }
    if !input.context.owner.is_empty() {
        out.push(("Owner", input.context.owner.clone()));
    }
    if !input.context.date.is_empty() {
        out.push(("Date", input.context.date.clone()));
    }
    out.into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

pub(super) fn banner(input: &ReportInput<'_>) -> Banner {
    let decision = &input.analysis.decision;
    let overruled = input.context.overrule.as_ref();
    let shown = overruled.map_or(decision.kind, |o| o.decision);
    let (tone, symbol) = tone(shown);
    let mut callouts: Vec<Callout> = overruled
        .map(|o| overrule(o, decision.kind))
        .into_iter()
        .collect();
    if decision.is_log_unsound {
        callouts.push(Callout {
            tone: Tone::Bad,
            title: "Not decision-grade".to_owned(),
            lines: vec![
                "A health check below forbids trusting the comparison; read every figure with it."
                    .to_owned(),
            ],
        });
    }
    // Where nothing can be trusted, nothing but that is judged; those reasons come first.
    let stops = input.analysis.health.iter();
    let n_stops = stops
        .filter(|check| check.severity == Severity::Stop)
        .count();
    let reasons = decision.reasons.iter().enumerate().map(|(k, reason)| Item {
        chip: if decision.is_log_unsound && k >= n_stops {
            quiet("–", "not judged")
        } else {
            weight(reason.weight)
        },
        about: String::new(),
        text: reason.text.clone(),
        notes: Vec::new(),
    });
    Banner {
        tone,
        symbol,
        kicker: match overruled {
            Some(_) => "Decision by the analyst".to_owned(),
            None => "Recommendation".to_owned(),
        },
        kind: shown.label().to_owned(),
        headline: match overruled {
            Some(o) => o.reason.clone(),
            None => decision.headline.clone(),
        },
        callouts,
        reasons: reasons.collect(),
        // Whoever overruled the recommendation goes another way.
        next_step: match overruled {
            Some(_) => Vec::new(),
            None => decision.next_step.iter().cloned().collect(),
        },
        would_change: decision
            .would_change
            .iter()
            .map(|o| o.text.clone())
            .collect(),
        dissent: decision.dissent.clone(),
    }
}

fn overrule(o: &Override, recommended: DecisionKind) -> Callout {
    let by = if o.by.is_empty() {
        String::new()
    } else {
        format!(" by {}", o.by)
    };
    Callout {
        tone: Tone::Caution,
        title: format!("The recommendation was overruled{by}"),
        lines: vec![format!(
            "Hindsight recommends from the figures below: {}. Decided instead: {}. Reason given: {}",
            recommended.label().to_lowercase(),
            o.decision.label().to_lowercase(),
            o.reason
        )],
    }
}

fn tone(kind: DecisionKind) -> (Tone, &'static str) {
    match kind {
        DecisionKind::Ship => (Tone::Good, "✓"),
        DecisionKind::Hold => (Tone::Caution, "■"),
        DecisionKind::RollBack => (Tone::Bad, "✕"),
        DecisionKind::KeepCollecting => (Tone::Quiet, "…"),
        DecisionKind::Unsound => (Tone::Bad, "!"),
    }
}

fn weight(weight: ReasonWeight) -> Chip {
    match weight {
        ReasonWeight::Against => Chip::new(Tone::Bad, "✕", "against"),
        ReasonWeight::Open => Chip::new(Tone::Caution, "?", "open"),
        ReasonWeight::For => Chip::new(Tone::Good, "✓", "for"),
    }
}

/// The guardrails of the treatment that matter most.
pub(super) fn tiles(analysis: &Analysis) -> Vec<Tile> {
    let Some(treatment) = analysis.treatment else {
        return Vec::new();
    };
    let mut deciding: Vec<(&ScorecardRow, &Effect)> = analysis
        .scorecard
        .iter()
        .filter(|row| row.role.decides())
        .filter_map(|row| Some((row, row.effect_of(treatment)?)))
        .collect();
    deciding.sort_by_key(|(_, effect)| by_gravity(effect.verdict)); // stable: else the scorecard's order
    deciding
        .into_iter()
        .take(TILES)
        .map(|(row, effect)| tile(analysis, row, effect))
        .collect()
}

fn tile(analysis: &Analysis, row: &ScorecardRow, effect: &Effect) -> Tile {
    // The values that the difference is between.
    let weighted = effect.stratified.as_ref().map(|found| found.weighted);
    let value = |arm: usize| {
        let found = row.values.iter().find(|value| value.arm == arm);
        let pooled = found.and_then(|value| Some(value.estimate?.value));
        let value = match weighted {
            Some((control, _)) if arm == analysis.control => Some(control),
            Some((_, treated)) => Some(treated),
            None => pooled,
        };
        let text = value.map_or_else(|| units::NO_VALUE.to_owned(), |v| row.form.value(v));
        format!(
            "{} {}",
            arm_name(analysis, arm),
            text.replace(' ', "\u{a0}")
        )
    };
    let (change, interval) = shown(row, effect.difference.as_ref());
    let whole = format!("{change} {interval}");
    let (label, (change, interval), arms) =
        if let Some((label, found)) = part(analysis, row, effect) {
            let whole = match &effect.stratified {
                Some(_) => format!("all stages combined {whole}"),
                None => format!("over the whole log {whole}"),
            };
            (label, shown(row, Some(found)), whole)
        } else {
            let arms = format!("{}, {}", value(effect.arm), value(analysis.control));
            (row.label.clone(), (change, interval), arms)
        };
    Tile {
        label,
        change,
        interval,
        arms,
        verdict: read(analysis, effect.verdict),
    }
}

fn shown(row: &ScorecardRow, difference: Option<&Estimate>) -> (String, String) {
    match Cell::change(row.form, difference).shown {
        Shown::Estimate { text, interval, .. } => (text, interval),
        _ => (units::NO_VALUE.to_owned(), String::new()),
    }
}

/// The part of the log that the harm is in, where it is not all of it: a segment value that carries it,
/// or the last stage of those since it began.
fn part<'a>(
    analysis: &'a Analysis,
    row: &ScorecardRow,
    effect: &'a Effect,
) -> Option<(String, &'a Estimate)> {
    if effect.verdict != Verdict::Worse {
        return None;
    }
    let carries = |s: &&SegmentEffect| {
        let harm = s.harm.as_ref().filter(|harm| harm.without.is_some());
        s.metric == row.id && harm.is_some()
    };
    if let Some(segment) = analysis.segments.iter().find(carries) {
        let (column, value) = (&segment.segment, segment.shown_value());
        let label = format!("{}, among requests where {column} is {value}", row.label);
        return Some((label, segment.effect.difference.as_ref()?));
    }
    let stages = effect.stratified.as_ref()?;
    stages.onset_us?;
    let last = stages.strata.last()?.difference.as_ref()?;
    Some((format!("{}, last stage", row.label), last))
}

pub(super) fn health(input: &ReportInput<'_>) -> Vec<Block> {
    let checks = &input.analysis.health;
    let is_fine = |severity: Severity| severity == Severity::Ok;
    let n_fine = checks
        .iter()
        .filter(|check| is_fine(check.severity))
        .count();
    let mut lead = if n_fine == 0 {
        format!("None of the {} checks is without a remark.", checks.len())
    } else {
        format!("{n_fine} of {} checks are fine.", checks.len())
    };
    if n_fine < checks.len() {
        lead += " The gravest come first.";
    }
    let (fine, told): (Vec<_>, Vec<_>) = checks.iter().partition(|check| is_fine(check.severity));
    let items = told.into_iter().map(|check| Item {
        chip: severity(check.severity),
        about: check.title.clone(),
        text: check.finding.clone(),
        notes: [&check.meaning, &check.advice]
            .into_iter()
            .filter(|text| !text.is_empty())
            .cloned()
            .collect(),
    });
    let mut out = vec![Block::Lead(lead), Block::Items(items.collect())];
    if !fine.is_empty() {
        let heading = Block::Heading("Checked and fine".to_owned(), Vec::new());
        let columns = vec![Column::left("Question"), Column::left("Answer")];
        let rows = fine.into_iter().map(|check| {
            vec![
                Cell::text(check.title.as_str()),
                Cell::text(check.finding.as_str()),
            ]
        });
        let table = Table::new("checks-passed", "Checked and fine", columns).dense();
        out.extend([heading, Block::Table(table.with(rows))]);
    }
    out
}

fn severity(severity: Severity) -> Chip {
    let (tone, symbol) = match severity {
        Severity::Ok => (Tone::Good, "✓"),
        Severity::Note => (Tone::Quiet, "i"),
        Severity::Warning => (Tone::Caution, "!"),
        Severity::Stop => (Tone::Bad, "✕"),
    };
    Chip::new(tone, symbol, severity.label())
}

/// Hypothesis and arms in the analyst's words; empty where nothing was said.
pub(super) fn context(input: &ReportInput<'_>) -> Vec<Block> {
    let context = input.context;
    let mut out = Vec::new();
    for (name, text) in [
        ("Hypothesis", &context.hypothesis),
        ("Background", &context.background),
    ] {
        if !text.is_empty() {
            out.push(Block::Definitions(vec![(name.to_owned(), text.clone())]));
        }
    }
    if !context.arms.is_empty() {
        let columns = ["Model", "Prompt version", "Parameters", "Note"];
        let head = std::iter::once(Column::head("Arm")).chain(columns.map(Column::left));
        let rows = context.arms.iter().map(|(name, arm)| {
            let cells = [&arm.model, &arm.prompt, &arm.parameters, &arm.note];
            std::iter::once(Cell::text(name.as_str()))
                .chain(cells.map(|cell| Cell::text(cell.as_str())))
                .collect()
        });
        out.push(Block::Table(
            Table::new("arms-context", "What the arms are", head.collect()).with(rows),
        ));
    }
    out
}
