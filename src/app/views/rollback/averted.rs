//! What a rollback would have averted: one table for all rules.

use super::super::super::command::Commands;
use super::super::super::widgets::{
    Column, card_ui, cell, copy_button, note, table_height, table_ui, tsv,
};
use super::super::super::words::tr;
use crate::analysis::Analysis;
use crate::rules::{AvertedAmount, Ledger, LedgerRow, Replay, ledger};
use crate::units;

pub(super) fn averted_ui(
    ui: &mut egui::Ui,
    replay: &Replay,
    analysis: &Analysis,
    commands: &mut Commands,
) {
    let Some(found) = ledger(replay, analysis.harm_from_us()) else {
        return;
    };
    card_ui(ui, "What a rollback would have averted", |ui| {
        copy_button(ui, "what a rollback would have averted", commands, || {
            averted_tsv(&found)
        });
        let mut columns = vec![Column::text("", 190.0)];
        let rows = found.rows.iter();
        columns.extend(rows.map(|row| Column::number(&row.who, 250.0)));
        let n = found.measures.len() + 1;
        table_ui(
            ui,
            "averted",
            &columns,
            (n, table_height(n)),
            |ui, i, column| {
                let measure = i.checked_sub(1);
                let row = column.checked_sub(1).map(|k| &found.rows[k]);
                let text = match (measure, row) {
                    (None, None) => tr("Requests after"),
                    (None, Some(row)) => units::count(row.averted.requests),
                    (Some(measure), None) => tr(&found.measures[measure].1),
                    (Some(measure), Some(row)) => {
                        amount(&found, row, measure).map_or_else(String::new, amount_text)
                    }
                };
                ui.label(text);
            },
        );
        for sentence in &found.notes {
            note(ui, sentence);
        }
    });
}

fn amount_text(amount: &AvertedAmount) -> String {
    let value = units::change(amount.value);
    match amount.interval {
        Some((low, high)) => {
            format!("{value} [{}, {}]", units::change(low), units::change(high))
        }
        None => value,
    }
}

fn amount<'a>(
    found: &Ledger<'_>,
    row: &LedgerRow<'a>,
    measure: usize,
) -> Option<&'a AvertedAmount> {
    let (id, _) = found.measures.get(measure)?;
    row.averted.amounts.iter().find(|amount| amount.id == *id)
}

fn averted_tsv(found: &Ledger<'_>) -> String {
    let mut headings = vec!["stopped_by", "requests_after"];
    headings.extend(found.measures.iter().map(|(id, _)| *id));
    let row = |row: &LedgerRow<'_>| {
        let mut cells = vec![row.who.clone(), row.averted.requests.to_string()];
        let measures = 0..found.measures.len();
        cells.extend(measures.map(|k| cell(amount(found, row, k).map(|amount| amount.value))));
        cells
    };
    tsv(&headings, found.rows.iter().map(row))
}
