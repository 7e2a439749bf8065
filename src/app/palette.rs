//! The command palette: everything that can be asked for, found by typing a part of its name.

use egui::{Key, Modifiers};

use super::command::{Command, Commands, UiCommand, screen_shortcut};
use super::session::Session;
use super::state::{AppState, Screen};
use super::widgets::shortened;
use super::words::tr;

/// Segment values offered at most; a long list hides the commands.
const MOST_SEGMENTS: usize = 200;
/// Entries drawn at most; the rest appears by typing.
const MOST_SHOWN: usize = 12;

/// What is typed into the open palette.
#[derive(Debug, Default)]
pub struct Palette {
    query: String,
    /// Index of the chosen entry among those that match.
    chosen: usize,
}

/// Something that can be asked for.
struct Entry {
    text: String,
    /// The same in English: keyboards often write Latin letters whatever the window speaks.
    english: String,
    keys: String,
    command: Command,
}

/// Draws the palette if it is open.
pub(super) fn ui(
    ctx: &egui::Context,
    state: &mut AppState,
    session: &Session,
    commands: &mut Commands,
) {
    let Some(mut palette) = state.palette.take() else {
        return;
    };
    let step = take_keys(ctx);
    let modal = egui::Modal::new(egui::Id::unique("palette")).show(ctx, |ui| {
        ui.set_width(520.0);
        let field = egui::TextEdit::singleline(&mut palette.query)
            .desired_width(f32::INFINITY)
            .hint_text(tr("Type a part of a command, screen, arm or segment"));
        let response = ui.add(field).accessible_name(tr("Command"));
        response.request_focus();
        if response.changed() {
            palette.chosen = 0;
        }
        let found = matching(entries(ctx, state, session), &palette.query);
        palette.chosen = step.apply(palette.chosen, found.len());
        ui.add_space(4.0);
        let clicked = list_ui(ui, &found, palette.chosen);
        let is_entered = step == Step::Enter;
        clicked
            .or(is_entered.then_some(palette.chosen))
            .and_then(|i| found.into_iter().nth(i))
    });
    if let Some(entry) = modal.inner {
        commands.push(entry.command);
    } else if !modal.should_close() && step != Step::Leave {
        state.palette = Some(palette);
    }
}

/// What the keys ask of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Stay,
    Up,
    Down,
    Enter,
    Leave,
}

impl Step {
    fn apply(self, chosen: usize, n: usize) -> usize {
        let last = n.saturating_sub(1);
        match self {
            Self::Up => chosen.saturating_sub(1),
            Self::Down => chosen + 1,
            Self::Stay | Self::Enter | Self::Leave => chosen,
        }
        .min(last)
    }
}

fn take_keys(ctx: &egui::Context) -> Step {
    let keys = [
        (Key::ArrowUp, Step::Up),
        (Key::ArrowDown, Step::Down),
        (Key::Enter, Step::Enter),
        (Key::Escape, Step::Leave),
    ];
    ctx.input_mut(|input| {
        keys.into_iter()
            .find(|(key, _)| input.consume_key(Modifiers::NONE, *key))
            .map_or(Step::Stay, |(_, step)| step)
    })
}

/// The matching entries; the index of the clicked one.
fn list_ui(ui: &mut egui::Ui, found: &[Entry], chosen: usize) -> Option<usize> {
    if found.is_empty() {
        ui.weak(tr("Nothing is called like that"));
    }
    // The chosen entry stays in view.
    let first = (chosen + 1).saturating_sub(MOST_SHOWN);
    let mut clicked = None;
    for (i, entry) in found.iter().enumerate().skip(first).take(MOST_SHOWN) {
        let button = egui::Button::selectable(i == chosen, &entry.text)
            .shortcut_text(&entry.keys)
            .min_size(egui::vec2(ui.available_width(), 24.0));
        if ui.add(button).clicked() {
            clicked = Some(i);
        }
    }
    if found.len() > MOST_SHOWN {
        ui.weak(tr(format!("{} of {}", MOST_SHOWN, found.len())));
    }
    clicked
}

