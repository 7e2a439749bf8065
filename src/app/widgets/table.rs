//! Tables of formatted text in which nothing is cut: text wraps, numbers widen their column, rows are as
//! high as their cells. Only visible rows are drawn.

use std::sync::Arc;

use egui::scroll_area::ScrollBarVisibility;
use egui::{Align, Layout, TextWrapMode};
use egui_extras::TableBuilder;

use super::super::words::{spoken, tr};
use super::{bold, width_of, with_focus_in_view};
use crate::language::Language;

/// A column's heading and how its cells lie.
#[derive(Debug, Clone, Copy)]
pub(in crate::app) struct Column<'a> {
    pub(in crate::app) heading: &'a str,
    pub(in crate::app) width: f32,
    /// It is never narrower.
    least: f32,
    pub(in crate::app) is_number: bool,
    /// Whether it takes the room that the others leave.
    takes_rest: bool,
}

impl<'a> Column<'a> {
    /// Text, from the left; it wraps, and where there is no room for all columns it gives way.
    pub(in crate::app) const fn text(heading: &'a str, width: f32) -> Self {
        Self {
            heading,
            width,
            least: if width < LEAST_TEXT {
                width
            } else {
                LEAST_TEXT
            },
            is_number: false,
            takes_rest: false,
        }
    }

    /// Text that takes the room that is left, and `width` at least.
    pub(in crate::app) const fn rest(heading: &'a str, width: f32) -> Self {
        Self {
            takes_rest: true,
            ..Self::text(heading, width)
        }
    }

    /// The same, but never narrower than this.
    pub(in crate::app) const fn at_least(self, least: f32) -> Self {
        Self { least, ..self }
    }

    /// Controls from the left, as wide as they are.
    pub(in crate::app) const fn controls(heading: &'a str, width: f32) -> Self {
        Self {
            least: width,
            ..Self::text(heading, width)
        }
    }

    /// Numbers, to the right; the column is as wide as the widest it has shown.
    pub(in crate::app) const fn number(heading: &'a str, width: f32) -> Self {
        Self {
            least: width,
            is_number: true,
            ..Self::text(heading, width)
        }
    }

    /// Numbers of which all cells are known: as wide as the widest, and `width` at least.
    pub(in crate::app) fn whole(
        ui: &egui::Ui,
        heading: &'a str,
        width: f32,
        cells: impl Iterator<Item = String>,
    ) -> Self {
        let widest = cells
            .take(MOST_MEASURED)
            .map(|cell| width_of(ui, &cell) + 12.0)
            .fold(width, f32::max);
        Self::number(heading, widest)
    }
}

/// Cells that a column's width is found from.
const MOST_MEASURED: usize = 200;
/// What a column of text can be narrowed to.
const LEAST_TEXT: f32 = 88.0;
const ROW_HEIGHT: f32 = 28.0;
const HEADING_SIZE: f32 = 13.0;
/// Above and below text of several lines.
const PADDING: f32 = 8.0;

/// The height that shows all rows of one line.
pub(in crate::app) fn table_height(n_rows: usize) -> f32 {
    (ROW_HEIGHT + 6.0) * (n_rows as f32 + 1.0) + 8.0
}

/// What the cells of a table needed when they were drawn, for as long as it has the same room.
#[derive(Debug, Clone)]
struct Needs {
    of: (u32, u32, Language),
    heights: Vec<f32>,
    widths: Vec<f32>,
    /// Whether something needs more than was known.
    is_new: bool,
}

impl Needs {
    /// What is known of a table, or one line a row.
    fn known(ui: &egui::Ui, id: egui::Id, n_rows: usize, n_columns: usize) -> Self {
        let size = egui::TextStyle::Body.resolve(ui.style()).size;
        let of = (ui.available_width().to_bits(), size.to_bits(), spoken());
        let known: Option<Arc<Self>> = ui.data(|data| data.get_temp(id));
        let is_of_this = |known: &Arc<Self>| {
            known.of == of && known.heights.len() == n_rows && known.widths.len() == n_columns
        };
        let known = known.filter(is_of_this);
        known.map_or_else(
            || Self {
                of,
                heights: vec![ROW_HEIGHT; n_rows],
                widths: vec![0.0; n_columns],
                is_new: false,
            },
            |known| known.as_ref().clone(),
        )
    }

    fn take_height(&mut self, row: usize, given: f32, used: f32) {
        if used > given + 0.5 {
            self.heights[row] = self.heights[row].max(used + PADDING);
            self.is_new = true;
        }
    }

    fn take_width(&mut self, column: usize, given: f32, used: f32) {
        if used > given + 0.5 {
            self.widths[column] = self.widths[column].max(used + 4.0);
            self.is_new = true;
        }
    }

    /// Keeps what was found; a pass that found something is drawn again before it is shown, or in the next frame
    /// where other tables took the passes.
    fn keep(mut self, ui: &egui::Ui, id: egui::Id) {
        if std::mem::take(&mut self.is_new) {
            let why = "cells of a table need more room than was known";
            ui.ctx().request_discard(why);
            ui.ctx().request_repaint();
        }
        ui.data_mut(|data| data.insert_temp(id, Arc::new(self)));
    }
}

