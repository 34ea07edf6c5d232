//! Makes one client call in the child process of a case, which has the variables and working directory of the case.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use s3_client::{Error, Event, Observer, S3, SdkStore};
use serde_json::{Map, Value, json};

/// The waits before retries that a client has scheduled, with their start times.
#[derive(Debug, Default)]
struct Waits(Mutex<Vec<(Instant, Duration)>>);

impl Observer for Waits {
    fn on_event(&self, event: &Event<'_>) {
        if let Event::Retrying { wait, .. } = event {
            let mut waits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            waits.push((Instant::now(), *wait));
        }
    }
}

/// Makes the call that the text describes and returns its result: `{"ok": …}` or `{"error": …}`, with the number of
/// `retries` and the seconds that the client has `waited` before them.
///
/// # Panics
///
/// If the text is not from the runner.
#[must_use]
pub fn perform(text: &str) -> String {
    super::warnings::report();
    let input: Value = serde_json::from_str(text).expect("the runner's JSON");
    let outcome = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(Box::pin(outcome(&input)));
    outcome.to_string()
}

async fn outcome(input: &Value) -> Value {
    let call: Vec<String> = input["call"]
        .as_array()
        .map(|words| super::description::texts(words))
        .unwrap_or_default();
    let client = input["client"].as_object().cloned().unwrap_or_default();
    let waits = Arc::new(Waits::default());
    let observer = Arc::clone(&waits);
    let mut outcome = match Box::pin(made(&call, &client, observer)).await {
        Ok(value) => json!({ "ok": value }),
        Err(error) => {
            let request = error.as_request();
            let kind = match (request, &error) {
                (Some(request), _) => Some(format!("{:?}", request.kind())),
                (None, Error::Config { .. }) => Some("Config".to_owned()),
                _ => None,
            };
            json!({ "error": {
                "kind": kind,
                "class": format!("{:?}", error.class()),
                "status": request.and_then(s3_core::Error::http_status),
                "text": format!("{error:#}"),
            }})
        }
    };
    let waits = waits.0.lock().unwrap_or_else(PoisonError::into_inner);
    outcome["retries"] = waits.len().into();
    // A deadline may have shortened the last wait.
    let waited = waits.iter().map(|(since, wait)| since.elapsed().min(*wait));
    outcome["waited"] = waited.sum::<Duration>().as_secs_f64().into();
    outcome
}

async fn made(
    call: &[String],
    client: &Map<String, Value>,
    observer: Arc<dyn Observer>,
) -> Result<Value, Error> {
    let text = |name: &str| client.get(name).and_then(Value::as_str);
    let mut store = SdkStore::builder();
    if let Some(endpoint) = text("endpoint") {
        store = store.endpoint(endpoint);
    }
    if let Some(profile) = text("profile") {
        store = store.profile(profile);
    }
    if let Some(region) = text("region") {
        store = store.region(region);
    }
    if let (Some(access), Some(secret)) = (text("access_key"), text("secret_key")) {
        store = store.credentials(access, secret, None);
    }
    if client.get("sdk_retries") == Some(&Value::Bool(true)) {
        store = store.sdk_retries(true);
    }
    let given = ["profile", "access_key", "sdk_retries"];
    let builder = S3::builder().observer(observer);
    let s3 = match given.iter().any(|name| client.contains_key(*name)) {
        true => builder.store(store.build()).build()?,
        // All other settings have their defaults.
        false => {
            let mut s3 = builder;
            if let Some(endpoint) = text("endpoint") {
                s3 = s3.endpoint(endpoint);
            }
            if let Some(region) = text("region") {
                s3 = s3.region(region);
            }
            s3.build()?
        }
    };
    let seconds = client.get("deadline").and_then(Value::as_f64);
    let deadline = seconds.map_or(Duration::from_secs(45), Duration::from_secs_f64);
    let words: Vec<&str> = call.iter().map(String::as_str).collect();
    // Only this call needs a file, so other calls can run where nothing can be written.
    let target = || std::env::temp_dir().join(format!("case-{}", std::process::id()));
    Ok(match &words[..] {
        ["get", key] => {
            let object = s3.get(*key).to_memory().deadline(deadline).await?;
            json!({ "text": object.text()?, "size": object.size() })
        }
        ["get_file", key, path] => {
            let object = s3.get(*key).to_file(*path).deadline(deadline).await?;
            json!({ "size": object.size() })
        }
        ["get_file", key] => {
            let path = target();
            let object = s3.get(*key).to_file(&path).deadline(deadline).await?;
            let text = std::fs::read_to_string(&path).ok();
            let _ = std::fs::remove_file(&path);
            json!({ "text": text, "size": object.size() })
        }
        ["info", key] => {
            let object = s3.info(*key).deadline(deadline).await?;
            json!({ "size": object.size(), "modified": object.last_modified().map(seconds_of) })
        }
        ["put", key] => {
            let written = s3.put(*key, "hello").deadline(deadline).await?;
            json!({ "text": format!("{written:?}") })
        }
        ["copy", from, to] => {
            let written = s3.copy(*from, *to).deadline(deadline).await?;
            json!({ "text": format!("{written:?}") })
        }
        ["delete", key] => {
            let deleted = s3.delete(*key).deadline(deadline).await?;
            json!({ "text": format!("{deleted:?}") })
        }
        ["delete_many", keys @ ..] => {
            let deleted = s3.delete_many(keys.to_vec()).deadline(deadline).await?;
            json!({ "count": deleted.len() })
        }
        ["list_recursive", key] => {
            let all = s3.list_recursive().at([*key]).deadline(deadline).await?;
            let size: u64 = all.iter().map(s3_client::S3Info::size).sum();
            let keys: Vec<&str> = all.iter().map(s3_client::S3Info::url).collect();
            json!({ "count": all.len(), "size": size, "text": keys.join(" ") })
        }
        ["list_paths", key] => {
            let all = s3.list_paths().at([*key]).deadline(deadline).await?;
            json!({ "count": all.len() })
        }
        ["list_buckets"] => {
            let all = s3.list_buckets().deadline(deadline).await?;
            let names: Vec<&str> = all.iter().map(|bucket| &*bucket.name).collect();
            json!({ "count": all.len(), "text": names.join(" ") })
        }
        ["presign", key] => {
            let minute = Duration::from_secs(60);
            json!({ "text": s3.presign(*key, minute).deadline(deadline).await? })
        }
        ["uploads_below", key] => {
            let all = s3.orphans(Duration::ZERO).uploads_below(*key);
            json!({ "count": all.deadline(deadline).await?.len() })
        }
        ["put_files", key, path] => {
            let files = [((*key).to_owned(), PathBuf::from(path))];
            s3.put_files(files).deadline(deadline).await?;
            json!({})
        }
        _ => panic!("the runner knows no call {words:?}"),
    })
}

fn seconds_of(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}
