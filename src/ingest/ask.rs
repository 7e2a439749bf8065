//! What has to be asked about a file: where values do not tell, and where two columns fit alike.

use super::column_profile::ColumnProfile;
use super::detect::THRESHOLD;
use super::durations::{duration_unit, is_order_open, spans_ms, stamp_form};
use super::fit::describe;
use super::mapping::{ColumnRole, Mapping, Role};
use super::number::DecimalMark;
use super::outcome_choice::fails_beside;
use super::profile::Profile;
use super::question::{Answer, Candidate, Question};
use super::stamp::{DurationUnit, StampForm};
use super::tools::ToolPreset;
use crate::units;

/// Below this a role is asked for.
const DOUBTED: f64 = 0.6;
/// Names at least this telling are the arm, whatever else varies.
const CERTAIN_ARM: f64 = 0.95;
/// Columns whose scores differ by less fit alike.
const ALIKE: f64 = 0.02;
/// Candidates shown per question.
const MAX_CANDIDATES: usize = 6;
/// More US dollars than any model charges for a thousand tokens.
const DEAREST_PER_1000: f64 = 0.5;

/// A latency further than this share from end minus start measures something else.
const SAME_LATENCY: f64 = 0.05;

/// A column that could play a role.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Contender {
    pub(super) role: Role,
    /// Its place in the profile.
    pub(super) column: usize,
    /// As scored by the guess.
    pub(super) score: f64,
}

/// Everything that has to be asked about a guessed mapping; the gravest first.
pub(super) fn questions(
    mapping: &Mapping,
    profile: &Profile,
    contenders: &[Contender],
    preset: Option<&ToolPreset>,
) -> Vec<Question> {
    let asking = Asking {
        mapping,
        profile,
        contenders,
    };
    let mut out = Vec::new();
    if mapping.kind.is_requests() {
        out.extend(asking.which_arm());
        out.extend(asking.which_column(preset.is_some()));
        out.extend(asking.latency_of_stamps());
    }
    out.extend(asking.decimal_mark());
    let spans = spans_ms(mapping, &profile.columns);
    for column in &mapping.columns {
        let Some(values) = profile.columns.iter().find(|c| c.name == column.column) else {
            continue;
        };
        let documented = preset.and_then(|p| p.columns.iter().find(|c| c.role == column.role));
        if documented.is_none_or(|d| d.unit.is_none() || d.or_unit.is_some()) {
            out.extend(unit(column, values, spans.as_deref()));
        }
        out.extend(date_order(column, values));
        out.extend(lowest_rating(column, values));
        if preset.is_none() {
            out.extend(asking.cents(column, values));
        }
    }
    out.extend(asking.finer_times());
    out
}

struct Asking<'a> {
    mapping: &'a Mapping,
    profile: &'a Profile,
    contenders: &'a [Contender],
}

