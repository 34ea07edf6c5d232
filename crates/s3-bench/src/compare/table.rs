//! Formats benchmark runs: one line per run, and a table of medians and ratios.

use std::fmt::Write as _;

use super::child::Cost;
use crate::cli::Client;

/// One run of a workload by a client.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) client: Client,
    pub(crate) row: String,
    pub(crate) regime: &'static str,
    pub(crate) cost: Result<Cost, String>,
    /// CPU time of the server in seconds. If it is near the wall time, the server was the bottleneck.
    pub(crate) server_cpu: f64,
}

/// Formats the line of a run, which is printed when it ends.
pub(crate) fn line(run: &Run) -> String {
    let (regime, row, client) = (run.regime, &run.row, run.client.to_string());
    match &run.cost {
        Ok(cost) => format!(
            "{regime:<2} {row:<4} {client:<12} wall {:7.3} s  cpu {:7.3} s  peak {:5} MiB  server {:5.2} s  foreign {:.1}",
            cost.wall,
            cost.cpu,
            cost.peak_kib >> 10,
            run.server_cpu,
            foreign(cost, run.server_cpu),
        ),
        Err(failure) => format!("{regime:<2} {row:<4} {client:<12} FAILED: {failure}"),
    }
}

/// Returns the number of cores that were busy with neither the client nor the server.
pub(crate) fn foreign(cost: &Cost, server_cpu: f64) -> f64 {
    (cost.others - server_cpu / cost.wall).max(0.0)
}

/// Formats the medians of each client, and their ratios to the floor and to the best peer.
pub(crate) fn table(runs: &[Run]) -> String {
    let mut text = String::from(
        "| server | workload | client | n | wall s | CPU s | peak MiB | wall/floor | CPU/floor | wall/peer | CPU/peer | server CPU s |\n\
         |---|---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    let mut groups: Vec<(&str, &str)> = Vec::new();
    for run in runs {
        if !groups.contains(&(run.regime, &run.row)) {
            groups.push((run.regime, &run.row));
        }
    }
    for (regime, row) in groups {
        let of_group = |run: &&Run| run.regime == regime && run.row == row;
        let medians = medians(runs.iter().filter(of_group));
        for of_client in &medians {
            push(&mut text, regime, row, of_client, &medians);
        }
    }
    text
}

/// Medians over the runs of a client.
#[derive(Clone, Copy, Debug)]
struct Median {
    client: Client,
    times: usize,
    wall: f64,
    cpu: f64,
    /// Maximum over all runs.
    peak_kib: u64,
    server_cpu: f64,
}

fn medians<'a>(runs: impl Iterator<Item = &'a Run>) -> Vec<Median> {
    let mut by_client: Vec<(Client, Vec<(Cost, f64)>)> = Vec::new();
    for run in runs {
        let Ok(cost) = run.cost else { continue };
        let good = (cost, run.server_cpu);
        match by_client
            .iter_mut()
            .find(|(client, _)| *client == run.client)
        {
            Some((_, all)) => all.push(good),
            None => by_client.push((run.client, vec![good])),
        }
    }
    let median_of = |(client, all): (Client, Vec<(Cost, f64)>)| Median {
        client,
        times: all.len(),
        wall: median(all.iter().map(|(cost, _)| cost.wall)),
        cpu: median(all.iter().map(|(cost, _)| cost.cpu)),
        peak_kib: all.iter().map(|(cost, _)| cost.peak_kib).max().unwrap_or(0),
        server_cpu: median(all.iter().map(|(_, server)| *server)),
    };
    let mut medians: Vec<_> = by_client.into_iter().map(median_of).collect();
    medians.sort_by(|a, b| a.cpu.total_cmp(&b.cpu));
    medians
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => values[odd / 2],
        even => f64::midpoint(values[even / 2 - 1], values[even / 2]),
    }
}

fn push(text: &mut String, regime: &str, row: &str, of: &Median, all: &[Median]) {
    let floor = all.iter().find(|other| other.client == Client::Floor);
    let best = |figure: fn(&Median) -> f64| {
        let peers = all.iter().filter(|other| other.client.is_peer());
        peers.map(figure).min_by(f64::total_cmp)
    };
    let _ = writeln!(
        text,
        "| {regime} | {row} | {} | {} | {:.3} | {:.3} | {} | {} | {} | {} | {} | {:.2} |",
        of.client,
        of.times,
        of.wall,
        of.cpu,
        of.peak_kib >> 10,
        ratio(of.wall, floor.map(|floor| floor.wall)),
        ratio(of.cpu, floor.map(|floor| floor.cpu)),
        ratio(of.wall, best(|peer| peer.wall)),
        ratio(of.cpu, best(|peer| peer.cpu)),
        of.server_cpu,
    );
}

fn ratio(figure: f64, to: Option<f64>) -> String {
    to.map_or_else(|| "-".to_owned(), |to| format!("{:.2}", figure / to))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(client: Client, cpu: f64, peak_kib: u64) -> Run {
        Run {
            client,
            row: "W1m".to_owned(),
            regime: "i",
            cost: Ok(Cost {
                wall: cpu * 2.0,
                cpu,
                peak_kib,
                ..Cost::default()
            }),
            server_cpu: 0.1,
        }
    }

    #[test]
    fn medians_are_compared_with_the_floor() {
        let mut runs = vec![
            run(Client::Ours, 0.5, 4096),
            run(Client::Floor, 0.2, 2048),
            run(Client::Ours, 0.3, 8192),
            run(Client::Ours, 9.0, 1024),
        ];
        runs.push(Run {
            cost: Err("gone".to_owned()),
            ..run(Client::Floor, 0.0, 0)
        });
        let text = table(&runs);
        let rows: Vec<_> = text.lines().skip(2).collect();
        assert_eq!(
            rows,
            [
                "| i | W1m | floor | 1 | 0.400 | 0.200 | 2 | 1.00 | 1.00 | - | - | 0.10 |",
                "| i | W1m | ours | 3 | 1.000 | 0.500 | 8 | 2.50 | 2.50 | - | - | 0.10 |",
            ]
        );
        assert!(line(&runs[4]).ends_with("FAILED: gone"));
    }

    #[test]
    fn the_median_of_an_even_number_is_the_mean_of_the_middle_two() {
        assert!((median([4.0, 1.0, 2.0, 3.0].into_iter()) - 2.5).abs() < 1e-9);
        assert!(median(std::iter::empty()).is_nan());
    }
}
