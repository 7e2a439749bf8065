//! Inference for whoever looks more than once.
//!
//! An interval at level 95 % holds for one look decided beforehand. Looking daily and stopping at the
//! first "significant" day finds differences that are not there in far more than 5 % of rollouts. Two
//! ways out:
//!
//! - *Any time, without a plan*: confidence sequences hold at every look at once. Asymptotic for
//!   means, ratios and anything else with a standard error ([`asymptotic_sequence`], which is the
//!   mixture test [`msprt`] with its mixture tied to the sample size); exact for one share and for
//!   two ([`share_sequence`], [`share_difference_sequence`]). They are about a third wider than a
//!   single look at best.
//! - *At planned looks*: group-sequential bounds ([`GroupDesign`]) cost a few per cent more
//!   observations, and nothing may be looked at in between.
//!
//! [`Sprt`] decides between two given shares with the fewest observations.

mod beta_binomial;
mod group;
mod mixture;
mod spending;
mod sprt;

pub use beta_binomial::{
    BetaMixture, beta_binomial_test, share_difference_sequence, share_sequence,
};
pub use group::{Boundary, Crossing, GroupDesign};
pub use mixture::{AlwaysValid, Running, asymptotic_sequence, comparison_sequence, msprt, rho};
pub use spending::Spending;
pub use sprt::{Sprt, SprtDecision, SprtState};
