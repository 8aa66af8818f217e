//! A command of the operator's that is told of a result: words, and the result on standard input. No shell, no secrets.

use std::io::{ErrorKind, Write as _};
use std::os::fd::AsFd as _;
use std::process::{Command, Stdio};

use crate::diag::{Diagnostic, Result};

/// The words of a command line, quoted as for a shell. Read before anything is done, so that a mistake costs nothing.
pub(super) fn words(line: &str) -> Result<Vec<String>> {
    match shlex::split(line) {
        Some(words) if words.first().is_some_and(|program| !program.is_empty()) => Ok(words),
        _ => Err(Box::new(Diagnostic::error(format!("`{}` is no command", line.escape_debug())).remedy(
            "give a program and its arguments, with quotes closed, such as `--notify 'mail -s Drift admins'`",
        ))),
    }
}

/// Runs it and waits for its end. What it prints must not mix with the data on standard output.
pub(super) fn run(words: &[String], input: &str) -> Result<()> {
    let Some((program, arguments)) = words.split_first() else { return Ok(()) };
    let failed = |why: String| {
        let fact = format!("the notification by `{}` failed: {why}", program.escape_debug());
        Box::new(Diagnostic::error(fact).remedy("nobody was told; run the command by hand to see why"))
    };
    let output = std::io::stderr().as_fd().try_clone_to_owned().map_err(|error| failed(error.to_string()))?;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(output)
        .spawn()
        .map_err(|error| failed(error.to_string()))?;
    if let Some(mut pipe) = child.stdin.take() {
        match pipe.write_all(input.as_bytes()).and_then(|()| pipe.write_all(b"\n")) {
            // that it was started may be all it wants to know
            Err(error) if error.kind() != ErrorKind::BrokenPipe => return Err(failed(error.to_string())),
            _ => {}
        }
    }
    let status = child.wait().map_err(|error| failed(error.to_string()))?;
    if status.success() { Ok(()) } else { Err(failed(status.to_string())) }
}
