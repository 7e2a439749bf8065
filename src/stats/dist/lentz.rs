//! Continued fractions by the modified Lentz method (Thompson & Barnett 1986).

/// A continued fraction, evaluated from the front.
pub(super) struct Lentz {
    c: f64,
    d: f64,
    /// The value of the terms so far.
    pub(super) value: f64,
}

impl Lentz {
    /// The fraction after its first term.
    pub(super) fn new(first: f64) -> Self {
        Self {
            c: f64::INFINITY,
            d: first,
            value: first,
        }
    }

    /// Adds a term; true when it no longer changes the value.
    pub(super) fn step(&mut self, numerator: f64, denominator: f64) -> bool {
        self.d = 1.0 / nonzero(denominator + numerator * self.d);
        self.c = nonzero(denominator + numerator / self.c);
        let factor = self.c * self.d;
        self.value *= factor;
        (factor - 1.0).abs() < 3e-16
    }
}

fn nonzero(v: f64) -> f64 {
    if v == 0.0 { f64::MIN_POSITIVE } else { v }
}
