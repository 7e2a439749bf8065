//! What the log cannot tell: who rolled out what and why, and whether the analyst decides otherwise.

use super::super::super::widgets::{bold, card_ui, note};
use super::super::super::words::tr;
use crate::analysis::{Analysis, DecisionKind};
use crate::report::{ArmContext, Context, Override};

/// Width of a text field, points.
const FIELD: f32 = 460.0;

const KINDS: [DecisionKind; 5] = [
    DecisionKind::Ship,
    DecisionKind::Hold,
    DecisionKind::RollBack,
    DecisionKind::KeepCollecting,
    DecisionKind::Unsound,
];

pub(super) fn ui(ui: &mut egui::Ui, context: &mut Context, analysis: &Analysis) {
    card_ui(ui, "What the log cannot tell", |ui| {
        fields_ui(ui, "context fields", |ui| {
            line_ui(ui, "Owner", &mut context.owner);
            line_ui(ui, "Date", &mut context.date);
            lines_ui(ui, "Hypothesis", &mut context.hypothesis);
            lines_ui(ui, "Background", &mut context.background);
        });
        egui::CollapsingHeader::new(tr("What the arms are"))
            .id_salt("arms of the report")
            .show(ui, |ui| arms_ui(ui, context, analysis));
        note(
            ui,
            "The report prints what stands here; empty fields are left out.",
        );
    });
    card_ui(ui, "Decision by the analyst", |ui| {
        overrule_ui(ui, context, analysis);
    });
}

fn arms_ui(ui: &mut egui::Ui, context: &mut Context, analysis: &Analysis) {
    for arm in &analysis.arms {
        ui.label(bold(&arm.name));
        let known = context.arms.get(&arm.name);
        let before = known.cloned().unwrap_or_default();
        let mut now = before.clone();
        fields_ui(ui, &format!("arm {}", arm.name), |ui| {
            line_ui(ui, "Model", &mut now.model);
            line_ui(ui, "Prompt version", &mut now.prompt);
            line_ui(ui, "Parameters", &mut now.parameters);
            line_ui(ui, "Note", &mut now.note);
        });
        if now == ArmContext::default() {
            context.arms.remove(&arm.name);
        } else if now != before {
            context.arms.insert(arm.name.clone(), now);
        }
    }
}

/// The recommendation stands unless the analyst says what instead, and why.
fn overrule_ui(ui: &mut egui::Ui, context: &mut Context, analysis: &Analysis) {
    let recommended = tr("As recommended");
    let before = context.overrule.as_ref().map(|o| o.decision);
    let mut now = before;
    egui::ComboBox::from_id_salt("decision")
        .selected_text(now.map_or_else(|| recommended.clone(), |kind| tr(kind.label())))
        .show_ui(ui, |ui| {
            ui.selectable_value(&mut now, None, &recommended);
            for kind in KINDS
                .into_iter()
                .filter(|kind| *kind != analysis.decision.kind)
            {
                ui.selectable_value(&mut now, Some(kind), tr(kind.label()));
            }
        })
        .response
        .accessible_name(tr("Decision by the analyst"));
    if now != before {
        let kept = context.overrule.take();
        context.overrule = now.map(|decision| Override {
            decision,
            reason: kept.as_ref().map_or_else(String::new, |o| o.reason.clone()),
            by: kept.map_or_else(String::new, |o| o.by),
        });
    }
    let Some(overrule) = &mut context.overrule else {
        return;
    };
    fields_ui(ui, "override fields", |ui| {
        lines_ui(ui, "Reason", &mut overrule.reason);
        line_ui(ui, "Decided by", &mut overrule.by);
    });
    note(
        ui,
        "The report prints the recommendation, the decision and the reason. No figure changes.",
    );
}

fn fields_ui(ui: &mut egui::Ui, id: &str, rows: impl FnOnce(&mut egui::Ui)) {
    egui::Grid::new(id)
        .num_columns(2)
        .spacing([12.0, 8.0])
        .show(ui, rows);
}

fn line_ui(ui: &mut egui::Ui, name: &str, text: &mut String) {
    let label = ui.label(tr(name));
    let field = egui::TextEdit::singleline(text).desired_width(FIELD);
    ui.add(field).labelled_by(label.id);
    ui.end_row();
}

fn lines_ui(ui: &mut egui::Ui, name: &str, text: &mut String) {
    let label = ui.label(tr(name));
    let field = egui::TextEdit::multiline(text)
        .desired_rows(2)
        .desired_width(FIELD);
    ui.add(field).labelled_by(label.id);
    ui.end_row();
}
