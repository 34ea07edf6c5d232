//! The frame of every chapter: a heading, steps with times, and checks that end the tour.

use std::error::Error;
use std::time::Instant;

/// The result of a step. Any failure ends the tour.
pub(crate) type Result<T = ()> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

pub(crate) const MIB: usize = 1 << 20;

/// Fails the step unless something holds.
macro_rules! check {
    ($condition:expr, $($text:tt)+) => {
        if !$condition {
            return Err(format!($($text)+).into());
        }
    };
}

pub(crate) use check;

/// Prints the result of each step of a chapter, and how long it took.
pub(crate) struct Chapter(Instant);

impl Chapter {
    pub(crate) fn begin(heading: &str) -> Self {
        println!("\n{heading}");
        Self(Instant::now())
    }

    pub(crate) fn step(&mut self, text: impl AsRef<str>) {
        println!("  {:>9.2?}  {}", self.0.elapsed(), text.as_ref());
        self.0 = Instant::now();
    }

    pub(crate) fn mib_per_second(&self, bytes: usize) -> f64 {
        bytes as f64 / MIB as f64 / self.0.elapsed().as_secs_f64()
    }
}

/// Bytes in which any two slices of the same length differ.
pub(crate) fn ramp(len: usize) -> Vec<u8> {
    (0..len)
        .map(|offset| (offset.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect()
}
