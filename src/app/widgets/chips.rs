//! Small coloured labels whose text and shape say the same as their colour.

use egui::Sense;

use super::super::theme;
use super::super::words::tr;
use crate::analysis::{Severity, Verdict};
use crate::report::chart::Tone;

const SIZE: f32 = 12.5;
/// Between the word and the edge of its ground.
const AROUND: egui::Vec2 = egui::vec2(7.0, 3.0);

/// A word on a light ground of its tone.
pub(in crate::app) fn chip(ui: &mut egui::Ui, text: &str, tone: Tone) -> egui::Response {
    let color = theme::tone(tone, ui.visuals().dark_mode);
    let said = tr(text);
    let galley = galley(ui, &said, color);
    let (rect, response) = ui.allocate_exact_size(galley.size() + 2.0 * AROUND, Sense::hover());
    let ground = theme::ground(color, ui.visuals().window_fill);
    ui.painter().rect_filled(rect, 4.0, ground);
    ui.painter().galley(rect.min + AROUND, galley, color);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, &said));
    response
}

/// How wide the chip of a text is.
pub(in crate::app) fn chip_width(ui: &egui::Ui, text: &str) -> f32 {
    galley(ui, &tr(text), egui::Color32::BLACK).size().x + 2.0 * AROUND.x
}

fn galley(ui: &egui::Ui, text: &str, color: egui::Color32) -> std::sync::Arc<egui::Galley> {
    let font = egui::FontId::proportional(SIZE);
    ui.painter().layout_no_wrap(text.to_owned(), font, color)
}

/// A verdict with its shape; grey where the log is such that nothing is judged.
pub(in crate::app) fn verdict_chip(
    ui: &mut egui::Ui,
    verdict: Verdict,
    is_judged: bool,
) -> egui::Response {
    let tone = if is_judged {
        theme::verdict_tone(verdict)
    } else {
        Tone::Quiet
    };
    chip(ui, &verdict_text(verdict, is_judged), tone)
}

/// How wide a column of these verdicts is.
pub(in crate::app) fn verdicts_width(
    ui: &egui::Ui,
    verdicts: impl Iterator<Item = Verdict>,
    is_judged: bool,
) -> f32 {
    let widths = verdicts.map(|verdict| chip_width(ui, &verdict_text(verdict, is_judged)));
    widths.fold(60.0, f32::max)
}

fn verdict_text(verdict: Verdict, is_judged: bool) -> String {
    if is_judged {
        format!("{} {}", verdict.symbol(), verdict.label())
    } else {
        "– not judged".to_owned()
    }
}

/// A health check's weight.
pub(in crate::app) fn severity_chip(ui: &mut egui::Ui, severity: Severity) -> egui::Response {
    let symbol = match severity {
        Severity::Ok => "●",
        Severity::Note => "–",
        Severity::Warning => "▲",
        Severity::Stop => "■",
    };
    chip(
        ui,
        &format!("{symbol} {}", severity.label()),
        theme::severity_tone(severity),
    )
}
