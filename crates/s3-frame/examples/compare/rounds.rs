//! All rows, client after client, in an order that alternates.

use clap::ValueEnum;

use crate::client::Client;
use crate::measurement::Measurement;
use crate::origin::Origin;
use crate::row::{Regime, Row};
use crate::table::Table;
use crate::{Arguments, Result, data};

/// Measures all rows and prints the table. Fails if results differ, or if a goal is missed unless it is quick.
pub(crate) fn run(arguments: &Arguments) -> Result {
    let rows = match arguments.rows.as_slice() {
        [] => Row::value_variants(),
        rows => rows,
    };
    let mut table = Table::default();
    for regime in [Regime::I, Regime::Ii] {
        let rows: Vec<Row> = rows
            .iter()
            .copied()
            .filter(|row| row.regime() == regime)
            .collect();
        if !rows.is_empty() {
            of_regime(regime, &rows, arguments, &mut table)?;
        }
    }
    print!("\n{table}");
    match table.missed() {
        missed if missed.is_empty() || arguments.quick => Ok(()),
        missed => Err(format!("missed goals: {}", missed.join(", ")).into()),
    }
}

fn of_regime(regime: Regime, rows: &[Row], arguments: &Arguments, table: &mut Table) -> Result {
    let origin = Origin::start(&arguments.origin, regime, arguments.server_core)?;
    let count = |row: Row| match arguments.quick {
        true => row.count().div_ceil(10),
        false => row.count(),
    };
    let runtime = tokio::runtime::Runtime::new()?;
    for row in rows.iter().copied().filter(|row| row.is_query()) {
        runtime.block_on(data::write(row, origin.endpoint(), count(row)))?;
    }
    drop(runtime);
    for time in 0..if arguments.quick { 1 } else { arguments.times } {
        for row in rows.iter().copied() {
            let mut clients = clients(row);
            if time % 2 == 1 {
                clients.reverse();
            }
            for client in clients {
                let measurement = Measurement {
                    client,
                    row,
                    endpoint: origin.endpoint().to_owned(),
                    count: count(row),
                    partitions: arguments.partitions,
                };
                let (cost, result) = measurement.run_in_child(arguments.client_core)?;
                println!(
                    "{row} {client}: wall {:.3} s, CPU {:.3} s, peak {} MiB",
                    cost.wall.as_secs_f64(),
                    cost.cpu.as_secs_f64(),
                    cost.peak_mib
                );
                table.add(&measurement, cost, result)?;
            }
        }
    }
    Ok(())
}

fn clients(row: Row) -> Vec<Client> {
    let all = Client::value_variants().iter().copied();
    all.filter(|client| row.is_query() || *client != Client::OursStore)
        .collect()
}
