//! Runs a workload with object_store, OpenDAL or the AWS SDK.

use tokio::runtime::Builder;
use tokio_rustls::rustls::crypto::ring;

use super::{object_store, opendal, sdk};
use crate::cli::Client;
use crate::contract::Contract;
use crate::failure::Outcome;
use crate::tally::Tally;
use crate::workload::Workload;

/// Runs a workload on tokio's default runtime.
pub(crate) fn run(peer: Client, workload: Workload, contract: &Contract) -> Outcome<Tally> {
    // Two of the clients need a default rustls crypto provider, even for plain HTTP.
    if ring::default_provider().install_default().is_err() {
        return Err("a rustls crypto provider is already installed".into());
    }
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match peer {
            Client::ObjectStore => object_store::run(workload, contract).await,
            Client::Opendal => opendal::run(workload, contract).await,
            Client::Sdk => sdk::run(workload, contract).await,
            ours => Err(format!("{ours} is not object_store, OpenDAL or the AWS SDK").into()),
        }
    })
}
