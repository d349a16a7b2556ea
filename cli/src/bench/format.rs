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

/// `850 B`, `1.5 KiB`, `64.0 MiB`; with its sign.
pub(crate) fn bytes(number: f64) -> String {
    match number.abs() {
        1_048_576.0.. => format!("{:.1} MiB", number / 1_048_576.0),
        10_240.0.. => format!("{:.1} KiB", number / 1024.0),
        _ => format!("{} B", whole(number)),
    }
}

/// A sentence, with a capital letter and a full stop.
pub(crate) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
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
    warnings.extend(results.troubles().iter().map(|trouble| match trouble.outcome.disqualified {
        Some(_) => format!("Disqualified where the table says so: {trouble}."),
        None => format!("Not measured to the end: {trouble}."),
    }));
    for row in results.build.iter().flat_map(|build| &build.rows) {
        let failure = row.failure.as_ref();
        warnings.extend(failure.map(|why| format!("The smallest server on {} was not built: {why}.", row.name)));
    }
    if let Some(part) = results.disturbance.filter(|part| *part > DISTURBED) {
        warnings.push(format!(
            "Other programs used {:.0} % of the two CPUs' time: close them and measure again.",
            part * 100.0
        ));
    }
    warnings.extend(results.cpus.note.as_deref().map(sentence));
    if results.quick {
        let (rounds, milliseconds) = (results.rounds, results.slice_seconds * 1e3);
        warnings.push(format!(
            "This is a quick look ({rounds} rounds of {milliseconds:.0} ms): good for large differences. Leave --quick out \
             before you decide anything by small ones."
        ));
    }
    warnings
}

/// What was not measured at all, and why; each is a sentence.
pub(crate) fn skipped(results: &Results) -> Vec<String> {
    let skipped = results.skipped.iter().map(|it| {
        let what = match (it.experiment, &it.contestant) {
            (Some(experiment), Some(contestant)) => format!("{} of {contestant}", experiment.name()),
            (Some(experiment), None) => experiment.name(),
            (None, contestant) => contestant.clone().unwrap_or_default(),
        };
        format!("Skipped: {what}: {}.", it.why)
    });
    skipped.collect()
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
        assert_eq!(
            [-5.0, 1_000.0, 1536.0, 20_480.0, 67e6].map(bytes),
            ["-5 B", "1,000 B", "1,536 B", "20.0 KiB", "63.9 MiB"]
        );
        assert_eq!(sentence("ärger"), "Ärger.");
        assert_eq!([20.0, 2e4, 1e6, 5e9].map(round_duration), ["20 ns", "20 µs", "1 ms", "5 s"]);
        assert_eq!([16, 1024, 1500, 65_536, 1 << 20].map(size), ["16 B", "1 KiB", "1500 B", "64 KiB", "1 MiB"]);
    }
}
