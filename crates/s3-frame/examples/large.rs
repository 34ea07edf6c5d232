//! CSV that is larger than memory: counted, filtered, and the remaining rows rewritten in parts, as CSV and as Parquet.
//! After each step the peak memory of the process is printed; more than `--most-mib` is a failure.
//!
//! By default the rows of all parts have 90 MiB in memory, and a process that keeps them fails: the steps take some 130 MiB,
//! and 160 are allowed.
//!
//! Of the rewritten set it is also printed for how long readers have found it unfinished: from before the first completion
//! of a part until after the last.
//!
//! A process of its own serves the parts from memory. All have the same content, which is there once.
//!
//! ```text
//! cargo run --release -p s3-frame --features datafusion --example large -- --parts 320 --part-mib 64 --most-mib 512
//! ```

#![expect(clippy::print_stdout, reason = "it prints a line for each step")]
#![expect(clippy::print_stderr, reason = "it prints why it failed")]

use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Write as _};
use std::num::NonZeroU64;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs};

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use bytes::Bytes;
use clap::Parser;
use datafusion::prelude::{SessionConfig, SessionContext};
use s3_client::{ErrorKind, S3};
use s3_core::{CopyRequest, MemoryStore, S3Url, Store, StoreExt};
use s3_frame::tables::{S3Tables, rows};
use s3_frame::{Frames, Split};
use s3_testkit::S3Server;

type Result<T = (), E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;

#[derive(Debug, Parser)]
struct Arguments {
    /// Number of parts
    #[arg(long, default_value_t = 24)]
    parts: u64,
    /// Size of each part, in MiB
    #[arg(long, default_value_t = 2)]
    part_mib: usize,
    /// The most memory of the process that reads and writes, in MiB
    #[arg(long, default_value_t = 160)]
    most_mib: u64,
    /// How many parts a query reads at once
    #[arg(long, default_value_t = 2)]
    partitions: usize,
    /// Be the server
    #[arg(long, hide = true)]
    serve: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match arguments.serve {
        true => serve(&arguments).await,
        false => run(&arguments).await,
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("large: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result {
    let server = Server::start(arguments)?;
    let s3 = S3::builder()
        .endpoint(&server.endpoint)
        .region(&server.region)
        .credentials(&server.access_key, &server.secret_key, None)
        .build()?;
    let (frames, tables) = (Frames::new(&s3), S3Tables::new(&s3)?);
    let config = SessionConfig::new().with_target_partitions(arguments.partitions);
    let session = SessionContext::new_with_config_rt(config, tables.session()?.runtime_env());
    let table = tables.csv(frames.read_csv(["s3://data/in/*"])).await?;
    session.register_table("data", table)?;
    let all = Total::of(server.rows_per_part, |_| true) * arguments.parts;
    let some = Total::of(server.rows_per_part, |row| row % GROUPS == 3) * arguments.parts;
    let gib = (arguments.parts * arguments.part_mib as u64) as f64 / 1024.0;
    println!(
        "{gib:.2} GiB in {} parts, {} rows",
        arguments.parts, all.rows
    );

    let check = |step: &str, began, found, expected| {
        check(step, began, found, expected)?;
        check_memory(step, arguments.most_mib)
    };
    let began = Instant::now();
    let counted = total(&session, "SELECT count(*), sum(amount) FROM data").await?;
    check("counted", began, counted, all)?;

    let began = Instant::now();
    let filtered = "SELECT count(*), sum(amount) FROM data WHERE city = 'city 3'";
    check("filtered", began, total(&session, filtered).await?, some)?;

    let bytes = NonZeroU64::new((arguments.part_mib as u64) << 20).ok_or("parts of 0 MiB")?;
    let split = Split::Bytes(bytes);
    let began = Instant::now();
    let (schema, kept) = rows(session.sql(KEPT).await?).await?;
    let write = frames.write_csv("s3://data/out");
    let unfinished = tokio::spawn(unfinished(s3.clone()));
    let manifest = write.send_split(schema, kept, split).await?;
    println!(
        "published: readers found the set unfinished for {:.1} ms",
        unfinished.await??.as_secs_f64() * 1e3
    );
    let written = tables.csv(frames.read_csv(["s3://data/out/*"])).await?;
    session.register_table("written", written)?;
    let written = total(&session, "SELECT count(*), sum(amount) FROM written").await?;
    let step = format!("rewritten in {} parts", manifest.parts.len());
    check(&step, began, written, some)?;

    let began = Instant::now();
    let (schema, kept) = rows(session.sql(KEPT).await?).await?;
    let write = frames.write_parquet("s3://data/parquet");
    let manifest = write.send_split(schema, kept, split).await?;
    let read = frames.read_parquet(["s3://data/parquet/*.parquet"]);
    session.register_table("parquet", tables.parquet(read).await?)?;
    let written = total(&session, "SELECT count(*), sum(amount) FROM parquet").await?;
    let step = format!("rewritten as Parquet in {} parts", manifest.parts.len());
    check(&step, began, written, some)
}

/// The rewritten rows: one of 16.
const KEPT: &str = "SELECT * FROM data WHERE city = 'city 3'";

/// A count of rows and the sum of their amounts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Total {
    rows: u64,
    amount: u64,
}

impl Total {
    /// Returns the total of those rows of a part that are in `filter`.
    fn of(rows: u64, filter: impl Fn(u64) -> bool) -> Self {
        let rows = (0..rows).filter(|row| filter(*row));
        rows.fold(Self::default(), |total, row| Self {
            rows: total.rows + 1,
            amount: total.amount + amount(row),
        })
    }
}

impl std::ops::Mul<u64> for Total {
    type Output = Self;

