//! Scales of values: from a value to a part of the axis, and round values as ticks.

/// A logarithmic scale shows small values beside large ones; it is used from this ratio on.
const LOG_FROM: f64 = 20.0;
/// The most steps of a linear scale.
const STEPS_MAX: f64 = 4.0;
/// The most ticks of a logarithmic scale.
const LOG_TICKS_MAX: usize = 5;

/// A scale of values, which are not negative.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Scale {
    kind: Kind,
    ticks: Vec<f64>,
}

/// The distribution of values over a scale.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Linear { max: f64 },
    Log { min: f64, max: f64 },
}

impl Scale {
    /// Returns a linear scale from zero to a round value that is at least `max`. Its ticks are
    /// multiples of `unit` (1 for counts).
    pub(crate) fn linear(max: f64, unit: f64) -> Scale {
        let max = if max.is_finite() { max.max(unit) } else { unit };
        let step = round_up(max / STEPS_MAX).max(unit);
        let steps = (max / step - 1e-9).ceil().max(1.0);
        Scale {
            kind: Kind::Linear { max: step * steps },
            ticks: multiples(step, steps),
        }
    }

    /// Returns a logarithmic scale between round values around `min` and `max`. Both are positive.
    pub(crate) fn log(min: f64, max: f64) -> Scale {
        let low = round_down(min.max(f64::MIN_POSITIVE));
        let high = round_up(max.max(min));
        let high = if high > low {
            high
        } else {
            round_up(low * 1.01)
        };
        let all: Vec<f64> = std::iter::successors(Some(low), |tick| Some(round_up(tick * 1.01)))
            .take_while(|tick| *tick <= high * 1.001)
            .collect();
        let decades = |tick: &&f64| is_decade(**tick);
        let ticks = if all.len() <= LOG_TICKS_MAX {
            all
        } else {
            let decades: Vec<f64> = all.iter().filter(decades).copied().collect();
            let every = decades.len().div_ceil(LOG_TICKS_MAX).max(1);
            decades.into_iter().step_by(every).collect()
        };
        Scale {
            kind: Kind::Log {
                min: low,
                max: high,
            },
            ticks,
        }
    }

    /// Returns the scale that shows all values between these: logarithmic if they are far apart.
    pub(crate) fn around(min: f64, max: f64, unit: f64) -> Scale {
        if min > 0.0 && max / min > LOG_FROM {
            Scale::log(min, max)
        } else {
            Scale::linear(max, unit)
        }
    }

    /// Whether it is logarithmic.
    pub(crate) fn is_log(&self) -> bool {
        matches!(self.kind, Kind::Log { .. })
    }

    /// Returns the part of the axis, from 0 to 1, that lies below a value.
    pub(crate) fn part(&self, value: f64) -> f64 {
        let part = match self.kind {
            Kind::Linear { max } => value / max,
            Kind::Log { min, max } => (value.max(f64::MIN_POSITIVE) / min).ln() / (max / min).ln(),
        };
        if part.is_nan() {
            0.0
        } else {
            part.clamp(0.0, 1.0)
        }
    }

    /// Returns the value at a part of the axis: the inverse of [`Scale::part`].
    pub(crate) fn value(&self, part: f64) -> f64 {
        match self.kind {
            Kind::Linear { max } => max * part,
            Kind::Log { min, max } => min * (max / min).powf(part),
        }
    }

    /// Returns the round values at which the axis has a label.
    pub(crate) fn ticks(&self) -> &[f64] {
        &self.ticks
    }
}

/// Returns the multiples of a step up to a number of them.
fn multiples(step: f64, steps: f64) -> Vec<f64> {
    let all = std::iter::successors(Some(0.0), |n| Some(n + 1.0));
    all.take_while(|n| *n <= steps).map(|n| n * step).collect()
}

/// Returns the smallest of 1, 2 and 5 times a power of ten that is not below a value.
fn round_up(value: f64) -> f64 {
    let power = 10_f64.powf(value.log10().floor());
    let found = [1.0, 2.0, 5.0, 10.0].map(|digit| digit * power);
    let enough = found.into_iter().find(|round| *round >= value * 0.999_999);
    enough.unwrap_or(10.0 * power)
}

/// Returns the largest of 1, 2 and 5 times a power of ten that is not above a value.
fn round_down(value: f64) -> f64 {
    let power = 10_f64.powf(value.log10().floor());
    let found = [5.0, 2.0, 1.0].map(|digit| digit * power);
    let enough = found.into_iter().find(|round| *round <= value * 1.000_001);
    enough.unwrap_or(power)
}

/// Whether a value is a power of ten.
fn is_decade(value: f64) -> bool {
    let exponent = value.log10();
    (exponent - exponent.round()).abs() < 1e-6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_linear_scale_ends_at_a_round_value() {
        for (max, unit, want) in [
            (0.0, 1.0, vec![0.0, 1.0]),
            (1.0, 1.0, vec![0.0, 1.0]),
            (3.0, 1.0, vec![0.0, 1.0, 2.0, 3.0]),
            (7.0, 1.0, vec![0.0, 2.0, 4.0, 6.0, 8.0]),
            (1204.0, 1.0, vec![0.0, 500.0, 1000.0, 1500.0]),
            (0.9, 0.01, vec![0.0, 0.5, 1.0]),
            (f64::NAN, 1.0, vec![0.0, 1.0]),
        ] {
            let scale = Scale::linear(max, unit);
            assert_eq!(scale.ticks(), want, "{max}");
            assert!(
                scale.part(max) >= 0.5 || max == 0.0 || max.is_nan(),
                "{max}"
            );
        }
        let scale = Scale::linear(1204.0, 1.0);
        assert!((scale.part(750.0) - 0.5).abs() < 1e-9);
        assert!((scale.value(0.5) - 750.0).abs() < 1e-9);
        assert!(
            (scale.part(9e9) - 1.0).abs() < 1e-9,
            "it stays in the chart"
        );
    }

    #[test]
    fn a_logarithmic_scale_has_round_ticks() {
        for (min, max, want) in [
            (12.0, 12.0, vec![10.0, 20.0]),
            (100.0, 100.0, vec![100.0, 200.0]),
            (3.0, 90.0, vec![2.0, 5.0, 10.0, 20.0, 50.0, 100.0]),
            (800.0, 90_000.0, vec![1000.0, 10_000.0, 100_000.0]),
        ] {
            let scale = Scale::log(min, max);
            let close = scale.ticks().iter().zip(&want);
            let is_close = close
                .clone()
                .all(|(one, other)| (one / other - 1.0).abs() < 1e-6);
            let shown = scale.ticks();
            if want.len() <= LOG_TICKS_MAX {
                assert!(
                    is_close && shown.len() == want.len(),
                    "{min} to {max}: {shown:?}"
                );
            } else {
                assert!(shown.len() <= LOG_TICKS_MAX, "{min} to {max}: {shown:?}");
            }
            for value in [min, max] {
                let part = scale.part(value);
                assert!((scale.value(part) / value - 1.0).abs() < 1e-9, "{value}");
            }
        }
    }

    #[test]
    fn values_far_apart_are_on_a_logarithmic_scale() {
        assert!(!Scale::around(10.0, 200.0, 1.0).is_log());
        assert!(Scale::around(10.0, 201.0, 1.0).is_log());
        assert!(!Scale::around(0.0, 1e9, 1.0).is_log());
    }
}
