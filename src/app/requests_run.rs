//! The jobs behind the table of requests: listing rows, and reading single ones from the files.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;

use super::document::Document;
use super::requests::{Listing, Query};
use super::session::{Output, Session, Slot};
use super::state::{AppState, Notice};
use crate::analysis::{AnalysisSettings, CrossingUnits, select};
use crate::data::{Filter, RequestLog};
use crate::error::Result;
use crate::ingest::{Loaded, Mapping, Role, WrittenRows, written_rows};
use crate::jobs::{JobKind, Progress};
use crate::units;

/// Requests whose ids are copied at most.
pub(super) const MOST_COPIED: usize = 10_000;

/// What the table of requests shows.
#[derive(Debug, Default)]
pub struct RequestsRun {
    /// The rows.
    pub listing: Slot<Listing>,
    /// The chosen request as it stands in the file.
    pub written: Slot<WrittenRows>,
    asked: Option<(Selected, Query)>,
    asked_row: Option<u32>,
    /// What the rows of `listing` were selected by.
    listed: Option<Selected>,
}

/// Which rows are there to be listed.
#[derive(Debug, Clone, PartialEq)]
struct Selected {
    filter: Filter,
    crossing: CrossingUnits,
}

/// A listing to be made.
#[derive(Debug)]
pub(super) struct ListWork {
    log: Arc<RequestLog>,
    /// `None` where `log` holds the selected rows.
    settings: Option<AnalysisSettings>,
    query: Query,
}

/// Rows to be read from the files.
#[derive(Debug)]
pub(super) struct ReadWork {
    paths: Vec<PathBuf>,
    mapping: Mapping,
    rows: Vec<u32>,
    columns: Option<Vec<String>>,
}

impl RequestsRun {
    /// What has to be listed; `None` where nothing changed.
    pub(super) fn ask(
        &mut self,
        log: &Arc<RequestLog>,
        document: &Document,
        query: &Query,
    ) -> Option<ListWork> {
        let selected = Selected {
            filter: document.settings.filter.clone(),
            crossing: document.settings.crossing,
        };
        let asked = (selected, query.clone());
        if self.asked.as_ref() == Some(&asked) {
            return None;
        }
        let known = self.listing.value.as_ref();
        let known = known.filter(|_| self.listed.as_ref() == Some(&asked.0));
        let work = ListWork {
            log: known.map_or_else(|| log.clone(), |listing| listing.log.clone()),
            settings: known.is_none().then(|| document.settings.clone()),
            query: query.clone(),
        };
        self.asked = Some(asked);
        self.listing.is_stale = true;
        Some(work)
    }

    /// Takes the rows of the newest listing.
    pub(super) fn settle(&mut self, result: Result<Listing>) {
        if result.is_ok() {
            self.listed = self.asked.as_ref().map(|(selected, _)| selected.clone());
        }
        self.listing.settle(result);
    }

    /// The request to be read; `None` where it is already.
    pub(super) fn ask_row(
        &mut self,
        document: &Document,
        loaded: &Loaded,
        row: Option<u32>,
    ) -> Option<ReadWork> {
        if row == self.asked_row {
            return None;
        }
        self.asked_row = row;
        self.written = Slot::default();
        row.map(|row| ReadWork::of(document, loaded, vec![row]))
    }

    /// The listed requests whose ids are to be read; `None` where the log has none.
    pub(super) fn ask_ids(&self, document: &Document, loaded: &Loaded) -> Option<ReadWork> {
        let listing = self.listing.value.as_ref()?;
        let column = loaded.mapping.column(Role::RequestId)?.column.clone();
        let listed = listing.order.iter().take(MOST_COPIED);
        let mut rows: Vec<u32> = listed.map(|i| listing.log.row[*i as usize]).collect();
        rows.sort_unstable();
        Some(ReadWork {
            columns: Some(vec![column]),
            ..ReadWork::of(document, loaded, rows)
        })
    }
}

impl Session {
    /// Lists and reads the requests that are asked for.
    pub(super) fn follow_requests(&mut self, loaded: &Arc<Loaded>, state: &AppState) {
        let panel = &state.requests;
        if !panel.is_open || loaded.cells.is_some() {
            return;
        }
        if let Some(work) = self
            .requests
            .ask(&loaded.log, &state.document, &panel.query)
        {
            self.jobs.start(JobKind::List, move |progress| {
                work.run(progress).map(|l| Output::Listed(Box::new(l)))
            });
        }
        let row = panel.chosen.map(|chosen| chosen.row);
        if let Some(work) = self.requests.ask_row(&state.document, loaded, row) {
            self.jobs.start(JobKind::ReadRequest, move |progress| {
                work.run(progress).map(Output::Written)
            });
        }
    }

    /// Copies the ids of the listed requests, once they are read.
    pub(super) fn copy_ids(&mut self, state: &AppState) {
        let Some(loaded) = self.loaded.value.clone() else {
            return;
        };
        if let Some(work) = self.requests.ask_ids(&state.document, &loaded) {
            self.jobs.start(JobKind::ReadIds, move |progress| {
                work.run(progress).map(Output::Written)
            });
        }
    }
}

/// One id a line.
pub(super) fn copy_ids(state: &mut AppState, found: &WrittenRows) {
    let ids = found.rows.iter().filter_map(|(_, cells)| cells.first());
    let ids: Vec<&str> = ids.map(String::as_str).collect();
    state.notice = Some(Notice::done(format!(
        "{} ids copied",
        units::count(ids.len() as u64)
    )));
    state.to_copy = Some(ids.join("\n") + "\n");
}

impl ListWork {
    pub(super) fn run(self, progress: &Progress) -> Result<Listing> {
        let log = match &self.settings {
            None => self.log,
            Some(settings) => match select(&self.log, settings)?.rows {
                Cow::Borrowed(_) => self.log.clone(),
                Cow::Owned(rows) => Arc::new(rows),
            },
        };
        self.query.run(log, progress)
    }
}

impl ReadWork {
    fn of(document: &Document, loaded: &Loaded, rows: Vec<u32>) -> Self {
        Self {
            paths: document.log.clone(),
            mapping: loaded.mapping.clone(),
            rows,
            columns: None,
        }
    }

    pub(super) fn run(self, progress: &Progress) -> Result<WrittenRows> {
        written_rows(
            &self.paths,
            &self.mapping,
            &self.rows,
            self.columns.as_deref(),
            progress,
        )
    }
}
