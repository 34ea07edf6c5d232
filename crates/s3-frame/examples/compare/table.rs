//! [`Table`]: the least cost of each client at each row.

use std::fmt;
use std::time::Duration;

use crate::Result;
use crate::client::Client;
use crate::cost::Cost;
use crate::measurement::Measurement;
use crate::row::Row;

/// The least cost of each client at each row: other load makes a measurement slower, never faster.
#[derive(Debug, Default)]
pub(crate) struct Table {
    least: Vec<Least>,
}

#[derive(Debug)]
struct Least {
    row: Row,
    client: Client,
    wall: Duration,
    cpu: Duration,
    peak_mib: u64,
    /// How many calls these figures are of.
    calls: u32,
    result: String,
}

/// Our figures as parts of theirs.
#[derive(Clone, Copy, Debug)]
struct Ratios {
    wall: f64,
    cpu: f64,
}

impl Table {
    /// Adds a measurement.
    ///
    /// # Errors
    ///
    /// If another client got another result.
    pub(crate) fn add(&mut self, measured: &Measurement, cost: Cost, result: String) -> Result {
        let (row, client) = (measured.row, measured.client);
        let mut of_row = self.least.iter().filter(|least| least.row == row);
        if let Some(other) = of_row.find(|least| least.result != result) {
            let text = format!(
                "{row}: {client} found\n{result}\nand {} found\n{}",
                other.client, other.result
            );
            return Err(text.into());
        }
        let mut least = self.least.iter_mut();
        match least.find(|least| least.row == row && least.client == client) {
            Some(least) => {
                least.wall = least.wall.min(cost.wall);
                least.cpu = least.cpu.min(cost.cpu);
                least.peak_mib = least.peak_mib.max(cost.peak_mib);
            }
            None => self.least.push(Least {
                row,
                client,
                wall: cost.wall,
                cpu: cost.cpu,
                peak_mib: cost.peak_mib,
                calls: if row.is_query() { 1 } else { measured.count },
                result,
            }),
        }
        Ok(())
    }

    /// Returns the rows in which we miss the goal.
    pub(crate) fn missed(&self) -> Vec<String> {
        let ours = self
            .least
            .iter()
            .filter(|least| least.client == Client::Ours);
        let missed = ours.filter(|least| self.meets_goal(least) == Some(false));
        missed.map(|least| least.row.to_string()).collect()
    }

    fn meets_goal(&self, least: &Least) -> Option<bool> {
        let (ratios, goal) = (self.ratios(least)?, least.row.goal());
        Some(ratios.wall <= goal.wall && goal.cpu.is_none_or(|most| ratios.cpu < most))
    }

    fn ratios(&self, least: &Least) -> Option<Ratios> {
        let mut all = self.least.iter();
        let theirs =
            all.find(|other| other.row == least.row && other.client == Client::AmazonS3)?;
        Some(Ratios {
            wall: least.wall.as_secs_f64() / theirs.wall.as_secs_f64(),
            cpu: least.cpu.as_secs_f64() / theirs.cpu.as_secs_f64(),
        })
    }
}

/// Time per call in µs, or of a query in ms.
fn each(least: &Least, time: Duration) -> String {
    match least.row.is_query() {
        true => format!("{:.0} ms", time.as_secs_f64() * 1e3),
        false => format!(
            "{:.1} µs",
            time.as_secs_f64() * 1e6 / f64::from(least.calls)
        ),
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| row | server | client | wall | CPU | peak MiB | wall ratio | CPU ratio | goal |"
        )?;
        writeln!(f, "|---|---|---|---|---|---|---|---|---|")?;
        for least in &self.least {
            let (row, client, peak) = (least.row, least.client, least.peak_mib);
            let (wall, cpu) = (each(least, least.wall), each(least, least.cpu));
            let regime = row.regime().name();
            write!(
                f,
                "| {row} | {regime} | {client} | {wall} | {cpu} | {peak} |"
            )?;
            match self.ratios(least).filter(|_| client != Client::AmazonS3) {
                Some(ratios) => write!(f, " {:.2} | {:.2} |", ratios.wall, ratios.cpu)?,
                None => write!(f, " | |")?,
            }
            let goal = self.meets_goal(least).filter(|_| client == Client::Ours);
            let goal = goal.map_or("", |met| if met { "met" } else { "missed" });
            writeln!(f, " {goal} |")?;
        }
        Ok(())
    }
}
