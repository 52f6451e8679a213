//! The metrics of a run: in a file, at an address, and pushed.

mod file;
mod names;
mod push;
mod scrape;

use std::collections::BTreeMap;

/// The samples of a text in Prometheus's format: a name with its labels, and a value.
pub(crate) struct Samples(BTreeMap<String, f64>);

impl Samples {
    /// The samples of a text, each of which has its type before it.
    fn of(text: &str) -> Samples {
        let mut samples = BTreeMap::new();
        let mut family = "";
        for line in text.lines() {
            if let Some(comment) = line.strip_prefix("# TYPE ") {
                family = comment.split(' ').next().expect("a name");
                continue;
            }
            if line.starts_with('#') {
                continue;
            }
            assert!(line.starts_with(family), "{line} is not in {family}");
            let (series, value) = line.rsplit_once(' ').expect("a value");
            let value = value.parse().expect("a number");
            let before = samples.insert(series.to_owned(), value);
            assert_eq!(before, None, "{series} is there twice");
        }
        Samples(samples)
    }

    /// The value of a series; `None` if it is not there.
    fn get(&self, series: &str) -> Option<f64> {
        self.0.get(series).copied()
    }

    /// The value of a series as a whole number.
    fn count(&self, series: &str) -> u64 {
        let value = self
            .get(series)
            .unwrap_or_else(|| panic!("no {series} among {:?}", self.0.keys()));
        assert!(value >= 0.0 && value.fract() == 0.0, "{series} is {value}");
        #[expect(clippy::cast_sign_loss, reason = "a whole number that is not negative")]
        let count = value as u64;
        count
    }

    /// The sum of all series of a family.
    fn sum(&self, name: &str) -> f64 {
        let series = self.0.iter().filter(|(series, _)| series.starts_with(name));
        series.map(|(_, value)| value).sum()
    }

    /// The values of a series with these values of a label.
    fn counts<const N: usize>(&self, name: &str, label: &str, values: [&str; N]) -> [u64; N] {
        values.map(|value| self.count(&format!("{name}{{{label}=\"{value}\"}}")))
    }
}
