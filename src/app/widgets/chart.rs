//! Draws the shared chart model in the window. Log axes hold logarithms: `egui_plot` has none.

use super::super::words::tr;
use std::collections::BTreeSet;

use egui::Stroke;
use egui_plot::{HLine, HoverPosition, Plot, PlotUi, Span, VLine};

use super::super::theme;
use super::chart_axes::{RIGHT, spacer, x_axis, y_axis};
use super::chart_layers::{draw, draw_name, places};
use super::chart_tools;
use crate::report::chart::{Chart, Layer, Mark, Scale, Tone};

/// A chart over the full width with its title above and its caption below.
pub(in crate::app) fn chart_ui(ui: &mut egui::Ui, chart: &Chart, height: f32) {
    plot_in(ui, chart, height, None, Drag::Nothing);
    super::note(ui, &chart.caption);
}

/// A chart with its title, to select a stretch of its horizontal axis in; plots of one `group` share that axis
/// and its cursor.
pub(in crate::app) fn brush_in(
    ui: &mut egui::Ui,
    chart: &Chart,
    height: f32,
    group: Option<egui::Id>,
) -> Option<Brushed> {
    plot_in(ui, chart, height, group, Drag::Selects).and_then(|picked| match picked {
        Picked::At(_) => None,
        Picked::Brushed(brushed) => Some(brushed),
    })
}

/// As [`brush_in`], where a line can be taken hold of and dragged up and down besides.
pub(in crate::app) fn brush_or_move_in(
    ui: &mut egui::Ui,
    chart: &Chart,
    height: f32,
    group: Option<egui::Id>,
    line: &[(f64, f64)],
) -> Option<Brushed> {
    plot_in(ui, chart, height, group, Drag::SelectsOrMoves(line)).and_then(|picked| match picked {
        Picked::At(_) => None,
        Picked::Brushed(brushed) => Some(brushed),
    })
}

/// What was selected along the horizontal axis, or moved.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::app) enum Brushed {
    /// A stretch, by the coordinates of its ends.
    Stretch(f64, f64),
    /// Everything, by a double click.
    All,
    /// A single place, by a click: both coordinates.
    Place(f64, f64),
    /// The line is being dragged: from which value to which.
    Moved(f64, f64),
}

/// A chart with its title, to choose in: gives the place that was clicked or dragged to.
pub(in crate::app) fn pick_in(ui: &mut egui::Ui, chart: &Chart, height: f32) -> Option<(f64, f64)> {
    plot_in(ui, chart, height, None, Drag::Picks).and_then(|picked| match picked {
        Picked::At(at) => Some(at),
        Picked::Brushed(_) => None,
    })
}

/// A chart of rows with its title, to choose one in: gives the row that was clicked.
pub(in crate::app) fn pick_row_in(ui: &mut egui::Ui, chart: &Chart, height: f32) -> Option<usize> {
    match plot_in(ui, chart, height, None, Drag::Clicks)? {
        Picked::At((_, y)) => Some(y.round().max(0.0) as usize),
        Picked::Brushed(_) => None,
    }
}

/// What dragging in a plot does.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Drag<'l> {
    /// Nothing.
    Nothing,
    /// Nothing, but a click chooses a place.
    Clicks,
    /// Chooses a place.
    Picks,
    /// Selects a stretch of the horizontal axis.
    Selects,
    /// Selects such a stretch, or moves a line.
    SelectsOrMoves(&'l [(f64, f64)]),
}

/// What was chosen in a plot.
enum Picked {
    At((f64, f64)),
    Brushed(Brushed),
}

/// Drags shorter than this many points are clicks that slipped.
const SHORTEST_BRUSH: f32 = 5.0;

