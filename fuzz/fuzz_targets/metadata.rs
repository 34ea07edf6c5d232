//! Fuzz target: Metaflow's metadata.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| s3_tests::fuzz::run("metadata", bytes));
