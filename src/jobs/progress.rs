//! What a worker reports while it works, and how it learns that it should stop.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};

/// The screen is woken at most this often.
const WAKE_INTERVAL: Duration = Duration::from_millis(50);

/// Shared between a worker and whoever watches it; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    done: AtomicU64,
    total: AtomicU64,
    cancelled: AtomicBool,
    phase: Mutex<&'static str>,
    wake: Mutex<Option<(Waker, Instant)>>,
}

impl Progress {
    /// Progress that nobody watches, for the command line and tests.
    pub fn unwatched() -> Self {
        Self::default()
    }

    /// Progress that wakes `waker` when it changes, at most twenty times a second.
    pub fn watched_by(waker: Waker) -> Self {
        let progress = Self::default();
        *lock(&progress.shared.wake) = Some((waker, Instant::now()));
        progress
    }

    /// Enters a phase such as `"Reading"`; `total` is 0 where it is unknown.
    pub fn phase(&self, name: &'static str, total: u64) -> Result<()> {
        *lock(&self.shared.phase) = name;
        self.shared.done.store(0, Ordering::Relaxed);
        self.shared.total.store(total, Ordering::Relaxed);
        self.wake();
        self.check()
    }

    /// Stores how much of the phase is done. Fails when the user cancelled: pass it on with `?`.
    pub fn tick(&self, done: u64) -> Result<()> {
        self.shared.done.store(done, Ordering::Relaxed);
        self.wake();
        self.check()
    }

    /// Adds to how much of the phase is done, for workers side by side. Fails as [`Progress::tick`] does.
    pub fn advance(&self, by: u64) -> Result<()> {
        self.shared.done.fetch_add(by, Ordering::Relaxed);
        self.wake();
        self.check()
    }

    /// Fails when the user cancelled.
    pub fn check(&self) -> Result<()> {
        if self.is_cancelled() {
            Err(Error::cancelled())
        } else {
            Ok(())
        }
    }

    /// Asks the worker to stop at its next tick.
    pub fn cancel(&self) {
        self.shared.cancelled.store(true, Ordering::Relaxed);
    }

    /// Whether the worker was asked to stop.
    pub fn is_cancelled(&self) -> bool {
        self.shared.cancelled.load(Ordering::Relaxed)
    }

    /// The phase, and its share done from 0 to 1 where the total is known.
    pub fn state(&self) -> (&'static str, Option<f64>) {
        let total = self.shared.total.load(Ordering::Relaxed);
        let done = self.shared.done.load(Ordering::Relaxed);
        let share = (total > 0).then(|| (done as f64 / total as f64).min(1.0));
        (*lock(&self.shared.phase), share)
    }

    fn wake(&self) {
        if let Some((waker, last)) = lock(&self.shared.wake).as_mut()
            && last.elapsed() >= WAKE_INTERVAL
        {
            *last = Instant::now();
            waker.wake_by_ref();
        }
    }
}

/// A poisoned lock only means that another worker panicked; the value is still a plain value.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
