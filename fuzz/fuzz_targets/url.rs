//! Fuzz target: keys, prefixes and roots.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| s3_tests::fuzz::run("url", bytes));