    fn mul(self, parts: u64) -> Self {
        Self {
            rows: self.rows * parts,
            amount: self.amount * parts,
        }
    }
}

/// Runs a query with a count and a sum.
async fn total(session: &SessionContext, sql: &str) -> Result<Total> {
    let found = session.sql(sql).await?.collect().await?;
    let batch = found.first().ok_or("a count without a row")?;
    let number = |column| batch.column(column).as_primitive::<Int64Type>().value(0);
    Ok(Total {
        rows: number(0).try_into()?,
        amount: number(1).try_into()?,
    })
}

/// Waits until the set is there, and returns for how long its manifest was one that is not complete.
async fn unfinished(s3: S3) -> Result<Duration> {
    let mut began = None;
    let mut looks = tokio::time::interval(Duration::from_millis(1));
    loop {
        match s3.get("s3://data/out.manifest.json").await {
            Ok(manifest) if manifest.text()?.contains("\"complete\": true") => {
                return Ok(began.map_or(Duration::ZERO, |began: Instant| began.elapsed()));
            }
            Ok(_) => {
                began.get_or_insert_with(Instant::now);
            }
            Err(error) => {
                let kind = error.as_request().map(s3_core::Error::kind);
                if kind != Some(ErrorKind::NotFound) {
                    return Err(error.into());
                }
            }
        }
        looks.tick().await;
    }
}

fn check(step: &str, began: Instant, found: Total, expected: Total) -> Result {
    let (peak, seconds) = (peak_mib()?, began.elapsed().as_secs_f64());
    println!(
        "{step}: {} rows in {seconds:.1} s, peak {peak} MiB",
        found.rows
    );
    match found == expected {
        true => Ok(()),
        false => Err(format!("{step}: {found:?} instead of {expected:?}").into()),
    }
}

fn check_memory(step: &str, most: u64) -> Result {
    let peak = peak_mib()?;
    match peak > most {
        true => Err(format!("{step}: {peak} MiB are more than {most}").into()),
        false => Ok(()),
    }
}

fn peak_mib() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let mut lines = status.lines();
    let line = lines.find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix("kB"));
    let kib: u64 = kib
        .ok_or("the kernel does not tell VmHWM")?
        .trim()
        .parse()?;
    Ok(kib >> 10)
}

/// How many cities there are; every row of one number is of the same.
const GROUPS: u64 = 16;

fn amount(row: u64) -> u64 {
    row.wrapping_mul(7919) % 10_000
}

/// Returns CSV of at least this number of bytes, and how many rows it has.
fn csv(bytes: usize) -> Result<(String, u64)> {
    let mut text = String::with_capacity(bytes + 100);
    text.push_str("row,city,amount,price,note\n");
    let mut row = 0;
    while text.len() < bytes {
        let (city, amount) = (row % GROUPS, amount(row));
        let price = amount as f64 / 8.0;
        writeln!(text, "{row},city {city},{amount},{price},\"paid, {row}\"")?;
        row += 1;
    }
    Ok((text, row))
}

/// The server, as a process that ends with its input.
struct Server {
    process: Child,
    endpoint: String,
    access_key: String,
    secret_key: String,
    region: String,
    rows_per_part: u64,
}

impl Server {
    fn start(arguments: &Arguments) -> Result<Self> {
        let mut process = Command::new(env::current_exe()?)
            .args(["--serve", "--parts", &arguments.parts.to_string()])
            .args(["--part-mib", &arguments.part_mib.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let out = process.stdout.take().ok_or("the server has no output")?;
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line)?;
        let words: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
        let words: Result<[String; 5], _> = words.try_into();
        let Ok([endpoint, access_key, secret_key, region, rows]) = words else {
            return Err(format!("the server did not start: {}", process.wait()?).into());
        };
        Ok(Self {
            process,
            endpoint,
            access_key,
            secret_key,
            region,
            rows_per_part: rows.parse()?,
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Fails if it has ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

async fn serve(arguments: &Arguments) -> Result {
    let store = MemoryStore::with_buckets(["data"]);
    let url = |part| S3Url::from_parts("data", &format!("in/{part:06}.csv"));
    let (text, rows) = csv(arguments.part_mib << 20)?;
    store.put_bytes(url(0)?, Bytes::from(text)).await?;
    for part in 1..arguments.parts {
        store.copy(CopyRequest::new(url(0)?, url(part)?)).await?;
    }
    let server = S3Server::start(store).await?;
    let (endpoint, region) = (server.endpoint(), server.region());
    let (access_key, secret_key) = (server.access_key(), server.secret_key());
    println!("{endpoint} {access_key} {secret_key} {region} {rows}");
    io::stdout().flush()?;
    tokio::task::spawn_blocking(|| io::copy(&mut io::stdin(), &mut io::sink())).await??;
    Ok(())
}
