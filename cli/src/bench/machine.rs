//! What was measured where, and when.

use std::{
    fs,
    time::{SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};

/// The machine, as far as it tells.
#[derive(Serialize, Deserialize, Debug)]
pub(crate) struct Machine {
    /// The model of the CPU.
    pub(crate) cpu: String,
    /// CPUs that this process may use.
    pub(crate) cores: usize,
    /// Bytes of memory.
    pub(crate) memory: Option<u64>,
    /// The kernel's name and release.
    pub(crate) kernel: String,
    /// The architecture that the program was built for.
    pub(crate) architecture: String,
}

/// What was compared.
#[derive(Serialize, Deserialize, Debug)]
pub(crate) struct Versions {
    /// timtow's.
    pub(crate) timtow: String,
    /// The compiler's, if it was known when it was built.
    pub(crate) rustc: Option<String>,
    /// The revision of timtow, if it was known when it was built.
    pub(crate) revision: Option<String>,
    /// `release`, or the measurement means little.
    pub(crate) profile: Option<String>,
}

impl Machine {
    /// This machine.
    pub(crate) fn this() -> Self {
        let field = |path: &str, name: &str| {
            let text = fs::read_to_string(path).ok()?;
            let value = text.lines().find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix(':'))?;
            Some(value.trim().to_owned())
        };
        let uname = rustix::system::uname();
        let kibibytes =
            field("/proc/meminfo", "MemTotal").and_then(|total| total.strip_suffix(" kB")?.parse::<u64>().ok());
        Machine {
            cpu: field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown".into()),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory: kibibytes.map(|kibibytes| kibibytes << 10),
            kernel: format!("{} {}", uname.sysname().to_string_lossy(), uname.release().to_string_lossy()),
            architecture: std::env::consts::ARCH.into(),
        }
    }
}

impl Versions {
    /// Those of this build.
    pub(crate) fn this() -> Self {
        Versions {
            timtow: env!("CARGO_PKG_VERSION").into(),
            rustc: option_env!("TIMTOW_RUSTC").map(Into::into),
            revision: option_env!("TIMTOW_REVISION").map(Into::into),
            profile: option_env!("TIMTOW_PROFILE").map(Into::into),
        }
    }
}

/// Now, in UTC (RFC 3339).
pub(crate) fn now() -> String {
    rfc3339(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
}

/// The proleptic Gregorian calendar, with years that begin in March, so that leap days are last.
fn rfc3339(seconds: u64) -> String {
    let (days, second) = (seconds / 86_400 + 719_468, seconds % 86_400);
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    #[test]
    fn dates() {
        for (seconds, date) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(super::rfc3339(seconds), date);
        }
    }
}
