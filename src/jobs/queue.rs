//! Runs jobs on named threads; a newer job of a kind supersedes the older one.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::task::Waker;

use super::Progress;
use crate::error::{Error, ErrorKind, Result};

/// Identifies one job of a queue.
pub type JobId = u64;

/// What a job does; at most one job of a kind runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobKind {
    /// Reads a log.
    Load,
    /// Finds or makes a bundled log.
    Sample,
    /// Compares the arms.
    Analyze,
    /// Replays the rules.
    Replay,
    /// Replays the rules of another file beside them.
    Rival,
    /// Looks for the first firing at every threshold.
    Thresholds,
    /// Lists single requests.
    List,
    /// Reads a request from its file.
    ReadRequest,
    /// Reads the ids of requests.
    ReadIds,
    /// Tries a rule on many rollouts.
    Lab,
    /// Writes a report.
    Export,
    /// Draws a chart into a file.
    Picture,
    /// Waits for a file dialog.
    Dialog,
    /// Writes a project.
    Save,
    /// Keeps the state of the window for a crash.
    Keep,
    /// Waits for files to change. Nobody waits for it, so that it is not shown.
    Watch,
}

impl JobKind {
    /// Whether it runs by itself and nobody waits for it.
    pub fn is_housekeeping(self) -> bool {
        matches!(self, Self::Keep | Self::Watch)
    }

    /// As shown to the user.
    pub fn title(self) -> &'static str {
        match self {
            Self::Load => "Loading the log",
            Self::Sample => "Making the sample log",
            Self::Analyze => "Comparing the arms",
            Self::Replay => "Replaying the rules",
            Self::Rival => "Replaying the other rules",
            Self::Thresholds => "Preparing the thresholds",
            Self::List => "Listing the requests",
            Self::ReadRequest => "Reading the request",
            Self::ReadIds => "Reading the ids",
            Self::Lab => "Trying the rule",
            Self::Export => "Writing the report",
            Self::Picture => "Drawing the chart",
            Self::Dialog => "Waiting for the file dialog",
            Self::Save => "Saving the project",
            Self::Keep => "Keeping the state",
            Self::Watch => "Watching the log",
        }
    }
}

/// A running job.
#[derive(Debug)]
pub struct Job<T> {
    id: JobId,
    kind: JobKind,
    progress: Progress,
    result: Receiver<Result<T>>,
}

/// What the screen shows of a running job.
#[derive(Debug, Clone, PartialEq)]
pub struct JobStatus {
    /// The job.
    pub id: JobId,
    /// What it does.
    pub kind: JobKind,
    /// The phase it is in; may be empty at the start.
    pub phase: &'static str,
    /// The share of the phase that is done, where its total is known.
    pub share: Option<f64>,
}

/// The jobs that run now. `T` is what a finished job hands over.
#[derive(Debug)]
pub struct JobQueue<T> {
    jobs: Vec<Job<T>>,
    next_id: JobId,
    waker: Waker,
}

