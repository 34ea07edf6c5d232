//! `cargo xtask features`: checks that each feature compiles alone, and limits the dependencies of s3-url, of s3-core
//! without features, and of all packages outside of the data layer. The limits are checked with `cargo tree`.

use std::collections::BTreeSet;
use std::path::Path;

use cargo_metadata::Package;

use crate::failure::{Failure, Outcome};
use crate::workspace::{DATA, selection};
use crate::{command, workspace};

/// Exclusive limit on the number of crates in the dependency tree of s3-url. It has 36, most of them the Unicode tables
/// of `url`; raise the limit only with a reason.
const URL_CRATES_BELOW: usize = 40;

/// Dependencies of the data layer, which take minutes to build; `arrow` includes `arrow-array` and so on.
const DATA_FAMILIES: [&str; 5] = ["arrow", "ballista", "datafusion", "object_store", "parquet"];

/// The crate whose features are not checked: they add other clients, which take minutes to build.
/// `cargo xtask bench --peers` builds them.
const NOT_CHECKED: &str = "s3-bench";

/// Checks the dependency trees, then each feature, except those of the data layer.
pub(crate) fn run(root: &Path) -> Outcome {
    assert_trees(root)?;
    let metadata = workspace::metadata(root)?;
    for package in metadata
        .packages
        .iter()
        .filter(|package| is_checked(package) && !DATA.contains(&package.name.as_str()))
    {
        check_each(root, package)?;
    }
    Ok(())
}

/// Checks the features of the data layer.
pub(crate) fn run_data(root: &Path) -> Outcome {
    let metadata = workspace::metadata(root)?;
    let packages = metadata.packages.iter();
    for package in packages.filter(|package| DATA.contains(&package.name.as_str())) {
        check_each(root, package)?;
    }
    Ok(())
}

fn is_checked(package: &Package) -> bool {
    !package.features.is_empty() && package.name.as_str() != NOT_CHECKED
}

fn check_each(root: &Path, package: &Package) -> Outcome {
    let base = ["check", "-p", &package.name, "--no-default-features"];
    command::run(command::cargo(root).args(base))?;
    for feature in package
        .features
        .keys()
        .filter(|name| name.as_str() != "default")
    {
        command::run(
            command::cargo(root)
                .args(base)
                .args(["--features", feature]),
        )?;
    }
    Ok(())
}

fn assert_trees(root: &Path) -> Outcome {
    let url = crates_of(root, &["-p", "s3-url"])?;
    small_enough(&url)?;
    println!("s3-url: {} crates", url.len());
    let core = crates_of(root, &["-p", "s3-core", "--no-default-features"])?;
    without_runtime(&core)?;
    println!(
        "s3-core without features: {} crates, no tokio, no aws-*",
        core.len()
    );
    assert_light(root)
}

/// Fails if a dependency tree contains dependencies of the data layer that it must not have. Checks the packages that
/// `cargo build`, `cargo test` and the commands of the README select: the default members, and the workspace without
/// the data layer and the Python module, which reads frames. Also checks s3-frame without features, and
/// s3-object-store.
fn assert_light(root: &Path) -> Outcome {
    let workspace: Vec<&str> = selection().collect();
    let heavy: &[&str] = &["ballista", "datafusion", "object_store", "parquet"];
    let not_of_adapter: &[&str] = &["arrow", "ballista", "datafusion", "parquet"];
    for (name, selection, families) in [
        ("the default members", &[][..], &DATA_FAMILIES[..]),
        ("the workspace", &workspace, &DATA_FAMILIES),
        (
            "s3-frame without features",
            &["-p", "s3-frame", "--edges", "normal"],
            heavy,
        ),
        (
            "s3-object-store",
            &["-p", "s3-object-store", "--edges", "normal"],
            not_of_adapter,
        ),
    ] {
        let crates = tree_of(root, selection)?;
        without_families(name, &crates, families)?;
        println!(
            "{name}: {} crates, none of {}",
            crates.len(),
            families.join(", ")
        );
    }
    Ok(())
}

