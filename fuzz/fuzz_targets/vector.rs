//! Fuzz target: recorded vectors, played by the model.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| s3_tests::fuzz::run("vector", bytes));
