//! Parses and formats sizes (`8M`, `1.5 MiB`), and parses durations (`10m`).

use std::time::Duration;

const UNITS: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

/// Parses `5`, `1K`, `8M`, `8MiB`, `2G`: powers of 1024.
pub(crate) fn parse_size(text: &str) -> Result<u64, String> {
    let problem = || format!("{text:?} is not a size: write 512, 64K, 8M, 8MiB or 2G");
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| problem())?;
    let unit = unit.to_ascii_lowercase();
    let letter = unit
        .strip_suffix("ib")
        .or_else(|| unit.strip_suffix('b'))
        .unwrap_or(&unit);
    let power = match letter {
        "" if unit == "ib" => return Err(problem()),
        "" => 0,
        "k" => 1,
        "m" => 2,
        "g" => 3,
        "t" => 4,
        _ => return Err(problem()),
    };
    number.checked_mul(1024_u64.pow(power)).ok_or_else(problem)
}

/// Parses `30`, `30s`, `10m`, `1h`, `7d`.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let problem = || format!("{text:?} is not a duration: write 30s, 10m, 1h or 7d");
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| problem())?;
    let seconds = match unit {
        "" | "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return Err(problem()),
    };
    let seconds = number.checked_mul(seconds).ok_or_else(problem)?;
    Ok(Duration::from_secs(seconds))
}

/// Returns a size as `30 B`, `1.5 KiB`, `8.0 MiB`.
pub(crate) fn human_size(bytes: u64) -> String {
    let mut unit = 0;
    let mut whole = bytes;
    let mut tenths = 0;
    while whole >= 1024 {
        // Tenths of the next unit. The last division decides; remainders of earlier ones are below a tenth.
        tenths = (whole % 1024) * 10 / 1024;
        whole /= 1024;
        unit += 1;
    }
    match unit {
        0 => format!("{whole} B"),
        _ => format!("{whole}.{tenths} {}", UNITS[unit]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_powers_of_1024() {
        let sizes =
            ["5", "1K", "8M", "8MiB", "8mb", "2G", "3b"].map(|text| parse_size(text).unwrap());
        assert_eq!(sizes, [5, 1024, 8 << 20, 8 << 20, 8 << 20, 2 << 30, 3]);
        for text in [
            "",
            "K",
            "1.5M",
            "-1",
            "1X",
            "5iB",
            "99999999999999999999",
            "99999999999T",
        ] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn durations_have_one_unit() {
        let seconds =
            ["30", "30s", "10m", "1h", "7d"].map(|text| parse_duration(text).unwrap().as_secs());
        assert_eq!(seconds, [30, 30, 600, 3600, 604_800]);
        for text in ["", "h", "1w", "1h30m", "-1s"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_are_printed_with_one_decimal() {
        let texts = [0, 1023, 1024, 1536, (8 << 20) + 1, u64::MAX].map(human_size);
        assert_eq!(
            texts,
            ["0 B", "1023 B", "1.0 KiB", "1.5 KiB", "8.0 MiB", "15.9 EiB"]
        );
    }
}
