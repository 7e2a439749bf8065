//! The report of a log that is known by its cells.

use super::super::from_cells::{CellLog, refuse};
use super::super::replay::chosen;
use super::{Finish, ReportArguments, finished, settings};
use crate::error::Result;
use crate::jobs::Progress;
use crate::report::{Context, Recipe, ReportInput};
use crate::rules::{ReplaySettings, RuleReplay};

/// As [`super::one`].
pub(super) fn one(
    arguments: &ReportArguments,
    known: &CellLog,
    recipe: Option<&Recipe>,
    context: &Context,
    progress: &Progress,
) -> Result<Finish> {
    let asks_for_lab = arguments.lab || recipe.is_some_and(|recipe| recipe.lab.is_some());
    refuse(&[
        (asks_for_lab, "The rule lab"),
        (arguments.examples.is_some(), "A list of bad requests"),
    ])?;
    let (settings, (rulebook, unread)) = match recipe {
        Some(recipe) => (
            recipe.settings.clone(),
            (recipe.rulebook.clone().unwrap_or_default(), Vec::new()),
        ),
        None => (
            settings(&arguments.compare, &known.log)?,
            chosen(&arguments.rules)?,
        ),
    };
    let analysis = known.analyze(&settings, progress)?;
    let is_of_segment = settings.filter.segment.is_some();
    let treatment = analysis.treatment.filter(|_| !is_of_segment);
    let replay = treatment.map(|treatment| {
        let control = analysis.control;
        let arms = ReplaySettings { control, treatment };
        known.replay(&rulebook, &arms, &settings, progress)
    });
    let mut replay = replay.transpose()?;
    if let Some(replay) = &mut replay {
        replay.rules.extend(unread.iter().map(RuleReplay::unread));
    }
    let input = ReportInput {
        analysis: &analysis,
        replay: replay.as_ref(),
        rulebook: Some(&rulebook),
        lab: None,
        examples: None,
        load: &known.notes(&arguments.log.logs)?,
        mapping: None,
        context,
        title: match context.title.as_str() {
            "" => &known.log.name,
            title => title,
        },
        version: env!("CARGO_PKG_VERSION"),
        language: arguments.language,
    };
    finished(arguments, &input, recipe)
}
