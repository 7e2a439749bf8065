//! Tables of the rollout strategy: shadow pairs, the switch, novelty.

use maud::{Markup, html};

use super::super::panels::{Panel, panels};
use super::parts::{prose, table};
use crate::report::ReportInput;

pub(super) fn body(input: &ReportInput<'_>) -> Option<Markup> {
    let panels = panels(input.analysis);
    (!panels.is_empty()).then(|| html! { @for panel in &panels { (one(panel)) } })
}

fn one(panel: &Panel) -> Markup {
    let head = html! {
        tr {
            @for (k, title) in panel.header.iter().enumerate() {
                th.num[k > 0] scope="col" { (title) }
            }
        }
    };
    let body = html! {
        @for row in &panel.rows {
            tr {
                @for (k, cell) in row.iter().enumerate() {
                    @if k == 0 { th scope="row" { (cell) } } @else { td.num { (cell) } }
                }
            }
        }
    };
    html! {
        h3 { (panel.title) }
        @for sentence in &panel.lead { p { (prose(sentence)) "." } }
        (table("", &head, &body))
        p.note { (panel.note) "." }
    }
}
