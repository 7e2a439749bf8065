//! The only place that builds a test window.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use eframe::egui;
use egui_kittest::kittest::Queryable as _;
use egui_kittest::{Harness, SnapshotOptions};
use hindsight::app::{App, Command, Screen};
use hindsight::ingest::LoadRequest;

use super::cpu_renderer::CpuRenderer;

/// A file of the bundled samples.
pub(crate) fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("sample-data")
        .join(name)
}

/// A window without a log.
pub(crate) fn window() -> Harness<'static, App> {
    window_in(egui::Theme::Light)
}

/// The same in a theme.
pub(crate) fn window_in(theme: egui::Theme) -> Harness<'static, App> {
    Harness::builder()
        .with_size([1180.0, 760.0])
        .with_theme(theme)
        .with_max_steps(8)
        // System fonts draw Chinese and Korean on a desktop; tests have none.
        .allow_missing_glyphs()
        .with_context_setup(hindsight::app::install_theme)
        .renderer(CpuRenderer::default())
        .build_eframe(|creation| App::new(&creation.egui_ctx))
}

/// A window that keeps its state in a folder.
pub(crate) fn window_with_storage(folder: &Path) -> Harness<'static, App> {
    let folder = folder.to_path_buf();
    Harness::builder()
        .with_size([1180.0, 760.0])
        .with_max_steps(8)
        .allow_missing_glyphs()
        .renderer(CpuRenderer::default())
        .build_eframe(move |creation| App::with_storage(&creation.egui_ctx, &folder))
}

/// A window on a log, with everything computed.
pub(crate) fn window_on(path: &Path, theme: egui::Theme) -> Harness<'static, App> {
    let mut window = window_in(theme);
    window
        .state_mut()
        .ask(Command::OpenLog(LoadRequest::of(path).into()));
    settle(&mut window);
    window
}

/// Steps until nothing runs and the screen rests.
#[track_caller]
pub(crate) fn settle(window: &mut Harness<'_, App>) {
    window.step();
    // Loading, comparing and replaying each start the next: rest means three quiet steps.
    let mut n_quiet = 0;
    step_until(window, "all jobs are done", |window| {
        n_quiet = if window.state().session.is_idle() {
            n_quiet + 1
        } else {
            0
        };
        n_quiet >= 3
    });
    window.run();
}

/// Presses a button, wherever on the screen it is, and waits for what follows.
#[track_caller]
pub(crate) fn press(window: &mut Harness<'_, App>, name: &str) {
    window
        .get_by_role_and_label(egui::Role::Button, name)
        .click_accesskit();
    settle(window);
}

/// Goes to a screen by its button.
#[track_caller]
pub(crate) fn show(window: &mut Harness<'_, App>, screen: Screen) {
    window
        .get_by_role_and_label(egui::Role::Button, screen.label())
        .click();
    settle(window);
    assert_eq!(window.state().state.screen, screen);
}

/// Steps until something holds; on failure leaves a picture and says what was waited for.
#[track_caller]
pub(crate) fn step_until(
    window: &mut Harness<'_, App>,
    what: &str,
    mut holds: impl FnMut(&Harness<'_, App>) -> bool,
) {
    let start = Instant::now();
    while !holds(window) {
        assert!(
            start.elapsed() < Duration::from_mins(1),
            "waited a minute until {what}"
        );
        window.step();
        std::thread::sleep(Duration::from_millis(3));
    }
}

/// Compares the window with its picture. A few pixels may differ: logarithms of the system's
/// mathematics library move a line by less than a pixel.
#[track_caller]
pub(crate) fn picture(window: &mut Harness<'_, App>, name: &str) {
    window.remove_cursor();
    window.run();
    window.snapshot_options(
        name,
        &SnapshotOptions::new()
            .threshold(0.6)
            .max_failed_pixels(60usize),
    );
}
