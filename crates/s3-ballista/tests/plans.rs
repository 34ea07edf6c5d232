//! What the processes of a cluster send each other.

use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema};
use ballista_scheduler::config::SchedulerConfig;
use datafusion::prelude::{CsvReadOptions, SessionConfig, SessionContext};
use datafusion_proto::bytes::{logical_plan_to_bytes, physical_plan_to_bytes};
use s3_ballista::S3Registry;
use s3_client::{MemoryStore, S3};
use s3_testkit::S3Server;

const ACCESS_KEY: &str = "access-key-of-this-test";
const SECRET_KEY: &str = "secret-key-of-this-test";

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Registers the objects of the test, and returns a query over them.
async fn query(session: &SessionContext) -> Result<datafusion::prelude::DataFrame> {
    let schema = Schema::new(vec![Field::new("n", DataType::Int64, true)]);
    let options = CsvReadOptions::new().schema(&schema);
    session.register_csv("t", "s3://demo/in/", options).await?;
    Ok(session.sql("SELECT n, count(*) FROM t GROUP BY n").await?)
}

/// Fails unless the bytes name the objects and no credentials.
fn assert_no_credentials(what: &str, bytes: &[u8]) {
    let contains = |text: &str| {
        bytes
            .windows(text.len())
            .any(|part| part == text.as_bytes())
    };
    assert!(contains("demo"), "{what} does not name the objects");
    for secret in [ACCESS_KEY, SECRET_KEY] {
        assert!(!contains(secret), "{what} contains {secret}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn plans_and_settings_hold_no_credentials() -> Result {
    let server = S3Server::builder(MemoryStore::with_buckets(["demo"]));
    let server = server.credentials(ACCESS_KEY, SECRET_KEY).start().await?;
    let s3 = S3::builder()
        .endpoint(server.endpoint())
        .region(server.region())
        .credentials(ACCESS_KEY, SECRET_KEY, None)
        .build()?;
    s3.put("s3://demo/in/1.csv", "n\n1\n").await?;
    let registry = Arc::new(S3Registry::new(s3.transfer().clone())?);

    // The client sends a logical plan and its settings. No scheduler listens: nothing is sent here.
    let client = s3_ballista::session("df://127.0.0.1:1", Arc::clone(&registry)).await?;
    let plan = query(&client).await?.into_optimized_plan()?;
    assert_no_credentials("the logical plan", &logical_plan_to_bytes(&plan)?);
    let settings = format!("demo {:?}", client.copied_config().options().entries());
    assert_no_credentials("the settings of the client", settings.as_bytes());

    // The scheduler sends the physical plan.
    let config = s3_ballista::scheduler(SchedulerConfig::default(), registry);
    let session = config.override_session_builder.ok_or("no session")?;
    let scheduler = SessionContext::new_with_state(session(SessionConfig::new())?);
    let plan = query(&scheduler).await?.create_physical_plan().await?;
    assert_no_credentials("the physical plan", &physical_plan_to_bytes(plan)?);
    Ok(())
}
