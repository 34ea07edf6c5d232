//! [`Row`]: a row of a comparison: a workload, and whether its files are on disk or in memory.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::ValueEnum;

use super::orphans;
use crate::workload::Workload;

/// A workload such as `W1`, or `W1t`, which writes to files in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) workload: Workload,
    in_memory: bool,
}

/// A folder whose files are in memory.
pub(crate) const MEMORY: &str = "/dev/shm";

/// The default rows. Their files are in memory, so that the disk is not measured.
pub(crate) const USUAL: [&str; 12] = [
    "W1m", "W1t", "W2m", "W2t", "W3m", "W3t", "W4", "W5", "W6", "W7", "W8", "W9",
];

impl Row {
    /// Returns the folder of the downloaded files: in memory, or below `disk`.
    pub(crate) fn destination(self, disk: &Path) -> PathBuf {
        if self.in_memory {
            return Path::new(MEMORY).join(orphans::own_name());
        }
        disk.join("destination")
    }
}

impl FromStr for Row {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let in_memory = name.ends_with('t');
        let workload = Workload::from_str(name, true)?;
        Ok(Self {
            workload,
            in_memory,
        })
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letter = if self.in_memory { "t" } else { "" };
        write!(f, "{}{letter}", self.workload.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for name in USUAL.into_iter().chain(["W0", "W1", "W2", "W3"]) {
            assert_eq!(name.parse::<Row>().unwrap().to_string(), name);
        }
        for name in ["W4t", "W10", "", "t"] {
            assert!(name.parse::<Row>().is_err(), "{name}");
        }
        let disk = Path::new("/disk");
        let row: Row = "W1".parse().unwrap();
        assert!(row.destination(disk).starts_with(disk));
        let row: Row = "W1t".parse().unwrap();
        assert!(row.destination(disk).starts_with("/dev/shm"));
    }
}
