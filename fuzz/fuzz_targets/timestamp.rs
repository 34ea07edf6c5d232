//! Fuzz target: timestamps, and the headers that describe an object.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| s3_tests::fuzz::run("timestamp", bytes));
