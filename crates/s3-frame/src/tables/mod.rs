//! [DataFusion](https://docs.rs/datafusion) integration: tables of CSV and Parquet objects and listings; object stores.
//!
//! [`S3Tables`] creates tables of CSV and Parquet objects and of listings. The parts are listed once, when the table is
//! created, and read in the listed versions: a query fails if an object was replaced meanwhile.
//!
//! [`S3Registry`] gives DataFusion an object store for every bucket, for its own tables, `CREATE EXTERNAL TABLE` and
//! `COPY`. Those list once per session, and pin versions in a [pinned session](S3Tables::pinned_session) only. Keys
//! that are not object_store paths are skipped, or an error ([`S3Tables::with_unlistable_keys`]).
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use s3_client::S3;
//! use s3_frame::{Frames, Split, tables::{S3Tables, rows}};
//! use std::num::NonZeroU64;
//!
//! let s3 = S3::in_memory()?;
//! s3.create_bucket("b").await?;
//! s3.put("s3://b/in/0.part", "city,price\nBonn,3\nOslo,4\n").await?;
//! s3.put("s3://b/in/1.part", "city,price\nBonn,5\n").await?;
//!
//! let (frames, tables) = (Frames::new(&s3), S3Tables::new(&s3)?);
//! let session = tables.session()?;
//! session.register_table("sales", tables.csv(frames.read_csv(["s3://b/in/*"])).await?)?;
//! let sums = session.sql("SELECT city, SUM(price) AS price FROM sales GROUP BY city ORDER BY city").await?;
//! let (schema, rows) = rows(sums).await?;
//! let written = frames.write_csv("s3://b/out").send_split(schema, rows, Split::Rows(NonZeroU64::MIN)).await?;
//! assert_eq!(written.parts.len(), 2);
//! assert_eq!(s3.get("s3://b/out/000000.part").await?.text()?, "city,price\nBonn,8\n");
//! # Ok(()) }
//! ```

mod csv;
mod listing;
mod on_pool;
mod parquet;
mod partition;
mod registry;
mod rows;
mod s3_tables;

pub use registry::S3Registry;
pub use rows::rows;
pub use s3_object_store::UnlistableKeys;
pub use s3_tables::S3Tables;
