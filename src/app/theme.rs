//! Colours, spacing and fonts: the only place that makes a colour.

use std::sync::Arc;
use std::task::Wake;

use egui::{Color32, CornerRadius, FontFamily, FontId, Margin, Stroke, TextStyle, Theme, Visuals};

use crate::analysis::{DecisionKind, Severity, Verdict};
use crate::report::chart::Tone;
use crate::report::fonts;

/// Wakes the window from a job's thread.
pub(super) struct Repaint(egui::Context);

impl Repaint {
    pub(super) fn new(ctx: egui::Context) -> Self {
        Self(ctx)
    }
}

impl Wake for Repaint {
    fn wake(self: Arc<Self>) {
        self.0.request_repaint();
    }
}

/// The typeface of the window, that of reports: its strokes are as heavy as those of the Chinese and Korean
/// letters beside it.
const REGULAR: &str = "Hindsight Sans";
/// What stands out: titles, headings, the decision.
const BOLD: &str = "Hindsight Sans Bold";

/// For names from logs, and for a window in Chinese or Korean, on a machine without fonts
/// (`assets/fonts/README.md`). What they lack comes from the system.
const FALLBACKS: [(&str, &[u8]); 3] = [
    ("Hindsight CJK", fonts::CJK),
    ("Hindsight RTL", fonts::RIGHT_TO_LEFT),
    ("Hindsight Emoji", fonts::EMOJI),
];

/// Sets fonts and both themes; call once before the first frame.
pub fn install(ctx: &egui::Context) {
    let mut fonts = egui::FontDefinitions::default();
    // Arrows, triangles and dots are in Hack only.
    if let Some(family) = fonts.families.get_mut(&FontFamily::Proportional)
        && !family.iter().any(|name| name == "Hack")
    {
        family.push("Hack".to_owned());
    }
    for (name, bytes) in FALLBACKS {
        let font = Arc::new(egui::FontData::from_static(bytes));
        fonts.font_data.insert(name.to_owned(), font);
        for family in fonts.families.values_mut() {
            family.push(name.to_owned());
        }
    }
    for (name, bytes) in [(REGULAR, fonts::REGULAR), (BOLD, fonts::BOLD)] {
        let font = Arc::new(egui::FontData::from_static(bytes));
        fonts.font_data.insert(name.to_owned(), font);
    }
    let families = &mut fonts.families;
    let rest = families.entry(FontFamily::Proportional).or_default();
    let faces = std::iter::once(BOLD.to_owned()).chain(rest.iter().cloned());
    let faces = faces.collect();
    rest.insert(0, REGULAR.to_owned());
    families.insert(bold(), faces);
    ctx.set_fonts(fonts);
    // Where the desktop does not say which it prefers.
    ctx.options_mut(|options| options.fallback_theme = Theme::Light);
    for theme in [Theme::Light, Theme::Dark] {
        ctx.style_mut_of(theme, |style| {
            style.visuals = visuals(theme);
            // Nothing moves by itself: neither a fold that opens nor a list that is scrolled to.
            style.animation_time = 0.0;
            style.scroll_animation = egui::style::ScrollAnimation::none();
            style.spacing.item_spacing = egui::vec2(8.0, 6.0);
            style.spacing.button_padding = egui::vec2(10.0, 4.0);
            // As high as a button, so that what stands beside one is level with it.
            style.spacing.interact_size.y = 28.0;
            style.text_styles = [
                (TextStyle::Small, 12.0, FontFamily::Proportional),
                (TextStyle::Body, 13.5, FontFamily::Proportional),
                (TextStyle::Button, 13.5, FontFamily::Proportional),
                (TextStyle::Heading, 19.0, bold()),
                (TextStyle::Monospace, 13.0, FontFamily::Monospace),
            ]
            .into_iter()
            .map(|(name, size, family)| (name, FontId::new(size, family)))
            .collect();
        });
    }
}

