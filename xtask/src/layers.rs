//! `cargo xtask layers`: checks which crate depends on which.
//!
//! Two tables describe the layers of docs/ARCHITECTURE.md: [`LAYERS`] has the allowed dependencies between our crates,
//! [`BANS`] the forbidden third-party dependencies. The dependencies come from `cargo metadata`, for all targets and
//! all features; the check itself is a function from dependencies to violations.

use std::path::Path;

use cargo_metadata::{DependencyKind, Metadata};

use crate::failure::{Failure, Outcome};
use crate::workspace;

/// Prints each violation; fails if there are any.
pub(crate) fn run(root: &Path) -> Outcome {
    let metadata = workspace::metadata(root)?;
    let edges = edges(&metadata);
    let mut found = unplaced(
        metadata
            .packages
            .iter()
            .map(|package| package.name.as_str()),
    );
    found.extend(violations(&edges));
    for violation in &found {
        println!("{violation}");
    }
    if found.is_empty() {
        println!("layers: {} direct dependencies, all allowed", edges.len());
        return Ok(());
    }
    Err(Failure::new(format!("layers: {} violations", found.len())))
}

/// A direct dependency.
#[derive(Clone, Debug)]
struct Edge {
    from: String,
    to: String,
    /// Whether only tests, examples and benchmarks use it.
    dev: bool,
    /// Whether it needs a feature.
    optional: bool,
}

/// A crate and the workspace crates that it may depend on.
struct Layer {
    name: &'static str,
    /// As normal or build dependencies.
    uses: &'static [&'static str],
    /// As dev-dependencies, besides `uses`.
    tests_use: &'static [&'static str],
    because: &'static str,
}

const LAYERS: [Layer; 14] = [
    Layer {
        name: "s3-url",
        uses: &[],
        tests_use: &[],
        because: "the grammar of URLs stands alone",
    },
    Layer {
        name: "s3-wire",
        uses: &[],
        tests_use: &[],
        because: "bytes, heads and signatures stand alone",
    },
    Layer {
        name: "s3-core",
        uses: &["s3-url", "s3-wire"],
        tests_use: &["s3-testkit"],
        because: "the model knows only the grammar and the wire below it",
    },
    Layer {
        name: "s3-transfer",
        uses: &["s3-core", "s3-url"],
        tests_use: &["s3-testkit"],
        because: "the engine knows only the model below it",
    },
    Layer {
        name: "s3-client",
        uses: &["s3-transfer", "s3-core", "s3-url"],
        tests_use: &["s3-testkit"],
        because: "the facade knows only the layers below it",
    },
    Layer {
        name: "s3-cli",
        uses: &["s3-client", "s3-transfer", "s3-core", "s3-server"],
        // The benchmark server lists a million keys that are not stored.
        tests_use: &["s3-testkit", "s3-bench"],
        because: "the tool is above the libraries, and the test kit is not in it",
    },
    Layer {
        name: "s3-object-store",
        uses: &["s3-transfer", "s3-core"],
        tests_use: &["s3-testkit"],
        because: "an adapter of the engine needs no facade",
    },
    Layer {
        name: "s3-server",
        uses: &["s3-core"],
        tests_use: &[],
        because: "the server serves any store, so it knows only the model",
    },
    Layer {
        name: "s3-frame",
        uses: &["s3-object-store", "s3-client", "s3-transfer", "s3-core"],
        tests_use: &["s3-testkit"],
        because: "frames read and write what a client does",
    },
    Layer {
        name: "s3-testkit",
        uses: &["s3-server", "s3-core", "s3-url"],
        tests_use: &[],
        because: "the test kit serves every layer above the model, so it uses none of them",
    },
    Layer {
        name: "s3-tests",
        uses: &[
            "s3-client",
            "s3-transfer",
            "s3-core",
            "s3-url",
            "s3-testkit",
        ],
        tests_use: &[],
        because: "the tests use our libraries and nothing of the chores",
    },
    Layer {
        name: "s3-bench",
        uses: &["s3-client"],
        tests_use: &["s3-core", "s3-testkit"],
        because: "the bench measures what users see, so it goes through the facade",
    },
    Layer {
        name: "s3-python",
        uses: &["s3-client", "s3-transfer", "s3-core", "s3-cli", "s3-frame"],
        tests_use: &[],
        because: "the bindings use the facade, a store of their own for injected failures, and the tool for the wheel",
    },
    Layer {
        name: "xtask",
        uses: &[],
        tests_use: &[],
        because: "chores have to build within seconds",
    },
];

