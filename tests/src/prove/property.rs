//! The properties by name, and how many cases each takes.

use tokio::runtime::Runtime;

use super::{Figures, corrupt, history, schedule, sequence};

/// A property that is shown by many cases.
#[derive(Debug)]
pub struct Property {
    /// The name on the command line.
    pub name: &'static str,
    /// The statement that holds in each case.
    pub about: &'static str,
    /// How many cases `cargo xtask test` runs.
    pub quick: u64,
    /// How many cases `cargo xtask prove` runs.
    pub full: u64,
    /// Runs the case of a seed on a runtime whose time is paused.
    pub(super) case: fn(&Runtime, u64) -> Result<Figures, String>,
}

/// All of them.
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
