//! The figures of a chart as a table: beside the drawing, for copying, and for whoever cannot see it.

use super::chart::{Along, Chart, Layer, Scale};

/// The points of a chart, one a row.
#[derive(Debug, Clone, PartialEq)]
pub struct ChartTable {
    /// Headings of the columns that any row needs.
    pub headings: Vec<String>,
    /// Cells as people read them.
    pub shown: Vec<Vec<String>>,
    /// The same to the last digit: times in seconds, shares from 0 to 1, latencies in milliseconds.
    pub values: Vec<Vec<String>>,
}

/// A point: series, horizontal, vertical, and an interval around one of them.
struct Row<'a> {
    series: &'a str,
    x: f64,
    /// Where a stretch of the horizontal axis ends.
    to: Option<f64>,
    y: f64,
    /// Which axis the interval lies along, and its ends.
    interval: Option<(Along, f64, f64)>,
}

impl ChartTable {
    /// The rows of every series, in the order in which they are drawn.
    pub fn of(chart: &Chart) -> Self {
        let rows = rows(chart);
        let has_to = rows.iter().any(|row| row.to.is_some());
        let has_interval = rows.iter().any(|row| row.interval.is_some());
        let named = |label: &str, otherwise: &str| match label {
            "" => otherwise.to_owned(),
            label => label.to_owned(),
        };
        let mut headings = vec!["Series".to_owned(), named(&chart.x.label, "Horizontal")];
        headings.extend(has_to.then(|| "to".to_owned()));
        headings.push(named(&chart.y.label, "Vertical"));
        if has_interval {
            headings.extend(["from", "to"].map(|end| format!("{end} (interval)")));
        }
        let cells = |form: &dyn Fn(&Scale, f64) -> String| -> Vec<Vec<String>> {
            let line = |row: &Row<'_>| {
                let mut cells = vec![row.series.to_owned(), form(&chart.x.scale, row.x)];
                if has_to {
                    cells.push(
                        row.to
                            .map_or_else(String::new, |to| form(&chart.x.scale, to)),
                    );
                }
                cells.push(form(&chart.y.scale, row.y));
                if has_interval {
                    cells.extend(match row.interval {
                        None => [String::new(), String::new()],
                        Some((along, lower, upper)) => {
                            let scale = match along {
                                Along::X => &chart.x.scale,
                                Along::Y => &chart.y.scale,
                            };
                            [form(scale, lower), form(scale, upper)]
                        }
                    });
                }
                cells
            };
            rows.iter().map(line).collect()
        };
        Self {
            shown: cells(&|scale, value| scale.text(value)),
            values: cells(&plain),
            headings,
        }
    }

    /// Tab-separated text of the values with their headings.
    pub fn tsv(&self) -> String {
        let line = |cells: &Vec<String>| {
            let cells: Vec<String> = cells
                .iter()
                .map(|cell| cell.replace(['\t', '\n', '\r'], " "))
                .collect();
            cells.join("\t") + "\n"
        };
        line(&self.headings) + &self.values.iter().map(line).collect::<String>()
    }
}

fn rows(chart: &Chart) -> Vec<Row<'_>> {
    let mut rows = Vec::new();
    for layer in &chart.layers {
        match layer {
            Layer::Line { name, points, .. } | Layer::Marks { name, points, .. } => {
                let band = band_of(chart, name);
                rows.extend(points.iter().filter(|(_, y)| y.is_finite()).map(|&(x, y)| {
                    Row {
                        series: name,
                        x,
                        to: None,
                        y,
                        interval: band
                            .and_then(|band| band.iter().find(|(at, ..)| *at == x))
                            .filter(|(_, lower, upper)| lower.is_finite() && upper.is_finite())
                            .map(|&(_, lower, upper)| (Along::Y, lower, upper)),
                    }
                }));
            }
            Layer::Steps {
                name,
                edges,
                heights,
                ..
            } => rows.extend(edges.windows(2).zip(heights).map(|(edge, &y)| Row {
                series: name,
                x: edge[0],
                to: Some(edge[1]),
                y,
                interval: None,
            })),
            Layer::Intervals {
                name, along, items, ..
            } => rows.extend(items.iter().map(|&(at, lower, value, upper)| {
                let (x, y) = match along {
                    Along::X => (value, at),
                    Along::Y => (at, value),
                };
                Row {
                    series: name,
                    x,
                    to: None,
                    y,
                    interval: Some((*along, lower, upper)),
                }
            })),
            Layer::Bars { name, items, .. } => {
                rows.extend(items.iter().map(|&(y, from, to)| Row {
                    series: name,
                    x: from,
                    to: Some(to),
                    y,
                    interval: None,
                }));
            }
            Layer::Band { .. } | Layer::Labels { .. } | Layer::Rule { .. } | Layer::Span { .. } => {
            }
        }
    }
    rows
}

/// The band around a line of this name.
fn band_of<'a>(chart: &'a Chart, line: &str) -> Option<&'a [(f64, f64, f64)]> {
    chart.layers.iter().find_map(|layer| match layer {
        Layer::Band { name, points, .. } if name == line => Some(points.as_slice()),
        _ => None,
    })
}

fn plain(scale: &Scale, value: f64) -> String {
    match scale {
        Scale::LogMs => 10f64.powf(value).to_string(),
        Scale::Category(_) => scale.text(value),
        Scale::Linear(form) | Scale::Change(form) => form.unrounded(value).to_string(),
        Scale::Relative | Scale::Time(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::charts;
    use super::super::fixture::canary;
    use super::*;

    #[test]
    fn a_trend_has_its_values_with_their_intervals() {
        let fixture = canary();
        let chart = charts::trend(&fixture.analysis, "error_share", None).unwrap();
        let table = ChartTable::of(&chart);
        assert_eq!(table.headings.len(), 5, "{:?}", table.headings);
        let series = fixture.analysis.trends.as_ref().unwrap().arms[0]
            .series
            .iter()
            .find(|series| series.id == "error_share")
            .unwrap();
        let point = series.points.iter().flatten().next().unwrap();
        let row = &table.values[0];
        assert_eq!(row[2], point.value.to_string());
        assert_eq!(row[3], point.interval.unwrap().lower.to_string());
        assert_eq!(table.shown[0][2], series.form.value(point.value));
        assert_eq!(table.tsv().lines().count(), table.values.len() + 1);
    }

    #[test]
    fn a_histogram_has_its_bins_and_a_forest_its_rows() {
        let fixture = canary();
        let panel = &fixture.analysis.latency[0];
        let table = ChartTable::of(&charts::latency_histogram(&fixture.analysis, panel));
        assert_eq!(table.values.len() % (panel.edges_ms.len() - 1), 0);
        assert_eq!(table.headings[2], "to");
        let forest = charts::guardrail_forest(&fixture.analysis).unwrap();
        let table = ChartTable::of(&forest);
        assert!(
            table
                .shown
                .iter()
                .any(|row| row.contains(&"p95 latency".to_owned())),
            "{table:?}"
        );
    }
}
