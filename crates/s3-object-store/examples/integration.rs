//! object_store's own integration functions against any server, one after the other in one bucket that is emptied before
//! each.
//!
//! ```text
//! cargo run -p s3-object-store --all-features --example integration -- --endpoint http://127.0.0.1:9000
//! ```

#![expect(clippy::print_stdout, reason = "it prints a line for each function")]

use std::error::Error;
use std::future::Future;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use futures_util::TryStreamExt;
use s3_core::{BucketRequest, ErrorKind, S3Prefix, SdkStore, Store};
use s3_transfer::{CallOptions, ListOptions, Transfer, TransferConfig};

const BUCKET: &str = "object-store";

#[derive(Debug, Parser)]
struct Arguments {
    /// URL of the server
    #[arg(long)]
    endpoint: String,
    #[arg(long, default_value = "test")]
    access_key: String,
    #[arg(long, default_value = "test")]
    secret_key: String,
    /// Run the functions of one version of object_store only
    #[arg(long)]
    version: Option<Version>,
    /// Do not count the failure of this function, which the server cannot pass; repeatable
    #[arg(long, value_name = "FUNCTION")]
    allow: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Version {
    #[value(name = "0.13")]
    V0_13,
    #[value(name = "0.14")]
    V0_14,
}

/// Runs functions of the version that the caller has in scope, and returns which passed.
macro_rules! functions {
    (call $name:ident $store:ident store) => { integration::$name(&$store).await };
    (call $name:ident $store:ident store, store) => { integration::$name(&$store, &$store).await };
    (call $name:ident $store:ident store, true) => { integration::$name(&$store, true).await };
    (call $name:ident $store:ident store, None) => {{
        let read = integration::$name(&$store, None).await;
        assert!(matches!(read, Err(object_store::Error::NotFound { .. })), "{read:?}");
    }};
    ($run:ident: $($name:ident($($argument:tt)*);)*) => {{
        let mut passed = Vec::new();
        $({
            $run.empty().await?;
            let store = S3ObjectStore::builder($run.transfer.clone(), BUCKET).build()?;
            let function = async move { functions!(call $name store $($argument)*) };
            passed.push($run.function(stringify!($name), function).await);
        })*
        passed
    }};
}

/// The functions of all versions; `more` are those that only this version has.
macro_rules! all_functions {
    ($run:ident $($more:tt)*) => {
        functions! { $run:
            copy_if_not_exists(store);
            copy_rename_nonexistent_object(store);
            get_nonexistent_object(store, None);
            get_opts(store);
            list_paginated(store, store);
            list_uses_directories_correctly(store);
            list_with_delimiter(store);
            list_with_offset_exclusivity(store);
            multipart(store, store);
            multipart_out_of_order(store);
            multipart_race_condition(store, true);
            put_get_attributes(store);
            put_get_delete_list(store);
            put_opts(store, true);
            rename_and_copy(store);
            stream_get(store);
            $($more)*
        }
    };
}

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments = Arguments::parse();
    let store = SdkStore::builder()
        .endpoint(&arguments.endpoint)
        .credentials(&arguments.access_key, &arguments.secret_key, None)
        .build();
    match store.create_bucket(BucketRequest::new(BUCKET)).await {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error.into()),
        _ => {}
    }
    let run = Run {
        transfer: Transfer::new(store, TransferConfig::default()),
        allowed: arguments.allow,
    };
    let mut is_complete = true;
    for version in [Version::V0_13, Version::V0_14] {
        if arguments.version.is_some_and(|only| only != version) {
            continue;
        }
        println!("{version:?}");
        let passed = match version {
            Version::V0_13 => v0_13(&run).await?,
            Version::V0_14 => v0_14(&run).await?,
        };
        let count = passed.iter().filter(|passed| **passed).count();
        println!(
            "{count} of {} functions passed or were allowed to fail",
            passed.len()
        );
        is_complete &= count == passed.len();
    }
    Ok(ExitCode::from(u8::from(!is_complete)))
}

async fn v0_13(run: &Run) -> Result<Vec<bool>, Box<dyn Error>> {
    use object_store_0_13::{self as object_store, integration};
    use s3_object_store::v0_13::S3ObjectStore;
    Ok(all_functions! { run })
}

async fn v0_14(run: &Run) -> Result<Vec<bool>, Box<dyn Error>> {
    use object_store_0_14::{self as object_store, integration};
    use s3_object_store::v0_14::S3ObjectStore;
    Ok(all_functions! { run
        multipart_put_part_out_of_order(store, store);
        multipart_with_opts(store, store);
    })
}

struct Run {
    transfer: Transfer,
    allowed: Vec<String>,
}

impl Run {
    /// Runs one function, prints how it ended, and returns whether it ended as expected.
    async fn function(
        &self,
        name: &str,
        function: impl Future<Output = ()> + Send + 'static,
    ) -> bool {
        let passed = tokio::spawn(function).await.is_ok();
        let is_allowed = self.allowed.iter().any(|allowed| allowed == name);
        let outcome = match (passed, is_allowed) {
            (true, false) => "passed",
            (true, true) => "PASSED, although it is allowed to fail",
            (false, true) => "failed, as allowed",
            (false, false) => "FAILED",
        };
        println!("{name}: {outcome}");
        passed != is_allowed
    }

    /// Deletes all objects of the bucket.
    async fn empty(&self) -> s3_core::Result<()> {
        let options = CallOptions::default();
        let prefix = S3Prefix::from_parts(BUCKET, "").expect("a bucket is a prefix");
        let pages = self.transfer.list(prefix, ListOptions::default(), &options);
        let pages: Vec<_> = pages.try_collect().await?;
        let objects = pages.into_iter().flat_map(|page| page.objects);
        let urls = objects.map(|object| object.url).collect();
        for deleted in self.transfer.delete_many(urls, &options).await {
            deleted?;
        }
        Ok(())
    }
}
