//! Why a command ended without doing what it was asked: one sentence, and the exit status that goes with it.

use std::{fmt, process::ExitCode};

/// What a command returns.
pub(crate) type Result<T> = std::result::Result<T, Failure>;

/// One sentence for stderr that says what to do, without a full stop.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Failure {
    /// The sentence.
    pub(crate) sentence: String,
    /// The command line was at fault (exit status 2), and not the world (1).
    pub(crate) usage: bool,
}

impl Failure {
    /// Something went wrong that the command line could not know.
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Failure { sentence: sentence.into(), usage: false }
    }

    /// The command line asks for what cannot be.
    pub(crate) fn usage(sentence: impl Into<String>) -> Self {
        Failure { sentence: sentence.into(), usage: true }
    }

    /// The exit status.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(if self.usage { 2 } else { 1 })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}
