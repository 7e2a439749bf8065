//! Charts saved as pictures, from the button beside a chart to the file.

use std::fs;

use eframe::egui;
use egui::Theme;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use hindsight::app::{App, Screen};

use crate::support::harness::{press, sample, settle, show, window_on};
use crate::support::program::Dir;

fn notice(window: &Harness<'_, App>) -> String {
    let notice = window.state().state.notice.as_ref();
    notice.map_or_else(String::new, |notice| notice.text.clone())
}

#[test]
fn a_chart_is_saved_beside_the_log_in_both_forms() {
    let dir = Dir::new();
    let log = dir.path("log.csv");
    fs::copy(sample("aa.csv"), &log).unwrap();
    let mut window = window_on(&log, Theme::Light);
    show(&mut window, Screen::Trends);

    press(&mut window, "Save Requests over time as a picture");
    press(&mut window, "Save the picture");
    let png = dir.path("traffic.png");
    assert_eq!(
        notice(&window),
        format!("Picture written to {}", png.display())
    );
    assert_eq!(&fs::read(&png).unwrap()[..8], b"\x89PNG\r\n\x1a\n");

    press(&mut window, "Save Requests over time as a picture");
    window.get_by_label("SVG").click_accesskit();
    settle(&mut window);
    press(&mut window, "Save the picture");
    let svg = fs::read_to_string(dir.path("traffic.svg")).unwrap();
    assert!(svg.starts_with("<svg") && svg.contains("Requests over time"));
    assert!(svg.contains("log.csv, 20,000 requests"), "its origin");

    press(&mut window, "Save Requests over time as a picture");
    assert!(window.state().state.picture.is_some());
    press(&mut window, "Cancel");
    assert!(window.state().state.picture.is_none());
}
