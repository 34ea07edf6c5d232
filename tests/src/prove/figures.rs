//! [`Figures`]: named counters that the cases of a property add up, such as faults injected.

use std::collections::BTreeMap;
use std::fmt;

/// Counters by name. A name that was never counted has the value 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures(BTreeMap<&'static str, u64>);

impl Figures {
    /// Adds `by` to the counter `name`.
    pub fn count(&mut self, name: &'static str, by: u64) {
        *self.0.entry(name).or_default() += by;
    }

    /// Returns the value of the counter `name`.
    #[must_use]
    pub fn of(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or_default()
    }

    /// Adds the counters of another case.
    pub fn add(&mut self, other: &Self) {
        for (name, count) in &other.0 {
            self.count(name, *count);
        }
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (name, count)) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{count} {name}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_summed_by_name() {
        let mut all = Figures::default();
        let mut one = Figures::default();
        one.count("faults", 2);
        one.count("cases", 1);
        all.add(&one);
        all.add(&one);
        assert_eq!((all.of("faults"), all.of("nothing")), (4, 0));
        assert_eq!(all.to_string(), "2 cases, 4 faults");
    }
}
