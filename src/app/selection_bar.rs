//! Log, arms and which requests are looked at: what every screen stands on.

use super::words::tr;
use std::sync::Arc;

use super::command::{Command, Commands};
use super::state::AppState;
use super::widgets::{bold, note, shortened, shortened_to};
use crate::analysis::Analysis;
use crate::data::{Filter, FilterPart, MsRange, Quantity, RequestLog};
use crate::units;

/// Characters of a log's name; the whole stands on the Log screen.
const LONGEST_NAME: usize = 48;

/// Draws the bar.
pub(super) fn ui(
    ui: &mut egui::Ui,
    log: &RequestLog,
    analysis: Option<&Arc<Analysis>>,
    state: &AppState,
    commands: &mut Commands,
) {
    ui.add_space(2.0);
    ui.horizontal_wrapped(|ui| {
        let name = bold(shortened_to(&log.name, LONGEST_NAME));
        ui.add(egui::Label::new(name).extend())
            .on_hover_text(&log.name);
        let Some(analysis) = analysis else { return };
        let users = analysis
            .log
            .n_units
            .map(|n| format!(", {} users", units::count(n)))
            .unwrap_or_default();
        let of = if analysis.log.n_requests < analysis.log.n_requests_unfiltered {
            format!(" of {}", units::count(analysis.log.n_requests_unfiltered))
        } else {
            String::new()
        };
        ui.weak(tr(format!(
            "{}{of} requests{users}",
            units::count(analysis.log.n_requests)
        )));
        ui.separator();
        let control = arm_combo(ui, "Control", log, Some(analysis.control));
        if let Some(name) = control {
            commands.push(Command::SetControl(Some(name)));
        }
        if let Some(name) = arm_combo(ui, "Treatment", log, analysis.treatment) {
            commands.push(Command::SetTreatment(Some(name)));
        }
        segment_combo(ui, log, state, commands);
        time_range_button(ui, log, state, commands);
        latency_range_button(ui, log, state, commands);
    });
    filter_ui(ui, log, &state.document.settings.filter, commands);
    ui.add_space(2.0);
}

fn arm_combo(
    ui: &mut egui::Ui,
    label: &str,
    log: &RequestLog,
    current: Option<usize>,
) -> Option<String> {
    let shown = current
        .and_then(|i| log.arms.get(i))
        .map_or(units::NO_VALUE, |arm| arm.name.as_str());
    let mut chosen = None;
    label_ui(ui, &tr(label), &shortened(shown));
    egui::ComboBox::from_id_salt(label)
        .selected_text(shortened(shown))
        .show_ui(ui, |ui| {
            for (i, arm) in log.arms.iter().enumerate() {
                if ui
                    .selectable_label(Some(i) == current, shortened(&arm.name))
                    .clicked()
                    && Some(i) != current
                {
                    chosen = Some(arm.name.clone());
                }
            }
        })
        .response
        .accessible_name(tr(label));
    chosen
}

/// The label of a choice, on the next line where the choice would not fit beside it.
fn label_ui(ui: &mut egui::Ui, label: &str, shown: &str) {
    let font = egui::TextStyle::Body.resolve(ui.style());
    let [label_width, shown_width] = [label, shown].map(|text| {
        let color = ui.visuals().text_color();
        let text = text.to_owned();
        let galley = ui.painter().layout_no_wrap(text, font.clone(), color);
        galley.size().x
    });
    // Arrow, padding and the gap between the two.
    if ui.available_size_before_wrap().x < label_width + shown_width + 60.0 {
        ui.end_row();
    }
    // As high as the choice: the first of a line would hang at its top.
    let size = egui::vec2(label_width, ui.spacing().interact_size.y);
    ui.add_sized(size, egui::Label::new(label).extend());
}

fn segment_combo(ui: &mut egui::Ui, log: &RequestLog, state: &AppState, commands: &mut Commands) {
    if log.segments.is_empty() {
        return;
    }
    let current = &state.document.settings.filter.segment;
    let shown = current.as_ref().map_or_else(
        || tr("All segments"),
        |(name, value)| format!("{name} = {}", shortened(value)),
    );
    label_ui(ui, &tr("Segment"), &shown);
    egui::ComboBox::from_id_salt("segment")
        .selected_text(shown)
        .height(360.0)
        .show_ui(ui, |ui| {
            if ui
                .selectable_label(current.is_none(), tr("All segments"))
                .clicked()
            {
                commands.push(Command::SetSegment(None));
            }
            for segment in &log.segments {
                ui.separator();
                ui.weak(&segment.name);
                for value in segment.values.iter().take(40) {
                    let this = Some((segment.name.clone(), value.clone()));
                    let text = if value.is_empty() {
                        tr("(empty)")
                    } else {
                        shortened(value)
                    };
                    if ui.selectable_label(*current == this, text).clicked() {
                        commands.push(Command::SetSegment(this));
                    }
                }
            }
        })
        .response
        .accessible_name(tr("Segment"));
}

