//! Amounts and rates as people write them: `64KiB`, `50k/s`, `240TB/day`.

/// A number with a unit: `k`, `M`, `G`, `T`, `P` by thousands, `Ki` to `Ti` by 1,024; a `B` may follow.
///
/// # Errors
/// What is expected, in a line.
pub(super) fn amount(text: &str) -> Result<f64, String> {
    let text = text.trim();
    let digits = text.find(|it: char| !it.is_ascii_digit() && it != '.' && it != '_');
    let (number, unit) = text.split_at(digits.unwrap_or(text.len()));
    let unit = unit.trim();
    let scale = match unit.strip_suffix('B').unwrap_or(unit) {
        "" => 1.0,
        "k" | "K" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "Ki" => 1024.0,
        "Mi" => 1024.0 * 1024.0,
        "Gi" => 1024.0 * 1024.0 * 1024.0,
        "Ti" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
        _ => return Err(format!("{unit:?} is no unit; k, M, G, T, P, Ki, Mi, Gi and Ti are")),
    };
    let number = number.replace('_', "").parse::<f64>();
    number.map(|number| number * scale).map_err(|_| format!("{text:?} is no number"))
}

/// The same in a second: `/s` (or nothing), `/h`, `/day` or `/month`.
///
/// # Errors
/// What is expected, in a line.
pub(super) fn rate(text: &str) -> Result<f64, String> {
    let (what, per) = text.split_once('/').unwrap_or((text, "s"));
    let seconds = match per.trim() {
        "s" | "second" => 1.0,
        "h" | "hour" => 3600.0,
        "d" | "day" => 86_400.0,
        "month" => super::SECONDS_OF_A_MONTH,
        other => return Err(format!("{other:?} is no time; s, h, day and month are")),
    };
    Ok(amount(what)? / seconds)
}

/// Bytes in words.
pub(super) fn bytes(bytes: f64) -> String {
    let units = [(1e15, "PB"), (1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")];
    let unit = units.into_iter().find(|(scale, _)| bytes >= *scale);
    unit.map_or_else(
        || format!("{bytes:.0} B"),
        |(scale, name)| format!("{:.1} {name}", bytes / scale),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_as_people_write_them() {
        let is = |text: &str, expected: f64| {
            let read = rate(text).unwrap();
            assert!((read / expected - 1.0).abs() < 1e-9, "{text}: {read}");
        };
        is("50k/s", 50_000.0);
        is("86.4GB/day", 1e6);
        is("64 KiB", 65_536.0);
        is("3.6M/h", 1000.0);
        is("260G/day", 260e9 / 86_400.0);
        for wrong in ["", "k", "1x", "1/year", "-1", "1..2"] {
            assert!(rate(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn bytes_are_told_in_the_unit_that_fits() {
        assert_eq!(bytes(720e12), "720.0 TB");
        assert_eq!(bytes(999.0), "999 B");
    }
}
