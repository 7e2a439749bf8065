//! Stretches of a numeric column while a log is read: whole numbers and decimals as integers.

/// The most decimal digits that are tried.
const MAX_DIGITS: u8 = 6;
/// Integers below this are told apart by f64 with all those digits.
const LIMIT: f64 = 1e15;

/// Values are integers over a power of ten.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Scale {
    digits: u8,
}

/// Part of a numeric column in as few bytes as keep every value exact.
#[derive(Debug, Clone)]
pub struct Packed(Form);

#[derive(Debug, Clone)]
enum Form {
    Decimals(Range, Offsets),
    /// Not decimals with few digits.
    Floats(Vec<f64>),
}

/// The integers of a stretch: `low` and `high` are the least and the greatest.
#[derive(Debug, Clone, Copy)]
pub(super) struct Range {
    pub(super) scale: Scale,
    pub(super) low: i64,
    pub(super) high: i64,
    /// Whether any value is there.
    pub(super) is_known: bool,
}

/// Above `low`; the largest offset of the type stands for a missing value.
#[derive(Debug, Clone)]
enum Offsets {
    U8(Vec<u8>),
    U16(Vec<u16>),
    U32(Vec<u32>),
}

impl Scale {
    /// The value of an integer.
    pub(super) fn value(self, k: i64) -> f64 {
        // Both are exact, so that the quotient is the float nearest to the decimal: the one that
        // reading its digits gives.
        k as f64 / self.factor()
    }

    fn factor(self) -> f64 {
        [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6][usize::from(self.digits)]
    }

    /// The integer of a value at this scale, if that is exact; `None` for NaN and infinities.
    fn integer(self, value: f64) -> Option<i64> {
        let scaled = value * self.factor();
        let k = (scaled + 0.5f64.copysign(scaled)) as i64;
        (scaled.abs() < LIMIT && self.value(k) == value).then_some(k)
    }
}

impl Range {
    /// The same at a scale that is no coarser.
    pub(super) fn at(self, scale: Scale) -> Self {
        let factor = 10i64.pow(u32::from(scale.digits - self.scale.digits));
        Self {
            scale,
            low: self.low * factor,
            high: self.high * factor,
            ..self
        }
    }
}

impl Packed {
    /// Packs values; NaN and infinities are missing.
    pub fn of(values: &[f64]) -> Self {
        let packed = measure(values).and_then(|range| Self::decimals(range, values));
        packed.unwrap_or_else(|| {
            let finite = |v: &f64| if v.is_finite() { *v } else { f64::NAN };
            Self(Form::Floats(values.iter().map(finite).collect()))
        })
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        match &self.0 {
            Form::Decimals(_, Offsets::U8(offsets)) => offsets.len(),
            Form::Decimals(_, Offsets::U16(offsets)) => offsets.len(),
            Form::Decimals(_, Offsets::U32(offsets)) => offsets.len(),
            Form::Floats(values) => values.len(),
        }
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Each value, NaN where missing.
    pub fn for_each_value(&self, mut see: impl FnMut(f64)) {
        match &self.0 {
            Form::Floats(values) => values.iter().for_each(|v| see(*v)),
            Form::Decimals(range, _) => {
                let scale = range.scale;
                self.for_each(scale, |k| see(k.map_or(f64::NAN, |k| scale.value(k))));
            }
        }
    }

    /// What the integers are; `None` where the values are no decimals with few digits.
    pub(super) fn range(&self) -> Option<Range> {
        match &self.0 {
            Form::Decimals(range, _) => Some(*range),
            Form::Floats(_) => None,
        }
    }

    /// Each integer at a scale that is no coarser than the stretch's own; `None` where missing.
    pub(super) fn for_each(&self, at: Scale, mut see: impl FnMut(Option<i64>)) {
        let Form::Decimals(Range { scale, low, .. }, offsets) = &self.0 else {
            return;
        };
        let factor = 10i64.pow(u32::from(at.digits - scale.digits));
        macro_rules! each {
            ($offsets:expr, $type:ty) => {
                for offset in $offsets {
                    see((*offset != <$type>::MAX).then(|| (low + i64::from(*offset)) * factor));
                }
            };
        }
        match offsets {
            Offsets::U8(offsets) => each!(offsets, u8),
            Offsets::U16(offsets) => each!(offsets, u16),
            Offsets::U32(offsets) => each!(offsets, u32),
        }
    }

    fn decimals(range: Range, values: &[f64]) -> Option<Self> {
        let Range { scale, low, .. } = range;
        macro_rules! pack {
            ($form:ident, $type:ty) => {{
                let offset = |v: &f64| {
                    let known = scale.integer(*v).map(|k| (k - low) as $type);
                    known.unwrap_or(<$type>::MAX)
                };
                Offsets::$form(values.iter().map(offset).collect())
            }};
        }
        let offsets = match (range.high - low) as u64 {
            0..0xff => pack!(U8, u8),
            0xff..0xffff => pack!(U16, u16),
            0xffff..0xffff_ffff => pack!(U32, u32),
            _ => return None,
        };
        Some(Self(Form::Decimals(range, offsets)))
    }
}

/// The scale at which all finite values are integers, and the bounds of those.
fn measure(values: &[f64]) -> Option<Range> {
    let mut scale = Scale { digits: 0 };
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for value in values.iter().filter(|v| v.is_finite()) {
        while scale.integer(*value).is_none() {
            if scale.digits == MAX_DIGITS {
                return None;
            }
            // Decimals of fewer digits stay exact at a finer scale.
            scale.digits += 1;
        }
        (low, high) = (low.min(*value), high.max(*value));
    }
    let is_known = low <= high;
    let at = |value: f64| {
        if is_known {
            scale.integer(value)
        } else {
            Some(0)
        }
    };
    Some(Range {
        scale,
        low: at(low)?,
        high: at(high)?,
        is_known,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(values: &[f64], digits: Option<u8>) {
        let packed = Packed::of(values);
        assert_eq!(packed.range().map(|r| r.scale.digits), digits, "{values:?}");
        let mut back = Vec::new();
        packed.for_each_value(|v| back.push(v));
        let bits = |v: &[f64]| v.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&back), bits(values));
    }

    #[test]
    fn values_come_back_to_the_last_bit() {
        check(&[], Some(0));
        check(&[1.0, 200.0, f64::NAN], Some(0));
        check(&[1234.5, 0.1, -3.7, f64::NAN, 8.0], Some(1));
        check(&[0.000_123, 12.0], Some(6));
        check(&[1e12, 0.0], None);
        check(&[0.1 + 0.2, 1.0], None);
        check(&[1e300], None);
        check(&[f64::NAN; 3], Some(0));
    }
}
