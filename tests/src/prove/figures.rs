//! Counters of the cases of a property.

use std::collections::BTreeMap;
use std::fmt;

/// Counts by name. What is never counted is zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures(BTreeMap<&'static str, u64>);

impl Figures {
    /// Counts `by` more of `name`.
    pub fn count(&mut self, name: &'static str, by: u64) {
        *self.0.entry(name).or_default() += by;
    }

    /// Returns how many of `name` were counted.
    #[must_use]
    pub fn of(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or_default()
    }

    /// Adds what another case has counted.
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
