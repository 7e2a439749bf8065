//! Tables of formatted text: striped, resizable, only visible rows drawn.

use super::super::words::tr;
use super::{width_of, with_focus_in_view};
use egui::scroll_area::ScrollBarVisibility;
use egui::{Align, Layout};
use egui_extras::TableBuilder;

/// A column's heading and how its cells lie.
#[derive(Debug, Clone, Copy)]
pub(in crate::app) struct Column<'a> {
    pub(in crate::app) heading: &'a str,
    pub(in crate::app) width: f32,
    /// It is never narrower.
    least: f32,
    pub(in crate::app) is_number: bool,
}

impl<'a> Column<'a> {
    /// Text, from the left.
    pub(in crate::app) const fn text(heading: &'a str, width: f32) -> Self {
        Self {
            heading,
            width,
            least: LEAST,
            is_number: false,
        }
    }

    /// Numbers, to the right.
    pub(in crate::app) const fn number(heading: &'a str, width: f32) -> Self {
        Self {
            heading,
            width,
            least: LEAST,
            is_number: true,
        }
    }
}

impl<'a> Column<'a> {
    /// Numbers that are shown whole: as wide as the widest of these cells, and `width` at least.
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
        Self {
            least: widest,
            ..Self::number(heading, widest)
        }
    }
}

/// Cells that a column's width is found from.
const MOST_MEASURED: usize = 200;
/// What a column can be narrowed to.
const LEAST: f32 = 40.0;
const ROW_HEIGHT: f32 = 28.0;

/// The height that shows all rows.
pub(in crate::app) fn table_height(n_rows: usize) -> f32 {
    (ROW_HEIGHT + 6.0) * (n_rows as f32 + 1.0) + 8.0
}

/// A table of `n_rows` rows whose cells are made when they are drawn. At most `max_height` high.
pub(in crate::app) fn table_ui(
    ui: &mut egui::Ui,
    id: &str,
    columns: &[Column<'_>],
    (n_rows, max_height): (usize, f32),
    mut cell: impl FnMut(&mut egui::Ui, usize, usize),
) {
    ui.push_id(id, |ui| {
        // A bar of a table below the fold would lie over what is in view.
        let is_below = ui.cursor().top() > ui.clip_rect().bottom();
        egui::ScrollArea::horizontal()
            .id_salt("across")
            .scroll_bar_visibility(if is_below {
                ScrollBarVisibility::AlwaysHidden
            } else {
                ScrollBarVisibility::VisibleWhenNeeded
            })
            .show(ui, |ui| {
                with_focus_in_view(ui, |ui| {
                    let mut table = TableBuilder::new(ui)
                        .striped(true)
                        .cell_layout(Layout::left_to_right(Align::Center))
                        .min_scrolled_height(max_height)
                        .max_scroll_height(max_height)
                        .auto_shrink([false, true]);
                    for column in columns {
                        table = table.column(
                            egui_extras::Column::initial(column.width)
                                .at_least(column.least)
                                .clip(true)
                                .resizable(true),
                        );
                    }
                    table
                        .header(ROW_HEIGHT, |mut header| {
                            for column in columns {
                                header.col(|ui| {
                                    aligned(ui, column.is_number, |ui| {
                                        ui.add(
                                            egui::Label::new(
                                                egui::RichText::new(tr(column.heading))
                                                    .strong()
                                                    .size(13.0),
                                            )
                                            .truncate(),
                                        );
                                    });
                                });
                            }
                        })
                        .body(|body| {
                            body.rows(ROW_HEIGHT, n_rows, |mut row| {
                                let index = row.index();
                                for (c, column) in columns.iter().enumerate() {
                                    row.col(|ui| {
                                        aligned(ui, column.is_number, |ui| cell(ui, index, c));
                                    });
                                }
                            });
                        });
                });
            });
    });
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