/// A table of `n_rows` rows whose cells are made when they are drawn. At most `max_height` high, unless that is the
/// height of all rows.
pub(in crate::app) fn table_ui(
    ui: &mut egui::Ui,
    id: &str,
    columns: &[Column<'_>],
    (n_rows, max_height): (usize, f32),
    cell: impl FnMut(&mut egui::Ui, usize, usize),
) {
    ui.push_id(id, |ui| {
        let id = ui.scope_id().with("needs");
        let mut needs = Needs::known(ui, id, n_rows, columns.len());
        // A bar of a table below the fold would lie over what is in view.
        let is_below = ui.cursor().top() > ui.clip_rect().bottom();
        let bar = if is_below {
            ScrollBarVisibility::AlwaysHidden
        } else {
            ScrollBarVisibility::VisibleWhenNeeded
        };
        let across = egui::ScrollArea::horizontal().id_salt("across");
        let widths = widths(ui, columns, &needs.widths);
        across.scroll_bar_visibility(bar).show(ui, |ui| {
            with_focus_in_view(ui, |ui| {
                rows_ui(ui, columns, &widths, max_height, &mut needs, cell);
            });
        });
        needs.keep(ui, id);
    });
}

fn rows_ui(
    ui: &mut egui::Ui,
    columns: &[Column<'_>],
    widths: &[f32],
    max_height: f32,
    needs: &mut Needs,
    mut cell: impl FnMut(&mut egui::Ui, usize, usize),
) {
    let heights = needs.heights.clone();
    let shows_all = max_height >= table_height(heights.len());
    let heading_height = heading_height(ui, columns, widths);
    let top = ui.cursor().top();
    let mut table = TableBuilder::new(ui)
        .striped(true)
        .cell_layout(Layout::left_to_right(Align::Center))
        .vscroll(!shows_all)
        .min_scrolled_height(max_height)
        .max_scroll_height(max_height)
        .auto_shrink([false, true]);
    for width in widths {
        table = table.column(egui_extras::Column::exact(*width).clip(true));
    }
    let table = table.header(heading_height, |mut header| {
        for column in columns {
            header.col(|ui| {
                aligned(ui, column.is_number, |ui| heading_ui(ui, column));
            });
        }
    });
    table.body(|body| {
        body.heterogeneous_rows(heights.iter().copied(), |mut row| {
            let index = row.index();
            for (c, column) in columns.iter().enumerate() {
                let (used, _) = row.col(|ui| {
                    ui.style_mut().wrap_mode = Some(if column.is_number {
                        TextWrapMode::Extend
                    } else {
                        TextWrapMode::Wrap
                    });
                    aligned(ui, column.is_number, |ui| cell(ui, index, c));
                });
                needs.take_height(index, heights[index], used.height());
                if column.is_number {
                    needs.take_width(c, widths[c], used.width());
                }
            }
        });
    });
    // Rows that are all above what is in view take no room of themselves, and the page would jump.
    let gap = ui.spacing().item_spacing.y;
    let rows: f32 = heights.iter().map(|height| height + gap).sum();
    let rows = if shows_all {
        rows
    } else {
        rows.min(max_height)
    };
    let missing = heading_height + rows - (ui.min_rect().bottom() - top);
    if missing > 0.0 {
        ui.add_space(missing);
    }
}

/// The width of each column: as asked, or as wide as it was found to need. Text gives way where there is too little
/// room and takes what is left where it may.
fn widths(ui: &egui::Ui, columns: &[Column<'_>], needed: &[f32]) -> Vec<f32> {
    let gaps = ui.spacing().item_spacing.x * (columns.len().max(1) - 1) as f32;
    let room = ui.available_width() - gaps - ui.spacing().scroll.allocated_width();
    let wanted = columns.iter().zip(needed);
    let mut widths: Vec<f32> = wanted.map(|(column, n)| column.width.max(*n)).collect();
    let missing = widths.iter().sum::<f32>() - room;
    if missing > 0.0 {
        let spare = |column: &Column<'_>| (column.width - column.least).max(0.0);
        let all: f32 = columns.iter().map(spare).sum();
        let share = if all > 0.0 {
            (missing / all).min(1.0)
        } else {
            0.0
        };
        for (width, column) in widths.iter_mut().zip(columns) {
            *width -= share * spare(column);
        }
    } else {
        let takers = columns.iter().filter(|column| column.takes_rest);
        let all: f32 = takers.map(|column| column.width).sum();
        for (width, column) in widths.iter_mut().zip(columns) {
            if column.takes_rest {
                *width += -missing * column.width / all;
            }
        }
    }
    widths
}

fn heading_text(column: &Column<'_>) -> egui::RichText {
    bold(tr(column.heading)).size(HEADING_SIZE)
}

fn heading_ui(ui: &mut egui::Ui, column: &Column<'_>) {
    ui.add(egui::Label::new(heading_text(column)).wrap());
}

/// As high as the heading with the most lines.
fn heading_height(ui: &egui::Ui, columns: &[Column<'_>], widths: &[f32]) -> f32 {
    let font = egui::FontId::new(HEADING_SIZE, super::bold_face());
    let heights = columns.iter().zip(widths).map(|(column, width)| {
        let color = egui::Color32::BLACK;
        let room = if column.is_number {
            width - 4.0
        } else {
            *width
        };
        let galley = ui
            .painter()
            .layout(tr(column.heading), font.clone(), color, room);
        galley.size().y
    });
    heights.fold(ROW_HEIGHT - PADDING, f32::max) + PADDING
}

fn aligned(ui: &mut egui::Ui, is_number: bool, contents: impl FnOnce(&mut egui::Ui)) {
    if is_number {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.add_space(4.0);
            contents(ui);
        });
    } else {
        contents(ui);
    }
}
