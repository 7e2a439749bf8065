//! Exports of known tools: told by their columns, read by presets that are data. The presets that
//! come with the program stand in `assets/presets/tools`; users add their own files.

use std::path::Path;
use std::sync::LazyLock;

use serde::Deserialize;

use super::mapping::{Role, RowFilter, TableKind};
use super::on_disk::read_text;
use super::stamp::{DurationUnit, StampForm};
use crate::error::{Error, ErrorKind, Result};

/// What the export of a tool looks like, and what its columns mean.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolPreset {
    /// As shown to people.
    pub name: String,
    /// What one row is.
    #[serde(default)]
    pub kind: TableKind,
    /// Where its fields are documented.
    pub source: String,
    /// Columns that an export has, all of them; a list stands for any one of its names.
    pub fingerprint: Vec<Names>,
    /// Columns that tell another export of the same tool.
    #[serde(default)]
    pub without: Vec<String>,
    /// Which rows count; the first filter that keeps any is taken.
    #[serde(default)]
    pub rows: Vec<RowFilter>,
    /// What the user should know.
    #[serde(default)]
    pub notes: Vec<PresetNote>,
    /// The roles.
    pub columns: Vec<PresetColumn>,
}

/// One name, or alternatives in order.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Names {
    /// The one name.
    One(String),
    /// The first that the file has.
    AnyOf(Vec<String>),
}

/// A role and the columns that may play it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PresetColumn {
    /// The role.
    pub role: Role,
    /// The column, or several in order of preference; `metadata.*` is any key.
    pub column: Names,
    /// For durations: the documented unit.
    #[serde(default)]
    pub unit: Option<DurationUnit>,
    /// For durations: the unit that some exports have instead; told by the values, else asked.
    #[serde(default)]
    pub or_unit: Option<DurationUnit>,
    /// For stamps: how they are written; told by the values where absent.
    #[serde(default)]
    pub stamp: Option<StampForm>,
    /// Factor of every number.
    #[serde(default)]
    pub scale: Option<f64>,
    /// Further values that mean "no value".
    #[serde(default)]
    pub nulls: Vec<String>,
}

/// Something about an export that its user should know.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PresetNote {
    /// Said only where the file has this column.
    #[serde(default)]
    pub column: Option<String>,
    /// Said only where that column is empty throughout.
    #[serde(default)]
    pub only_if_empty: bool,
    /// What it is.
    pub text: String,
    /// What to do.
    #[serde(default)]
    pub hint: String,
}

/// The presets that are tried on a file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tools {
    /// The user's own, tried before those that come with the program.
    pub own: Vec<ToolPreset>,
    /// The preset to read every file with, whatever its columns.
    pub forced: Option<ToolPreset>,
}

impl Names {
    /// In order of preference.
    pub fn all(&self) -> &[String] {
        match self {
            Self::One(name) => std::slice::from_ref(name),
            Self::AnyOf(names) => names,
        }
    }
}

impl ToolPreset {
    /// Parses the text of a preset.
    pub fn parse(text: &str) -> Result<Self> {
        let preset: Self = toml::from_str(text).map_err(|cause| {
            let line = cause.span().map_or(1, |span| {
                text[..span.start.min(text.len())].matches('\n').count() as u64 + 1
            });
            let message = format!("The preset is not valid: {}", cause.message());
            Error::new(ErrorKind::Settings, message)
                .line(line)
                .hint("docs/mapping.md describes the keys of a preset")
        })?;
        if preset.fingerprint.is_empty() || preset.columns.is_empty() {
            return Err(Error::new(
                ErrorKind::Settings,
                "A preset needs a fingerprint and columns",
            )
            .hint("The fingerprint lists columns that every export of the tool has"));
        }
        Ok(preset)
    }

    /// Reads a preset file.
    pub fn read(path: &Path) -> Result<Self> {
        let text = read_text(path)?;
        Self::parse(&text).map_err(|e| e.at(path))
    }

    /// Whether a file has the columns of this tool's export.
    fn fits(&self, names: &[&str]) -> bool {
        let has = |name: &String| match name.strip_suffix('*') {
            Some(start) => names.iter().any(|n| n.starts_with(start)),
            None => names.contains(&name.as_str()),
        };
        let is_there = |wanted: &Names| wanted.all().iter().any(has);
        self.fingerprint.iter().all(is_there) && !self.without.iter().any(has)
    }