/// The bold face.
pub(super) fn bold() -> FontFamily {
    FontFamily::Name(BOLD.into())
}

fn visuals(theme: Theme) -> Visuals {
    let is_dark = theme == Theme::Dark;
    let mut visuals = if is_dark {
        Visuals::dark()
    } else {
        Visuals::light()
    };
    let pick = |light: u32, dark: u32| hex(if is_dark { dark } else { light });
    visuals.panel_fill = pick(0xf6_f7f9, 0x16_191d);
    visuals.window_fill = pick(0xff_ffff, 0x1f_2329);
    visuals.extreme_bg_color = pick(0xff_ffff, 0x10_1316);
    visuals.faint_bg_color = pick(0xf0_f2f5, 0x25_2a31);
    visuals.override_text_color = Some(pick(0x1c_2024, 0xe4_e7eb));
    visuals.weak_text_color = Some(pick(0x5a_636e, 0xa3_acb8));
    visuals.hyperlink_color = accent(is_dark);
    visuals.selection.bg_fill = pick(0xcf_e3f7, 0x23_4a6e);
    visuals.selection.stroke = Stroke::new(1.0, pick(0x0b_3d66, 0xe4_f0fb));
    visuals.error_fg_color = pick(0xb3_2d0a, 0xff_9d73);
    visuals.warn_fg_color = pick(0x8a_5a00, 0xf5_c04e);
    let radius = CornerRadius::same(5);
    for widget in [
        &mut visuals.widgets.noninteractive,
        &mut visuals.widgets.inactive,
        &mut visuals.widgets.hovered,
        &mut visuals.widgets.active,
        &mut visuals.widgets.open,
    ] {
        widget.corner_radius = radius;
    }
    visuals.text_edit_bg_color = Some(pick(0xf3_f5f8, 0x12_1519));
    visuals.widgets.inactive.bg_stroke = Stroke::new(1.0, pick(0xc3_cad3, 0x41_4a54));
    visuals.widgets.noninteractive.bg_stroke = Stroke::new(1.0, pick(0xd9_dde3, 0x32_383f));
    visuals.widgets.inactive.weak_bg_fill = pick(0xe6_e9ee, 0x2b_3138);
    visuals.widgets.inactive.bg_fill = pick(0xd3_d9e0, 0x3a_424b);
    visuals.window_corner_radius = CornerRadius::same(8);
    visuals
}

/// A card: white on grey in light, raised in dark.
pub(super) fn card(ui: &egui::Ui) -> egui::Frame {
    let visuals = ui.visuals();
    egui::Frame::new()
        .fill(visuals.window_fill)
        .stroke(visuals.widgets.noninteractive.bg_stroke)
        .corner_radius(CornerRadius::same(8))
        .inner_margin(Margin::same(14))
}

/// The colour of a tone on this background.
pub(super) fn tone(tone: Tone, is_dark: bool) -> Color32 {
    // Okabe and Ito's palette, dark enough for text on white, light enough on black.
    const ARMS: [(u32, u32); 6] = [
        (0x00_6db3, 0x56_b4e9),
        (0xac_4700, 0xff_9a4d),
        (0x00_7457, 0x2f_c79c),
        (0xa0_4580, 0xe2_93c0),
        (0x7d_6200, 0xe6_c229),
        (0x4a_4fb5, 0x9f_a4ff),
    ];
    let (light, dark) = match tone {
        Tone::Control => (0x5f_6872, 0xa9_b2bd),
        Tone::Arm(i) => ARMS[i % ARMS.len()],
        Tone::Good => (0x00_7050, 0x3d_cfa2),
        Tone::Bad => (0xb3_2d0a, 0xff_8d61),
        Tone::Caution => (0x8a_5a00, 0xf0_b840),
        Tone::Quiet => (0x63_6c77, 0x98_a2ae),
    };
    hex(if is_dark { dark } else { light })
}

