//! Root of the client in the reference model (`s3root`, `run` or none), and resolution of keys relative to it.

use super::exception::{CallResult, Exception};
use super::place::{Parsed, Place, is_bucket};
use super::quirk::{Quirk, Quirks};
use crate::vectors::python::is_truthy;
use crate::vectors::{Argument, Scenario, untypable};

/// The root of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Root {
    Unset,
    At(String),
}

impl Root {
    /// Chooses the root as the constructor does.
    pub(crate) fn choose(quirks: &Quirks, scenario: &Scenario) -> CallResult<Self> {
        let given = |name: &str| {
            scenario
                .constructor
                .get(name)
                .filter(|value| is_truthy(value))
        };
        if let Some(run) = given("run") {
            return Self::of_run(quirks, scenario, run);
        }
        match given("s3root") {
            None => Ok(Self::Unset),
            Some(Argument::Text(text)) => Self::at(quirks, text),
            Some(other) => Err(untypable::s3root(other).into()),
        }
    }

    fn at(quirks: &Quirks, text: &str) -> CallResult<Self> {
        if quirks.has(Quirk::MalformedRoot) {
            if !Parsed::of(&Quirks::all(), text).is_s3 {
                return Err(Exception::Url);
            }
        } else {
            let rest = after_scheme(text).ok_or(Exception::Url)?;
            if !is_bucket(rest.split('/').next().unwrap_or_default()) {
                return Err(Exception::Url);
            }
        }
        let text = if quirks.has(Quirk::SchemeCase) {
            text.to_owned()
        } else {
            lower_scheme(text)
        };
        Ok(Self::At(text.trim_end_matches('/').to_owned()))
    }

    fn of_run(quirks: &Quirks, scenario: &Scenario, run: &Argument) -> CallResult<Self> {
        let datatools = datatools_root(scenario).ok_or(Exception::Url)?;
        let (flow, run) = match run {
            Argument::Flow(_) => scenario.current.clone().ok_or(Exception::Url)?,
            Argument::Run(flow, run) => (flow.clone(), run.clone()),
            other => return Err(untypable::run(other).into()),
        };
        let configured = Parsed::of(quirks, &datatools);
        let place = Place::of(&Quirks::none(), &datatools);
        let text = |name: &str| match scenario.constructor.get(name) {
            Some(Argument::Text(text)) if !text.is_empty() => Some(text.clone()),
            _ => None,
        };
        let bucket = text("bucket").unwrap_or(place.bucket);
        let prefix = text("prefix").unwrap_or(configured.path);
        let lenient = quirks.has(Quirk::LenientConfig);
        let is_name =
            |name: &str| !name.is_empty() && !name.contains('/') && name != "." && name != "..";
        let is_legal = is_bucket(&bucket) && is_name(&flow) && is_name(&run);
        if !is_legal && !lenient {
            return Err(Exception::Url);
        }
        let path = format!("{}/{flow}/{run}", prefix.trim_end_matches('/'));
        Ok(Self::At(format!(
            "s3://{bucket}/{}",
            path.trim_matches('/')
        )))
    }

    /// Returns the prefix to which the keys of most results are relative.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Unset => None,
            Self::At(text) => Some(text),
        }
    }

    /// Returns the URL of a key.
    pub(crate) fn resolve(&self, quirks: &Quirks, key: Option<&str>) -> CallResult<String> {
        let key = key.filter(|key| !key.is_empty());
        match (self, key) {
            (Self::At(root), None) => Ok(root.clone()),
            (Self::At(_), Some(key)) if key.starts_with("s3://") => Err(Exception::Url),
            (Self::At(_), Some(key))
                if after_scheme(key).is_some() && !quirks.has(Quirk::SchemeCase) =>
            {
                Err(Exception::Url)
            }
            (Self::At(root), Some(key)) => Ok(format!("{root}/{}", key.trim_start_matches('/'))),
            (Self::Unset, None) => Err(Exception::Url),
            (Self::Unset, Some(key)) => full_url(quirks, key),
        }
    }
}

/// Parses a full URL, which a client without a root requires.
fn full_url(quirks: &Quirks, key: &str) -> CallResult<String> {
    let parsed = Parsed::of(quirks, key);
    if !parsed.is_s3 || parsed.path.is_empty() {
        return Err(Exception::Url);
    }
    let is_proper = after_scheme(key).is_some() && is_bucket(&Place::of(quirks, key).bucket);
    if !is_proper && !quirks.has(Quirk::MalformedUrl) {
        return Err(Exception::Url);
    }
    Ok(if quirks.has(Quirk::SchemeCase) {
        key.to_owned()
    } else {
        lower_scheme(key)
    })
}

/// Returns the text after `s3://`, in upper or lower case.
fn after_scheme(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_at_checked(5)?;
    scheme.eq_ignore_ascii_case("s3://").then_some(rest)
}

fn lower_scheme(text: &str) -> String {
    match after_scheme(text) {
        Some(rest) => format!("s3://{rest}"),
        None => text.to_owned(),
    }
}

fn datatools_root(scenario: &Scenario) -> Option<String> {
    let setting = |name: &str| scenario.setting(name).filter(|value| !value.is_empty());
    setting("DATATOOLS_S3ROOT").or_else(|| {
        let root = setting("DATASTORE_SYSROOT_S3")?;
        let suffix = setting("DATATOOLS_SUFFIX").unwrap_or_else(|| "data".to_owned());
        Some(format!("{}/{suffix}", root.trim_end_matches('/')))
    })
}