fn plot_in(
    ui: &mut egui::Ui,
    chart: &Chart,
    height: f32,
    group: Option<egui::Id>,
    drag: Drag<'_>,
) -> Option<Picked> {
    let is_dark = ui.visuals().dark_mode;
    let ((x0, x1), (y0, y1)) = chart.ranges();
    let is_category = matches!(chart.y.scale, Scale::Category(_));
    // Stages are named above the first row, not over its bars.
    let has_stages =
        |layer: &Layer| matches!(layer, Layer::Span { label, .. } if !label.is_empty());
    let room = if is_category && chart.layers.iter().any(has_stages) {
        0.6
    } else {
        0.0
    };
    let y0 = y0 - room;
    let (nx, ny) = (
        (ui.available_width() / 110.0) as usize,
        (height / 34.0) as usize,
    );
    let (x_scale, y_scale) = (chart.x.scale.clone(), chart.y.scale.clone());
    let hover = move |position: &HoverPosition<'_>| Some(hover_text(position, &x_scale, &y_scale));
    chart_tools::title_ui(ui, chart);
    let hidden = legend_ui(ui, chart, is_dark);
    // Other data give a new plot, which starts at its own bounds.
    let bounds = [x0, x1, y0, y1].map(f64::to_bits);
    let width = ui.available_width() - RIGHT;
    let grid = ui.visuals().weak_text_color().gamma_multiply(0.35);
    let mut plot = Plot::new(("chart", &chart.id, bounds))
        .width(width)
        .height(height)
        .allow_scroll(false)
        .allow_zoom(false)
        .allow_drag(false)
        .invert_y(is_category)
        .show_grid([true, !is_category])
        .grid_color(grid)
        .grid_fade(0.0)
        .default_x_bounds(x0, x1)
        .default_y_bounds(y0, y1)
        .x_grid_spacer(spacer(chart.x.scale.clone(), nx.max(2)))
        .y_grid_spacer(spacer(
            chart.y.scale.clone(),
            if is_category { 100 } else { ny.max(2) },
        ))
        .custom_x_axes(vec![x_axis(ui, chart, nx.max(2), width)])
        .custom_y_axes(vec![y_axis(
            ui,
            chart,
            if is_category { 100 } else { ny.max(2) },
            height,
            (y0, y1),
        )])
        .label_formatter(hover);
    if let Some(group) = group {
        plot = plot
            .link_axis(group, [true, false])
            .link_cursor(group, [true, false]);
    }
    let summary = format!("{}. {}", tr(&chart.title), tr(&chart.caption));
    let (top, bottom) = if is_category { (y0, y1) } else { (y1, y0) };
    let response = plot.show(ui, |plot| {
        zero_lines(plot, chart, is_dark);
        let places = places(chart, (x0, x1), plot.response().rect.width());
        for layer in &chart.layers {
            if layer.entry().is_none_or(|(name, _)| !hidden.contains(name)) {
                draw(plot, layer, is_dark);
            }
        }
        for (layer, place) in chart.layers.iter().zip(places) {
            draw_name(plot, layer, is_dark, (top, bottom), place);
        }
        match drag {
            Drag::Nothing => None,
            Drag::Clicks | Drag::Picks => {
                let is_drag = drag == Drag::Picks && plot.response().dragged();
                let is_picking = is_drag || plot.response().clicked();
                let at = plot.pointer_coordinate().filter(|_| is_picking)?;
                Some(Picked::At((at.x, at.y)))
            }
            Drag::Selects => brush(plot, (x0, x1), is_dark).map(Picked::Brushed),
            Drag::SelectsOrMoves(line) => match hold(plot, &chart.id, line) {
                Held::No => brush(plot, (x0, x1), is_dark).map(Picked::Brushed),
                Held::At(from, to) => Some(Picked::Brushed(Brushed::Moved(from, to))),
            },
        }
    });
    response
        .response
        .widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, &summary));
    chart_tools::table_ui(ui, chart);
    response.inner
}

/// Where nothing changes, on axes of changes.
fn zero_lines(plot: &mut PlotUi<'_>, chart: &Chart, is_dark: bool) {
    let is_signed = |scale: &Scale| matches!(scale, Scale::Change(_) | Scale::Relative);
    let color = theme::tone(Tone::Quiet, is_dark);
    if is_signed(&chart.x.scale) {
        plot.vline(VLine::new("", 0.0).color(color).width(1.2));
    }
    if is_signed(&chart.y.scale) {
        plot.hline(HLine::new("", 0.0).color(color).width(1.2));
    }
}