    /// The columns that it names.
    pub(super) fn column_names(&self) -> Vec<String> {
        let names = self.columns.iter().flat_map(|c| c.column.all());
        names.cloned().collect()
    }
}

impl Tools {
    /// The presets of a folder, in the order of their file names.
    pub fn read_folder(folder: &Path) -> Result<Vec<ToolPreset>> {
        let unreadable = |cause: std::io::Error| Error::unreadable(folder, &cause);
        let entries = std::fs::read_dir(folder).map_err(unreadable)?;
        let mut paths = Vec::new();
        for entry in entries {
            let path = entry.map_err(unreadable)?.path();
            if path.extension().is_some_and(|e| e == "toml") {
                paths.push(path);
            }
        }
        paths.sort();
        paths.iter().map(|path| ToolPreset::read(path)).collect()
    }

    /// The preset that comes with the program under a file name without ending.
    pub fn built_in(id: &str) -> Result<ToolPreset> {
        let found = BUILT_IN.iter().find(|(known, _)| *known == id);
        found.map(|(_, preset)| preset.clone()).ok_or_else(|| {
            let known: Vec<&str> = BUILT_IN.iter().map(|(id, _)| *id).collect();
            Error::new(ErrorKind::Settings, format!("No tool is called \"{id}\"")).hint(format!(
                "Name a preset file, or one of: {}",
                known.join(", ")
            ))
        })
    }

    /// The preset whose columns a file has: the user's own first, then the most telling one.
    pub(super) fn recognise(&self, names: &[&str]) -> Option<&ToolPreset> {
        if self.forced.is_some() {
            return self.forced.as_ref();
        }
        let best = |presets: &mut dyn Iterator<Item = &'_ ToolPreset>| -> Option<usize> {
            let mut found: Option<(usize, usize)> = None;
            for (i, preset) in presets.enumerate() {
                let n = preset.fingerprint.len();
                if preset.fits(names) && found.is_none_or(|(_, most)| n > most) {
                    found = Some((i, n));
                }
            }
            found.map(|(i, _)| i)
        };
        match best(&mut self.own.iter()) {
            Some(i) => self.own.get(i),
            None => best(&mut BUILT_IN.iter().map(|(_, preset)| preset))
                .and_then(|i| BUILT_IN.get(i))
                .map(|(_, preset)| preset),
        }
    }
}

/// The presets that come with the program; a test parses each of them.
static BUILT_IN: LazyLock<Vec<(&'static str, ToolPreset)>> = LazyLock::new(|| {
    let parsed = TEXTS.iter().filter_map(|(id, text)| {
        let preset = ToolPreset::parse(text).ok()?;
        Some((*id, preset))
    });
    parsed.collect()
});

macro_rules! presets {
    ($($id:literal),* $(,)?) => {
        [$(($id, include_str!(concat!("../../assets/presets/tools/", $id, ".toml")))),*]
    };
}

const TEXTS: [(&str, &str); 31] = presets![
    "amplitude",
    "envoy",
    "envoy-ai-gateway",
    "growthbook",
    "helicone",
    "helicone-csv",
    "kong",
    "langfuse-observations",
    "langfuse-scores",
    "langfuse-ui",
    "langsmith",
    "launchdarkly-events",
    "launchdarkly-warehouse",
    "litellm-spend-logs",
    "litellm-standard-logging",
    "llmperf",
    "mlflow-2",
    "mlflow-3",
    "nginx",
    "otlp",
    "phoenix",
    "portkey",
    "portkey-feedback",
    "posthog-ai",
    "posthog-flags",
    "statsig",
    "tensorzero",
    "tensorzero-feedback",
    "tensorzero-model-inferences",
    "unleash",
    "vllm-bench",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_sound() {
        for (id, text) in TEXTS {
            let preset = ToolPreset::parse(text).unwrap_or_else(|e| panic!("{id}: {e}"));
            assert!(!preset.source.is_empty(), "{id} names no source");
            let mut taken: Vec<Role> = Vec::new();
            for column in &preset.columns {
                let is_new = column.role.is_repeatable() || !taken.contains(&column.role);
                assert!(is_new, "{id}: two columns play {:?}", column.role);
                assert!(
                    column.unit.is_none() || column.role.is_duration(),
                    "{id}: a unit for {:?}",
                    column.role
                );
                taken.push(column.role);
            }
        }
    }
}
