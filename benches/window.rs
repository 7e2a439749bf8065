//! Processor time of the window per frame, screen by screen, on the log that `HINDSIGHT_LOG` names
//! (default: the bundled sample): layout and tessellation, without a graphics card. Also the longest
//! time without an answer while a log is loaded and replaced, how long a new filter takes until all
//! numbers are new, and whether an idle window asks for frames.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench that cannot run stops, and prints what it found"
)]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use cpu_time::ThreadTime;
use eframe::egui;
use egui_kittest::Harness;
use hindsight::app::{App, Command, FirstFires, Screen, UiCommand};
use hindsight::ingest::LoadRequest;
use hindsight::rules::with_threshold;

/// Frames measured per screen.
const FRAMES: usize = 200;

fn main() {
    // `cargo test` builds benches and runs them without this argument.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let sample =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("sample-data/canary-rollout.parquet");
    let log = std::env::var_os("HINDSIGHT_LOG").map_or(sample, PathBuf::from);
    let start = Instant::now();
    let mut window = Harness::builder()
        .with_size([1280.0, 800.0])
        .with_max_steps(8)
        .allow_missing_glyphs()
        .build_eframe(|creation| App::new(&creation.egui_ctx));
    window.step();
    println!("first frame: {:.0} ms", ms(start.elapsed()));
    for what in ["opened and computed", "the same again, in its place"] {
        window
            .state_mut()
            .ask(Command::OpenLog(LoadRequest::of(&log).into()));
        busy(&mut window, what);
    }

    for is_open in [false, true] {
        if is_open {
            window.state_mut().ask(Command::Ui(UiCommand::Requests));
            println!(
                "requests listed: {:.2} s",
                settle(&mut window).as_secs_f64()
            );
        }
        for screen in Screen::ALL {
            frames(&mut window, screen, is_open);
        }
    }
    threshold(&mut window);
    filter(&mut window);
}

/// Processor time of frames with a moving pointer, so that nothing rests.
fn frames(window: &mut Harness<'_, App>, screen: Screen, is_open: bool) {
    window.state_mut().ask(Command::Show(screen));
    settle(window);
    let mut took: Vec<Duration> = (0..FRAMES)
        .map(|i| {
            let along = i as f32 / FRAMES as f32;
            window.hover_at(egui::pos2(200.0 + 900.0 * along, 120.0 + 500.0 * along));
            let before = ThreadTime::now();
            window.step();
            let shapes = window.output().shapes.clone();
            let meshes = window.ctx.tessellate(shapes, 1.0);
            assert!(!meshes.is_empty());
            before.elapsed()
        })
        .collect();
    took.sort_unstable();
    window.remove_cursor();
    let mut n_idle = 0;
    for _ in 0..20 {
        window.step();
        n_idle += usize::from(window.ctx.has_requested_repaint());
    }
    println!(
        "{:9}{} median {:5.2} ms, p99 {:5.2} ms; asks for {n_idle} of 20 idle frames",
        screen.label(),
        if is_open { " with requests:" } else { ":" },
        ms(took[FRAMES / 2]),
        ms(took[FRAMES * 99 / 100]),
    );
}

/// A threshold that is dragged: the look-up of a frame, and the replay at the end.
fn threshold(window: &mut Harness<'_, App>) {
    window.state_mut().ask(Command::Show(Screen::Rollback));
    println!("thresholds ready: {:.1} s", settle(window).as_secs_f64());
    let rulebook = window.state().state.document.rulebook.clone();
    let value = rulebook.rules[0].conditions()[0].comparison.threshold();
    let start = Instant::now();
    let mut found = Vec::new();
    for k in 1..=1_000 {
        let moved = with_threshold(&rulebook, 0, 0, value * f64::from(k) / 100.0).unwrap();
        let first = window.state().session.thresholds.first(&moved.rules[0]);
        found.push(first.expect("the thresholds are ready"));
    }
    let fires = found
        .iter()
        .filter(|f| matches!(f, FirstFires::At(_)))
        .count();
    println!(
        "threshold moved: {:.3} ms each ({fires} of {} fire)",
        ms(start.elapsed()) / found.len() as f64,
        found.len()
    );
    window
        .state_mut()
        .ask(Command::SetThreshold(0, 0, value * 2.0));
    println!("replay after a drag: {:.1} s", settle(window).as_secs_f64());
}

fn filter(window: &mut Harness<'_, App>) {
    let log = window
        .state()
        .session
        .loaded
        .value
        .clone()
        .unwrap()
        .log
        .clone();
    let segment = log.segments.iter().find(|s| s.values.len() > 1);
    let (first, last) = log.event_span_us().unwrap();
    let third = (last - first) / 3;
    let mut run = |what: &str, command: Command| {
        window.state_mut().ask(command);
        let start = Instant::now();
        window.step();
        while window.state().session.analysis.is_stale {
            window.step();
            std::thread::sleep(Duration::from_millis(5));
        }
        println!(
            "{what}: new numbers after {:.2} s",
            start.elapsed().as_secs_f64()
        );
        settle(window);
    };
    if let Some(segment) = segment {
        let value = Some((segment.name.clone(), segment.values[0].clone()));
        run("one segment value", Command::SetSegment(value));
        run("all segments", Command::SetSegment(None));
    }
    run(
        "a third of the time",
        Command::SetTimeRange(Some(first + third), Some(first + 2 * third)),
    );
}

/// Steps until nothing runs; how long that took.
fn settle(window: &mut Harness<'_, App>) -> Duration {
    let start = Instant::now();
    let mut n_quiet = 0;
    while n_quiet < 3 {
        window.step();
        n_quiet = if window.state().session.is_idle() {
            n_quiet + 1
        } else {
            std::thread::sleep(Duration::from_millis(5));
            0
        };
    }
    start.elapsed()
}

/// Steps without a pause until nothing runs; says how long that took and the longest that the window
/// needed for a step, on the clock and on the processor.
fn busy(window: &mut Harness<'_, App>, what: &str) {
    let start = Instant::now();
    let mut longest = [Duration::ZERO; 2];
    let mut n_quiet = 0;
    while n_quiet < 3 {
        let before = (Instant::now(), ThreadTime::now());
        window.step();
        longest[0] = longest[0].max(before.0.elapsed());
        longest[1] = longest[1].max(before.1.elapsed());
        n_quiet = if window.state().session.is_idle() {
            n_quiet + 1
        } else {
            0
        };
    }
    println!(
        "{what}: {:.1} s; longest step {:.0} ms, {:.1} ms of processor",
        start.elapsed().as_secs_f64(),
        ms(longest[0]),
        ms(longest[1])
    );
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}
