//! Compares `s3_wire::timestamp::parse` with the SDK's date parser.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use proptest::prelude::*;
use s3_wire::timestamp::parse;

fn at(seconds: u64, millis: u32) -> SystemTime {
    UNIX_EPOCH + Duration::new(seconds, millis * 1_000_000)
}

proptest! {
    #[test]
    fn every_date_is_read_as_the_sdk_reads_it(seconds in 0..253_402_300_800_u64, millis in 0..1000_u32) {
        let time = DateTime::from(at(seconds, millis));
        let exact = time.fmt(Format::DateTime).unwrap();
        let padded = format!("{}.{millis:03}Z", &exact[..19]);
        for text in [&padded, &exact] {
            prop_assert_eq!(parse(text), Some(at(seconds, millis)), "{}", text);
        }
        let whole = format!("{}Z", &exact[..19]);
        prop_assert_eq!(parse(&whole), Some(at(seconds, 0)));
        let header = DateTime::from_secs(i64::try_from(seconds).unwrap()).fmt(Format::HttpDate).unwrap();
        prop_assert_eq!(parse(&header), Some(at(seconds, 0)));
    }

    #[test]
    fn a_date_that_the_sdk_reads_is_read_alike(
        text in "(19[7-9]|20[0-9])[0-9]-[01][0-9]-[0-3][0-9][Tt ][0-2][0-9]:[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,10})?(Z|z|[+-][012][0-9]:[0-6][0-9])"
    ) {
        if let Ok(theirs) = DateTime::from_str(&text, Format::DateTimeWithOffset) {
            let theirs = SystemTime::try_from(theirs).unwrap();
            prop_assert_eq!(parse(&text), Some(theirs), "{}", text);
        }
    }
}
