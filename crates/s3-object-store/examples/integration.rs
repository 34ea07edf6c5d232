//! object_store's own integration functions against any server, one after the other in one bucket that is emptied before
//! each.
//!
//! ```text
//! cargo run -p s3-object-store --example integration -- --endpoint http://127.0.0.1:9000
//! ```

#![expect(clippy::print_stdout, reason = "it prints a line for each function")]

use std::future::Future;
use std::process::ExitCode;

use clap::Parser;
use futures_util::TryStreamExt;
use object_store_0_14::integration;
use s3_core::{BucketRequest, ErrorKind, S3Prefix, SdkStore, Store};
use s3_object_store::v0_14::S3ObjectStore;
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
    /// Do not count the failure of this function, which the server cannot pass; repeatable
    #[arg(long, value_name = "FUNCTION")]
    allow: Vec<String>,
}

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
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
    let mut passed = Vec::new();
    macro_rules! functions {
        ($($name:ident($($argument:expr),*);)*) => {$(
            let outcome = run.function(stringify!($name), |store| async move {
                let _ = integration::$name(&store $(, $argument(&store))*).await;
            });
            passed.push(outcome.await?);
        )*};
    }
    functions! {
        copy_if_not_exists();
        copy_rename_nonexistent_object();
        get_nonexistent_object(|_| None);
        get_opts();
        list_paginated(same);
        list_uses_directories_correctly();
        list_with_delimiter();
        list_with_offset_exclusivity();
        multipart(same);
        multipart_out_of_order();
        multipart_race_condition(|_| true);
        put_get_attributes();
        put_get_delete_list();
        put_opts(|_| true);
        rename_and_copy();
        stream_get();
        multipart_put_part_out_of_order(same);
        multipart_with_opts(same);
    }
    let count = passed.iter().filter(|passed| **passed).count();
    println!(
        "{count} of {} functions passed or were allowed to fail",
        passed.len()
    );
    Ok(ExitCode::from(u8::from(count < passed.len())))
}

/// Returns the store, for functions that take it twice, once per trait.
fn same(store: &S3ObjectStore) -> &S3ObjectStore {
    store
}

struct Run {
    transfer: Transfer,
    allowed: Vec<String>,
}

impl Run {
    /// Runs one function in an empty bucket, and prints how it ended.
    async fn function<F>(
        &self,
        name: &str,
        function: impl FnOnce(S3ObjectStore) -> F,
    ) -> Result<bool, Box<dyn std::error::Error>>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.empty().await?;
        let store = S3ObjectStore::builder(self.transfer.clone(), BUCKET).build()?;
        let passed = tokio::spawn(function(store)).await.is_ok();
        let is_allowed = self.allowed.iter().any(|allowed| allowed == name);
        let outcome = match (passed, is_allowed) {
            (true, false) => "passed",
            (true, true) => "PASSED, although it is allowed to fail",
            (false, true) => "failed, as allowed",
            (false, false) => "FAILED",
        };
        println!("{name}: {outcome}");
        Ok(passed != is_allowed)
    }

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
