//! What a chart shows, apart from how it is drawn: the window and the report draw the same value.

use crate::units::{self, Clock, ValueForm};

/// A chart with its data.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// Stable name within a report, such as `latency-histogram`.
    pub id: String,
    /// One line, sentence case.
    pub title: String,
    /// What is shown, with units and denominators; stands below the chart.
    pub caption: String,
    /// Horizontal axis.
    pub x: Axis,
    /// Vertical axis.
    pub y: Axis,
    /// Drawn in this order.
    pub layers: Vec<Layer>,
}

/// An axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// What it shows, with its unit; empty where the tick labels say it.
    pub label: String,
    /// What a coordinate means.
    pub scale: Scale,
    /// Lowest and highest coordinate; `None` fits the data.
    pub range: Option<(f64, f64)>,
}

/// What a coordinate means, hence how its ticks are placed and written.
#[derive(Debug, Clone, PartialEq)]
pub enum Scale {
    /// Linear values of this form.
    Linear(ValueForm),
    /// Linear differences of this form, written with their sign; zero is always shown.
    Change(ValueForm),
    /// Linear relative changes, written in per cent with their sign: 0.1 is +10 %. Zero is always
    /// shown.
    Relative,
    /// log10 of milliseconds: coordinate 3 is one second.
    LogMs,
    /// Seconds of this clock. Of [`Clock::Epoch`]: since 1970.
    Time(Clock),
    /// Whole numbers that count the labels from 0; on a vertical axis 0 is at the top.
    Category(Vec<String>),
}

/// A part of a chart.
#[derive(Debug, Clone, PartialEq)]
pub enum Layer {
    /// A line through points in ascending x; a NaN y breaks it.
    Line {
        /// Legend entry; layers of one name are one entry.
        name: String,
        /// Colour and dash.
        tone: Tone,
        /// (x, y).
        points: Vec<(f64, f64)>,
    },
    /// A band, such as an interval around a line of the same name; a NaN breaks it.
    Band {
        /// Legend entry of the line it belongs to.
        name: String,
        /// Colour, drawn light.
        tone: Tone,
        /// (x, lower y, upper y).
        points: Vec<(f64, f64, f64)>,
    },
    /// A histogram outline with a light filling.
    Steps {
        /// Legend entry.
        name: String,
        /// Colour.
        tone: Tone,
        /// Ascending x; one more than heights.
        edges: Vec<f64>,
        /// Heights.
        heights: Vec<f64>,
    },
    /// Estimates with intervals, as in a forest plot: horizontal at whole-numbered y, or vertical.
    Intervals {
        /// Legend entry.
        name: String,
        /// Colour.
        tone: Tone,
        /// Which way the intervals lie.
        along: Along,
        /// (position on the other axis, lower, estimate, upper).
        items: Vec<(f64, f64, f64, f64)>,
    },
    /// Thick horizontal bars, such as the states of a rule over time.
    Bars {
        /// Legend entry.
        name: String,
        /// Colour.
        tone: Tone,
        /// (whole-numbered y, first x, last x).
        items: Vec<(f64, f64, f64)>,
    },
    /// Single points, such as margins and first firings.
    Marks {
        /// Legend entry.
        name: String,
        /// Colour.
        tone: Tone,
        /// Shape.
        mark: Mark,
        /// (x, y).
        points: Vec<(f64, f64)>,
    },
    /// Words beside points, to their upper right.
    Labels {
        /// (x, y, text).
        items: Vec<(f64, f64, String)>,
    },
    /// A line across the whole plot.
    Rule {
        /// Written beside it; may be empty.
        label: String,
        /// Colour.
        tone: Tone,
        /// Which axis `at` belongs to.
        axis: Along,
        /// The coordinate.
        at: f64,
    },
    /// A shaded stretch of x over the whole height, such as a stage or a firing.
    Span {
        /// Written at its top; may be empty.
        label: String,
        /// Colour, drawn light.
        tone: Tone,
        /// First and last x.
        x: (f64, f64),
    },
}

/// The shape of a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// A filled circle.
    Dot,
    /// A short vertical stroke.
    Tick,
    /// A triangle above the point that points to it.
    Flag,
}

/// An axis or a direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Along {
    /// Horizontal.
    X,
    /// Vertical.
    Y,
}

/// Colour and dash by meaning; each drawer has the palette for its own background.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// The control: grey, dashed.
    Control,
    /// Other arms, counted from 0: colour-blind safe colours, solid.
    Arm(usize),
    /// Good news.
    Good,
    /// Bad news.
    Bad,
    /// Needs attention.
    Caution,
    /// Axes, zero lines, stages.
    Quiet,
}