/// The light ground of a word in its colour.
pub(super) fn ground(color: Color32, background: Color32) -> Color32 {
    background.lerp_to_gamma(color, 0.12)
}

/// The tone of a verdict.
pub(super) fn verdict_tone(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Better | Verdict::WithinMargin => Tone::Good,
        Verdict::Worse => Tone::Bad,
        Verdict::Inconclusive | Verdict::WorseMarginOpen | Verdict::Changed => Tone::Caution,
        Verdict::NoClearChange | Verdict::NoData => Tone::Quiet,
    }
}

/// The tone of a health check.
pub(super) fn severity_tone(severity: Severity) -> Tone {
    match severity {
        Severity::Ok => Tone::Good,
        Severity::Note => Tone::Quiet,
        Severity::Warning => Tone::Caution,
        Severity::Stop => Tone::Bad,
    }
}

/// The tone of a decision.
pub(super) fn decision_tone(kind: DecisionKind) -> Tone {
    match kind {
        DecisionKind::Ship => Tone::Good,
        DecisionKind::RollBack | DecisionKind::Unsound => Tone::Bad,
        DecisionKind::Hold | DecisionKind::KeepCollecting => Tone::Caution,
    }
}

fn accent(is_dark: bool) -> Color32 {
    tone(Tone::Arm(0), is_dark)
}

fn hex(rgb: u32) -> Color32 {
    let [_, r, g, b] = rgb.to_be_bytes();
    Color32::from_rgb(r, g, b)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance and contrast as WCAG 2.2 defines them.
    fn contrast(a: Color32, b: Color32) -> f64 {
        let luminance = |color: Color32| {
            let linear = |byte: u8| {
                let share = f64::from(byte) / 255.0;
                if share <= 0.04045 {
                    share / 12.92
                } else {
                    ((share + 0.055) / 1.055).powf(2.4)
                }
            };
            0.2126 * linear(color.r()) + 0.7152 * linear(color.g()) + 0.0722 * linear(color.b())
        };
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[track_caller]
    fn check(what: &str, text: Color32, ground: Color32) {
        let found = contrast(text, ground);
        assert!(
            found >= 4.5,
            "{what}: {text:?} on {ground:?} has {found:.2}"
        );
    }

    #[test]
    fn text_is_told_from_its_ground() {
        for theme in [Theme::Light, Theme::Dark] {
            let visuals = visuals(theme);
            let text = visuals.override_text_color.unwrap();
            let weak = visuals.weak_text_color.unwrap();
            let grounds = [
                visuals.panel_fill,
                visuals.window_fill,
                visuals.faint_bg_color,
            ];
            for ground in grounds {
                check("text", text, ground);
                check("weak text", weak, ground);
                check("errors", visuals.error_fg_color, ground);
                check("warnings", visuals.warn_fg_color, ground);
                check("links", visuals.hyperlink_color, ground);
            }
            for button in [&visuals.widgets.inactive, &visuals.widgets.hovered] {
                check("buttons", text, button.weak_bg_fill);
            }
            check("typed text", text, visuals.text_edit_bg_color.unwrap());
            check(
                "what is selected",
                visuals.selection.stroke.color,
                visuals.selection.bg_fill,
            );
        }
    }

    #[test]
    fn words_in_a_tone_are_told_from_their_ground() {
        let tones = [
            Tone::Control,
            Tone::Good,
            Tone::Bad,
            Tone::Caution,
            Tone::Quiet,
        ];
        for theme in [Theme::Light, Theme::Dark] {
            let visuals = visuals(theme);
            for tone in tones.into_iter().chain((0..6).map(Tone::Arm)) {
                let color = super::tone(tone, theme == Theme::Dark);
                let what = format!("{theme:?} {tone:?}");
                check(&what, color, visuals.window_fill);
                check(&what, color, visuals.faint_bg_color);
                check(&what, color, ground(color, visuals.window_fill));
            }
        }
    }
}