/// Within so many points of a line it is taken hold of.
const GRIP: f32 = 7.0;

/// Whether a line is held, where it was taken and where the pointer is now.
enum Held {
    No,
    At(f64, f64),
}

/// Takes hold of a line where it is pressed, until the button is released. What is on screen may change
/// meanwhile, and with it the plot: the hold belongs to the chart.
fn hold(plot: &PlotUi<'_>, chart: &str, line: &[(f64, f64)]) -> Held {
    let response = plot.response();
    let ctx = response.ctx.clone();
    let id = egui::Id::unique(("held line", chart));
    let near = |pos: egui::Pos2| {
        let at = plot.plot_from_screen(pos);
        let y = height_at(line, at.x)?;
        let on_screen = plot.screen_from_plot(egui_plot::PlotPoint::new(at.x, y));
        ((on_screen.y - pos.y).abs() <= GRIP).then_some(y)
    };
    let held: Option<f64> = ctx.data(|data| data.get_temp(id));
    let is_near = response.hover_pos().and_then(near).is_some();
    if is_near || held.is_some() {
        ctx.set_cursor_icon(egui::CursorIcon::ResizeVertical);
    }
    let (is_pressed, is_down, has_moved, pos) = ctx.input(|input| {
        let pointer = &input.pointer;
        (
            pointer.primary_pressed(),
            pointer.primary_down(),
            pointer.is_decidedly_dragging(),
            pointer.latest_pos(),
        )
    });
    let held = match (held, response.hover_pos()) {
        (None, Some(pos)) if is_pressed => {
            let taken = near(pos);
            if let Some(y) = taken {
                ctx.data_mut(|data| data.insert_temp(id, y));
            }
            taken
        }
        (held, _) => held,
    };
    if !is_down {
        ctx.data_mut(|data| data.remove::<f64>(id));
    }
    match (held, pos) {
        (Some(from), Some(pos)) if has_moved => Held::At(from, plot.plot_from_screen(pos).y),
        (Some(from), _) => Held::At(from, from),
        (None, _) => Held::No,
    }
}

/// The value of a line, which ascends in x, at a place; that of the last point up to it.
fn height_at(line: &[(f64, f64)], x: f64) -> Option<f64> {
    let after = line.partition_point(|(at, _)| *at <= x);
    let (_, y) = line.get(after.saturating_sub(1))?;
    y.is_finite().then_some(*y)
}

/// The stretch that is being dragged over, drawn; given back when the drag ends.
fn brush(plot: &mut PlotUi<'_>, (x0, x1): (f64, f64), is_dark: bool) -> Option<Brushed> {
    let response = plot.response().clone();
    if response.double_clicked() {
        return Some(Brushed::All);
    }
    if response.clicked() {
        return plot
            .pointer_coordinate()
            .map(|at| Brushed::Place(at.x, at.y));
    }
    let is_done = response.drag_stopped();
    if !is_done && !response.dragged() {
        return None;
    }
    let (from, to) = response.ctx.input(|input| {
        let to = input.pointer.interact_pos().or(input.pointer.latest_pos());
        (
            input
                .pointer
                .press_origin()
                .or(response.interact_pointer_pos()),
            to,
        )
    });
    let start_id = response.id.with("brush");
    let start = match from.filter(|_| !is_done) {
        Some(from) => {
            response
                .ctx
                .data_mut(|data| data.insert_temp(start_id, from));
            from
        }
        None => response.ctx.data(|data| data.get_temp(start_id))?,
    };
    let end = to?;
    if (start.x - end.x).abs() < SHORTEST_BRUSH {
        return None;
    }
    let at = |pos: egui::Pos2| plot.plot_from_screen(pos).x.clamp(x0, x1);
    let (left, right) = (at(start).min(at(end)), at(start).max(at(end)));
    if is_done {
        return (left < right).then_some(Brushed::Stretch(left, right));
    }
    let color = theme::tone(Tone::Arm(0), is_dark);
    plot.span(
        Span::new("", left..=right)
            .fill(color.gamma_multiply(0.15))
            .border(Stroke::new(1.0, color)),
    );
    None
}

