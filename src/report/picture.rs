//! Single charts as picture files, for slides and documents.

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree};

use super::chart::Chart;
use super::fonts::Fonts;
use super::{svg, text};
use crate::analysis::Analysis;
use crate::error::{Error, ErrorKind, Result};

/// Pixels per unit of the drawing: sharp in print at the width of a page.
const SCALE: f32 = 2.0;

/// What a picture is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureForm {
    /// Vector, for documents and further editing.
    Svg,
    /// Pixels, 1,800 wide.
    Png,
}

impl PictureForm {
    /// All forms.
    pub const ALL: [Self; 2] = [Self::Png, Self::Svg];

    /// As shown to the user.
    pub fn name(self) -> &'static str {
        match self {
            Self::Svg => "SVG",
            Self::Png => "PNG",
        }
    }

    /// The end of a file's name, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Svg => "svg",
            Self::Png => "png",
        }
    }

    /// The chart as the bytes of such a file, with title, caption and `origin` (see [`origin`]).
    pub fn render(self, chart: &Chart, origin: &str) -> Result<Vec<u8>> {
        match self {
            Self::Svg => Ok(svg(chart, origin).into_bytes()),
            Self::Png => png(chart, origin),
        }
    }
}

/// The chart as SVG, on white.
pub fn svg(chart: &Chart, origin: &str) -> String {
    svg::document(chart, origin)
}

/// The chart as PNG, on white, twice as many pixels as the SVG has units.
pub fn png(chart: &Chart, origin: &str) -> Result<Vec<u8>> {
    let failed = |what: String| {
        Error::new(
            ErrorKind::Internal,
            format!("The chart {} could not be drawn: {what}", chart.id),
        )
        .hint("Save it as SVG instead")
    };
    let options = Options {
        fontdb: Fonts::bundled().database,
        ..Options::default()
    };
    let tree =
        Tree::from_str(&svg(chart, origin), &options).map_err(|cause| failed(cause.to_string()))?;
    let size = tree.size();
    let (width, height) = (size.width() * SCALE, size.height() * SCALE);
    let mut pixels = Pixmap::new(width.ceil() as u32, height.ceil() as u32)
        .ok_or_else(|| failed("it is too large".to_owned()))?;
    resvg::render(
        &tree,
        Transform::from_scale(SCALE, SCALE),
        &mut pixels.as_mut(),
    );
    pixels
        .encode_png()
        .map_err(|cause| failed(cause.to_string()))
}

/// One line that says where a chart comes from: the log, what of it was looked at, the version.
pub fn origin(analysis: &Analysis, version: &str) -> String {
    let log = &analysis.log;
    let rows = if log.n_requests < log.n_requests_unfiltered {
        format!(
            "{} of {} requests (filtered)",
            crate::units::count(log.n_requests),
            crate::units::count(log.n_requests_unfiltered)
        )
    } else {
        format!("{} requests", crate::units::count(log.n_requests))
    };
    format!("{}, {rows}. Hindsight {version}", log.name)
}

/// A file name for the chart: its id, with everything but letters, digits and hyphens replaced.
pub fn file_name(chart: &Chart, form: PictureForm) -> String {
    format!("{}.{}", text::slug(&chart.id), form.extension())
}

#[cfg(test)]
mod tests {
    use super::super::charts;
    use super::super::fixture::{canary, canary_named};
    use super::*;

    fn pixels(bytes: &[u8]) -> image::RgbaImage {
        image::load_from_memory(bytes).unwrap().to_rgba8()
    }

    #[test]
    fn a_png_has_ink_in_the_colours_of_its_verdicts_and_the_same_bytes_twice() {
        let fixture = canary();
        let chart = charts::guardrail_forest(&fixture.analysis).unwrap();
        let bytes = png(&chart, &origin(&fixture.analysis, "1")).unwrap();
        assert_eq!(bytes, png(&chart, &origin(&fixture.analysis, "1")).unwrap());
        let drawn = pixels(&bytes);
        assert_eq!(drawn.width(), 1_800);
        assert_eq!(drawn.get_pixel(0, 0).0, [255, 255, 255, 255]);
        let bad = drawn.pixels().filter(|p| p.0 == [0xb0, 0x3a, 0x00, 255]);
        assert!(bad.count() > 50);
    }

    #[test]
    fn text_is_drawn_without_any_font_of_the_machine() {
        let fixture = canary();
        let mut chart = charts::guardrail_forest(&fixture.analysis).unwrap();
        chart.layers.clear();
        let ink = |chart: &Chart| {
            let drawn = pixels(&png(chart, "").unwrap());
            let dark = drawn
                .enumerate_pixels()
                .filter(|(_, y, p)| *y < 70 && p.0[0] < 80);
            dark.count()
        };
        chart.title = "Łódź: Ω ≥ 3 ✕".into();
        let with_title = ink(&chart);
        chart.title = " ".into();
        assert!(with_title > ink(&chart) + 200);
    }

    #[test]
    fn hostile_names_stay_text_and_inside_the_folder() {
        let fixture = canary_named("<script>../../x\u{1b}[31m");
        let mut chart = charts::traffic(&fixture.analysis, None).unwrap();
        assert!(!svg(&chart, "").contains("<script"));
        assert!(png(&chart, "").is_ok());
        chart.id = "../../x=1".into();
        let name = file_name(&chart, PictureForm::Png);
        assert!(
            !name.contains(['/', '.', '=', '\\']) || name.matches('.').count() == 1,
            "{name}"
        );
        assert!(!name.contains('/'), "{name}");
    }
}
