//! `timtow serve`.

use crate::{
    args::ServeArguments,
    failure::{Failure, Result},
};

/// `timtow serve`.
pub(crate) fn run(_arguments: &ServeArguments) -> Result<()> {
    Err(Failure::new("this build cannot serve yet: wait for the adapters"))
}
