//! Compares the result of a call with the expected one.

use serde_json::{Map, Value};

use super::run::Ended;
use super::server::Seen;

/// Compares the outcome with the expected one. The error describes the difference.
pub(super) fn judge(
    expect: &Map<String, Value>,
    seen: &[Seen],
    ended: &Ended,
) -> Result<(), String> {
    let Some(outcome) = &ended.outcome else {
        return Err(format!(
            "the process did not end with a result; {}",
            ended.noise.trim()
        ));
    };
    let case = Judged {
        seen,
        outcome,
        ended,
    };
    // Any of several outcomes may be right; the findings of all are shown.
    let any: Vec<&Map<String, Value>> = match expect.get("any").and_then(Value::as_array) {
        Some(any) => any.iter().filter_map(Value::as_object).collect(),
        None => vec![expect],
    };
    if any.iter().all(|expect| expect.is_empty()) {
        return Err(format!(
            "the case does not say what is right; it gave {outcome}"
        ));
    }
    let findings: Vec<String> = any
        .iter()
        .map_while(|expect| case.compare(expect).err())
        .collect();
    match findings.len() == any.len() {
        true => Err(findings.join("; or ")),
        false => Ok(()),
    }
}

/// Returns whether a duration exceeded a limit, so that the load of the machine matters.
pub(super) fn is_late(expect: &Map<String, Value>, ended: &Ended) -> bool {
    let any = expect.get("any").and_then(Value::as_array);
    let alternatives = any.into_iter().flatten().filter_map(Value::as_object);
    let warned = |expect: &Map<String, Value>| {
        let warned = expect.get("warned").and_then(Value::as_array).cloned();
        warned
            .into_iter()
            .flatten()
            .map(|want| want["within"].clone())
    };
    let mut bounds = alternatives.chain([expect]).flat_map(|expect| {
        expect
            .get("within")
            .cloned()
            .into_iter()
            .chain(warned(expect))
    });
    bounds.any(|bound| {
        bound
            .as_f64()
            .is_some_and(|seconds| ended.took.as_secs_f64() > seconds)
    })
}

struct Judged<'a> {
    seen: &'a [Seen],
    outcome: &'a Value,
    ended: &'a Ended,
}

