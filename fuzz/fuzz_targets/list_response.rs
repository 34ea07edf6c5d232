//! Fuzz target: pages of listings, compared between the two parsers.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| s3_tests::fuzz::run("list_response", bytes));
