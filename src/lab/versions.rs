//! The rule with other windows: what is calibrated besides the rule as it is.

use super::settings::Grid;
use crate::rules::{Minimum, PerArm, Persistence, Rule, Window};
use crate::units;

/// A version of a rule that looks at other windows.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Variant {
    /// How it differs, in words.
    pub(super) name: String,
    pub(super) rule: Rule,
}

/// The versions to calibrate: those of the grid, else the rule as it is and with more to look at.
pub(super) fn variants(rule: &Rule, grid: Option<&Grid>) -> Vec<Variant> {
    match grid {
        Some(grid) => on_grid(rule, grid),
        None => usual(rule),
    }
}

fn usual(rule: &Rule) -> Vec<Variant> {
    let mut found = vec![as_written(rule)];
    let least = rule.min.map_or(0, |min| min.n.canary);
    if let Some(n) = longest(rule) {
        if least < n {
            found.push(Variant {
                name: format!(
                    "first look at a full window of {}",
                    units::count(u64::from(n))
                ),
                rule: with_minimum(rule.clone(), n, Window::Last { n }),
            });
        }
        found.push(of_last(rule, n, n * 5, n * 2));
    } else if rule.conditions().iter().any(|c| c.window == Window::Run) {
        for n in [200, 1000] {
            if least < n {
                found.push(first_look(rule, n, Window::Run));
            }
        }
    } else if rule.persistence == Persistence::None
        && rule.min.is_none()
        && let Some(window) = countable(rule)
    {
        found.push(Variant {
            name: "at least 100 canary requests in the window".to_owned(),
            rule: with_minimum(rule.clone(), 100, window),
        });
    }
    found
}

/// Every window with every minimum that fits into it. Rules without windows of the last requests
/// have the minimums alone.
fn on_grid(rule: &Rule, grid: &Grid) -> Vec<Variant> {
    let least = rule.min.map_or(0, |min| min.n.canary);
    let minimums: Vec<u32> = match grid.minimums.as_slice() {
        [] => vec![least],
        given => given.to_vec(),
    };
    let Some(longest) = longest(rule) else {
        let window = countable(rule).unwrap_or(Window::Run);
        let other = minimums.iter().filter(|n| **n != least);
        return std::iter::once(as_written(rule))
            .chain(other.map(|n| first_look(rule, *n, window)))
            .collect();
    };
    let windows: Vec<u32> = match grid.windows.as_slice() {
        [] => vec![longest],
        given => given.to_vec(),
    };
    let pairs = windows
        .iter()
        .flat_map(|window| minimums.iter().map(move |n| (*window, *n)));
    pairs
        .filter(|(window, n)| n <= window)
        .map(|(window, n)| {
            if (window, n) == (longest, least) {
                as_written(rule)
            } else {
                of_last(rule, longest, window, n)
            }
        })
        .collect()
}

fn as_written(rule: &Rule) -> Variant {
    Variant {
        name: "windows as written".to_owned(),
        rule: rule.clone(),
    }
}

fn first_look(rule: &Rule, n: u32, window: Window) -> Variant {
    Variant {
        name: format!(
            "first look at {} canary requests",
            units::count(u64::from(n))
        ),
        rule: with_minimum(rule.clone(), n, window),
    }
}

/// The rule with windows of the last requests stretched from `was` to `window`. The values that a
/// condition needs grow more slowly than its window: five times the window, three times the values.
fn of_last(rule: &Rule, was: u32, window: u32, least: u32) -> Variant {
    let factor = f64::from(window) / f64::from(was.max(1));
    let more = |n: &mut u32| *n = (f64::from(*n) * (factor * 0.6).max(1.0)).ceil() as u32;
    let mut rule = with_minimum(rule.clone(), least, Window::Last { n: window });
    for condition in rule.conditions_mut() {
        if let Window::Last { n } = &mut condition.window {
            *n = ((f64::from(*n) * factor).round() as u32).max(1);
            more(&mut condition.min_n.canary);
            more(&mut condition.min_n.baseline);
        }
    }
    Variant {
        name: format!(
            "windows of {} requests, first look at {}",
            units::count(u64::from(window)),
            units::count(u64::from(least))
        ),
        rule,
    }
}

/// The longest window of last requests.
fn longest(rule: &Rule) -> Option<u32> {
    let windows = rule.conditions().into_iter().map(|c| c.window);
    windows
        .filter_map(|window| match window {
            Window::Last { n } => Some(n),
            _ => None,
        })
        .max()
}

/// The first condition's window, if requests can be counted in it.
fn countable(rule: &Rule) -> Option<Window> {
    let window = rule.conditions().first().map(|c| c.window)?;
    (!matches!(window, Window::Counter { .. })).then_some(window)
}

fn with_minimum(mut rule: Rule, canary: u32, window: Window) -> Rule {
    let baseline = rule.min.map_or(0, |min| min.n.baseline);
    rule.min = Some(Minimum {
        window,
        n: PerArm { canary, baseline },
    });
    rule
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::presets;

    fn preset(id: &str) -> Rule {
        presets::rulebook(&[id]).unwrap().rules.remove(0)
    }

    #[test]
    fn a_rule_of_the_last_requests_gets_wider_windows() {
        let found = variants(&preset("quality-monitor"), None);
        assert_eq!(found.len(), 3);
        assert_eq!(found[2].rule.min.unwrap().n.canary, 200);
        assert_eq!(
            found[2].rule.conditions()[0].window,
            Window::Last { n: 500 }
        );
        assert_eq!(found[2].rule.conditions()[2].min_n.canary, 30);
    }

    #[test]
    fn a_grid_has_every_window_with_every_minimum_that_fits() {
        let grid = |windows: &[u32], minimums: &[u32]| Grid {
            windows: windows.to_vec(),
            minimums: minimums.to_vec(),
        };
        let names = |rule: &str, grid: &Grid| -> Vec<String> {
            let found = variants(&preset(rule), Some(grid));
            found.into_iter().map(|variant| variant.name).collect()
        };
        assert_eq!(
            names("quality-monitor", &grid(&[100, 500], &[20, 200])),
            [
                "windows as written",
                "windows of 500 requests, first look at 20",
                "windows of 500 requests, first look at 200"
            ]
        );
        assert_eq!(
            names("canary-monitor", &grid(&[100], &[50])),
            ["windows as written", "first look at 50 canary requests"]
        );
    }
}
