//! The properties, with the number of cases that every change runs. `cargo xtask prove` runs many more.

use s3_tests::prove::{Figures, Plan, Property, run};

/// Runs the quick cases of a property and returns their counts.
fn holds(name: &str) -> Figures {
    let property = Property::named(name).unwrap();
    let plan = Plan {
        seeds: 0..property.quick,
        threads: 1,
    };
    match run(property, &plan) {
        Ok(figures) => figures,
        Err(failure) => panic!("{failure}"),
    }
}

#[test]
fn no_harm_to_a_body_goes_unnoticed_where_a_checksum_or_a_length_can_tell() {
    let figures = holds("corrupt");
    assert!(figures.of("cases") >= 10_000);
    for harm in ["flips", "splices", "cuts", "duplicates"] {
        assert!(figures.of(harm) >= 1_000, "{harm}: {figures}");
    }
}

#[test]
fn racing_writers_with_lost_replies_get_results_that_one_order_of_events_explains() {
    let figures = holds("history");
    assert!(figures.of("cases") >= 2_000);
    for outcome in [
        "created",
        "already there",
        "stray requests",
        "of equal bytes",
    ] {
        assert!(figures.of(outcome) >= 400, "{outcome}: {figures}");
    }
}

#[test]
fn client_and_model_agree_on_sequences_of_operations_under_transient_faults() {
    let figures = holds("sequence");
    assert!(figures.of("cases") >= 2_000);
    for (what, most) in [("operations", 20_000), ("faults", 3_000), ("over HTTP", 20)] {
        assert!(figures.of(what) >= most, "{what}: {figures}");
    }
    // Each kind of fault was really met, those that need a wire among them.
    for fault in [
        "after commit",
        "announce",
        "body error",
        "changed etag",
        "close idle",
        "cut request",
        "drop",
        "list",
        "lose reply",
        "reset",
        "shifted range",
        "stall",
        "status",
        "trickle",
        "truncate",
        "white space",
        "whole object",
    ] {
        assert!(figures.of(fault) >= 1, "{fault}: {figures}");
    }
}

#[test]
fn in_whatever_order_they_run_all_come_to_an_end_and_give_back_what_they_held() {
    let figures = holds("schedule");
    assert!(figures.of("cases") >= 10_000);
    for part in [
        "of the limit",
        "of the engine",
        "of the facade",
        "cancelled",
    ] {
        assert!(figures.of(part) >= 500, "{part}: {figures}");
    }
}