impl Asking<'_> {
    /// Several columns vary and none is named like an arm; or none was taken for it.
    fn which_arm(&self) -> Option<Question> {
        let of_role = self.ranked(Role::Variant);
        let chosen = self.mapping.column(Role::Variant);
        let chosen = chosen.and_then(|c| self.place(&c.column));
        let score = |column| of_role.iter().find(|c| c.column == column).map(|c| c.score);
        if chosen.is_some_and(|c| score(c).is_none_or(|s| s >= CERTAIN_ARM)) {
            return None;
        }
        let columns = &self.profile.columns;
        let mut options: Vec<usize> = chosen.into_iter().collect();
        let rivals: Vec<usize> = if chosen.is_some() {
            of_role.iter().map(|c| c.column).collect()
        } else {
            let segments = self
                .mapping
                .columns
                .iter()
                .filter(|c| c.role == Role::Segment);
            segments.filter_map(|c| self.place(&c.column)).collect()
        };
        for rival in rivals {
            let is_arm = (2..=20).contains(&columns[rival].n_distinct);
            let is_new = |o: &usize| *o != rival && !columns[*o].is_equivalent(&columns[rival]);
            if is_arm && options.iter().all(is_new) && options.len() < MAX_CANDIDATES {
                options.push(rival);
            }
        }
        if options.len() < 2 && chosen.is_some() || options.is_empty() {
            return None;
        }
        let mut candidates: Vec<Candidate> = options
            .iter()
            .map(|o| role_candidate(&columns[*o], Role::Variant))
            .collect();
        let evidence = if chosen.is_some() {
            "several columns vary like an arm, and no name says which it is"
        } else {
            candidates.push(Candidate {
                label: "none: the log is described, not compared".to_owned(),
                answer: Answer::Role {
                    role: Role::Variant,
                    column: None,
                },
            });
            "no column is named like an arm"
        };
        let assumed = if chosen.is_some() {
            0
        } else {
            candidates.len() - 1
        };
        Some(Question {
            column: None,
            role: Some(Role::Variant),
            text: "Which column says the arm?".to_owned(),
            evidence: evidence.to_owned(),
            candidates,
            assumed,
        })
    }

    /// Roles whose column fits badly, or no better than another.
    fn which_column(&self, has_preset: bool) -> Vec<Question> {
        let asked = [
            Role::Time,
            Role::Unit,
            Role::Latency,
            Role::Ttft,
            Role::Status,
            Role::Rating,
            Role::Cost,
        ];
        let question = |role: &Role| -> Option<Question> {
            let name = &self.mapping.column(*role)?.column;
            let place = self.place(name)?;
            let chosen = &self.profile.columns[place];
            let ranked = self.ranked(*role);
            let score = ranked.iter().find(|c| c.column == place)?.score;
            let rivals: Vec<usize> = ranked
                .iter()
                .filter(|c| c.column != place)
                .filter(|c| {
                    let rival = &self.profile.columns[c.column];
                    if has_preset {
                        // The preset's order stands, unless it picks a column that is mostly empty.
                        chosen.null_share() > 0.5 && rival.null_share() < chosen.null_share() / 2.0
                    } else {
                        // What failed rests on one column, however the others are named.
                        let is_near = *role == Role::Status || c.score >= score - ALIKE;
                        is_near && self.is_rival(*role, chosen, rival)
                    }
                })
                .map(|c| c.column)
                .take(MAX_CANDIDATES - 1)
                .collect();
            let is_doubted = score < DOUBTED && chosen.n_null < chosen.n && !has_preset;
            if rivals.is_empty() && !is_doubted {
                return None;
            }
            let options = std::iter::once(place).chain(rivals.iter().copied());
            let mut candidates: Vec<Candidate> = options
                .map(|o| role_candidate(&self.profile.columns[o], *role))
                .collect();
            candidates.push(Candidate {
                label: "none of them".to_owned(),
                answer: Answer::Role {
                    role: *role,
                    column: None,
                },
            });
            let (text, evidence) = if rivals.is_empty() {
                let text = format!("Is `{name}` the role \"{}\"?", role.label());
                (text, "its name does not say so".to_owned())
            } else {
                let text = format!("Which column is the role \"{}\"?", role.label());
                let evidence = match role {
                    Role::Status => "they do not agree on which requests failed",
                    _ => "several columns fit alike",
                };
                (text, evidence.to_owned())
            };
            Some(Question {
                column: None,
                role: Some(*role),
                text,
                evidence,
                candidates,
                assumed: 0,
            })
        };
        asked.iter().filter_map(question).collect()
    }

    /// A latency that differs from end minus start: time to first token, or a part of the way.
    /// Then end minus start is what the user waited.
    fn latency_of_stamps(&self) -> Option<Question> {
        let column = self.mapping.column(Role::Latency)?;
        let unit = column.unit?;
        let values = &self.profile.columns[self.place(&column.column)?];
        let spans = spans_ms(self.mapping, &self.profile.columns)?;
        let mut ratios: Vec<f64> = (values.numbers.iter().zip(&spans))
            .map(|(latency, span)| latency * unit.in_ms() / span)
            .filter(|ratio| ratio.is_finite() && *ratio > 0.0)
            .collect();
        ratios.sort_by(f64::total_cmp);
        let ratio = *ratios.get(ratios.len() / 2)?;
        if (ratio - 1.0).abs() <= SAME_LATENCY {
            return None;
        }
        let candidate = |label: &str, column: Option<&str>| Candidate {
            label: label.to_owned(),
            answer: Answer::Role {
                role: Role::Latency,
                column: column.map(str::to_owned),
            },
        };
        Some(Question {
            column: None,
            role: Some(Role::Latency),
            text: format!("Is `{}` the whole request?", column.column),
            evidence: format!("typically {} times end minus start", units::number(ratio)),
            candidates: vec![
                candidate("no: latency is end minus start", None),
                candidate("yes", Some(&column.column)),
            ],
            assumed: 0,
        })
    }

    /// Whether two columns that fit a role alike would give different figures.
    fn is_rival(&self, role: Role, chosen: &ColumnProfile, rival: &ColumnProfile) -> bool {
        let mut mapped = self.mapping.columns.iter();
        if mapped.any(|c| c.column == rival.name && !c.role.is_repeatable()) {
            return false;
        }
        match role {
            // Code and text of the same errors are no rivals.
            Role::Status => fails_beside(chosen, rival),
            _ => !chosen.is_equivalent(rival),
        }
    }

    fn decimal_mark(&self) -> Option<Question> {
        let is_mapped = |name: &&String| self.mapping.columns.iter().any(|c| c.column == **name);
        let name = self.profile.ambiguous_marks.iter().find(is_mapped)?;
        let column = &self.profile.columns[self.place(name)?];
        let sample = column.frequent.iter().find(|v| v.contains(','))?;
        let candidate = |label: &str, mark| Candidate {
            label: label.to_owned(),
            answer: Answer::DecimalMark { mark },
        };
        Some(Question {
            column: Some(name.clone()),
            role: None,
            text: format!("Does the comma in {sample} group thousands or begin decimals?"),
            evidence: "every comma is followed by three digits".to_owned(),
            candidates: vec![
                candidate("thousands", DecimalMark::Point),
                candidate("decimals", DecimalMark::Comma),
            ],
            assumed: usize::from(self.mapping.decimal_mark == DecimalMark::Comma),
        })
    }

    /// A cost that makes tokens dearer than any model's may be in cents.
    fn cents(&self, column: &ColumnRole, values: &ColumnProfile) -> Option<Question> {
        if column.role != Role::Cost {
            return None;
        }
        let tokens = |role| -> Option<&ColumnProfile> {
            let column = self.mapping.column(role)?;
            Some(&self.profile.columns[self.place(&column.column)?])
        };
        let (sent, received) = (tokens(Role::TokensIn)?, tokens(Role::TokensOut)?);
        let mut per_1000: Vec<f64> = (0..values.numbers.len())
            .map(|i| values.numbers[i] / (sent.numbers[i] + received.numbers[i]) * 1000.0)
            .filter(|v| v.is_finite())
            .collect();
        per_1000.sort_by(f64::total_cmp);
        let median = *per_1000.get(per_1000.len() / 2)?;
        if median <= DEAREST_PER_1000 {
            return None;
        }
        let candidate = |label: &str, scale| Candidate {
            label: label.to_owned(),
            answer: Answer::Scale {
                column: column.column.clone(),
                scale,
            },
        };
        Some(Question {
            column: Some(column.column.clone()),
            role: None,
            text: format!(
                "Is `{}` in whole units of the currency or in cents?",
                column.column
            ),
            evidence: format!("{} for a thousand tokens", units::number(median)),
            candidates: vec![candidate("whole units", 1.0), candidate("cents", 0.01)],
            assumed: 0,
        })
    }

    /// Stamps of whole seconds beside ids that hold milliseconds.
    fn finer_times(&self) -> Option<Question> {
        let time = self.mapping.column(Role::Time)?;
        let values = &self.profile.columns[self.place(&time.column)?];
        let is_whole = match stamp_form(values)? {
            StampForm::Text | StampForm::Typed if !values.stamps_us.is_empty() => {
                let mut known = values.stamps_us.iter().filter(|us| us.is_finite());
                known.all(|us| us % 1e6 == 0.0)
            }
            StampForm::Epoch(DurationUnit::S) => values.is_whole,
            _ => false,
        };
        let ids = self.profile.columns.iter();
        let id = ids.filter(|_| is_whole && time.stamp != Some(StampForm::Uuid7));
        let id = id
            .into_iter()
            .find(|c| c.uuid7_share > 0.99 && !c.is_key())?;
        let candidate = |label: String, column: &str| Candidate {
            label,
            answer: Answer::Time {
                column: column.to_owned(),
            },
        };
        Some(Question {
            column: Some(time.column.clone()),
            role: None,
            text: format!("Take the milliseconds in `{}` as the time?", id.name),
            evidence: format!("`{}` has whole seconds", time.column),
            candidates: vec![
                candidate(format!("no, `{}`", time.column), &time.column),
                candidate(format!("yes, `{}`", id.name), &id.name),
            ],
            assumed: 0,
        })
    }

    /// The contenders for a role, the best first.
    fn ranked(&self, role: Role) -> Vec<&Contender> {
        let of_role = |c: &&Contender| c.role == role && c.score >= THRESHOLD;
        let mut ranked: Vec<&Contender> = self.contenders.iter().filter(of_role).collect();
        ranked.sort_by(|a, b| b.score.total_cmp(&a.score));
        ranked
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.profile.columns.iter().position(|c| c.name == name)
    }
}

