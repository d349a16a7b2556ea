//! Numbers and labels as people read them, shared by the tables and the report.

use super::{
    results::{Cell, Results},
    statistics::Place,
};

/// `1 KiB`, `16 B`.
pub(crate) fn size(bytes: usize) -> String {
    match bytes {
        0x10_0000.. if bytes.is_multiple_of(0x10_0000) => format!("{} MiB", bytes >> 20),
        0x400.. if bytes.is_multiple_of(0x400) => format!("{} KiB", bytes >> 10),
        _ => format!("{bytes} B"),
    }
}

/// `64 connections, 16 B, 16 in flight`.
pub(crate) fn cell(cell: Cell) -> String {
    let Cell { connections, depth, .. } = cell;
    let plural = if connections == 1 { "" } else { "s" };
    format!("{connections} connection{plural}, {}, {depth} in flight", payload(cell))
}

/// `16 B`, `125 B text`.
pub(crate) fn payload(cell: Cell) -> String {
    format!("{}{}", size(cell.size), if cell.text { " text" } else { "" })
}

/// A whole number with its thousands apart: `1,234,567`.
pub(crate) fn whole(number: f64) -> String {
    let digits = format!("{:.0}", number.abs());
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if number < 0.0 && digits != "0" { format!("-{text}") } else { text }
}

/// Three digits: `1.23`, `12.3`, `123`, `1,234`.
pub(crate) fn short(number: f64) -> String {
    match number.abs() {
        100.0.. => whole(number),
        10.0.. => format!("{number:.1}"),
        _ => format!("{number:.2}"),
    }
}

/// Nanoseconds as `850 ns`, `8.50 µs`, `85.0 ms`.
pub(crate) fn duration(nanoseconds: f64) -> String {
    match nanoseconds {
        1e9.. => format!("{} s", short(nanoseconds / 1e9)),
        1e6.. => format!("{} ms", short(nanoseconds / 1e6)),
        1e3.. => format!("{} µs", short(nanoseconds / 1e3)),
        _ => format!("{nanoseconds:.0} ns"),
    }
}

/// The same for the ticks of an axis: `20 µs`.
pub(crate) fn round_duration(nanoseconds: f64) -> String {
    let (value, unit) = match nanoseconds.round() {
        1e9.. => (nanoseconds / 1e9, "s"),
        1e6.. => (nanoseconds / 1e6, "ms"),
        1e3.. => (nanoseconds / 1e3, "µs"),
        _ => (nanoseconds, "ns"),
    };
    format!("{} {unit}", value.round())
}

/// `3`, or `3=` for one of several.
pub(crate) fn rank(place: Option<Place>) -> String {
    place.map_or(String::new(), |place| format!("{}{}", place.rank, if place.tied { "=" } else { "" }))
}

/// What a reader must know before believing a number, most important first; each is a sentence.
pub(crate) fn warnings(results: &Results) -> Vec<String> {
    let mut warnings = Vec::new();
    if results.versions.profile.as_deref() == Some("debug") {
        warnings.push("This was a debug build: build with --release, these numbers mean nothing.".into());
    }
    if results.interrupted {
        warnings.push("It was interrupted: some rounds, or whole experiments, are missing.".into());
    }
    for failure in results.failures() {
        warnings.push(format!("Not measured to the end: {failure}."));
    }
    if let Some(part) = results.disturbance.filter(|part| *part > DISTURBED) {
        warnings.push(format!(
            "Other programs used {:.0} % of the two CPUs' time: close them and measure again.",
            part * 100.0
        ));
    }
    if let Some(note) = &results.cpus.note {
        let mut note = note.clone();
        note.get_mut(..1).map(str::make_ascii_uppercase);
        warnings.push(format!("{note}."));
    }
    if results.quick {
        let (rounds, milliseconds) = (results.rounds, results.slice_seconds * 1e3);
        warnings.push(format!(
            "This is a quick look ({rounds} rounds of {milliseconds:.0} ms): good for large differences. Leave --quick out \
             before you decide anything by small ones."
        ));
    }
    warnings
}

/// More than what the system itself needs.
const DISTURBED: f64 = 0.08;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        assert_eq!([0.4, 999.6, 1_234_567.0, -1_234.0].map(whole), ["0", "1,000", "1,234,567", "-1,234"]);
        assert_eq!([1.234, 12.34, 123.4, 12_345.0].map(short), ["1.23", "12.3", "123", "12,345"]);
        assert_eq!([850.0, 8_500.0, 85e6, 2e9].map(duration), ["850 ns", "8.50 µs", "85.0 ms", "2.00 s"]);
        assert_eq!([20.0, 2e4, 1e6, 5e9].map(round_duration), ["20 ns", "20 µs", "1 ms", "5 s"]);
        assert_eq!([16, 1024, 1500, 65_536, 1 << 20].map(size), ["16 B", "1 KiB", "1500 B", "64 KiB", "1 MiB"]);
    }
}
