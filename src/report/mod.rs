//! Analysis and replay to bytes: charts, HTML, JSON. Formats, never computes: a number that stands
//! here came from [`crate::analysis`] or [`crate::rules`].

pub mod chart;
