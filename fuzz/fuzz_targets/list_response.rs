//! Pages of listings: both readers of a page agree.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| s3_tests::fuzz::run("list_response", bytes));
