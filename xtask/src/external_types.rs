//! `cargo xtask external-types`: checks which third-party types the public API of each library contains.
//!
//! A third-party type in a public signature ties our versions to those of its crate. [`allowed`] lists the accepted
//! types with reasons. The check parses the sources with syn, so it needs no nightly rustdoc and no build.
//!
//! It relies on the lint `unreachable_pub`: every `pub` item is part of the API. It does not expand macros.

mod allowed;
mod crate_source;
mod public_api;

use std::collections::BTreeSet;
use std::path::Path;

use cargo_metadata::{DependencyKind, Metadata, Package};

use self::allowed::{Allowed, LIBRARIES};
use self::crate_source::CrateSource;
use self::public_api::Use;
use crate::failure::{Failure, Outcome};
use crate::workspace;

/// Prints the types of each library. Fails for a type that is not allowed, and for an unused entry of the list.
pub(crate) fn run(root: &Path) -> Outcome {
    let metadata = workspace::metadata(root)?;
    let mut findings = Vec::new();
    for package in libraries(&metadata) {
        let name = package.name.as_str();
        let Some((_, allowed)) = LIBRARIES.iter().find(|(library, _)| *library == name) else {
            findings.push(format!(
                "{name} has no row in xtask/src/external_types/allowed.rs"
            ));
            continue;
        };
        let source = CrateSource::load(&root.join("crates").join(name).join("src/lib.rs"))?;
        let uses = public_api::external(&source, &third_party(package, &metadata));
        let paths: BTreeSet<_> = uses.iter().map(|found| found.path.as_str()).collect();
        let paths: Vec<_> = paths.into_iter().collect();
        println!("{name}: {}", paths.join(", "));
        findings.extend(compare(name, &uses, allowed));
    }
    for finding in &findings {
        println!("{finding}");
    }
    if findings.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!(
        "external-types: {} findings",
        findings.len()
    )))
}

/// Returns the libraries in `crates`, except those that only our tests and benchmarks use, and except adapters, whose
/// API is that of another crate.
fn libraries(metadata: &Metadata) -> impl Iterator<Item = &Package> {
    metadata.packages.iter().filter(|package| {
        let is_library = package.targets.iter().any(|target| target.is_lib());
        let is_internal = [
            // This library is only used by our program and the wheel.
            "s3-cli",
            "s3-server",
            "s3-testkit",
            "s3-bench",
            "s3-tests",
            "s3-object-store",
            "s3-frame",
        ]
        .contains(&package.name.as_str());
        is_library && !is_internal
    })
}

/// Returns the names of dependencies as written in code, without our own crates.
fn third_party(package: &Package, metadata: &Metadata) -> BTreeSet<String> {
    let is_ours = |name: &str| {
        metadata
            .packages
            .iter()
            .any(|ours| ours.name.as_str() == name)
    };
    package
        .dependencies
        .iter()
        .filter(|dependency| {
            dependency.kind == DependencyKind::Normal && !is_ours(&dependency.name)
        })
        .map(|dependency| {
            dependency
                .rename
                .as_ref()
                .unwrap_or(&dependency.name)
                .replace('-', "_")
        })
        .collect()
}

fn compare(library: &str, uses: &BTreeSet<Use>, allowed: &[Allowed]) -> Vec<String> {
    let rejected = uses
        .iter()
        .filter(|found| !allowed.iter().any(|entry| entry.allows(found)))
        .map(|found| format!("{library}: `{}` is public in `{}`", found.path, found.item));
    let unused = allowed
        .iter()
        .filter(|entry| !uses.iter().any(|found| entry.allows(found)))
        .map(|entry| format!("{library}: allowed but not used: `{}`", entry.path));
    rejected.chain(unused).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BYTES: Allowed = Allowed {
        path: "bytes::Bytes",
        only_in: None,
        because: "a standard type of async Rust",
    };
    const CONFIG: Allowed = Allowed {
        path: "aws_config::SdkConfig",
        only_in: Some("Builder"),
        because: "programs that configure AWS already",
    };

    fn uses(pairs: &[(&str, &str)]) -> BTreeSet<Use> {
        let used = |&(path, item): &(&str, &str)| Use {
            path: path.to_owned(),
            item: item.to_owned(),
        };
        pairs.iter().map(used).collect()
    }

    #[test]
    fn types_outside_the_list_are_reported() {
        let found = uses(&[("bytes::Bytes", "read"), ("tower::Service", "Client")]);
        assert_eq!(
            compare("a", &found, &[BYTES]),
            ["a: `tower::Service` is public in `Client`"]
        );
    }

    #[test]
    fn a_type_may_be_allowed_in_one_item_only() {
        let found = uses(&[("aws_config::SdkConfig", "Builder")]);
        assert_eq!(compare("a", &found, &[CONFIG]), [""; 0]);
        let found = uses(&[
            ("aws_config::SdkConfig", "Builder"),
            ("aws_config::SdkConfig", "new"),
        ]);
        assert_eq!(compare("a", &found, &[CONFIG]).len(), 1);
    }

    #[test]
    fn entries_without_use_are_reported() {
        assert_eq!(
            compare("a", &uses(&[]), &[BYTES]),
            ["a: allowed but not used: `bytes::Bytes`"]
        );
    }
}
