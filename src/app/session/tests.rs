//! A worker that stops on a defect is told, and the window goes on.

use std::path::Path;
use std::task::Waker;

use super::*;
use crate::error::ErrorKind;

const KINDS: [JobKind; 14] = [
    JobKind::Load,
    JobKind::Sample,
    JobKind::Analyze,
    JobKind::Replay,
    JobKind::Thresholds,
    JobKind::List,
    JobKind::ReadRequest,
    JobKind::ReadIds,
    JobKind::Lab,
    JobKind::Export,
    JobKind::Dialog,
    JobKind::Save,
    JobKind::Keep,
    JobKind::Watch,
];

fn finish(session: &mut Session, state: &mut AppState) {
    let start = std::time::Instant::now();
    while KINDS[..13]
        .iter()
        .any(|kind| session.jobs.is_running(*kind))
    {
        assert!(start.elapsed().as_secs() < 60, "jobs do not end");
        session.poll(state);
        session.follow(state, false);
        std::thread::yield_now();
    }
}

/// What is said of the failure of a job, wherever it stands.
fn told(session: &Session, state: &AppState) -> Option<Error> {
    let slots = [
        session.loaded.error.clone(),
        session.analysis.error.clone(),
        session.replay.error.clone(),
        session.requests.written.error.clone(),
    ];
    let as_error = |notice: &Notice| Error::new(ErrorKind::Internal, notice.text.clone());
    let notice = state.notice.as_ref().filter(|notice| notice.is_error);
    slots.into_iter().flatten().next().or(notice.map(as_error))
}

#[test]
fn a_defect_in_a_worker_is_told_and_the_window_goes_on() {
    let log = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-data/aa.csv");
    for kind in KINDS {
        let mut state = AppState::default();
        let mut session = Session::new(Waker::noop().clone());
        open_log(&mut state, LoadRequest::of(&log));
        session.follow(&state, false);
        finish(&mut session, &mut state);
        assert!(session.replay.value.is_some(), "{kind:?}");
        state.notice = None;

        session.jobs.start(kind, |_| panic!("a defect"));
        while session.jobs.is_running(kind) && told(&session, &state).is_none() {
            session.poll(&mut state);
            std::thread::yield_now();
        }
        // Shown by the lists of their own screens.
        if !matches!(kind, JobKind::Lab | JobKind::List) {
            let error = told(&session, &state).unwrap_or_else(|| panic!("{kind:?} says nothing"));
            assert!(error.message.contains("a defect"), "{kind:?}: {error}");
        }
        // The values on screen stay, and whatever is asked for next is done.
        assert!(session.analysis.value.is_some(), "{kind:?}");
        state.document.settings.level = 0.9;
        session.follow(&state, false);
        finish(&mut session, &mut state);
        let analysis = session.analysis.value.as_ref().unwrap();
        assert_eq!(analysis.settings.level, 0.9, "{kind:?}");
        assert!(session.analysis.error.is_none(), "{kind:?}");
    }
}

#[test]
fn going_back_to_a_selection_shows_what_was_computed_before() {
    let log = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-data/aa.csv");
    let mut state = AppState::default();
    let mut session = Session::new(Waker::noop().clone());
    open_log(&mut state, LoadRequest::of(&log));
    session.follow(&state, false);
    finish(&mut session, &mut state);
    let first = session.analysis.value.clone().unwrap();
    let end_us = first.log.last_us;
    state.document.settings.filter.to_us = end_us;
    session.follow(&state, false);
    finish(&mut session, &mut state);
    let narrowed = session.analysis.value.clone().unwrap();
    assert!(narrowed.log.n_requests < first.log.n_requests);

    state.document.settings.filter.to_us = None;
    session.follow(&state, false);
    assert!(!session.jobs.is_running(JobKind::Analyze));
    assert!(!session.analysis.is_stale);
    assert!(Arc::ptr_eq(
        session.analysis.value.as_ref().unwrap(),
        &first
    ));
    // The replay follows the selection too.
    finish(&mut session, &mut state);
    assert!(!session.replay.is_stale);

    // Another log, or the same read again, starts anew.
    session.reload(&mut state);
    session.follow(&state, false);
    finish(&mut session, &mut state);
    assert!(!Arc::ptr_eq(
        session.analysis.value.as_ref().unwrap(),
        &first
    ));
}