impl Scale {
    /// A coordinate as people read it.
    pub fn text(&self, coordinate: f64) -> String {
        match self {
            Self::Linear(form) => form.value(coordinate),
            Self::Change(form) => form.change(coordinate),
            Self::Relative => units::relative(coordinate),
            Self::LogMs => units::latency(10f64.powf(coordinate)),
            Self::Time(clock) => units::instant((coordinate * 1e6) as i64, *clock),
            Self::Category(labels) => labels
                .get(coordinate.round().max(0.0) as usize)
                .cloned()
                .unwrap_or_default(),
        }
    }
}

impl Chart {
    /// Lowest and highest coordinate to show: what the axes ask for, else what the layers need.
    pub fn ranges(&self) -> ((f64, f64), (f64, f64)) {
        let mut x = Extent::default();
        let mut y = Extent::default();
        for layer in &self.layers {
            layer.extend(&mut x, &mut y);
        }
        (self.x.fitted(x), self.y.fitted(y))
    }

    /// Rows of a chart whose vertical axis names categories; 0 for any other.
    pub fn n_rows(&self) -> usize {
        match &self.y.scale {
            Scale::Category(labels) => labels.len(),
            _ => 0,
        }
    }

    /// The same with a vertical axis from zero to a little above the data, as bars and counts need.
    #[must_use]
    pub fn with_y_from_zero(mut self) -> Self {
        let (_, (_, hi)) = self.ranges();
        self.y.range = Some((0.0, hi));
        self
    }
}

impl Axis {
    /// An axis that fits its data.
    pub fn new(label: impl Into<String>, scale: Scale) -> Self {
        Self {
            label: label.into(),
            scale,
            range: None,
        }
    }

    /// The same with these ends.
    #[must_use]
    pub fn from_to(mut self, lo: f64, hi: f64) -> Self {
        self.range = Some((lo, hi));
        self
    }

    fn fitted(&self, mut extent: Extent) -> (f64, f64) {
        if let Some(range) = self.range {
            return range;
        }
        let signed = matches!(self.scale, Scale::Change(_) | Scale::Relative);
        if let Scale::Category(labels) = &self.scale {
            return (-0.5, labels.len().max(1) as f64 - 0.5);
        }
        if signed {
            extent.add(0.0);
        }
        let Some((lo, hi)) = extent.0 else {
            return (0.0, 1.0);
        };
        let span = if hi > lo {
            hi - lo
        } else {
            lo.abs().max(1.0) * 0.2
        };
        let room = match self.scale {
            Scale::Time(_) => 0.0,
            Scale::LogMs => 0.02 * span,
            _ => 0.06 * span,
        };
        let widened = if hi > lo { room } else { span / 2.0 };
        (lo - widened, hi + widened)
    }
}

impl Layer {
    /// The legend entry and its colour; `None` for layers that are labelled in place.
    pub fn entry(&self) -> Option<(&str, Tone)> {
        match self {
            Self::Line { name, tone, .. }
            | Self::Band { name, tone, .. }
            | Self::Steps { name, tone, .. }
            | Self::Intervals { name, tone, .. }
            | Self::Bars { name, tone, .. }
            | Self::Marks { name, tone, .. } => (!name.is_empty()).then_some((name, *tone)),
            Self::Labels { .. } | Self::Rule { .. } | Self::Span { .. } => None,
        }
    }

    fn extend(&self, x: &mut Extent, y: &mut Extent) {
        match self {
            Self::Line { points, .. } | Self::Marks { points, .. } => {
                for &(px, py) in points {
                    x.add(px);
                    y.add(py);
                }
            }
            Self::Band { points, .. } => {
                for &(px, lower, upper) in points {
                    x.add(px);
                    y.add(lower);
                    y.add(upper);
                }
            }
            Self::Steps { edges, heights, .. } => {
                for &edge in edges {
                    x.add(edge);
                }
                for &height in heights {
                    y.add(height);
                }
                y.add(0.0);
            }
            Self::Intervals { along, items, .. } => {
                for &(position, lower, estimate, upper) in items {
                    let (lengthwise, across) = match along {
                        Along::X => (&mut *x, &mut *y),
                        Along::Y => (&mut *y, &mut *x),
                    };
                    across.add(position);
                    for end in [lower, estimate, upper] {
                        lengthwise.add(end);
                    }
                }
            }
            Self::Bars { items, .. } => {
                for &(row, from, to) in items {
                    y.add(row);
                    x.add(from);
                    x.add(to);
                }
            }
            Self::Rule {
                axis: Along::X, at, ..
            } => x.add(*at),
            Self::Rule {
                axis: Along::Y, at, ..
            } => y.add(*at),
            // They stand at points that are there anyway.
            Self::Labels { .. } | Self::Span { .. } => {}
        }
    }
}

/// The smallest and the largest finite number seen.
#[derive(Default)]
struct Extent(Option<(f64, f64)>);

impl Extent {
    fn add(&mut self, value: f64) {
        if value.is_finite() {
            let (lo, hi) = self.0.unwrap_or((value, value));
            self.0 = Some((lo.min(value), hi.max(value)));
        }
    }
}
