//! [`Workload`]: the benchmark workloads W0 to W9 and their names.

use clap::ValueEnum;

/// A workload. Files are written to a folder; objects in memory are dropped at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum)]
pub(crate) enum Workload {
    /// Start, and get one object of 4 KiB into a file
    #[value(name = "W0", alias = "W0t")]
    One,
    /// Get objects of 4 KiB into files
    #[value(name = "W1", alias = "W1t")]
    SmallToFiles,
    /// Get objects of 4 KiB into memory
    #[value(name = "W1m")]
    SmallToMemory,
    /// Get objects of 1 MiB into files
    #[value(name = "W2", alias = "W2t")]
    MidToFiles,
    /// Get objects of 1 MiB into memory
    #[value(name = "W2m")]
    MidToMemory,
    /// Get one big object into a file
    #[value(name = "W3", alias = "W3t")]
    BigToFile,
    /// Read one big object and drop it
    #[value(name = "W3m")]
    BigToMemory,
    /// Put files of 4 KiB
    #[value(name = "W4")]
    PutSmall,
    /// Put files of 1 MiB
    #[value(name = "W5")]
    PutMid,
    /// Put one big file
    #[value(name = "W6")]
    PutBig,
    /// List everything in a bucket
    #[value(name = "W7")]
    List,
    /// Ask for the sizes of objects
    #[value(name = "W8")]
    Info,
    /// Get ranges of 64 KiB of one big object into memory
    #[value(name = "W9")]
    Ranges,
}

impl Workload {
    /// Returns whether its objects are those of 1 MiB.
    pub(crate) const fn is_mid(self) -> bool {
        matches!(self, Self::MidToFiles | Self::MidToMemory | Self::PutMid)
    }

    /// Returns whether it writes files.
    pub(crate) const fn writes_files(self) -> bool {
        matches!(
            self,
            Self::One | Self::SmallToFiles | Self::MidToFiles | Self::BigToFile
        )
    }

    /// Returns the name without the letter for the kind of disk.
    pub(crate) fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }
}