/// Returns the names in the tree of normal dependencies, including the package itself.
fn crates_of(root: &Path, selection: &[&str]) -> Outcome<BTreeSet<String>> {
    tree_of(root, &[selection, &["--edges", "normal"]].concat())
}

/// Returns the names in a tree; without `--edges`, it includes dependencies of tests and build scripts.
fn tree_of(root: &Path, selection: &[&str]) -> Outcome<BTreeSet<String>> {
    let mut command = command::cargo(root);
    command.arg("tree").args(selection);
    command.args(["--prefix", "none", "--format", "{p}"]);
    Ok(names(&command::output_of(&mut command)?))
}

/// Parses lines such as `name v1.2.3 (*)`; two versions of a crate count once.
fn names(tree: &str) -> BTreeSet<String> {
    tree.lines()
        .filter_map(|line| line.split(' ').next())
        .map(str::to_owned)
        .collect()
}

fn small_enough(crates: &BTreeSet<String>) -> Outcome {
    if crates.len() < URL_CRATES_BELOW {
        return Ok(());
    }
    Err(Failure::new(format!(
        "s3-url has {} crates in its tree, allowed are fewer than {URL_CRATES_BELOW}",
        crates.len()
    )))
}

fn without_runtime(crates: &BTreeSet<String>) -> Outcome {
    let unwanted = |name: &&String| name.as_str() == "tokio" || name.starts_with("aws-");
    match crates.iter().find(unwanted) {
        None => Ok(()),
        Some(name) => Err(Failure::new(format!(
            "s3-core without features pulls in {name}; it has to be behind a feature"
        ))),
    }
}

fn without_families(tree: &str, crates: &BTreeSet<String>, families: &[&str]) -> Outcome {
    let belongs = |name: &str, family: &str| {
        let rest = name.strip_prefix(family);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    };
    let unwanted = |name: &&String| families.iter().any(|family| belongs(name, family));
    match crates.iter().find(unwanted) {
        None => Ok(()),
        Some(name) => Err(Failure::new(format!(
            "{tree} pulls in {name}, which only `cargo xtask test --data` may build"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_of_the_data_layer_is_named() {
        let with = |name: &str| BTreeSet::from(["bytes".to_owned(), name.to_owned()]);
        let check = |name| without_families("the tree", &with(name), &DATA_FAMILIES);
        for allowed in ["arrows", "s3-object-store", "parquets"] {
            assert!(check(allowed).is_ok(), "{allowed}");
        }
        for rejected in [
            "arrow",
            "arrow-array",
            "datafusion-sql",
            "object_store",
            "parquet",
        ] {
            assert!(check(rejected).is_err(), "{rejected}");
        }
        assert_eq!(
            check("arrow-csv").unwrap_err().to_string(),
            "the tree pulls in arrow-csv, which only `cargo xtask test --data` may build"
        );
    }

    #[test]
    fn names_are_read_from_a_tree() {
        let tree = "s3-url v0.1.0 (/home)\nurl v2.5.8\nidna v1.1.0 (*)\nurl v2.5.8 (*)\n";
        let expected = ["idna", "s3-url", "url"].map(str::to_owned);
        assert_eq!(names(tree), BTreeSet::from(expected));
    }

    #[test]
    fn a_runtime_in_the_small_build_is_named() {
        let with = |name: &str| BTreeSet::from(["bytes".to_owned(), name.to_owned()]);
        assert!(without_runtime(&with("tokio-not-quite")).is_ok());
        let failure = without_runtime(&with("tokio")).unwrap_err();
        assert_eq!(
            failure.to_string(),
            "s3-core without features pulls in tokio; it has to be behind a feature"
        );
        assert!(without_runtime(&with("aws-smithy-types")).is_err());
    }

    #[test]
    fn the_limit_of_s3_url_is_exclusive() {
        let crates = |count: usize| (0..count).map(|n| n.to_string()).collect();
        assert!(small_enough(&crates(URL_CRATES_BELOW - 1)).is_ok());
        assert!(small_enough(&crates(URL_CRATES_BELOW)).is_err());
    }
}
