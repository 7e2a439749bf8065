//! Tables that sort without a script: every row says its place by each column, a radio button in the
//! heading of a column says which of them the style sheet takes.

use maud::{Markup, html};

use super::super::document::{Cell, Shown, Table};
use crate::language::Language;

/// Fewer rows than this are seen at a glance.
const FEWEST: usize = 4;
/// More rows than this belong into the CSV file.
const MOST: usize = 250;
/// The style sheet knows so many columns.
const COLUMNS: usize = 10;

/// The places of a table's rows by column.
pub(super) struct Order {
    /// Per column; `None` where its cells do not differ.
    columns: Vec<Option<Vec<usize>>>,
}

impl Order {
    /// `None` for a table that is too short or too long to be sorted.
    pub(super) fn of(table: &Table) -> Option<Self> {
        if !(FEWEST..=MOST).contains(&table.rows.len()) {
            return None;
        }
        let columns: Vec<Option<Vec<usize>>> = (0..table.columns.len().min(COLUMNS))
            .map(|column| places(table, column))
            .collect();
        columns
            .iter()
            .any(Option::is_some)
            .then_some(Self { columns })
    }

    /// The declarations of a row.
    pub(super) fn style(&self, row: usize) -> String {
        let of_column = |(k, places): (usize, &Option<Vec<usize>>)| {
            let place = places.as_ref()?[row];
            Some(format!("--c{k}:{place}"))
        };
        let parts: Vec<String> = self
            .columns
            .iter()
            .enumerate()
            .filter_map(of_column)
            .collect();
        parts.join(";")
    }

    /// The buttons in the heading of a column.
    pub(super) fn buttons(&self, table: &Table, column: usize, language: Language) -> Markup {
        let is_sortable = self.columns.get(column).is_some_and(Option::is_some);
        let name = format!("sort-{}", table.id);
        let title = &table.columns[column].title;
        let said = format!("{}: {title}", language.say("Sort by"));
        html! {
            @if is_sortable {
                span.sort {
                    @for (class, sign) in [("u", "▲"), ("d", "▼")] {
                        label {
                            input type="radio" name=(name) class={ (class) (column) }
                                aria-label={ (said) " " (sign) };
                            span aria-hidden="true" { (sign) }
                        }
                    }
                }
            }
        }
    }
}

/// What a cell is sorted by: numbers before words, nothing last.
#[derive(Debug, PartialEq)]
enum Key {
    Number(f64),
    Word(String),
    Nothing,
}

/// From 1 on; equal cells share a place. `None` where all are equal.
fn places(table: &Table, column: usize) -> Option<Vec<usize>> {
    let keys: Vec<Key> = table.rows.iter().map(|row| key(&row[column])).collect();
    let mut order: Vec<usize> = (0..keys.len()).collect();
    order.sort_by(|a, b| compare(&keys[*a], &keys[*b]));
    let mut places = vec![1; keys.len()];
    for pair in order.windows(2) {
        let is_next = keys[pair[0]] != keys[pair[1]];
        places[pair[1]] = places[pair[0]] + usize::from(is_next);
    }
    places.iter().any(|place| *place > 1).then_some(places)
}

fn key(cell: &Cell) -> Key {
    if let Some(number) = cell.number {
        return Key::Number(number);
    }
    match &cell.shown {
        Shown::Number { raw, .. } | Shown::Estimate { raw: [raw, ..], .. } if !raw.is_nan() => {
            Key::Number(*raw)
        }
        Shown::Text(text) | Shown::Code(text) if !text.is_empty() => Key::Word(text.to_lowercase()),
        Shown::Chip(chip) => Key::Word(chip.label.to_lowercase()),
        _ => Key::Nothing,
    }
}

fn compare(a: &Key, b: &Key) -> std::cmp::Ordering {
    let rank = |key: &Key| match key {
        Key::Number(_) => 0,
        Key::Word(_) => 1,
        Key::Nothing => 2,
    };
    match (a, b) {
        (Key::Number(a), Key::Number(b)) => a.total_cmp(b),
        (Key::Word(a), Key::Word(b)) => by_parts(a, b),
        (a, b) => rank(a).cmp(&rank(b)),
    }
}

/// Numbers within words by their size: 7b before 13b before 70b; whole numbers with their sign.
fn by_parts(a: &str, b: &str) -> std::cmp::Ordering {
    let whole = |text: &str| text.parse::<f64>().ok().filter(|n| n.is_finite());
    if let (Some(a), Some(b)) = (whole(a), whole(b)) {
        return a.total_cmp(&b);
    }
    let is_digit = |c: &char| c.is_ascii_digit();
    let (mut a_left, mut b_left) = (a, b);
    loop {
        let digits = |text: &str| text.chars().take_while(is_digit).count();
        let (n, m) = (digits(a_left), digits(b_left));
        if n > 0 && m > 0 {
            let (x, y) = (&a_left[..n], &b_left[..m]);
            let size = |digits: &str| digits.trim_start_matches('0').len();
            let order = size(x)
                .cmp(&size(y))
                .then_with(|| x.trim_start_matches('0').cmp(y.trim_start_matches('0')));
            if order.is_ne() {
                return order;
            }
            (a_left, b_left) = (&a_left[n..], &b_left[m..]);
            continue;
        }
        let (mut x, mut y) = (a_left.chars(), b_left.chars());
        match (x.next(), y.next()) {
            (Some(c), Some(d)) if c == d => (a_left, b_left) = (x.as_str(), y.as_str()),
            (c, d) => return c.cmp(&d).then_with(|| a.cmp(b)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::document::Column;
    use super::*;

    #[test]
    fn rows_know_their_places_by_number_and_by_word() {
        let row = |name: &str, value: Option<f64>| {
            let value = value.map_or_else(Cell::none, |v| Cell::number(v, "shown"));
            vec![Cell::text(name), value, Cell::text("same")]
        };
        let columns = ["Name", "Value", "Same"].map(Column::left).to_vec();
        let table = Table::new("t", "T", columns).with([
            row("b", Some(10.0)),
            row("A", Some(9.0)),
            row("c", None),
            row("b", Some(-1.0)),
        ]);
        let order = Order::of(&table).unwrap();
        let styles: Vec<String> = (0..4).map(|row| order.style(row)).collect();
        assert_eq!(
            styles,
            [
                "--c0:2;--c1:3",
                "--c0:1;--c1:2",
                "--c0:3;--c1:4",
                "--c0:2;--c1:1"
            ]
        );
        let html = |column| {
            order
                .buttons(&table, column, Language::English)
                .into_string()
        };
        assert!(html(1).contains("Sort by: Value"));
        assert_eq!(html(2), "");
        let short = Table::new("t", "T", vec![Column::left("x")]).with([vec![Cell::text("a")]]);
        assert!(Order::of(&short).is_none());
    }
}