/// The series above the plot, where they hide no data; a click hides or shows one. Returns the
/// hidden names.
fn legend_ui(ui: &mut egui::Ui, chart: &Chart, is_dark: bool) -> BTreeSet<String> {
    let id = ui.make_persistent_id(("hidden series", &chart.id));
    let mut hidden: BTreeSet<String> = ui.data(|data| data.get_temp(id)).unwrap_or_default();
    let mut entries: Vec<(&str, Tone, bool, String)> = Vec::new();
    for layer in &chart.layers {
        if let Some((name, tone)) = layer.entry()
            && !entries.iter().any(|(known, ..)| *known == name)
        {
            let is_stroke = matches!(
                layer,
                Layer::Marks {
                    mark: Mark::Tick,
                    ..
                }
            );
            entries.push((name, tone, is_stroke, series_name(layer, name, tone)));
        }
    }
    if entries.len() < 2 {
        return BTreeSet::new();
    }
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 14.0;
        for (name, tone, is_stroke, shown) in entries {
            let mut is_shown = !hidden.contains(name);
            let sample = (tone, is_stroke);
            if legend_entry(ui, &shown, sample, is_shown, is_dark).clicked() {
                is_shown = !is_shown;
                if is_shown {
                    hidden.remove(name);
                } else {
                    hidden.insert(name.to_owned());
                }
            }
        }
    });
    ui.data_mut(|data| data.insert_temp(id, hidden.clone()));
    hidden
}

/// Series of arms have the arm's name, which is never translated; marks and bars are of no arm.
fn series_name(layer: &Layer, name: &str, tone: Tone) -> String {
    let is_series = !matches!(layer, Layer::Marks { .. } | Layer::Bars { .. });
    let is_arm = is_series && matches!(tone, Tone::Control | Tone::Arm(_)) && !name.contains(' ');
    if is_arm { name.to_owned() } else { tr(name) }
}

/// A short piece of the series' line, dashed as in the plot, or an upright stroke; and its name.
fn legend_entry(
    ui: &mut egui::Ui,
    name: &str,
    (tone, is_stroke): (Tone, bool),
    is_shown: bool,
    is_dark: bool,
) -> egui::Response {
    let color = theme::tone(tone, is_dark);
    // Entries wrap; only a name that would fill a line of its own is cut.
    let shown = super::shortened_to(name, 64);
    let text = egui::RichText::new(format!("        {shown}")).size(12.5);
    let text = if is_shown {
        text
    } else {
        text.strikethrough().weak()
    };
    let response = ui.add(egui::Label::new(text).sense(egui::Sense::click()).extend());
    let (left, y) = (response.rect.left(), response.rect.center().y);
    let stroke = Stroke::new(if is_shown { 2.5 } else { 1.0 }, color);
    let ends = [egui::pos2(left, y), egui::pos2(left + 20.0, y)];
    if is_stroke {
        let x = left + 10.0;
        let ends = [egui::pos2(x, y - 7.0), egui::pos2(x, y + 7.0)];
        ui.painter().line_segment(ends, stroke);
    } else if tone == Tone::Control {
        ui.painter()
            .extend(egui::Shape::dashed_line(&ends, stroke, 4.0, 3.0));
    } else {
        ui.painter().line_segment(ends, stroke);
    }
    response.widget_info(|| egui::WidgetInfo::selected(egui::Role::CheckBox, true, is_shown, name));
    response.on_hover_cursor(egui::CursorIcon::PointingHand)
}

fn hover_text(position: &HoverPosition<'_>, x: &Scale, y: &Scale) -> String {
    let (name, at) = match position {
        HoverPosition::NearDataPoint {
            plot_name,
            position,
            ..
        } if !plot_name.is_empty() => {
            let name = if plot_name.contains(' ') {
                tr(plot_name)
            } else {
                (*plot_name).to_owned()
            };
            (name + "\n", position)
        }
        HoverPosition::NearDataPoint { position, .. } | HoverPosition::Elsewhere { position } => {
            (String::new(), position)
        }
    };
    format!("{name}{}\n{}", tr(x.text(at.x)), tr(y.text(at.y)))
}