/// A direct third-party dependency that a layer must not have; dev-dependencies are allowed.
struct Ban {
    from: &'static str,
    /// Names; a name that ends in `*` is a prefix.
    names: &'static [&'static str],
    /// Whether the dependency is allowed behind a feature.
    unless_optional: bool,
    because: &'static str,
}

const BANS: [Ban; 6] = [
    Ban {
        from: "s3-wire",
        names: &["aws-*", "tower", "futures-*", "hyper*"],
        unless_optional: false,
        because: "connections and signatures need no AWS crate and no HTTP crate",
    },
    Ban {
        from: "s3-url",
        names: &["tokio*", "futures-*", "aws-*", "bytes"],
        unless_optional: false,
        because: "URL rules are pure: no async, no I/O, no AWS",
    },
    Ban {
        from: "s3-core",
        names: &["tower", "tempfile"],
        unless_optional: false,
        because: "retries and files belong to s3-transfer",
    },
    Ban {
        from: "s3-core",
        names: &["tokio*", "aws-*"],
        unless_optional: true,
        because: "the model builds without a runtime and without AWS; make it optional",
    },
    Ban {
        from: "s3-transfer",
        names: &["aws-*"],
        unless_optional: false,
        because: "the engine sees a Store, not the service behind it",
    },
    Ban {
        from: "s3-client",
        names: &["aws-*", "tower"],
        unless_optional: false,
        because: "AWS is behind s3-core and the stack of services inside s3-transfer",
    },
];

fn edges(metadata: &Metadata) -> Vec<Edge> {
    let of_package = |package: &cargo_metadata::Package| {
        let from = package.name.to_string();
        package
            .dependencies
            .iter()
            .map(|dependency| Edge {
                from: from.clone(),
                to: dependency.name.clone(),
                dev: dependency.kind == DependencyKind::Development,
                optional: dependency.optional,
            })
            .collect::<Vec<_>>()
    };
    metadata.packages.iter().flat_map(of_package).collect()
}

/// Crates of the workspace that have no row in [`LAYERS`].
fn unplaced<'name>(members: impl Iterator<Item = &'name str>) -> Vec<String> {
    members
        .filter(|member| layer(member).is_none())
        .map(|member| format!("{member} has no layer: add a row to xtask/src/layers.rs"))
        .collect()
}

fn violations(edges: &[Edge]) -> Vec<String> {
    edges
        .iter()
        .filter_map(|edge| {
            let because = reason_against(edge)?;
            Some(format!(
                "{} must not depend on {}: {because}",
                edge.from, edge.to
            ))
        })
        .collect()
}

fn reason_against(edge: &Edge) -> Option<&'static str> {
    match layer(&edge.to) {
        Some(_) => reason_against_ours(edge),
        None => BANS
            .iter()
            .find(|ban| ban.forbids(edge))
            .map(|ban| ban.because),
    }
}

fn reason_against_ours(edge: &Edge) -> Option<&'static str> {
    let from = layer(&edge.from)?;
    let to = edge.to.as_str();
    let in_tests = from.tests_use.contains(&to);
    if from.uses.contains(&to) || (edge.dev && (in_tests || edge.from == edge.to)) {
        return None;
    }
    if in_tests {
        return Some("it is for tests; make it a dev-dependency");
    }
    Some(from.because)
}

fn layer(name: &str) -> Option<&'static Layer> {
    LAYERS.iter().find(|layer| layer.name == name)
}

