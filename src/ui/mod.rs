//! The only place that prints and that asks. Data goes to standard output, everything else to standard error.

use std::io::{IsTerminal as _, Write as _};

use clap::ValueEnum;
use secrecy::SecretString;

use crate::diag::{Diagnostics, Severity};
use crate::transport::Asker;

pub mod panics;
pub mod progress;
pub mod report;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    #[default]
    Text,
    Json,
    Markdown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Color {
    #[default]
    Auto,
    Always,
    Never,
}

/// Where things are shown, and how.
#[derive(Debug, Clone, Copy)]
pub struct Ui {
    pub format: Format,
    /// Whether standard output takes colour.
    pub color: bool,
    error_color: bool,
    /// Whether somebody reads standard output at a terminal.
    pub terminal: bool,
    /// How often `-v` was given.
    pub verbose: u8,
    /// The least grave that is reported.
    least: Severity,
}

impl Ui {
    pub fn new(format: Format, color: Color, verbose: u8) -> Self {
        let (out, err) = (std::io::stdout().is_terminal(), std::io::stderr().is_terminal());
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        let colored = |terminal: bool| match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => terminal && !no_color && !dumb,
        };
        Self {
            format,
            color: colored(out),
            error_color: colored(err),
            terminal: out,
            verbose,
            least: Severity::Warning,
        }
    }

    /// The same, but warnings alone are not reported.
    #[must_use]
    pub fn quiet(self) -> Self {
        Self { least: Severity::Error, ..self }
    }

    /// What the command was run for.
    pub fn data(&self, text: &str) {
        // A reader that went away (`| head`) is no mistake of ours.
        let _ = std::io::stdout().lock().write_all(text.as_bytes()).and_then(|()| std::io::stdout().flush());
    }

    /// A value exactly as it is, with a line end after it if a person reads it. That it arrived matters to whoever asked.
    pub fn bytes(&self, bytes: &[u8], line: bool) -> std::io::Result<()> {
        let mut out = std::io::stdout().lock();
        out.write_all(bytes)?;
        if line {
            out.write_all(b"\n")?;
        }
        out.flush()
    }

    /// One JSON document on a line of its own.
    pub fn json(&self, value: &serde_json::Value) {
        self.data(&format!("{value}\n"));
    }

    /// Something said on the way.
    pub fn message(&self, text: &str) {
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }

    /// Shown only with `-v`.
    pub fn detail(&self, text: &str) {
        if self.verbose > 0 {
            self.message(text);
        }
    }

    /// Mistakes and warnings, with their places.
    pub fn report(&self, diagnostics: &Diagnostics) {
        if !diagnostics.0.is_empty() && (diagnostics.has_errors() || self.least == Severity::Warning) {
            let _ = write!(std::io::stderr().lock(), "{}", report::render(diagnostics, self.error_color));
        }
    }

    /// A line that somebody types; `None` when nobody is there to answer.
    pub fn ask(&self, question: &str) -> Option<String> {
        if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
            return None;
        }
        let _ = write!(std::io::stderr().lock(), "{question} ");
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer).ok()?;
        Some(answer.trim().to_owned())
    }

    /// A yes or no; `None` when nobody is there to answer.
    pub fn confirm(&self, question: &str) -> Option<bool> {
        if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
            return None;
        }
        let _ = write!(std::io::stderr().lock(), "{question} [y/N] ");
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer).ok()?;
        Some(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes" | "s" | "si" | "sí"))
    }
}

impl Asker for Ui {
    fn secret(&self, question: &str) -> Option<SecretString> {
        // From the terminal itself, so that standard input stays free; nothing to ask means nobody is there.
        let question = if question.ends_with(' ') { question.to_owned() } else { format!("{question} ") };
        rpassword::prompt_password(question).ok().map(SecretString::from)
    }

    fn tell(&self, message: &str) {
        self.message(message);
    }

    fn confirm(&self, question: &str) -> Option<bool> {
        Self::confirm(self, question)
    }
}

/// Ends the program at once; for the second Ctrl-C.
#[allow(clippy::exit, clippy::disallowed_methods, reason = "the one place that may: threads still wait for hosts")]
pub fn leave(exit: crate::exit::Exit) -> ! {
    std::process::exit(i32::from(exit.code()))
}
