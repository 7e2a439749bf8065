//! Hash routers: who gets the canary follows from a hash of an id.

use serde::{Deserialize, Serialize};

/// How a router turns an id into a bucket. Buckets are nested: the canary of a smaller share is
/// part of that of a larger one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BucketHash {
    /// The whole MD5 of the text, modulo 10,000; the canary gets the lowest buckets.
    Md5Of10000,
    /// The first 8 hexadecimal digits of the MD5, modulo 1,000; the canary gets the highest buckets.
    Md5HeadOf1000,
}

impl BucketHash {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Md5Of10000, Self::Md5HeadOf1000];

    /// How many buckets there are.
    pub fn n_buckets(self) -> u16 {
        match self {
            Self::Md5Of10000 => 10_000,
            Self::Md5HeadOf1000 => 1_000,
        }
    }

    /// The bucket of a text with this MD5.
    pub fn bucket(self, md5: [u8; 16]) -> u16 {
        let value = match self {
            Self::Md5Of10000 => u128::from_be_bytes(md5),
            Self::Md5HeadOf1000 => u128::from_be_bytes(md5) >> 96,
        };
        (value % u128::from(self.n_buckets())) as u16
    }

    /// How it is written, with the id's column and the salt before it.
    pub fn text(self, column: &str, salt: &str) -> String {
        let hashed = if salt.is_empty() {
            column.to_owned()
        } else {
            format!("\"{salt}\" + {column}")
        };
        match self {
            Self::Md5Of10000 => format!("md5({hashed}) mod 10,000"),
            Self::Md5HeadOf1000 => format!("first 8 hex digits of md5({hashed}) mod 1,000"),
        }
    }
}

/// The bucket of every row by the router that explains the arms of a log.
#[derive(Debug, Clone)]
pub struct Buckets {
    /// The hash.
    pub hash: BucketHash,
    /// The column whose ids it hashes.
    pub column: String,
    /// What it puts before an id; mostly nothing.
    pub salt: String,
    /// Per row; [`Buckets::NONE`] where the row has no id.
    pub bucket: Vec<u16>,
}

impl Buckets {
    /// How the router is written.
    pub fn text(&self) -> String {
        self.hash.text(&self.column, &self.salt)
    }

    /// The bucket of a row without an id.
    pub const NONE: u16 = u16::MAX;
}

/// Where two arms part among the buckets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// The lowest and the highest bucket at which the high arm may begin: no row tells them apart.
    pub at: (u16, u16),
    /// Whether the treatment has the low buckets.
    pub is_treatment_low: bool,
    /// Rows on the wrong side.
    pub n_wrong: u64,
}

impl Cut {
    /// The cut with the fewest rows on the wrong side, from the rows per bucket of both arms; `None`
    /// without a row of each arm.
    pub fn best(control: &[u32], treatment: &[u32]) -> Option<Self> {
        let total = |counts: &[u32]| counts.iter().map(|n| u64::from(*n)).sum::<u64>();
        let (n_control, n_treatment) = (total(control), total(treatment));
        if n_control == 0 || n_treatment == 0 {
            return None;
        }
        let mut best: Option<Self> = None;
        let (mut control_below, mut treatment_below) = (0, 0);
        for below in 0..=control.len().min(treatment.len()) {
            if let Some(last) = below.checked_sub(1) {
                control_below += u64::from(control[last]);
                treatment_below += u64::from(treatment[last]);
            }
            let low = (true, control_below + (n_treatment - treatment_below));
            let high = (false, treatment_below + (n_control - control_below));
            let below = below as u16;
            for (is_treatment_low, n_wrong) in [low, high] {
                match &mut best {
                    Some(known) if n_wrong > known.n_wrong => {}
                    Some(known) if n_wrong == known.n_wrong => {
                        let is_next = known.at.1 + 1 == below;
                        if is_next && known.is_treatment_low == is_treatment_low {
                            known.at.1 = below;
                        }
                    }
                    _ => {
                        best = Some(Self {
                            at: (below, below),
                            is_treatment_low,
                            n_wrong,
                        });
                    }
                }
            }
        }
        best
    }

    /// Whether a row of the treatment, or of the control, may stand in a bucket.
    pub fn is_right(self, bucket: u16, is_treatment: bool) -> bool {
        let is_open = (self.at.0..self.at.1).contains(&bucket);
        is_open || (bucket < self.at.0) == (self.is_treatment_low == is_treatment)
    }

    /// The roundest share of `n_buckets` at which the high arm may begin, as a bucket.
    pub fn roundest(self, n_buckets: u16) -> u16 {
        let mut steps = [4, 10, 20, 100, 200, 1_000].into_iter();
        let multiple = |parts: u16| {
            let step = (n_buckets / parts).max(1);
            let at = self.at.0.div_ceil(step) * step;
            (at <= self.at.1).then_some(at)
        };
        steps.find_map(multiple).unwrap_or(self.at.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cut_parts_the_arms() {
        let cut = Cut::best(&[0, 1, 0, 9, 9], &[5, 5, 5, 0, 0]).unwrap();
        assert_eq!(
            (cut.at, cut.is_treatment_low, cut.n_wrong),
            ((3, 3), true, 1)
        );
        assert!(cut.is_right(0, true) && !cut.is_right(1, false));
        let cut = Cut::best(&[9, 9, 0, 0], &[0, 0, 0, 2]).unwrap();
        assert_eq!(
            (cut.at, cut.is_treatment_low, cut.n_wrong),
            ((2, 3), false, 0)
        );
        assert!(cut.is_right(3, true) && cut.is_right(0, false));
        // Nobody stood in it: it may belong to either.
        assert!(cut.is_right(2, true) && cut.is_right(2, false));
        assert_eq!(Cut::best(&[1, 2], &[0, 0]), None);
    }

    #[test]
    fn a_cut_is_named_by_the_roundest_share() {
        let cut = |at| Cut {
            at,
            is_treatment_low: true,
            n_wrong: 0,
        };
        assert_eq!(cut((493, 504)).roundest(10_000), 500);
        assert_eq!(cut((2_450, 2_530)).roundest(10_000), 2_500);
        assert_eq!(cut((933, 933)).roundest(1_000), 933);
    }
}
