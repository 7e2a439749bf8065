//! Whether the rules can be trusted: how often each is wrong when nothing is, what it finds when
//! something is, and which thresholds would be better.

use super::super::chart::Tone;
use super::super::charts;
use super::super::document::{Block, Callout};
use super::figure;
use super::lab_rules::{rule_by_rule, table};
use super::rollback::are_presets;
use crate::lab::{LabDigest, RuleLab, digest};
use crate::report::ReportInput;
use crate::rules::nothing_ran;

/// Height of a chart over the whole width, pixels.
pub(super) const CHART_PX: u32 = 270;

pub(super) fn blocks(input: &ReportInput<'_>) -> Vec<Block> {
    let Some(lab) = input.lab else {
        return Vec::new();
    };
    if let Some(why) = nothing_tried(lab) {
        return vec![Block::Paragraph(format!(
            "No rule could be tried on this log: {why}."
        ))];
    }
    let said = digest(lab);
    let replayed = input
        .replay
        .is_some_and(|replay| nothing_ran(replay).is_none());
    let first = if replayed {
        "The replay above says when each rule would have fired on this one log. The lab asks whether that firing can \
         be believed."
    } else {
        "The lab asks whether a rule's firing could be believed."
    };
    let mut out = vec![Block::Lead(format!(
        "{first} It makes many rollouts from the log's own requests in which both \
         arms are the same, so that every firing is false, and others into whose canary a regression \
         was put. A good rule seldom fires in the first and nearly always in the second."
    ))];
    if lab.is_partial {
        out.push(Block::Callout(Callout {
            tone: Tone::Caution,
            title: "The lab was stopped before its end".to_owned(),
            lines: vec!["Figures stand on fewer rollouts than were asked for.".to_owned()],
        }));
    }
    out.push(Block::Paragraph(said.headline.clone()));
    out.extend(said.ceilings.iter().cloned().map(Block::Paragraph));
    out.push(Block::Table(table("lab", "Rule lab", &said.summary)));
    out.push(Block::Lead(format!(
        "Probabilities stand with their {} intervals (Wilson). {}",
        super::level(lab.settings.level),
        said.legend.join(" ")
    )));
    if said.frontier.rows.len() > 1 {
        out.extend(charts::lab_frontier(lab, None).map(|chart| figure(chart, CHART_PX, None)));
        out.push(Block::Table(table(
            "lab-frontier",
            "Rule lab",
            &said.frontier,
        )));
    }
    if !are_presets(input) {
        out.extend(in_full(lab, said));
    }
    out
}

/// The lab rule by rule, where nobody named rules.
pub(super) fn appendix(input: &ReportInput<'_>) -> Vec<Block> {
    match input.lab {
        Some(lab) if are_presets(input) && nothing_tried(lab).is_none() => {
            in_full(lab, digest(lab))
        }
        _ => Vec::new(),
    }
}

/// Rule by rule, and what everything rests on.
fn in_full(lab: &RuleLab, said: LabDigest) -> Vec<Block> {
    let mut out = rule_by_rule(lab, &said);
    out.push(Block::Heading(
        "What all figures of the lab rest on".to_owned(),
        Vec::new(),
    ));
    out.push(Block::Bullets(said.assumptions));
    out
}

/// Why no rule could be tried; `None` where one was.
fn nothing_tried(lab: &RuleLab) -> Option<&str> {
    let (first, rest) = lab.rules.split_first()?;
    let is_skipped = rest.iter().all(|rule| rule.skipped.is_some());
    first.skipped.as_deref().filter(|_| is_skipped)
}
