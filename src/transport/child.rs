//! An exchange with a child process: `sh` on this machine, or the system's `ssh`. Takes a command to spawn and a
//! conversation; gives how it ended. Never trusts the exit status for success, and never waits without a limit.

use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use zeroize::Zeroizing;

use super::pump::{CHUNK, Ending, Pump};
use super::{Broken, Conversation};
use crate::diag::Diagnostic;

/// How long a command may take to end after its end record, or after it closed its output.
const GRACE: Duration = Duration::from_secs(2);

/// How an exchange with a child ended, unless the end record came.
pub(super) enum Stop {
    /// It closed its output or died; the diagnosis is ready, and the status beside it.
    Ended(Broken, Option<i32>),
    /// It said nothing for too long, or could not be started.
    Broken(Broken),
}

/// Runs `command` to its end record. `kill`: end the child when it is of no use any more.
pub(super) fn converse(
    name: &str,
    command: &mut Command,
    talk: &mut dyn Conversation,
    silence: Duration,
    kill: bool,
) -> Result<(), Stop> {
    let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = spawned.map_err(|error| {
        let program = command.get_program().to_string_lossy().into_owned();
        Stop::Broken(unstartable(name, &program, &error.to_string()))
    })?;
    let mut pump = Pump::new(talk, silence);
    let mut pipes = Pipes::take(&mut child).map_err(|error| Stop::Broken(unstartable(name, "sh", &error)))?;
    let outcome = pipes.run(name, &mut child, &mut pump);
    let finished = pump.finished();
    if finished {
        // Let it end by itself, so that the host has room for the next command.
        pipes.input = None;
        pipes.drain(&mut child, Instant::now() + GRACE);
    }
    drop(pipes);
    match outcome {
        Ok(()) if finished => {
            reap(&mut child, kill);
            Ok(())
        }
        Ok(()) => {
            let status = wait(&mut child, Instant::now() + GRACE);
            reap(&mut child, kill);
            Err(Stop::Ended(pump.ended(name, &ending(status)), status.and_then(|status| status.code())))
        }
        Err(broken) => {
            reap(&mut child, kill);
            Err(Stop::Broken(broken))
        }
    }
}

/// Our ends of the child's three pipes, non-blocking; `None` once closed.
struct Pipes {
    input: Option<std::process::ChildStdin>,
    output: Option<std::process::ChildStdout>,
    errors: Option<std::process::ChildStderr>,
    buffer: Zeroizing<Vec<u8>>,
    /// The child did not take all that we had for it: when it takes more, it is alive.
    full: bool,
}

impl Pipes {
    fn take(child: &mut Child) -> Result<Self, String> {
        let (input, output, errors) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let fds =
            [input.as_ref().map(AsFd::as_fd), output.as_ref().map(AsFd::as_fd), errors.as_ref().map(AsFd::as_fd)];
        for fd in fds.into_iter().flatten() {
            rustix::io::ioctl_fionbio(fd, true).map_err(|error| error.to_string())?;
        }
        Ok(Self { input, output, errors, buffer: Zeroizing::new(vec![0; CHUNK]), full: false })
    }

    /// Until the end record, or both outputs are closed.
    fn run(&mut self, name: &str, child: &mut Child, pump: &mut Pump<'_>) -> Result<(), Broken> {
        loop {
            self.write(pump);
            self.read(pump);
            if pump.finished() || (self.output.is_none() && self.errors.is_none()) {
                return Ok(());
            }
            if let Some(broken) = pump.frozen(name) {
                return Err(broken);
            }
            if self.poll(pump.has_unsent(), pump.nap()) == 0 && matches!(child.try_wait(), Ok(Some(_))) {
                // It is dead, and something it left behind holds its output open.
                self.read(pump);
                return Ok(());
            }
        }
    }

    fn write(&mut self, pump: &mut Pump<'_>) {
        while let Some(pipe) = &mut self.input {
            let bytes = pump.unsent();
            if bytes.is_empty() {
                if pump.input_ended() {
                    self.input = None;
                }
                return;
            }
            match pipe.write(bytes) {
                Ok(count) => {
                    pump.sent(count);
                    if std::mem::take(&mut self.full) {
                        pump.alive();
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.full = true;
                    return;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => {
                    pump.refuse_input();
                    self.input = None;
                }
            }
        }
    }

    /// Takes at most one chunk from each, so that neither starves the other nor our input.
    fn read(&mut self, pump: &mut Pump<'_>) {
        match self.output.as_mut().map(|pipe| pipe.read(&mut self.buffer)) {
            Some(Ok(count @ 1..)) => pump.output(self.buffer.get(..count).unwrap_or_default()),
            Some(result) if over(&result) => self.output = None,
            _ => {}
        }
        match self.errors.as_mut().map(|pipe| pipe.read(&mut self.buffer)) {
            Some(Ok(count @ 1..)) => pump.errors(self.buffer.get(..count).unwrap_or_default()),
            Some(result) if over(&result) => self.errors = None,
            _ => {}
        }
    }

    /// Sleeps until a pipe is ready or the time is over; gives how many are ready.
    fn poll(&self, writing: bool, time: Duration) -> usize {
        let mut fds = Vec::with_capacity(3);
        fds.extend(self.output.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::IN)));
        fds.extend(self.errors.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::IN)));
        if writing {
            fds.extend(self.input.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::OUT)));
        }
        poll(&mut fds, Timespec::try_from(time).ok().as_ref()).unwrap_or(1)
    }

    /// Throws away what is still said, until the child ends.
    fn drain(&mut self, child: &mut Child, deadline: Instant) {
        while Instant::now() < deadline && !matches!(child.try_wait(), Ok(Some(_))) {
            if let Some(result) = self.output.as_mut().map(|pipe| pipe.read(&mut self.buffer))
                && over(&result)
            {
                self.output = None;
            }
            if let Some(result) = self.errors.as_mut().map(|pipe| pipe.read(&mut self.buffer))
                && over(&result)
            {
                self.errors = None;
            }
            if self.output.is_none() && self.errors.is_none() {
                wait(child, deadline);
                return;
            }
            self.poll(false, Duration::from_millis(20));
        }
    }
}

fn over(result: &std::io::Result<usize>) -> bool {
    match result {
        Ok(count) => *count == 0,
        Err(error) => !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted),
    }
}

fn wait(child: &mut Child, deadline: Instant) -> Option<ExitStatus> {
    let mut nap = Duration::from_millis(1);
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if Instant::now() < deadline => std::thread::sleep(nap),
            _ => return None,
        }
        nap = (nap * 2).min(Duration::from_millis(50));
    }
}

/// Leaves no zombie behind where that costs no time.
fn reap(child: &mut Child, kill: bool) {
    if kill && matches!(child.try_wait(), Ok(None)) {
        // It may have ended by itself meanwhile.
        let _ = child.kill();
        let _ = child.wait();
    }
}

fn ending(status: Option<ExitStatus>) -> Ending {
    use std::os::unix::process::ExitStatusExt;
    match status {
        Some(status) => match (status.code(), status.signal()) {
            (Some(code), _) => Ending::Status(code),
            (None, Some(signal)) => Ending::Signal(signal.to_string()),
            (None, None) => Ending::Unknown,
        },
        None => Ending::Unknown,
    }
}

fn unstartable(name: &str, program: &str, why: &str) -> Broken {
    let diagnostic = Diagnostic::error(format!("{name}: `{program}` could not be started: {why}"));
    Broken::Unreachable(Box::new(diagnostic.remedy(format!("install `{program}`, or look at PATH"))))
}
