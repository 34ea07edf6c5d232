//! Runs a case: prepares the inputs, starts the scripted server, and makes each call in a child process.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use s3_testkit::ConnectProxy;
use serde_json::{Map, Value, json};

use super::description::Case;
use super::server::{Action, Rule, Server, response};
use super::{tls, verdict};

/// Time limit of a call, after which its process is killed.
const PATIENCE: Duration = Duration::from_secs(60);

/// Result of one call.
#[derive(Debug)]
pub(super) struct Ended {
    /// The output of [`perform`](super::perform); `None` if the process was killed.
    pub(super) outcome: Option<Value>,
    pub(super) took: Duration,
    /// The current duration of a call without delays on this machine; zero if the case finished within its limits.
    pub(super) plain: Duration,
    /// Its standard error.
    pub(super) noise: String,
    /// The requests that the proxy has received.
    pub(super) proxied: Vec<String>,
}

/// Runs all calls of a case with `program`, which makes one call and prints its result.
///
/// # Errors
///
/// The first finding, or why the case could not be set up.
pub fn run(case: &Case, program: &Path) -> Result<(), String> {
    for call in case.calls() {
        let (seen, ended, expect) =
            one(case, &call, program).map_err(|error| format!("could not be set up: {error}"))?;
        let words = call.join(" ");
        verdict::judge(&expect, &seen, &ended).map_err(|finding| format!("{words}: {finding}"))?;
    }
    Ok(())
}

/// Values of the placeholders for the server and the folder in the inputs of a case.
struct Places {
    plain: SocketAddr,
    tls: Option<SocketAddr>,
    proxy: Option<String>,
    folder: String,
}

impl Places {
    fn fill(&self, text: &str) -> String {
        let port = self.tls.unwrap_or(self.plain).port();
        let mut text = text
            .replace("{server_as_https}", &format!("https://{}", self.plain))
            .replace("{server}", &format!("http://{}", self.plain))
            .replace("{tls}", &format!("https://localhost:{port}"))
            .replace("{proxy}", self.proxy.as_deref().unwrap_or_default())
            .replace("{folder}", &self.folder)
            .replace("/path/", &format!("{}/", self.folder))
            .replace("127.0.0.1:9000", &self.plain.to_string());
        for end in ["/", "\n", "\"", " ", ""] {
            let placeholder = format!(":P{end}");
            if end.is_empty() {
                if let Some(rest) = text.strip_suffix(":P") {
                    text = format!("{rest}:{port}");
                }
            } else {
                text = text.replace(&placeholder, &format!(":{port}{end}"));
            }
        }
        text
    }

    fn fill_value(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.fill(text)),
            Value::Object(all) => {
                let filled = all
                    .iter()
                    .map(|(name, value)| (name.clone(), self.fill_value(value)));
                filled.collect::<Map<String, Value>>().into()
            }
            Value::Array(all) => all.iter().map(|value| self.fill_value(value)).collect(),
            other => other.clone(),
        }
    }
}

fn one(
    case: &Case,
    call: &[String],
    program: &Path,
) -> io::Result<(Vec<super::server::Seen>, Ended, Map<String, Value>)> {
    let folder = tempfile::tempdir()?;
    let inputs = folder.path();
    let secret = case.json.get("secret").and_then(Value::as_str);
    let rules = rules(case, inputs)?;
    let server = Server::start(rules, secret.map(str::to_owned))?;
    let tls = match case.is_tls() {
        true => Some(tls::start(server.address, &inputs.join("ca.pem"))?),
        false => None,
    };
    let proxy = match case.json.get("proxy") == Some(&Value::Bool(true)) {
        true => Some(ConnectProxy::start(tls.unwrap_or(server.address))?),
        false => None,
    };
    let places = Places {
        proxy: proxy.as_ref().map(ConnectProxy::url),
        plain: server.address,
        tls,
        folder: inputs.display().to_string(),
    };
    copy_inputs(&case.folder, inputs, &places)?;
    prepare(case, inputs)?;

    let client: Map<String, Value> = case
        .object("client")
        .iter()
        .map(|(name, value)| (name.clone(), places.fill_value(value)))
        .collect();
    let call: Vec<String> = call.iter().map(|word| places.fill(word)).collect();
    let cwd = client.get("cwd").and_then(Value::as_str);
    let cwd = cwd.map_or_else(|| inputs.to_owned(), PathBuf::from);
    let mut command = process(program, &call, &client.into(), inputs);
    command.current_dir(cwd);
    for (name, file) in [
        ("AWS_CONFIG_FILE", "config"),
        ("AWS_SHARED_CREDENTIALS_FILE", "credentials"),
    ] {
        if inputs.join(file).exists() {
            command.env(name, inputs.join(file));
        }
    }
    for (name, value) in case.object("environment") {
        command.env(name, places.fill(&super::description::text_of(&value)));
    }
    let begun = Instant::now();
    let mut ended = wait(command.spawn()?, begun)?;
    ended.proxied = proxy.map(|proxy| proxy.requests()).unwrap_or_default();
    let expect = places.fill_value(&case.object("expect").into());
    let expect = expect.as_object().cloned().unwrap_or_default();
    let seen = server.seen();
    if verdict::is_late(&expect, &ended) {
        ended.plain = plain_call(program)?;
    }
    Ok((seen, ended, expect))
}

