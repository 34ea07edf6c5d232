//! `cargo xtask features`: checks that each feature compiles alone, and limits the dependencies of s3-url and of s3-core
//! without features. The limits are checked against `cargo tree`.

use std::collections::BTreeSet;
use std::path::Path;

use cargo_metadata::Package;

use crate::failure::{Failure, Outcome};
use crate::workspace::DATA;
use crate::{command, workspace};

/// Limit on the crates in the tree of s3-url. It has 36, most of them the Unicode tables of `url`; raise the limit only
/// with a reason.
const URL_CRATES_BELOW: usize = 40;

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
    Ok(())
}

/// The names in the tree of normal dependencies, the package itself included.
fn crates_of(root: &Path, selection: &[&str]) -> Outcome<BTreeSet<String>> {
    let mut command = command::cargo(root);
    command.arg("tree").args(selection);
    command.args(["--edges", "normal", "--prefix", "none", "--format", "{p}"]);
    Ok(names(&command::output_of(&mut command)?))
}

/// `name v1.2.3 (*)` per line; two versions of one crate count once.
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

#[cfg(test)]
mod tests {
    use super::*;

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
