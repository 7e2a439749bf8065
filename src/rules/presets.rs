//! The monitors of the source articles as rulebooks, with what is known to be wrong with each.

use super::Rulebook;
use crate::error::{Error, ErrorKind, Result};

/// A rulebook that comes with the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preset {
    /// Its id, which is also that of its one rule.
    pub id: &'static str,
    /// Its TOML text.
    pub toml: &'static str,
}

/// All presets, in the order in which they are shown.
pub const PRESETS: [Preset; 6] = [
    Preset {
        id: "quality-monitor",
        toml: include_str!("../../assets/presets/rules/quality-monitor.toml"),
    },
    Preset {
        id: "canary-monitor",
        toml: include_str!("../../assets/presets/rules/canary-monitor.toml"),
    },
    Preset {
        id: "prometheus-success-ratio",
        toml: include_str!("../../assets/presets/rules/prometheus-success-ratio.toml"),
    },
    Preset {
        id: "appconfig-error-rate",
        toml: include_str!("../../assets/presets/rules/appconfig-error-rate.toml"),
    },
    Preset {
        id: "monitor-canary",
        toml: include_str!("../../assets/presets/rules/monitor-canary.toml"),
    },
    Preset {
        id: "auto-rollback",
        toml: include_str!("../../assets/presets/rules/auto-rollback.toml"),
    },
];

/// One rulebook with the rules of these presets, in this order.
pub fn rulebook(ids: &[&str]) -> Result<Rulebook> {
    let mut whole = Rulebook::default();
    for id in ids {
        let Some(preset) = PRESETS.iter().find(|preset| preset.id == *id) else {
            let known: Vec<&str> = PRESETS.iter().map(|preset| preset.id).collect();
            return Err(
                Error::new(ErrorKind::Settings, format!("No preset is called {id:?}"))
                    .hint(format!("Known: {}", known.join(", "))),
            );
        };
        let part = Rulebook::parse(preset.toml)?;
        whole.rules.extend(part.rules);
        whole.plans.extend(part.plans);
    }
    Ok(whole)
}

/// All presets as one rulebook.
pub fn all() -> Result<Rulebook> {
    rulebook(&PRESETS.map(|preset| preset.id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_sound_and_explains_itself() {
        let whole = all().unwrap();
        assert_eq!(whole.rules.len(), PRESETS.len());
        for (rule, preset) in whole.rules.iter().zip(PRESETS) {
            assert_eq!(rule.id, preset.id);
            assert!(
                !rule.description.is_empty() && rule.faults.len() >= 2,
                "{}",
                rule.id
            );
            assert!(
                rule.faults.iter().all(|fault| fault.ends_with('.')),
                "{}",
                rule.id
            );
        }
    }

    #[test]
    fn presets_survive_being_written() {
        let whole = all().unwrap();
        let text = whole.to_toml().unwrap();
        assert_eq!(Rulebook::parse(&text).unwrap(), whole, "{text}");
    }

    #[test]
    fn an_unknown_preset_names_the_known_ones() {
        assert!(
            rulebook(&["quality"])
                .unwrap_err()
                .hint
                .contains("quality-monitor")
        );
    }
}
