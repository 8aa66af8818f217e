//! The `steward` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(steward::cli::run().code())
}
