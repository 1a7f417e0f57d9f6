//! Durations as people write them, read while the plugin is compiled: `300ms`, `2m`, `1h30m`.
//!
//! The grammar is that of `tasks.toml`: whole numbers from 1, each with its unit, larger units first, each once.

/// The units, largest first, with their length in milliseconds.
const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Milliseconds, or what is wrong with the text.
pub(crate) fn parse(text: &str) -> Result<u64, String> {
    if text.is_empty() {
        return Err("it is empty".to_owned());
    }
    let (mut rest, mut units, mut total) = (text, &UNITS[..], 0_u64);
    while !rest.is_empty() {
        let (number, behind) = split(rest, |c| c.is_ascii_digit());
        if number.is_empty() {
            return Err(format!("a whole number is expected at `{rest}`"));
        }
        if behind.starts_with('.') {
            return Err("there are no fractions: join units instead".to_owned());
        }
        let (unit, behind) = split(behind, |c| c.is_ascii_alphabetic());
        if unit.is_empty() {
            return Err(format!("`{number}` has no unit (d, h, m, s or ms)"));
        }
        if !UNITS.iter().any(|(name, _)| *name == unit) {
            return Err(format!("`{unit}` is not a unit (d, h, m, s or ms)"));
        }
        let Some(place) = units.iter().position(|(name, _)| *name == unit) else {
            return Err("larger units come first, and each once".to_owned());
        };
        let number: u64 = number.parse().map_err(|_| "it is too long".to_owned())?;
        if number == 0 {
            return Err("a number is at least 1".to_owned());
        }
        total = number
            .checked_mul(units[place].1)
            .and_then(|part| total.checked_add(part))
            .ok_or_else(|| "it is too long".to_owned())?;
        units = &units[place + 1..];
        rest = behind;
    }
    Ok(total)
}

fn split(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !belongs(c)).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn numbers_with_units_are_added_up() {
        let all = [("300ms", 300), ("2m", 120_000), ("1h30m", 5_400_000), ("1d1h1m1s1ms", 90_061_001)];
        for (text, milliseconds) in all {
            assert_eq!(parse(text), Ok(milliseconds), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_says_why() {
        let why = |text| parse(text).expect_err("it is no duration");
        assert_eq!(why(""), "it is empty");
        assert_eq!(why("2 m"), "`2` has no unit (d, h, m, s or ms)");
        assert_eq!(why("120"), "`120` has no unit (d, h, m, s or ms)");
        assert_eq!(why("2min"), "`min` is not a unit (d, h, m, s or ms)");
        assert_eq!(why("1.5h"), "there are no fractions: join units instead");
        assert_eq!(why("30m1h"), "larger units come first, and each once");
        assert_eq!(why("0s"), "a number is at least 1");
        assert_eq!(why("99999999999999999d"), "it is too long");
        assert_eq!(why("-2m"), "a whole number is expected at `-2m`");
    }
}