/// Measures calls without delays and returns the longest: on a busy machine a process may take seconds to start.
fn plain_call(program: &Path) -> io::Result<Duration> {
    let mut longest = Duration::ZERO;
    for _ in 0..3 {
        let server = Server::start(Vec::new(), None)?;
        let endpoint = format!("http://{}", server.address);
        let client = json!({ "endpoint": endpoint, "access_key": "a", "secret_key": "s" });
        let folder = tempfile::tempdir()?;
        let call = ["get", "s3://b/k"].map(str::to_owned);
        let mut command = process(program, &call, &client, folder.path());
        let begun = Instant::now();
        longest = longest.max(wait(command.spawn()?, begun)?.took);
    }
    Ok(longest)
}

/// Returns a process that makes a call, with only the environment variables that it needs.
fn process(program: &Path, call: &[String], client: &Value, home: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .args([
            "perform",
            &json!({ "call": call, "client": client }).to_string(),
        ])
        .env_clear()
        .env("HOME", home)
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn wait(mut child: Child, begun: Instant) -> io::Result<Ended> {
    let mut ended_by_itself = true;
    while child.try_wait()?.is_none() {
        if begun.elapsed() > PATIENCE {
            child.kill()?;
            ended_by_itself = false;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let took = begun.elapsed();
    let output = child.wait_with_output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let outcome = text
        .lines()
        .last()
        .and_then(|line| serde_json::from_str(line).ok());
    Ok(Ended {
        outcome: outcome.filter(|_| ended_by_itself),
        took,
        plain: Duration::ZERO,
        noise: String::from_utf8_lossy(&output.stderr).into_owned(),
        proxied: Vec::new(),
    })
}

fn copy_inputs(from: &Path, to: &Path, places: &Places) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        if !entry.file_type()?.is_file() {
            continue;
        }
        let bytes = fs::read(entry.path())?;
        let filled = match String::from_utf8(bytes) {
            Ok(text) => places.fill(&text).into_bytes(),
            Err(error) => error.into_bytes(),
        };
        fs::write(to.join(entry.file_name()), filled)?;
    }
    Ok(())
}

/// Creates the inputs that cannot be files of the folder: pipes and large files.
fn prepare(case: &Case, inputs: &Path) -> io::Result<()> {
    for item in case.list("prepare") {
        if let Some(name) = item["fifo"].as_str() {
            let made = Command::new("mkfifo").arg(inputs.join(name)).status()?;
            if !made.success() {
                return Err(io::Error::other("mkfifo failed"));
            }
        }
        if let (Some(name), Some(text)) = (item["file"].as_str(), item["text"].as_str()) {
            let path = inputs.join(name);
            fs::create_dir_all(path.parent().unwrap_or(inputs))?;
            fs::write(path, text)?;
        }
        if let (Some(name), Some(from)) = (item["file"].as_str(), item["copy"].as_str()) {
            let path = inputs.join(name);
            fs::create_dir_all(path.parent().unwrap_or(inputs))?;
            fs::copy(inputs.join(from), path)?;
        }
        if let (Some(name), Some(size)) = (item["file"].as_str(), item["size"].as_u64()) {
            fs::File::create(inputs.join(name))?.set_len(size)?;
        }
    }
    Ok(())
}

/// Formats headers for sending; an object maps names to values.
fn headers(value: &Value) -> String {
    match value {
        Value::Object(all) => all
            .iter()
            .map(|(name, value)| format!("{name}: {}\r\n", super::description::text_of(value)))
            .collect(),
        Value::String(text) if !text.is_empty() && !text.ends_with('\n') => format!("{text}\r\n"),
        Value::String(text) => text.clone(),
        _ => String::new(),
    }
}

fn rules(case: &Case, inputs: &Path) -> io::Result<Vec<Rule>> {
    let rule = |item: Value| {
        let text = |name: &str| item[name].as_str();
        let response = match (text("file"), &item["status"]) {
            (Some(file), _) => fs::read(case.folder.join(file))
                .map_err(|error| io::Error::other(format!("{file}: {error}")))?,
            (None, Value::Null) => {
                return Err(io::Error::other("a response has neither file nor status"));
            }
            (None, status) => response(
                &super::description::text_of(status),
                &headers(&item["headers"]),
                text("body").unwrap_or_default(),
            ),
        };
        let action = text("truncate").map(|name| Action {
            truncate: inputs.join(name),
            to: item["to"].as_u64().unwrap_or_default(),
        });
        Ok(Rule {
            request: text("request").unwrap_or_default().to_owned(),
            contains: text("contains").unwrap_or_default().to_owned(),
            response,
            action,
            times: item["times"]
                .as_u64()
                .and_then(|times| usize::try_from(times).ok()),
        })
    };
    case.list("responses").into_iter().map(rule).collect()
}
