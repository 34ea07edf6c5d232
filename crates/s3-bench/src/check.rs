//! Checks after a run that a workload has transferred all of its objects and bytes.

use std::fs;

use crate::contract::{Contract, RANGE};
use crate::failure::Outcome;
use crate::tally::Tally;
use crate::workload::Workload;

/// Compares a tally with the expected numbers of objects and bytes, and the written files with their sizes.
pub(crate) fn arrived(workload: Workload, contract: &Contract, tally: Tally) -> Outcome {
    let wanted = expected(workload, contract);
    // The caller counts listings; the floor does not count the sizes in HEAD responses.
    let is_short = tally.items != wanted.items || (tally.bytes > 0 && tally != wanted);
    if workload != Workload::List && is_short {
        return Err(format!("{}: {tally:?} instead of {wanted:?}", workload.name()).into());
    }
    if !workload.writes_files() {
        return Ok(());
    }
    let mut found = Tally::default();
    for entry in fs::read_dir(&contract.destination)? {
        let about = entry?.metadata()?;
        if about.is_file() {
            found += Tally::one(about.len());
        }
    }
    if found != wanted {
        return Err(format!(
            "{}: {found:?} in files instead of {wanted:?}",
            workload.name()
        )
        .into());
    }
    Ok(())
}

fn expected(workload: Workload, contract: &Contract) -> Tally {
    let each = |bytes| Tally {
        items: contract.count,
        bytes: contract.count * bytes,
    };
    match workload {
        Workload::One => Tally::one(4096),
        Workload::BigToFile | Workload::BigToMemory | Workload::PutBig => {
            Tally::one(contract.big_bytes)
        }
        Workload::Ranges => each(RANGE),
        Workload::List => Tally::default(),
        _ if workload.is_mid() => each(1 << 20),
        _ => each(4096),
    }
}