impl Judged<'_> {
    /// Returns the current duration in seconds of a call without delays.
    fn plain(&self) -> f64 {
        self.ended.plain.as_secs_f64()
    }

    fn compare(&self, expect: &Map<String, Value>) -> Result<(), String> {
        for (name, want) in expect {
            self.holds(name, want)?;
        }
        Ok(())
    }

    fn holds(&self, name: &str, want: &Value) -> Result<(), String> {
        let first = || self.seen.first().ok_or("no request arrived");
        match name {
            "ok" => self.succeeded(want),
            "error" => self.failed(want),
            "within" => {
                let seconds = want.as_f64().unwrap_or_default();
                let waited = self.outcome["waited"].as_f64().unwrap_or_default();
                held(waited <= seconds, || {
                    format!("it waited {waited:.1} s before retries, not at most {seconds}")
                })?;
                let (took, plain) = (self.ended.took.as_secs_f64(), self.plain());
                held(took <= seconds + plain, || {
                    format!(
                        "it took {took:.1} s, not at most {seconds} besides the {plain:.1} s of any call"
                    )
                })
            }
            "retries" => {
                let count = self.outcome["retries"].as_u64().unwrap_or_default();
                let most = want.as_u64().unwrap_or_default();
                held(count <= most, || {
                    format!("{count} retries, not at most {most}: {}", self.outcome)
                })
            }
            "requests" => {
                let count = self.seen.len();
                let most = want.as_u64().unwrap_or_default();
                let lines = || {
                    self.seen
                        .iter()
                        .map(Seen::line)
                        .collect::<Vec<_>>()
                        .join(", ")
                };
                held(count as u64 <= most, || {
                    format!("{count} requests, not at most {most}: {}", lines())
                })
            }
            "some_request" => {
                let want = text(want);
                let found = self.seen.iter().any(|seen| seen.line().starts_with(want));
                let lines = || {
                    self.seen
                        .iter()
                        .map(Seen::line)
                        .collect::<Vec<_>>()
                        .join(", ")
                };
                held(found, || format!("no request {want}, but {}", lines()))
            }
            "sent" => {
                let sent =
                    |want: &Value| self.seen.iter().any(|seen| seen.body.contains(text(want)));
                let bodies: Vec<&str> = self.seen.iter().map(|seen| &*seen.body).collect();
                let missing = want
                    .as_array()
                    .into_iter()
                    .flatten()
                    .find(|want| !sent(want));
                held(missing.is_none(), || {
                    format!("no body has {}, but {bodies:?}", missing.unwrap_or(want))
                })
            }
            "first_request" => {
                let line = first()?.line();
                let want = text(want);
                held(line.starts_with(want), || {
                    format!("the first request is {line}, not {want}")
                })
            }
            "proxied" => {
                let proxied = &self.ended.proxied;
                let found = proxied.iter().any(|line| line.starts_with(text(want)));
                held(found, || format!("the proxy has seen {proxied:?}"))
            }
            "not_proxied" => {
                let proxied = &self.ended.proxied;
                held(proxied.is_empty(), || {
                    format!("the proxy has seen {proxied:?}")
                })
            }
            "warned" => self.warned(want),
            "signed_with" => {
                // Requests for credentials precede the request that they sign.
                let last = self.seen.last().ok_or("no request arrived")?;
                let authorization = last.header("authorization").unwrap_or_default();
                let want = format!("Credential={}/", text(want));
                held(authorization.contains(&want), || {
                    format!("signed as {authorization}")
                })
            }
            "signed_for" => {
                let authorization = first()?.header("authorization").unwrap_or_default();
                let want = format!("/{}/s3/", text(want));
                held(authorization.contains(&want), || {
                    format!("signed as {authorization}")
                })
            }
            "host" => {
                let host = first()?.header("host").unwrap_or_default();
                held(host.starts_with(text(want)), || {
                    format!("the host is {host}")
                })
            }
            "has_header" | "lacks_header" => {
                let headers = &first()?.headers;
                let has = headers
                    .iter()
                    .any(|(name, value)| format!("{name}: {value}").starts_with(text(want)));
                held(has == (name == "has_header"), || {
                    format!("the headers are {headers:?}")
                })
            }
            _ => Err(format!(
                "the case asks for {name:?}, which the runner does not know"
            )),
        }
    }

    /// Compares a list of warnings: text, number and latest time of each.
    fn warned(&self, want: &Value) -> Result<(), String> {
        let warnings = super::warnings::read(&self.ended.noise);
        for want in want.as_array().into_iter().flatten() {
            let says = text(&want["contains"]);
            let found: Vec<u64> = warnings
                .iter()
                .filter(|(_, text)| text.contains(says))
                .map(|(millis, _)| *millis)
                .collect();
            let times = want["times"].as_u64().unwrap_or(1);
            held(found.len() as u64 == times, || {
                format!(
                    "{says:?} is warned of {} times, not {times}: {warnings:?}",
                    found.len()
                )
            })?;
            let within = want["within"].as_f64().unwrap_or(f64::INFINITY) + self.plain();
            held(
                found.iter().all(|millis| *millis as f64 <= within * 1000.0),
                || format!("{says:?} is warned of after {found:?} ms"),
            )?;
        }
        Ok(())
    }

    fn succeeded(&self, want: &Value) -> Result<(), String> {
        let got = self.outcome.get("ok");
        let got = got.ok_or_else(|| format!("it failed: {}", self.outcome["error"]))?;
        for (name, want) in want.as_object().into_iter().flatten() {
            let own = &got[name];
            let fits = match (name.as_str(), own, want) {
                ("text", Value::String(own), Value::String(want)) => own.contains(&**want),
                _ => own == want,
            };
            held(fits, || format!("{name} is {own}, not {want}"))?;
        }
        Ok(())
    }

    fn failed(&self, want: &Value) -> Result<(), String> {
        let got = self.outcome.get("error");
        let got = got.ok_or_else(|| format!("it succeeded: {}", self.outcome["ok"]))?;
        if let Some(kinds) = want.get("kind") {
            let is = |kind: &Value| got["kind"] == *kind;
            let fits = kinds
                .as_array()
                .map_or_else(|| is(kinds), |all| all.iter().any(is));
            held(fits, || {
                format!("the kind is {}, not {kinds}: {}", got["kind"], got["text"])
            })?;
        }
        for name in ["class", "status"] {
            let want = want.get(name);
            held(want.is_none_or(|want| got[name] == *want), || {
                format!("the {name} is {}: {}", got[name], got["text"])
            })?;
        }
        let said = text(&got["text"]).to_lowercase();
        let texts = match want.get("contains").unwrap_or(want) {
            Value::Array(texts) => texts.clone(),
            text @ Value::String(_) => vec![text.clone()],
            _ => Vec::new(),
        };
        for want in &texts {
            let fits = said.contains(&text(want).to_lowercase());
            held(fits, || {
                format!("the error does not say {want}: {}", got["text"])
            })?;
        }
        Ok(())
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn held(holds: bool, finding: impl FnOnce() -> String) -> Result<(), String> {
    match holds {
        true => Ok(()),
        false => Err(finding()),
    }
}