impl<T: Send + 'static> JobQueue<T> {
    /// An empty queue that wakes `waker` when a job progresses or ends.
    pub fn new(waker: Waker) -> Self {
        Self {
            jobs: Vec::new(),
            next_id: 1,
            waker,
        }
    }

    /// Starts `work`, cancelling any job of the same kind; its result arrives through
    /// [`JobQueue::poll`]. A panic of the worker becomes an error.
    pub fn start(
        &mut self,
        kind: JobKind,
        work: impl FnOnce(&Progress) -> Result<T> + Send + 'static,
    ) -> JobId {
        self.cancel_kind(kind);
        let id = self.next_id;
        self.next_id += 1;
        let progress = Progress::watched_by(self.waker.clone());
        let (sender, result) = sync_channel(1);
        let (worker_progress, waker) = (progress.clone(), self.waker.clone());
        let spawned = std::thread::Builder::new()
            .name(format!("{kind:?}").to_lowercase())
            .spawn({
                let sender = sender.clone();
                move || {
                    let outcome = catch_unwind(AssertUnwindSafe(|| work(&worker_progress)))
                        .unwrap_or_else(|panic| Err(panic_error(kind, panic.as_ref())));
                    // The receiver is gone when the job was superseded: nobody waits for the result.
                    sender.send(outcome).ok();
                    waker.wake();
                }
            });
        if let Err(cause) = spawned {
            let error = Error::new(
                ErrorKind::Internal,
                format!("Cannot start a thread: {cause}"),
            );
            sender.send(Err(error)).ok();
        }
        self.jobs.push(Job {
            id,
            kind,
            progress,
            result,
        });
        id
    }

    /// Results that arrived since the last call, in the order in which their jobs started.
    pub fn poll(&mut self) -> Vec<(JobId, JobKind, Result<T>)> {
        let mut finished = Vec::new();
        self.jobs.retain(|job| match job.result.try_recv() {
            Ok(result) => {
                finished.push((job.id, job.kind, result));
                false
            }
            Err(TryRecvError::Empty) => true,
            Err(TryRecvError::Disconnected) => {
                let error = Error::new(
                    ErrorKind::Internal,
                    format!("{} ended without a result", job.kind.title()),
                );
                finished.push((job.id, job.kind, Err(error)));
                false
            }
        });
        finished
    }

    /// The running jobs that somebody waits for, oldest first.
    pub fn status(&self) -> Vec<JobStatus> {
        let status = |job: &Job<T>| {
            let (phase, share) = job.progress.state();
            JobStatus {
                id: job.id,
                kind: job.kind,
                phase,
                share,
            }
        };
        let shown = self.jobs.iter().filter(|job| job.kind != JobKind::Watch);
        shown.map(status).collect()
    }

    /// Whether a job of this kind runs.
    pub fn is_running(&self, kind: JobKind) -> bool {
        self.jobs.iter().any(|job| job.kind == kind)
    }

    /// Asks one job to stop; its result will be a cancellation.
    pub fn cancel(&mut self, id: JobId) {
        for job in self.jobs.iter().filter(|job| job.id == id) {
            job.progress.cancel();
        }
    }

    /// Stops the jobs of a kind and forgets them: their results never arrive.
    pub fn cancel_kind(&mut self, kind: JobKind) {
        self.jobs.retain(|job| {
            if job.kind == kind {
                job.progress.cancel();
            }
            job.kind != kind
        });
    }
}

fn panic_error(kind: JobKind, panic: &(dyn Any + Send)) -> Error {
    let text = panic
        .downcast_ref::<&str>()
        .map(|s| (*s).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned());
    Error::new(ErrorKind::Internal, format!("{} stopped on a defect of this program: {text}", kind.title()))
        .hint("Your files are unchanged. Please report this text together with the kind of file you opened")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait<T: Send + 'static>(queue: &mut JobQueue<T>) -> Result<T> {
        loop {
            if let Some((_, _, result)) = queue.poll().into_iter().next() {
                return result;
            }
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_result_arrives_once() {
        let mut queue = JobQueue::new(Waker::noop().clone());
        queue.start(JobKind::Load, |_| Ok(42));
        assert_eq!(wait(&mut queue), Ok(42));
        assert!(queue.poll().is_empty());
        assert!(queue.status().is_empty());
    }

    #[test]
    fn a_panic_becomes_an_error() {
        let mut queue = JobQueue::<()>::new(Waker::noop().clone());
        queue.start(JobKind::Load, |_| panic!("column vanished"));
        let error = wait(&mut queue).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Internal);
        assert!(error.message.contains("column vanished"), "{error}");
    }

    #[test]
    fn cancel_reaches_the_worker() {
        let mut queue = JobQueue::<()>::new(Waker::noop().clone());
        let id = queue.start(JobKind::Load, |progress| {
            loop {
                progress.tick(1)?;
                std::thread::yield_now();
            }
        });
        queue.cancel(id);
        assert!(wait(&mut queue).unwrap_err().is_cancelled());
    }

    #[test]
    fn a_newer_job_of_a_kind_supersedes() {
        let mut queue = JobQueue::new(Waker::noop().clone());
        queue.start(JobKind::Analyze, |progress| {
            while !progress.is_cancelled() {
                std::thread::yield_now();
            }
            Ok("old")
        });
        queue.start(JobKind::Analyze, |_| Ok("new"));
        assert_eq!(wait(&mut queue), Ok("new"));
        assert!(queue.poll().is_empty());
    }
}