/// What is selected, as text; each part can be taken back.
fn filter_ui(ui: &mut egui::Ui, log: &RequestLog, filter: &Filter, commands: &mut Commands) {
    if filter.is_all() {
        return;
    }
    ui.horizontal_wrapped(|ui| {
        ui.label(tr("Only"));
        let time_zero_us = log.time_zero_us();
        for part in FilterPart::ALL {
            let Some(text) = filter.part_text(part, log.clock, time_zero_us) else {
                continue;
            };
            let button = egui::Button::new(format!("{}  ×", shortened_to(&text, 60)));
            let response = ui
                .add(button)
                .on_hover_text(tr(format!("{text}\nClick to take it back")));
            response.widget_info(|| {
                egui::WidgetInfo::labeled(
                    egui::Role::Button,
                    true,
                    tr(format!("Only {text}: take back")),
                )
            });
            if response.clicked() {
                commands.push(Command::ClearFilter(part));
            }
        }
        let selects_by_outcome = filter.latency.is_some() || filter.ttft.is_some();
        if selects_by_outcome {
            ui.weak(tr(
                "selected by outcome: the arms' remaining requests need not be alike",
            ));
        }
    });
}

/// Ranges of latency, typed: the same as dragging over a histogram.
fn latency_range_button(
    ui: &mut egui::Ui,
    log: &RequestLog,
    state: &AppState,
    commands: &mut Commands,
) {
    let quantities = [
        (Quantity::LatencyMs, FilterPart::Latency, "Latency"),
        (Quantity::TtftMs, FilterPart::Ttft, "First token"),
    ];
    let is_known =
        |(quantity, ..): &(Quantity, FilterPart, &str)| log.quantity(*quantity).is_some();
    // Of cells, single latencies are not known.
    if log.n_rows() == 0 || !quantities.iter().any(is_known) {
        return;
    }
    let filter = &state.document.settings.filter;
    let is_all = filter.latency.is_none() && filter.ttft.is_none();
    ui.menu_button(
        tr(if is_all {
            "All latencies"
        } else {
            "Some latencies"
        }),
        |ui| {
            note(
                ui,
                "Also by dragging over a histogram of the Latency screen.",
            );
            for (quantity, part, name) in quantities {
                let (Some(values), current) = (
                    log.quantity(quantity),
                    match part {
                        FilterPart::Ttft => filter.ttft,
                        _ => filter.latency,
                    },
                ) else {
                    continue;
                };
                let known = values.table().iter().rev().find(|v| v.is_finite());
                let highest = known.map_or(1.0, |ms| ms / 1_000.0);
                let range = current.unwrap_or_default();
                let (mut from, mut to) = (
                    range.from_ms.unwrap_or(0.0) / 1_000.0,
                    range.to_ms.map_or(highest, |ms| ms / 1_000.0),
                );
                let is_final =
                    |r: &egui::Response| r.drag_stopped() || (r.changed() && !r.dragged());
                let mut slider = |value: &mut f64, text: &str| {
                    let slider = egui::Slider::new(value, 0.0..=highest)
                        .logarithmic(true)
                        .smallest_positive(0.001)
                        .suffix(" s")
                        .text(text);
                    is_final(&ui.add(slider))
                };
                let is_changed = slider(&mut from, &tr(format!("{name} from")))
                    | slider(&mut to, &tr(format!("{name} below")));
                if is_changed && from < to {
                    let wanted = MsRange {
                        from_ms: (from > 0.0).then_some(from * 1_000.0),
                        to_ms: (to < highest).then_some(to * 1_000.0),
                    };
                    let wanted = (wanted != MsRange::default()).then_some(wanted);
                    commands.push(Command::SetLatencyRange(quantity, wanted));
                }
            }
        },
    );
}

/// A stretch of event time in hours since the first event.
fn time_range_button(
    ui: &mut egui::Ui,
    log: &RequestLog,
    state: &AppState,
    commands: &mut Commands,
) {
    const HOUR_US: f64 = 3.6e9;
    let Some((first, last)) = log
        .event_span_us()
        .filter(|_| log.clock != units::Clock::RowOrder)
    else {
        return;
    };
    let filter = &state.document.settings.filter;
    let hours = |us: i64| (us - first) as f64 / HOUR_US;
    let span = hours(last);
    let (mut from, mut to) = (
        filter.from_us.map_or(0.0, hours),
        filter.to_us.map_or(span, hours),
    );
    let is_all = filter.from_us.is_none() && filter.to_us.is_none();
    let title = if is_all { "All times" } else { "Some times" };
    ui.menu_button(tr(title), |ui| {
        note(
            ui,
            &format!(
                "Event time, hours since {}",
                units::instant(first, log.clock)
            ),
        );
        // A drag counts when it ends; keys and typed numbers count at once.
        let is_final = |r: &egui::Response| r.drag_stopped() || (r.changed() && !r.dragged());
        let from_changed =
            is_final(&ui.add(egui::Slider::new(&mut from, 0.0..=span).text(tr("from (hours)"))));
        let to_changed =
            is_final(&ui.add(egui::Slider::new(&mut to, 0.0..=span).text(tr("to (hours)"))));
        if (from_changed || to_changed) && from < to {
            let at = |hours: f64| first + (hours * HOUR_US) as i64;
            commands.push(Command::SetTimeRange(
                (from > 0.0).then(|| at(from)),
                (to < span).then(|| at(to)),
            ));
        }
        if ui
            .add_enabled(!is_all, egui::Button::new(tr("Show all times")))
            .clicked()
        {
            commands.push(Command::SetTimeRange(None, None));
        }
    });
}
