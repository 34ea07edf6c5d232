//! Fuzz target: error documents.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| s3_tests::fuzz::run("error_response", bytes));
