//! Why a command ended without doing what it was asked: one sentence, and the exit status that goes with it.

use std::{fmt, process::ExitCode};

/// What a command returns.
pub(crate) type Result<T> = std::result::Result<T, Failure>;

/// One sentence for stderr that says what to do, without a full stop.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Failure {
    /// The sentence.
    pub(crate) sentence: String,
    /// Who was at fault.
    pub(crate) fault: Fault,
}

/// Who was at fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    /// The command line: exit status 2.
    Usage,
    /// The server that was to echo: its answers are wrong, or do not come.
    Server,
    /// The rest of the world.
    World,
}

impl Failure {
    /// Something went wrong that the command line could not know.
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Failure { sentence: sentence.into(), fault: Fault::World }
    }

    /// The server that was to echo does not, or does it wrongly.
    pub(crate) fn server(sentence: impl Into<String>) -> Self {
        Failure { sentence: sentence.into(), fault: Fault::Server }
    }

    /// The command line asks for what cannot be.
    pub(crate) fn usage(sentence: impl Into<String>) -> Self {
        Failure { sentence: sentence.into(), fault: Fault::Usage }
    }

    /// The exit status.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(if self.fault == Fault::Usage { 2 } else { 1 })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}
