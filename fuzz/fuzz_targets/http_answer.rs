//! Heads and chunked bodies of answers, however they arrive.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| s3_tests::fuzz::run("http_answer", bytes));
