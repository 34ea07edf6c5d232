//! [`Property`]: the list of property tests, with the number of cases of each.

use tokio::runtime::Runtime;

use super::{Figures, corrupt, history, schedule, sequence};

/// A property that is tested with many random cases.
#[derive(Debug)]
pub struct Property {
    /// The name on the command line.
    pub name: &'static str,
    /// The statement that is true in each case.
    pub about: &'static str,
    /// Number of cases in `cargo xtask test`.
    pub quick: u64,
    /// Number of cases in `cargo xtask prove`.
    pub full: u64,
    /// Runs the case of a seed on a runtime with paused time.
    pub(super) case: fn(&Runtime, u64) -> Result<Figures, String>,
}

/// All properties.
pub const PROPERTIES: &[Property] = &[
    Property {
        name: "corrupt",
        about: "corrupted bodies are detected where a checksum or a length can tell",
        quick: 10_000,
        full: 1_000_000,
        case: corrupt::case,
    },
    Property {
        name: "history",
        about: "racing writers with lost responses get results that one order of events explains",
        quick: 2_000,
        full: 100_000,
        case: history::case,
    },
    Property {
        name: "sequence",
        about: "client and model agree on sequences of operations, under transient faults",
        quick: 2_000,
        // 13 operations on average.
        full: 80_000,
        case: sequence::case,
    },
    Property {
        name: "schedule",
        about: "in whatever order they run, all come to an end and give back what they held",
        quick: 10_000,
        full: 1_000_000,
        case: schedule::case,
    },
];

impl Property {
    /// Returns the property of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        PROPERTIES.iter().find(|property| property.name == name)
    }
}