fn role_candidate(column: &ColumnProfile, role: Role) -> Candidate {
    let detail = match role {
        Role::Variant | Role::Status | Role::Unit => column.samples.join(", "),
        _ => describe(column, role),
    };
    Candidate {
        label: format!("`{}`: {detail}", column.name),
        answer: Answer::Role {
            role,
            column: Some(column.name.clone()),
        },
    }
}

fn unit(column: &ColumnRole, values: &ColumnProfile, spans: Option<&[f64]>) -> Option<Question> {
    let assumed = column.unit.filter(|_| column.role.is_duration())?;
    let spans = spans.filter(|_| column.role == Role::Latency);
    let guess = duration_unit(values, spans);
    if guess.is_sure {
        return None;
    }
    let others: &[DurationUnit] = match values.range? {
        (_, median, _) if median < 1e6 => &[DurationUnit::S, DurationUnit::Ms],
        _ => &[DurationUnit::Us, DurationUnit::Ns],
    };
    let candidate = |unit: &DurationUnit| Candidate {
        label: unit.label().to_owned(),
        answer: Answer::Unit {
            column: column.column.clone(),
            unit: *unit,
        },
    };
    Some(Question {
        column: Some(column.column.clone()),
        role: None,
        text: format!("What unit is `{}` in?", column.column),
        evidence: guess.why,
        candidates: others.iter().map(candidate).collect(),
        assumed: others.iter().position(|u| *u == assumed)?,
    })
}

