//! Fuzz target: response heads and chunked bodies, split at any byte.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| s3_tests::fuzz::run("http_response", bytes));
