//! Tables: columns with an alignment, rows of cells.

use super::Cell;

/// A table.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Unique within the report; a plain file name.
    pub id: String,
    /// What it shows, for forms in which it stands alone.
    pub title: String,
    /// How close rows stand.
    pub density: Density,
    /// The columns.
    pub columns: Vec<Column>,
    /// As many cells a row as columns.
    pub rows: Vec<Vec<Cell>>,
    /// What was left out; may be empty.
    pub more: String,
}

/// How close rows stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Density {
    /// To be read.
    Roomy,
    /// To be looked things up in.
    Dense,
}

/// A column.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its title.
    pub title: String,
    /// Smaller, below it; may be empty.
    pub sub: String,
    /// Where its cells stand.
    pub align: Align,
}

/// Where the cells of a column stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// What the row is about: left, bold.
    Head,
    /// Words: left.
    Left,
    /// Numbers: right.
    Right,
}

impl Table {
    /// A table without rows.
    pub fn new(id: &str, title: impl Into<String>, columns: Vec<Column>) -> Self {
        Self {
            id: super::super::text::slug(id),
            title: title.into(),
            density: Density::Roomy,
            columns,
            rows: Vec::new(),
            more: String::new(),
        }
    }

    /// The same, to be looked things up in.
    #[must_use]
    pub fn dense(mut self) -> Self {
        self.density = Density::Dense;
        self
    }

    /// How many cells at its start a row shares with the row above, where both are about the same:
    /// forms that need not be read row by row leave them out.
    pub fn n_shared(&self, row: usize) -> usize {
        let has_head = self.columns.first().is_some_and(|c| c.align == Align::Head);
        match row.checked_sub(1).map(|above| &self.rows[above]) {
            Some(above) if has_head => {
                let pairs = above.iter().zip(&self.rows[row]);
                pairs.take_while(|(above, cell)| above == cell).count()
            }
            _ => 0,
        }
    }

    /// The same with these rows.
    #[must_use]
    pub fn with(mut self, rows: impl IntoIterator<Item = Vec<Cell>>) -> Self {
        self.rows.extend(rows);
        self
    }
}

impl Column {
    /// What the row is about.
    pub fn head(title: impl Into<String>) -> Self {
        Self::of(title, Align::Head)
    }

    /// Words.
    pub fn left(title: impl Into<String>) -> Self {
        Self::of(title, Align::Left)
    }

    /// Numbers.
    pub fn right(title: impl Into<String>) -> Self {
        Self::of(title, Align::Right)
    }

    /// The same with a smaller line below.
    #[must_use]
    pub fn below(mut self, sub: impl Into<String>) -> Self {
        self.sub = sub.into();
        self
    }

    fn of(title: impl Into<String>, align: Align) -> Self {
        Self {
            title: title.into(),
            sub: String::new(),
            align,
        }
    }
}
