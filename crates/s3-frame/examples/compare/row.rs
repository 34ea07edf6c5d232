//! [`Row`]: a call pattern or a query, and the goal of its ratios.

use std::fmt;

use clap::ValueEnum;

/// A row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Row {
    /// Metadata of an object
    Head,
    /// A range of 8 KiB
    #[value(name = "range-8k")]
    Range8k,
    /// The last 512 KiB of an object, as of a Parquet footer
    #[value(name = "range-512k")]
    Range512k,
    /// Two ranges of 64 KiB, 8 MiB apart, by one `get_ranges`
    TwoRanges,
    /// An upload of 4 MiB
    #[value(name = "put-4m")]
    Put4m,
    /// A whole object of 4 MiB as one buffer
    #[value(name = "get-4m")]
    Get4m,
    /// An object of 256 MiB as a stream
    #[value(name = "stream-256m")]
    Stream256m,
    /// A grouped sum over 64 CSV objects of 2 MiB
    #[value(name = "query-64-csv")]
    QueryCsv,
    /// A grouped sum over 3 of 8 columns of 64 Parquet objects of 4 MiB
    #[value(name = "query-64-parquet")]
    QueryParquet,
    /// The sum of 1 of 16 columns of 1,000 Parquet objects of 1 MiB
    #[value(name = "query-1000-parquet-one-column")]
    QueryColumn,
}

/// How the server results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Regime {
    /// At once.
    I,
    /// After 20 ms, with 85 MB/s for each connection.
    Ii,
}

/// The most that our figures may be of those of `AmazonS3`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Goal {
    pub(crate) wall: f64,
    /// `None` where waiting is measured.
    pub(crate) cpu: Option<f64>,
}

impl Row {
    pub(crate) const fn regime(self) -> Regime {
        match self.is_query() {
            true => Regime::Ii,
            false => Regime::I,
        }
    }

    pub(crate) const fn is_query(self) -> bool {
        matches!(
            self,
            Self::QueryCsv | Self::QueryParquet | Self::QueryColumn
        )
    }

    /// How many calls one measurement makes, or how many objects a query reads.
    pub(crate) const fn count(self) -> u32 {
        match self {
            Self::Head | Self::Range8k => 2_000,
            Self::TwoRanges => 1_000,
            Self::Range512k => 500,
            Self::Put4m | Self::Get4m => 100,
            Self::Stream256m => 4,
            Self::QueryCsv | Self::QueryParquet => 64,
            Self::QueryColumn => 1_000,
        }
    }

    pub(crate) const fn goal(self) -> Goal {
        let (wall, cpu) = match self {
            Self::Stream256m => (1.0, Some(1.0)),
            Self::QueryCsv | Self::QueryParquet => (1.0, None),
            Self::QueryColumn => (0.6, None),
            _ => (1.05, Some(1.0)),
        };
        Goal { wall, cpu }
    }
}

impl Regime {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::I => "i",
            Self::Ii => "ii",
        }
    }

    /// The flags of `s3-bench origin`.
    pub(crate) const fn flags(self) -> &'static [&'static str] {
        match self {
            Self::I => &[],
            Self::Ii => &["--latency-ms", "20", "--connection-mbps", "85"],
        }
    }
}

/// As on the command line.
impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.to_possible_value();
        f.write_str(value.as_ref().map_or("", |value| value.get_name()))
    }
}
