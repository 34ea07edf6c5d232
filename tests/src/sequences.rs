//! Proptest strategies for sequences of client operations.
//!
//! A sequence is a scenario like those of the vectors. Keys are chosen by index from a list of unusual ones, so that
//! several operations of a sequence use the same object.

use proptest::prelude::*;
use serde_json::{Value, json};

const KEYS: [&str; 18] = [
    "a",
    "a/",
    "a/b",
    "a//b",
    "a/b/c",
    "ab",
    "ab/c",
    "a b",
    "a?b",
    "a%20b",
    "a+b",
    "é/刺身",
    "\u{1}\t",
    "\"q",
    ".",
    "../a",
    "d/e/f/g",
    "zz",
];

/// Roots of clients; empty for full URLs.
const ROOTS: [&str; 4] = ["", "s3://{B}/root", "s3://{B}", "s3://{B}/root/a/"];

/// A step before its numbers are replaced by keys.
#[derive(Clone, Debug)]
enum Operation {
    Put {
        key: usize,
        length: usize,
        overwrite: bool,
        attributes: bool,
    },
    PutMany {
        first: usize,
        count: usize,
        overwrite: bool,
    },
    Get {
        key: usize,
        range: Option<(Option<i64>, Option<i64>)>,
        return_missing: bool,
        return_info: bool,
    },
    GetMany {
        keys: Vec<usize>,
        range: Option<(i64, i64)>,
        return_missing: bool,
    },
    Info {
        key: usize,
        return_missing: bool,
    },
    InfoMany {
        keys: Vec<usize>,
        return_missing: bool,
    },
    Keys {
        call: &'static str,
        keys: Vec<usize>,
    },
    Root {
        call: &'static str,
    },
    Delete {
        key: usize,
    },
    Copy {
        from: usize,
        distance: usize,
    },
}

fn operation() -> impl Strategy<Value = Operation> {
    let key = || 0..KEYS.len();
    let keys = || prop::collection::vec(0..KEYS.len(), 0..4);
    let listing = prop::sample::select(vec!["list_paths", "list_recursive", "get_recursive"]);
    let whole = prop::sample::select(vec!["list_paths", "list_recursive", "get_all"]);
    let bound = || prop::option::of(-2..14_i64);
    prop_oneof![
        6 => (key(), 0..12_usize, any::<bool>(), any::<bool>())
            .prop_map(|(key, length, overwrite, attributes)| Operation::Put { key, length, overwrite, attributes }),
        3 => (key(), 0..5_usize, any::<bool>())
            .prop_map(|(first, count, overwrite)| Operation::PutMany { first, count, overwrite }),
        4 => (key(), prop::option::of((bound(), bound())), any::<bool>(), any::<bool>())
            .prop_map(|(key, range, return_missing, return_info)| {
                Operation::Get { key, range, return_missing, return_info }
            }),
        3 => (keys(), prop::option::of((-1..6_i64, -1..6_i64)), any::<bool>())
            .prop_map(|(keys, range, return_missing)| Operation::GetMany { keys, range, return_missing }),
        2 => (key(), any::<bool>()).prop_map(|(key, return_missing)| Operation::Info { key, return_missing }),
        2 => (keys(), any::<bool>())
            .prop_map(|(keys, return_missing)| Operation::InfoMany { keys, return_missing }),
        3 => (listing, keys()).prop_map(|(call, keys)| Operation::Keys { call, keys }),
        2 => whole.prop_map(|call| Operation::Root { call }),
        2 => key().prop_map(|key| Operation::Delete { key }),
        2 => (key(), 1..KEYS.len()).prop_map(|(from, distance)| Operation::Copy { from, distance }),
    ]
}

/// Returns the step of an operation for a client with this root. `number` makes its bytes unique.
fn step(root: &str, number: usize, operation: &Operation) -> Value {
    let key = |index: usize| {
        let key = KEYS[index % KEYS.len()];
        if root.is_empty() {
            format!("s3://{{B}}/{key}")
        } else {
            key.to_owned()
        }
    };
    let keys = |indexes: &[usize]| indexes.iter().map(|index| key(*index)).collect::<Vec<_>>();
    let step = |call: &str, args: Value, kwargs: Value| json!({"call": call, "args": args, "kwargs": kwargs});
    match operation {
        Operation::Put {
            key: index,
            length,
            overwrite,
            attributes,
        } => {
            let mut kwargs = json!({ "overwrite": overwrite });
            if *attributes {
                kwargs["content_type"] = json!("text/plain");
                kwargs["metadata"] = json!({"length": length, "é": null});
            }
            step(
                "put",
                json!([key(*index), "0123456789ab"[..*length]]),
                kwargs,
            )
        }
        Operation::PutMany {
            first,
            count,
            overwrite,
        } => {
            let pair = |index| json!({"$tuple": [key(index), format!("many {index} {number}")]});
            let pairs: Vec<_> = (*first..first + count).map(pair).collect();
            step(
                "put_many",
                json!([pairs]),
                json!({ "overwrite": overwrite }),
            )
        }
        Operation::Get {
            key: index,
            range,
            return_missing,
            return_info,
        } => {
            let kwargs = json!({"return_missing": return_missing, "return_info": return_info});
            let object = match range {
                None => json!(key(*index)),
                Some((offset, length)) => {
                    json!({"$S3GetObject": {"key": key(*index), "offset": offset, "length": length}})
                }
            };
            step("get", json!([object]), kwargs)
        }
        Operation::GetMany {
            keys: indexes,
            range,
            return_missing,
        } => {
            let object = |key: String| match range {
                None => json!(key),
                Some((offset, length)) => {
                    json!({"$S3GetObject": {"key": key, "offset": offset, "length": length}})
                }
            };
            let objects: Vec<_> = keys(indexes).into_iter().map(object).collect();
            step(
                "get_many",
                json!([objects]),
                json!({ "return_missing": return_missing }),
            )
        }
        Operation::Info {
            key: index,
            return_missing,
        } => step(
            "info",
            json!([key(*index)]),
            json!({ "return_missing": return_missing }),
        ),
        Operation::InfoMany {
            keys: indexes,
            return_missing,
        } => step(
            "info_many",
            json!([keys(indexes)]),
            json!({ "return_missing": return_missing }),
        ),
        Operation::Keys {
            call,
            keys: indexes,
        } => step(call, json!([keys(indexes)]), json!({})),
        Operation::Root { call } => step(call, json!([]), json!({})),
        Operation::Delete { key: index } => step("delete", json!([key(*index)]), json!({})),
        Operation::Copy { from, distance } => {
            step("copy", json!([key(*from), key(from + distance)]), json!({}))
        }
    }
}

/// Returns a strategy for sequences of at most this number of operations.
pub fn scenario(most: usize) -> impl Strategy<Value = Value> {
    // Many short ones, and some with the maximum length.
    let operations = prop_oneof![
        2 => prop::collection::vec(operation(), 1..=most.min(12)),
        1 => prop::collection::vec(operation(), 1..=most),
    ];
    (prop::sample::select(ROOTS.to_vec()), operations).prop_map(|(root, operations)| {
        let steps: Vec<_> = operations
            .iter()
            .enumerate()
            .map(|(number, operation)| step(root, number, operation))
            .collect();
        json!({"constructor": {"s3root": root}, "steps": steps, "final_state": true})
    })
}
