//! Small coloured labels whose text and shape say the same as their colour.

use egui::RichText;

use super::super::theme;
use super::super::words::tr;
use crate::analysis::{Severity, Verdict};
use crate::report::chart::Tone;

/// A word on a light ground of its tone.
pub(in crate::app) fn chip(ui: &mut egui::Ui, text: &str, tone: Tone) -> egui::Response {
    let color = theme::tone(tone, ui.visuals().dark_mode);
    egui::Frame::new()
        .fill(theme::ground(color, ui.visuals().window_fill))
        .corner_radius(4)
        .inner_margin(egui::Margin::symmetric(7, 2))
        .show(ui, |ui| {
            ui.add(egui::Label::new(RichText::new(tr(text)).color(color).size(13.0)).extend())
        })
        .inner
}

/// A verdict with its shape.
pub(in crate::app) fn verdict_chip(ui: &mut egui::Ui, verdict: Verdict) -> egui::Response {
    chip(
        ui,
        &format!("{} {}", verdict.symbol(), verdict.label()),
        theme::verdict_tone(verdict),
    )
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
