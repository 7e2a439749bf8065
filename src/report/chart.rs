//! What a chart shows, apart from how it is drawn: the window and the report draw the same value.

use crate::units::{Clock, ValueForm};

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
    /// log10 of milliseconds: coordinate 3 is one second.
    LogMs,
    /// Seconds of this clock. Of [`Clock::Epoch`]: since 1970.
    Time(Clock),
    /// Whole numbers that count the labels from 0.
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
