//! Checks the fields of `case.json`, so that the runner does not ignore unknown ones.

use serde_json::{Map, Value};

const CASE: &[&str] = &[
    "about",
    "calls",
    "client",
    "environment",
    "expect",
    "prepare",
    "proxy",
    "responses",
    "secret",
    "tls",
];
const CLIENT: &[&str] = &[
    "access_key",
    "cwd",
    "deadline",
    "endpoint",
    "profile",
    "region",
    "sdk_retries",
    "secret_key",
];
const RULE: &[&str] = &[
    "body", "contains", "file", "headers", "request", "status", "times", "to", "truncate",
];
const PREPARE: &[&str] = &["copy", "fifo", "file", "size", "text"];
const EXPECT: &[&str] = &[
    "any",
    "error",
    "first_request",
    "has_header",
    "host",
    "lacks_header",
    "not_proxied",
    "ok",
    "proxied",
    "requests",
    "retries",
    "sent",
    "signed_for",
    "signed_with",
    "some_request",
    "warned",
    "within",
];
const OK: &[&str] = &["count", "modified", "size", "text"];
const ERROR: &[&str] = &["class", "contains", "kind", "status"];
const WARNED: &[&str] = &["contains", "times", "within"];

/// The calls, and the allowed number of arguments of each.
const CALLS: &[(&str, std::ops::RangeInclusive<usize>)] = &[
    ("copy", 2..=2),
    ("delete", 1..=1),
    ("delete_many", 1..=usize::MAX),
    ("get", 1..=1),
    ("get_file", 1..=2),
    ("info", 1..=1),
    ("list_buckets", 0..=0),
    ("list_paths", 1..=1),
    ("list_recursive", 1..=1),
    ("presign", 1..=1),
    ("put", 1..=1),
    ("put_files", 2..=2),
    ("uploads_below", 1..=1),
];

/// Returns the problems of a description, one sentence each.
pub(super) fn check(case: &Map<String, Value>, calls: &[Vec<String>]) -> Vec<String> {
    let mut found = Vec::new();
    let mut known = |place: &str, value: Option<&Value>, names: &[&str]| {
        for name in value.and_then(Value::as_object).into_iter().flatten() {
            if !names.contains(&name.0.as_str()) {
                let names = names.join(", ");
                found.push(format!(
                    "unknown field `{}` in {place} (there are {names})",
                    name.0
                ));
            }
        }
    };
    known("case.json", Some(&Value::Object(case.clone())), CASE);
    known("`client`", case.get("client"), CLIENT);
    for rule in items(case.get("responses")) {
        known("`responses`", Some(rule), RULE);
    }
    for item in items(case.get("prepare")) {
        known("`prepare`", Some(item), PREPARE);
    }
    let expect = case.get("expect");
    for expect in expect.into_iter().chain(
        expect
            .into_iter()
            .flat_map(|expect| items(expect.get("any"))),
    ) {
        known("`expect`", Some(expect), EXPECT);
        known("`ok`", expect.get("ok"), OK);
        known("`error`", expect.get("error"), ERROR);
        for warned in items(expect.get("warned")) {
            known("`warned`", Some(warned), WARNED);
        }
    }
    for (name, is_right) in [
        ("responses", Value::is_array as fn(&Value) -> bool),
        ("prepare", Value::is_array),
        ("client", Value::is_object),
        ("environment", Value::is_object),
        ("expect", Value::is_object),
        ("tls", Value::is_boolean),
        ("proxy", Value::is_boolean),
        ("secret", Value::is_string),
    ] {
        if case.get(name).is_some_and(|value| !is_right(value)) {
            found.push(format!("`{name}` has another type than the format says"));
        }
    }
    if calls.is_empty() {
        found.push("`calls` names no call".to_owned());
    }
    for call in calls {
        let name = call.first().map_or("", String::as_str);
        match CALLS.iter().find(|(known, _)| *known == name) {
            None => {
                let all: Vec<&str> = CALLS.iter().map(|(name, _)| *name).collect();
                found.push(format!(
                    "unknown call `{name}` (there are {})",
                    all.join(", ")
                ));
            }
            Some((_, count)) if !count.contains(&(call.len() - 1)) => {
                found.push(format!("`{name}` has {} words behind it", call.len() - 1));
            }
            Some(_) => {}
        }
    }
    found
}

fn items(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_array).into_iter().flatten()
}
