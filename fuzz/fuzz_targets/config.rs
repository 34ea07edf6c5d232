//! Fuzz target: Metaflow's configuration.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| s3_tests::fuzz::run("config", bytes));