impl Ban {
    fn forbids(&self, edge: &Edge) -> bool {
        let named = |name: &&str| match name.strip_suffix('*') {
            Some(start) => edge.to.starts_with(start),
            None => edge.to == *name,
        };
        self.from == edge.from
            && !edge.dev
            && !(self.unless_optional && edge.optional)
            && self.names.iter().any(named)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(from: &str, to: &str) -> Edge {
        Edge {
            from: from.to_owned(),
            to: to.to_owned(),
            dev: false,
            optional: false,
        }
    }

    fn dev(from: &str, to: &str) -> Edge {
        Edge {
            dev: true,
            ..edge(from, to)
        }
    }

    fn optional(from: &str, to: &str) -> Edge {
        Edge {
            optional: true,
            ..edge(from, to)
        }
    }

    #[test]
    fn a_forbidden_edge_is_reported_among_allowed_ones() {
        let edges = [
            edge("s3-core", "s3-url"),
            edge("s3-core", "s3-client"),
            edge("s3-client", "s3-transfer"),
        ];
        assert_eq!(
            violations(&edges),
            [
                "s3-core must not depend on s3-client: the model knows only the grammar and the wire below it"
            ]
        );
    }

    #[test]
    fn every_edge_upwards_is_reported() {
        let stack = ["s3-url", "s3-core", "s3-transfer", "s3-client"];
        for (low, lower) in stack.iter().enumerate() {
            for higher in &stack[low + 1..] {
                assert_eq!(
                    violations(&[edge(lower, higher)]).len(),
                    1,
                    "{lower} to {higher}"
                );
                assert_eq!(
                    violations(&[dev(lower, higher)]).len(),
                    1,
                    "{lower} to {higher}, dev"
                );
                assert!(
                    violations(&[edge(higher, lower)]).is_empty(),
                    "{higher} to {lower}"
                );
            }
        }
    }

    #[test]
    fn the_test_kit_is_for_tests() {
        for from in ["s3-core", "s3-transfer", "s3-client"] {
            assert_eq!(
                violations(&[edge(from, "s3-testkit")]),
                [format!(
                    "{from} must not depend on s3-testkit: it is for tests; make it a dev-dependency"
                )]
            );
            assert!(violations(&[dev(from, "s3-testkit")]).is_empty());
        }
        assert!(violations(&[edge("s3-tests", "s3-testkit")]).is_empty());
        assert_eq!(violations(&[edge("s3-url", "s3-testkit")]).len(), 1);
        assert_eq!(violations(&[dev("s3-url", "s3-testkit")]).len(), 1);
        assert_eq!(violations(&[dev("xtask", "s3-testkit")]).len(), 1);
    }

    #[test]
    fn bans_match_names_and_beginnings() {
        assert_eq!(
            violations(&[edge("s3-url", "futures-util"), edge("s3-url", "url")]),
            [
                "s3-url must not depend on futures-util: URL rules are pure: no async, no I/O, no AWS"
            ]
        );
        assert_eq!(violations(&[edge("s3-transfer", "aws-sdk-s3")]).len(), 1);
        assert_eq!(violations(&[optional("s3-client", "aws-config")]).len(), 1);
        assert!(violations(&[edge("s3-transfer", "tower")]).is_empty());
        assert!(violations(&[edge("s3-url", "bytes-utils")]).is_empty());
    }

    #[test]
    fn the_wire_is_below_the_model_only() {
        assert!(violations(&[edge("s3-core", "s3-wire")]).is_empty());
        for (from, to) in [
            ("s3-wire", "s3-core"),
            ("s3-wire", "s3-url"),
            ("s3-transfer", "s3-wire"),
            ("s3-client", "s3-wire"),
        ] {
            assert_eq!(violations(&[edge(from, to)]).len(), 1, "{from} to {to}");
        }
        assert_eq!(violations(&[edge("s3-wire", "aws-sigv4")]).len(), 1);
    }

    #[test]
    fn the_model_has_its_runtime_behind_a_feature() {
        assert_eq!(violations(&[edge("s3-core", "tokio")]).len(), 1);
        assert!(violations(&[optional("s3-core", "tokio")]).is_empty());
        assert!(violations(&[dev("s3-core", "tokio")]).is_empty());
        assert_eq!(violations(&[optional("s3-core", "tower")]).len(), 1);
    }

    #[test]
    fn a_crate_without_a_row_is_reported() {
        assert_eq!(
            unplaced(["s3-url", "s3-unknown"].into_iter()),
            ["s3-unknown has no layer: add a row to xtask/src/layers.rs"]
        );
    }
}