fn date_order(column: &ColumnRole, values: &ColumnProfile) -> Option<Question> {
    let assumed = column.stamp.filter(|_| is_order_open(values))?;
    let forms = [StampForm::DayFirst, StampForm::MonthFirst];
    let candidate = |stamp: &StampForm| Candidate {
        label: stamp.label(),
        answer: Answer::Stamp {
            column: column.column.clone(),
            stamp: *stamp,
        },
    };
    Some(Question {
        column: Some(column.column.clone()),
        role: None,
        text: format!("Does `{}` begin with the day or the month?", column.column),
        evidence: format!("{}; no number tells them apart", values.samples.join(", ")),
        candidates: forms.iter().map(candidate).collect(),
        assumed: forms.iter().position(|f| *f == assumed)?,
    })
}

/// A 0 on a scale from 1 to 5 is the lowest rating, or says that there is none.
fn lowest_rating(column: &ColumnRole, values: &ColumnProfile) -> Option<Question> {
    let (low, _, high) = values.range?;
    let is_stars = low == 0.0 && (3.0..=10.0).contains(&high) && values.is_whole;
    if column.role != Role::Rating || !is_stars || values.n_distinct < 3 {
        return None;
    }
    let n_zero = values.numbers.iter().filter(|v| **v == 0.0).count();
    let n = values.numbers.iter().filter(|v| !v.is_nan()).count();
    let candidate = |label: &str, nulls: &[&str]| Candidate {
        label: label.to_owned(),
        answer: Answer::Nulls {
            column: column.column.clone(),
            nulls: nulls.iter().map(|n| (*n).to_owned()).collect(),
        },
    };
    Some(Question {
        column: Some(column.column.clone()),
        role: None,
        text: format!(
            "Is a 0 in `{}` the lowest rating, or none at all?",
            column.column
        ),
        evidence: format!(
            "whole numbers from 0 to {}, {} of them 0",
            units::number(high),
            units::share(n_zero as f64 / n.max(1) as f64)
        ),
        candidates: vec![
            candidate("the lowest rating", &[]),
            candidate("no rating", &["0"]),
        ],
        assumed: 0,
    })
}
