//! What happens right now: at a terminal one line a host with its current step, folding when there are more hosts
//! than lines; elsewhere plain lines. Goes to standard error.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::Mutex;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::outcome::{Event, StepResult};
use crate::plan::diff::visible;

/// Lines that stay free for the prompt and the total.
const MARGIN: usize = 4;

pub struct Progress {
    multi: MultiProgress,
    /// False where nothing can be redrawn: lines are printed instead.
    live: bool,
    verbose: bool,
    total: ProgressBar,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    lines: BTreeMap<String, ProgressBar>,
    free: usize,
}

impl Progress {
    /// `what` is being done to so many hosts.
    pub fn new(what: &str, hosts: usize, verbose: bool) -> Self {
        let multi = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        let live = !multi.is_hidden();
        let total = multi.add(ProgressBar::new(hosts as u64));
        if live {
            let style = ProgressStyle::with_template("{prefix} {pos}/{len} hosts {elapsed}");
            total.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            total.set_prefix(what.to_owned());
            total.enable_steady_tick(Duration::from_millis(200));
        }
        let rows = usize::from(rustix::termios::tcgetwinsize(std::io::stderr()).map_or(24, |size| size.ws_row));
        let state = State { lines: BTreeMap::new(), free: rows.saturating_sub(MARGIN).max(1) };
        Self { multi, live, verbose, total, state: Mutex::new(state) }
    }

    /// A host is being worked on; without a free line it only counts in the total.
    pub fn begin(&self, host: &str, what: &str) {
        if !self.live {
            return;
        }
        let Ok(mut state) = self.state.lock() else { return };
        if state.free == 0 {
            return;
        }
        state.free -= 1;
        let bar = self.multi.insert_before(&self.total, ProgressBar::new_spinner());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix:.bold} {wide_msg}") {
            bar.set_style(style);
        }
        bar.set_prefix(host.to_owned());
        bar.set_message(what.to_owned());
        bar.enable_steady_tick(Duration::from_millis(120));
        state.lines.insert(host.to_owned(), bar);
    }

    pub fn event(&self, host: &str, event: &Event) {
        let text = match event {
            Event::Waiting(holder) if holder.is_empty() => "waiting for another run".to_owned(),
            Event::Waiting(holder) => format!("waiting for another run: {holder}"),
            Event::Sending { sent, total } if *total > 1 << 20 => {
                format!("sending {} of {} MiB", sent >> 20, total >> 20)
            }
            Event::Begun(id) => format!("{id} …"),
            Event::Done { id, result } => return self.done(host, &id.to_string(), result),
            Event::News(text) => return self.line(&format!("{host}: {}", visible(text).replace('\n', " "))),
            Event::Verifying => "looking again".to_owned(),
            Event::Sending { .. } | Event::Beat => return,
        };
        let text = visible(&text).replace('\n', " ");
        if self.live {
            if let Ok(state) = self.state.lock()
                && let Some(bar) = state.lines.get(host)
            {
                bar.set_message(text);
            }
        } else if !matches!(event, Event::Begun(_) | Event::Sending { .. }) || self.verbose {
            self.line(&format!("{host}: {text}"));
        }
    }

    fn done(&self, host: &str, id: &str, result: &StepResult) {
        let word = match result {
            StepResult::Changed => "changed",
            StepResult::Unchanged if self.verbose => "unchanged",
            StepResult::Unchanged => return,
            StepResult::Skipped => "skipped",
            StepResult::Failed(_) => "failed",
            StepResult::Paid => "done",
            StepResult::Owed => "owed",
            StepResult::Invalid(_) => "not valid, restored",
        };
        self.line(&format!("{host}: {} {word}", visible(id).replace('\n', "\u{240a}")));
    }

    /// A line that stays.
    pub fn line(&self, text: &str) {
        if self.live {
            let _ = self.multi.println(text);
        } else {
            let _ = writeln!(std::io::stderr().lock(), "{text}");
        }
    }

    /// Nothing more will happen on this host.
    pub fn end(&self, host: &str) {
        self.total.inc(1);
        let Ok(mut state) = self.state.lock() else { return };
        if let Some(bar) = state.lines.remove(host) {
            bar.finish_and_clear();
            state.free += 1;
        }
    }

    /// Takes the moving lines away; those that stay remain.
    pub fn finish(&self) {
        self.total.finish_and_clear();
        let _ = self.multi.clear();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.finish();
    }
}