/// Everything that can be asked for now.
fn entries(ctx: &egui::Context, state: &AppState, session: &Session) -> Vec<Entry> {
    let has_analysis = session.analysis.value.is_some();
    let screens = Screen::ALL
        .into_iter()
        .filter(|screen| has_analysis || matches!(screen, Screen::Log | Screen::Plan));
    let mut found: Vec<Entry> = screens
        .map(|screen| {
            let english = format!("Go to {}: {}", screen.label(), screen.question());
            Entry {
                text: tr(&english),
                english,
                keys: ctx.format_shortcut(&screen_shortcut(screen)),
                command: Command::Show(screen),
            }
        })
        .collect();
    let enabled = UiCommand::ALL
        .into_iter()
        .filter(|command| command.is_enabled(state, session));
    found.extend(enabled.map(|command| {
        Entry {
            text: tr(command.text()),
            english: command.text().to_owned(),
            keys: command
                .shortcut()
                .map(|keys| ctx.format_shortcut(&keys))
                .unwrap_or_default(),
            command: Command::Ui(command),
        }
    }));
    if has_analysis {
        found.push(Entry {
            text: tr("Run the lab"),
            english: "Run the lab".to_owned(),
            keys: String::new(),
            command: Command::RunLab,
        });
    }
    if let Some(loaded) = &session.loaded.value {
        found.extend(of_log(&loaded.log));
    }
    found
}

/// Arms and segments of the log.
fn of_log(log: &crate::data::RequestLog) -> Vec<Entry> {
    let plain = |text: String, command| Entry {
        english: text.clone(),
        text,
        keys: String::new(),
        command,
    };
    let mut found = Vec::new();
    for arm in &log.arms {
        let name = shortened(&arm.name);
        let label = Some(arm.name.clone());
        found.push(plain(
            tr(format!("Control: {name}")),
            Command::SetControl(label.clone()),
        ));
        found.push(plain(
            tr(format!("Treatment: {name}")),
            Command::SetTreatment(label),
        ));
    }
    if !log.segments.is_empty() {
        found.push(plain(tr("Segment: all"), Command::SetSegment(None)));
    }
    let values = log
        .segments
        .iter()
        .flat_map(|segment| segment.values.iter().map(move |value| (segment, value)));
    found.extend(values.take(MOST_SEGMENTS).map(|(segment, value)| {
        plain(
            tr(format!("Segment: {} = {}", segment.name, shortened(value))),
            Command::SetSegment(Some((segment.name.clone(), value.clone()))),
        )
    }));
    found
}

/// The entries whose text holds the letters of the query in order, the closest first.
fn matching(entries: Vec<Entry>, query: &str) -> Vec<Entry> {
    let mut scored: Vec<(u32, Entry)> = entries
        .into_iter()
        .filter_map(|entry| {
            let found = [&entry.text, &entry.english].map(|text| distance(text, query));
            Some((found.into_iter().flatten().min()?, entry))
        })
        .collect();
    scored.sort_by_key(|(distance, _)| *distance); // stable: else the order of the menus
    scored.into_iter().map(|(_, entry)| entry).collect()
}

/// How far the letters of the query lie apart in the text: letters skipped between two of them,
/// fewer where a word begins. `None` where they do not all occur in order.
fn distance(text: &str, query: &str) -> Option<u32> {
    let text: Vec<char> = text.to_lowercase().chars().collect();
    let mut at = 0;
    let mut distance = 0;
    for (i, letter) in query
        .to_lowercase()
        .chars()
        .filter(|c| !c.is_whitespace())
        .enumerate()
    {
        let skipped = text[at..].iter().position(|c| *c == letter)?;
        let is_word_start = at + skipped == 0 || !text[at + skipped - 1].is_alphanumeric();
        if i > 0 && skipped > 0 {
            distance += if is_word_start { 2 } else { 4 + skipped as u32 };
        } else if i == 0 && !is_word_start {
            distance += 6;
        }
        at += skipped + 1;
    }
    Some(distance)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closest_text_comes_first() {
        let entry = |text: &str| Entry {
            text: text.to_owned(),
            english: text.to_owned(),
            keys: String::new(),
            command: Command::Recompute,
        };
        let order = |query: &str| -> Vec<String> {
            let all = [
                "Go to Report: Write the decision report",
                "Export report",
                "Zoom in",
                "Redo",
            ];
            let found = matching(all.map(entry).into(), query);
            found.into_iter().map(|entry| entry.text).collect()
        };
        assert_eq!(order("exp")[0], "Export report");
        assert_eq!(
            order("er"),
            ["Export report", "Go to Report: Write the decision report"]
        );
        assert_eq!(order("zi"), ["Zoom in"]);
        assert_eq!(order("").len(), 4);
        assert!(order("xyz").is_empty());
        let spoken = Entry {
            english: "Dark theme".to_owned(),
            ..entry("深色主题")
        };
        assert_eq!(matching(vec![spoken], "dark").len(), 1);
    }
}
