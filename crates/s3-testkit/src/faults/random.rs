//! Chooses random faults from a seed and the request, independent of the order in which requests arrive.

use std::collections::HashMap;

use super::FaultAction;
use super::plan::RandomFaults;
use crate::Call;

/// Query parameters that differ between runs.
const VOLATILE: &[&str] = &["uploadId", "x-id"];

/// The number of times each request was sent: one entry per distinct request.
#[derive(Debug, Default)]
pub(crate) struct Occurrences(HashMap<u64, u64>);

impl Occurrences {
    pub(crate) fn draw(&mut self, faults: &RandomFaults, call: &Call) -> Option<FaultAction> {
        let identity = identity(call);
        let occurrence = self.0.entry(identity).or_default();
        *occurrence += 1;
        let drawn = mixed(faults.seed ^ mixed(identity ^ mixed(*occurrence)));
        // An f64 holds the top 53 bits exactly.
        let fraction = (drawn >> 11) as f64 / (1_u64 << 53) as f64;
        if fraction >= faults.probability {
            return None;
        }
        let index = mixed(drawn).checked_rem(faults.actions.len() as u64)?;
        faults.actions.get(usize::try_from(index).ok()?).cloned()
    }
}

/// FNV-1a hash of a request. Unlike the hasher of the standard library, it is guaranteed to be stable across runs.
fn identity(call: &Call) -> u64 {
    let lasting = call.query.iter().filter(|(name, _)| {
        !VOLATILE.contains(&name.as_str())
            && !name.starts_with("X-Amz-")
            && name != "continuation-token"
    });
    let texts = [
        call.method.as_str(),
        call.bucket.as_deref().unwrap_or(""),
        call.key.as_deref().unwrap_or(""),
    ];
    texts
        .into_iter()
        .chain(lasting.flat_map(|(name, value)| [name.as_str(), value.as_str()]))
        .fold(0xcbf2_9ce4_8422_2325, |hash, text| {
            fnv(fnv(hash, text.as_bytes()), &[0])
        })
}

fn fnv(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The finalizer of splitmix64.
const fn mixed(value: u64) -> u64 {
    let value = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FaultPlan;

    fn drawn(order: &[&str]) -> Vec<(String, Option<FaultAction>)> {
        let plan = FaultPlan::random(7, 0.3, [FaultAction::Drop, FaultAction::ChangedETag]);
        let faults = plan.random.unwrap();
        let mut occurrences = Occurrences::default();
        let draw = |key: &&str| {
            let call = Call::new("GET", Some("b"), Some(key), &[]);
            ((*key).to_owned(), occurrences.draw(&faults, &call))
        };
        let mut drawn: Vec<_> = order.iter().map(draw).collect();
        drawn.sort_by(|(left, _), (right, _)| left.cmp(right));
        drawn
    }

    #[test]
    fn the_order_of_arrival_does_not_matter() {
        assert_eq!(
            drawn(&["a", "b", "a", "c", "d"]),
            drawn(&["d", "a", "c", "b", "a"])
        );
    }

    #[test]
    fn the_share_of_faults_matches_the_probability_and_all_actions_occur() {
        let keys: Vec<String> = (0..1000).map(|number| number.to_string()).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let hits: Vec<_> = drawn(&keys)
            .into_iter()
            .filter_map(|(_, action)| action)
            .collect();
        assert!((250..350).contains(&hits.len()), "{}", hits.len());
        assert!(hits.contains(&FaultAction::Drop) && hits.contains(&FaultAction::ChangedETag));
    }
}
