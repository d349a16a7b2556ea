//! `timtow connect`.

use crate::{
    args::ConnectArguments,
    failure::{Failure, Result},
};

/// `timtow connect`.
pub(crate) fn run(_arguments: &ConnectArguments) -> Result<()> {
    Err(Failure::new("this build cannot connect yet: wait for the adapters"))
}
