//! Derives a case from `CASE.md` and the raw files next to it, for folders without a `case.json`.
//!
//! `CASE.md` names a kind by a letter, a call in backticks after `Call:`, and the right outcome after `Right outcome:`.
//! Prose in other forms is not interpreted: the folder then fails with a reason.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::description::NotACase;

/// The prose, and the files that it refers to.
struct Folder<'a> {
    path: &'a Path,
    kind: char,
    call: String,
    right: String,
    environment: Vec<(String, String)>,
    /// Text of configuration files and variables, to search for words.
    inputs: String,
}

pub(super) fn from_prose(path: &Path) -> Result<Map<String, Value>, NotACase> {
    let not = |reason: String| NotACase(format!("no case.json, and {reason}"));
    let prose = fs::read_to_string(path.join("CASE.md"))
        .map_err(|error| not(format!("CASE.md cannot be read: {error}")))?;
    let between = |from: &str, to: &str| {
        let rest = prose.split_once(from)?.1;
        Some(
            rest.split_once(to)
                .map_or(rest, |(text, _)| text)
                .trim()
                .to_owned(),
        )
    };
    let missing = |what: &str| not(format!("CASE.md has no `{what}`"));
    let kind = between("Kind: ", " ").ok_or_else(|| missing("Kind:"))?;
    let read = |name: &str| {
        let bytes = fs::read(path.join(name)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let folder = Folder {
        path,
        kind: kind.chars().next().unwrap_or('?'),
        call: between("Call: ", "Right outcome:").ok_or_else(|| missing("Call:"))?,
        right: between("Right outcome:", "Seen:").ok_or_else(|| missing("Right outcome:"))?,
        environment: variables(&read("env.txt")),
        inputs: read("env.txt") + &read("config") + &read("credentials"),
    };
    let calls = folder.calls();
    if calls.is_empty() {
        return Err(not("`Call:` names no call that the runner knows".to_owned()));
    }
    let mut case = Map::new();
    let tls = folder.call.contains("https://localhost:P");
    case.insert("tls".to_owned(), tls.into());
    if folder.call.contains("checks signatures") {
        let secret = folder.variable("AWS_SECRET_ACCESS_KEY");
        case.insert(
            "secret".to_owned(),
            secret.unwrap_or_default().trim().into(),
        );
    }
    case.insert("client".to_owned(), folder.client(tls).into());
    case.insert("environment".to_owned(), folder.all_variables().into());
    case.insert("prepare".to_owned(), folder.prepare());
    case.insert("responses".to_owned(), folder.responses().into());
    case.insert("expect".to_owned(), folder.expect(&calls).map_err(not)?);
    case.insert("calls".to_owned(), json!(calls));
    Ok(case)
}

/// Parses `NAME=value` lines, in which escapes such as `\n` are expanded.
fn variables(text: &str) -> Vec<(String, String)> {
    let pair = |line: &str| {
        let line = line.split("   (").next()?;
        let (name, value) = line.split_once('=')?;
        let value = value
            .replace("\\n", "\n")
            .replace("\\r", "\r")
            .replace("\\t", "\t");
        Some((name.trim().to_owned(), value))
    };
    text.lines().filter_map(pair).collect()
}

impl Folder<'_> {
    fn has(&self, file: &str) -> bool {
        self.path.join(file).exists()
    }

    fn variable(&self, name: &str) -> Option<&str> {
        let found = self.environment.iter().find(|(own, _)| own == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Returns the texts in backticks.
    fn quoted(text: &str) -> impl Iterator<Item = &str> {
        text.split('`').skip(1).step_by(2)
    }

    fn calls(&self) -> Vec<Vec<String>> {
        let mut calls: Vec<Vec<String>> = Vec::new();
        for code in Self::quoted(&self.call) {
            let end = code.find([' ', '(', '[']).unwrap_or(code.len());
            let url = code.find("s3://").map(|at| &code[at..]);
            let url = url.map(|url| url.split(['"', ',', ')', ' ']).next().unwrap_or(url));
            let key = url.unwrap_or("s3://b/k");
            let below = url.unwrap_or("s3://b/");
            let call: Vec<&str> = match code[..end].trim_matches('.') {
                "get" | "get_many" | "get_object" => vec!["get", key],
                "get_files" | "download_file" if self.kind == 'O' => {
                    vec!["get_file", key, "{folder}/p"]
                }
                "get_files" | "download_file" => vec!["get_file", key],
                "put" | "put_many" if self.kind == 'O' => vec!["put_files", key, "{folder}/p"],
                "put" | "put_many" => vec!["put", key],
                "delete" => vec!["delete", key],
                "delete_many" => vec!["delete_many", "s3://b/k", "s3://b/l"],
                "info" | "head" | "stat" | "info_many" => vec!["info", key],
                "copy" => vec!["copy", "s3://b/k", "s3://b/l"],
                "list" | "list_recursive" => vec!["list_recursive", below],
                "list_paths" => vec!["list_paths", below],
                "list_buckets" => vec!["list_buckets"],
                "presign" => vec!["presign", key],
                "leftovers" | "orphans" | "sweep" | "cleanup" => vec!["uploads_below", below],
                "put_files" | "upload_file" if self.kind == 'O' => {
                    vec!["put_files", key, "{folder}/p"]
                }
                "put_files" | "upload_file" => vec!["put_files", key, "{folder}/source"],
                _ => continue,
            };
            calls.push(call.into_iter().map(str::to_owned).collect());
        }
        calls
    }

    fn client(&self, tls: bool) -> Map<String, Value> {
        let mut client = Map::new();
        let mut set = |name: &str, value: &str| client.insert(name.to_owned(), value.into());
        if let Some((_, rest)) = self.call.split_once(".profile(\"") {
            set("profile", rest.split('"').next().unwrap_or_default());
        }
        let named = self.call.split("endpoint http").nth(1);
        let named = named.and_then(|rest| rest.split([' ', ',', ';']).next());
        let sends = Self::quoted(&self.call).any(|code| !code.starts_with("presign"));
        let has_endpoint = self.inputs.to_lowercase().lines().any(|line| {
            let value = line.split_once("endpoint_url").map(|(_, rest)| rest);
            let value = value.and_then(|rest| rest.split_once('='));
            value.is_some_and(|(_, value)| !value.trim().is_empty())
        });
        if tls {
            set("endpoint", "{tls}");
        } else if let Some(rest) = named.filter(|rest| !rest.contains("localhost")) {
            // Names that resolve to this machine are reached through a proxy instead.
            let rest = match rest.contains("amazonaws.com") {
                true => rest.trim_end_matches(":P"),
                false => rest,
            };
            set("endpoint", &format!("http{rest}"));
        } else if sends && !has_endpoint {
            set("endpoint", "{server}");
        }
        let has_keys = self.inputs.to_lowercase().contains("access_key")
            || self.inputs.contains("credential_process");
        if !has_keys {
            set("access_key", "AKGIVEN");
            set("secret_key", "SECRET");
            set("region", "us-east-1");
        }
        let note = fs::read_to_string(self.path.join("NOTE.txt")).unwrap_or_default();
        if let Some((_, rest)) = note.split_once("cwd=") {
            set("cwd", rest.split_whitespace().next().unwrap_or("/"));
        }
        if let Some((seconds, _)) = self.call.split_once(" s)") {
            let number = seconds.rsplit(|c: char| !c.is_ascii_digit()).next();
            if let Some(seconds) = number.and_then(|text| text.parse::<u64>().ok()) {
                client.insert("deadline".to_owned(), seconds.into());
            }
        }
        client
    }

    fn all_variables(&self) -> Map<String, Value> {
        let mut all: Map<String, Value> = self
            .environment
            .iter()
            .map(|(name, value)| (name.clone(), value.clone().into()))
            .collect();
        // A name that resolves to this machine: the scripted server acts as a proxy.
        if self.call.contains("amazonaws.com:P") {
            all.insert("HTTP_PROXY".to_owned(), "{server}".into());
        }
        all
    }

    fn prepare(&self) -> Value {
        match self.kind {
            'O' => json!([{ "fifo": "p" }]),
            'P' => json!([{ "file": "source", "size": 30 << 20 }]),
            _ => json!([]),
        }
    }

    fn responses(&self) -> Vec<Value> {
        if self.kind == 'P' {
            return vec![json!({
                "request": "POST", "status": "200 OK", "truncate": "source", "to": 9 << 20,
                "body": "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>"
            })];
        }
        if !self.has("answer.http") {
            return Vec::new();
        }
        let answer = fs::read(self.path.join("answer.http")).unwrap_or_default();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let mut rule = json!({ "file": "answer.http" });
        if self.call.contains("`copy") {
            rule["request"] = "PUT".into();
        } else if self.kind == 'K' {
            rule["request"] = "POST".into();
        } else if self.kind == 'M' && answer.starts_with("HTTP/1.1 2") {
            // The page with the next continuation token is sent once.
            rule["times"] = 1.into();
        } else if self.kind == 'M' {
            let word = match answer.contains("encoding") {
                true => "encoding-type",
                false => "list-type",
            };
            rule["contains"] = word.into();
        }
        vec![rule]
    }

    fn expect(&self, calls: &[Vec<String>]) -> Result<Value, String> {
        let right = &self.right;
        let rejected = json!({ "error": {}, "requests": 2, "within": 5 });
        let may_fail = right.contains("or an error")
            || right.contains("refused")
            || right.contains("or the error");
        let mut any = Vec::new();
        let mut good = json!({ "ok": {} });
        if let Some(key) = word(right, |word| {
            word.len() > 3 && word.starts_with("AK") && is_upper(word)
        }) {
            good["signed_with"] = key.into();
        }
        match self.kind {
            'A' if !good
                .as_object()
                .is_some_and(|good| good.contains_key("signed_with"))
                && right.contains("error") =>
            {
                return Ok(json!({ "error": { "kind": "Config" }, "requests": 0, "within": 5 }));
            }
            'E' => return Ok(self.expect_proxy(calls)),
            'A' | 'R' => {}
            'B' | 'C' | 'D' => {
                let region = word(right, is_region);
                let presigns = calls.iter().all(|call| call[0] == "presign");
                match region {
                    Some(region) if presigns => good["ok"] = json!({ "text": region }),
                    Some(region) => good["signed_for"] = region.into(),
                    None => {}
                }
                let uses_server =
                    self.inputs.contains("127.0.0.1:9000") || self.inputs.contains(":P");
                if presigns && uses_server {
                    good["ok"] = json!({ "text": "{server}" });
                }
                let rejected = json!({ "error": { "kind": "Config" }, "requests": 0, "within": 5 });
                if right.starts_with("an error") {
                    return Ok(rejected);
                }
                if may_fail || self.kind == 'D' {
                    any.push(rejected);
                }
            }
            'F' => self.expect_setting(&mut good),
            'G' | 'H' | 'I' | 'J' | 'N' => {
                if calls[0][0] == "copy" {
                    good["requests"] = 3.into();
                }
                if right.contains("one object") || right.contains("is listed") {
                    good["ok"]["count"] = 1.into();
                }
                let size = right
                    .split_once(" bytes")
                    .or_else(|| right.split_once(" from x-goog"))
                    .and_then(|(before, _)| before.rsplit([' ', '(']).next()?.parse::<u64>().ok());
                if let Some(size) = size {
                    good["ok"]["size"] = size.into();
                }
                if let Some(time) = right
                    .split_once("last_modified = ")
                    .and_then(|(_, rest)| moment(rest))
                {
                    good["ok"]["modified"] = time.into();
                }
                if may_fail || right.contains("left out") {
                    any.push(rejected);
                    any.push(json!({ "ok": {}, "within": 10 }));
                }
            }
            'K' | 'Q' => {}
            'L' => {
                let mut contains: Vec<&str> = right.split('"').skip(1).step_by(2).collect();
                contains.extend(word(right, |word| word.starts_with("http")));
                let contains: Vec<&str> = contains
                    .into_iter()
                    .map(|text| text.trim_end_matches(['.', ',', ';']))
                    .collect();
                // "as before": the words are those of the previous case, the address is that of the response.
                let contains = match contains.is_empty() {
                    true => vec![self.location()],
                    false => contains.into_iter().map(str::to_owned).collect(),
                };
                return Ok(
                    json!({ "error": { "contains": contains }, "requests": 2, "within": 5 }),
                );
            }
            'M' => any.push(rejected),
            'O' => {
                return Ok(json!({ "error": { "contains": ["/p"] }, "within": 6 }));
            }
            'P' => {
                let mut contains: Vec<&str> = right.split('"').skip(1).step_by(2).collect();
                contains.truncate(1);
                contains.push("source");
                return Ok(json!({ "error": { "contains": contains }, "within": 10 }));
            }
            other => return Err(format!("the runner knows no kind {other}")),
        }
        if right.contains("DELETE /b/k") {
            good["some_request"] = "DELETE /b/k".into();
        }
        if self.kind == 'K'
            && !good
                .as_object()
                .is_some_and(|good| good.contains_key("some_request"))
        {
            good["requests"] = 8.into();
        }
        any.insert(0, good);
        Ok(json!({ "any": any }))
    }

    /// Returns the requests that arrive at a proxy, or at the server itself if `NO_PROXY` lists it.
    fn expect_proxy(&self, calls: &[Vec<String>]) -> Value {
        let no_proxy = ["NO_PROXY", "no_proxy"]
            .iter()
            .find_map(|name| self.variable(name));
        if no_proxy.is_some_and(|names| !names.trim().is_empty()) {
            return json!({ "ok": {}, "first_request": format!("{} /", method(&calls[0][0])) });
        }
        let endpoint = self.call.split("endpoint http").nth(1).unwrap_or_default();
        match endpoint.starts_with('s') {
            true => json!({ "some_request": "CONNECT " }),
            false => {
                json!({ "ok": {}, "some_request": format!("{} http://", method(&calls[0][0])) })
            }
        }
    }

    /// Sets the expected settings that are visible in a request.
    fn expect_setting(&self, good: &mut Value) {
        let inputs = self.inputs.to_lowercase();
        let request = inputs.split("request_checksum_calculation").nth(1);
        match request.map(|rest| {
            rest.trim_start_matches([' ', '='])
                .starts_with("when_required")
        }) {
            Some(true) => good["lacks_header"] = "x-amz-checksum-".into(),
            Some(false) => good["has_header"] = "x-amz-checksum-".into(),
            None => {}
        }
        let attempts = inputs.split("max_attempts").nth(1);
        let attempts = attempts.map(|rest| rest.trim_start_matches([' ', '=']));
        let attempts = attempts.and_then(|rest| rest.lines().next()?.trim().parse::<u64>().ok());
        if let Some(attempts) = attempts.filter(|_| self.has("answer.http")) {
            *good = json!({ "error": {}, "requests": attempts });
        }
        if inputs.contains("addressing_style = virtual") {
            let bucket = self.call.split("s3://").nth(1);
            let bucket = bucket.and_then(|rest| rest.split(['/', '`']).next());
            good["host"] = format!("{}.", bucket.unwrap_or("b")).into();
        }
    }

    fn location(&self) -> String {
        let answer = fs::read(self.path.join("answer.http")).unwrap_or_default();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let line = answer
            .lines()
            .find(|line| line.to_lowercase().starts_with("location:"));
        line.map_or_else(String::new, |line| line[9..].trim().to_owned())
    }
}

/// Returns the method of the first request of a call.
fn method(call: &str) -> &'static str {
    match call {
        "put" | "put_files" | "copy" => "PUT",
        "info" => "HEAD",
        "delete" => "DELETE",
        "delete_many" => "POST",
        _ => "GET",
    }
}

fn word(text: &str, is: impl Fn(&str) -> bool) -> Option<&str> {
    let ends = |c: char| c.is_whitespace() || "();:,`".contains(c);
    let word = text
        .split(|c| ends(c) && c != ':' || c == '`')
        .map(|word| word.trim_matches([',', ';', ':', '.', '(', ')']));
    word.into_iter().find(|word| is(word))
}

fn is_upper(word: &str) -> bool {
    word.bytes()
        .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

fn is_region(word: &str) -> bool {
    let parts: Vec<&str> = word.split('-').collect();
    parts.len() == 3 && parts[0].len() == 2 && parts[2].parse::<u8>().is_ok()
}

/// Parses `10 March 2016 15:55:19 UTC` into seconds since 1970.
fn moment(text: &str) -> Option<u64> {
    let mut words = text.split_whitespace();
    let (day, month, year) = (words.next()?, words.next()?, words.next()?);
    let date = format!(
        "Thu, {day:0>2} {} {year} {} GMT",
        month.get(..3)?,
        words.next()?
    );
    let time = httpdate::parse_http_date(&date).ok()?;
    let since = time.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(since.as_secs())
}
