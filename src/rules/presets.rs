//! The monitors of the source articles as rulebooks, with what is known to be wrong with each, and
//! rollout plans by name.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Plan, Rulebook};
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

/// Presets without the faults of another; replayed where asked for by name.
pub const REPAIRED: [Preset; 1] = [Preset {
    id: "canary-monitor-repaired",
    toml: include_str!("../../assets/presets/rules/canary-monitor-repaired.toml"),
}];

/// The text of [`plans`].
const PLANS: &str = include_str!("../../assets/presets/plans.toml");

/// The rollout plans that come with the program, by name. A rule belongs to one by naming it.
pub fn plans() -> Result<BTreeMap<String, Plan>> {
    #[derive(Deserialize)]
    struct File {
        plan: BTreeMap<String, Plan>,
    }
    let file: File = toml::from_str(PLANS)
        .map_err(|e| Error::new(ErrorKind::Internal, format!("Cannot read the plans: {e}")))?;
    Ok(file.plan)
}

/// A plan that comes with the program.
pub fn plan(name: &str) -> Option<Plan> {
    plans().ok()?.remove(name)
}

impl Rulebook {
    /// A plan by name: its own, else one that comes with the program.
    pub fn plan(&self, name: &str) -> Result<Plan> {
        if let Some(plan) = self.plans.get(name).cloned().or_else(|| plan(name)) {
            return Ok(plan);
        }
        let message = format!("There is no plan called {name:?}");
        let error = Error::new(ErrorKind::Settings, message).key("plan");
        Err(error.hint(format!("Known: {}", self.plan_names().join(", "))))
    }

    /// The names of its own plans and of those that come with the program.
    pub fn plan_names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.plans.keys().cloned().collect();
        let presets = plans().unwrap_or_default().into_keys();
        names.extend(presets.filter(|name| !self.plans.contains_key(name)));
        names
    }
}

/// One rulebook with the rules of these presets, in this order.
pub fn rulebook(ids: &[&str]) -> Result<Rulebook> {
    let mut whole = Rulebook::default();
    for id in ids {
        let mut known = PRESETS.iter().chain(&REPAIRED);
        let Some(preset) = known.find(|preset| preset.id == *id) else {
            let known = PRESETS.iter().chain(&REPAIRED).map(|preset| preset.id);
            let known: Vec<&str> = known.collect();
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
    use super::super::parse::check_plan;
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
    fn plans_of_presets_are_those_of_their_names() {
        let plans = plans().unwrap();
        for (name, plan) in &plans {
            check_plan(plan, name).unwrap();
            assert!(plan.description.ends_with('.'), "{name}");
        }
        for preset in PRESETS.iter().chain(&REPAIRED) {
            for (name, plan) in Rulebook::parse(preset.toml).unwrap().plans {
                let known = plans.get(&name).map(Plan::schedule);
                assert_eq!(known, Some(plan.schedule()), "{name}");
            }
        }
    }

    #[test]
    fn a_rule_may_name_a_plan_that_it_does_not_bring() {
        let rule = |plan: &str, more: &str| {
            let text = format!(
                "[[rule]]\nid = 'r'\nclock = 'request'\nplan = '{plan}'\nany = [{{ metric = 'error_share', window = {{ last = 2 }}, cmp = '>', value = 0.5 }}]\n{more}"
            );
            Rulebook::parse(&text)
        };
        let named = rule("AppConfig.Linear20PercentEvery6Minutes", "").unwrap();
        assert_eq!(named.plans.len(), 1);
        let own = "[plan.own]\nstages = [ { weight = 1.0 } ]";
        assert_eq!(rule("blue-green", own).unwrap().plans.len(), 2);
        assert!(rule("blue-gren", own).is_err());
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
