//! `smtp`: a mail server that greets, and that nobody can misuse.

use std::io::{BufRead as _, BufReader, ErrorKind, Write as _};
use std::net::TcpStream;

use serde::Deserialize;

use super::Verdict;
use super::network::connect;
use crate::plan::diff::visible;

/// A mail server, by its dialogue up to where a message would begin; none is sent.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Smtp {
    #[serde(default = "port")]
    pub port: u16,
    /// It offers to encrypt.
    #[serde(default)]
    pub starttls: bool,
    /// It takes no mail from a stranger to a stranger.
    #[serde(default)]
    pub refuses_relay: bool,
    /// It takes mail for this address.
    #[serde(default)]
    pub accepts: Option<String>,
}

fn port() -> u16 {
    25
}

pub(super) fn check(smtp: &Smtp, address: &str) -> Verdict {
    Verdict::of(connect(address, smtp.port).and_then(|stream| dialogue(smtp, stream)))
}

/// Why nothing was heard; how the system says that time was over means nothing to people.
fn silence(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => "it takes too long".to_owned(),
        _ => error.to_string(),
    }
}

/// One after the other, as a polite client does.
struct Talk {
    reader: BufReader<TcpStream>,
}

impl Talk {
    /// The code and all lines of the next answer.
    fn heard(&mut self) -> Result<(u16, String), String> {
        let mut all = String::new();
        loop {
            let mut line = String::new();
            let mut limited = std::io::Read::take(&mut self.reader, 2048);
            limited.read_line(&mut line).map_err(|error| format!("it says nothing: {}", silence(&error)))?;
            let code = line.get(..3).and_then(|code| code.parse().ok());
            let Some(code) = code.filter(|_| all.len() < 32_768) else {
                return Err(format!("it says `{}`", visible(line.trim())));
            };
            all.push_str(&line);
            if line.as_bytes().get(3) != Some(&b'-') {
                return Ok((code, all));
            }
        }
    }

    fn says(&mut self, words: &str) -> Result<(u16, String), String> {
        let words = words.replace(['\r', '\n'], " ");
        self.reader.get_mut().write_all(format!("{words}\r\n").as_bytes()).map_err(|error| error.to_string())?;
        self.heard()
    }

    fn expects(&mut self, words: &str, wanted: u16) -> Result<String, String> {
        match self.says(words)? {
            (code, said) if code == wanted => Ok(said),
            (_, said) => Err(format!("to `{words}` it says `{}`", visible(said.trim()))),
        }
    }
}

fn dialogue(smtp: &Smtp, stream: TcpStream) -> Result<(), String> {
    let mut talk = Talk { reader: BufReader::new(stream) };
    let (code, said) = talk.heard()?;
    if code != 220 {
        return Err(format!("it greets with `{}`", visible(said.trim())));
    }
    let offered = talk.expects("EHLO steward.invalid", 250)?;
    if smtp.starttls && !offered.lines().any(|line| line.get(4..).is_some_and(|word| word.trim() == "STARTTLS")) {
        return Err("it does not offer STARTTLS".to_owned());
    }
    if smtp.refuses_relay {
        talk.expects("MAIL FROM:<stranger@steward.invalid>", 250)?;
        // nothing is sent to it, whatever the answer
        let (code, said) = talk.says("RCPT TO:<somebody@example.org>")?;
        match code {
            200..300 => return Err("it takes mail from a stranger to a stranger: an open relay".to_owned()),
            // as some servers say it: relay access denied
            454 | 500..600 => {}
            // it could not look it up, say: that is no refusal
            _ => return Err(format!("whether it relays cannot be told; it says `{}`", visible(said.trim()))),
        }
        talk.expects("RSET", 250)?;
    }
    if let Some(recipient) = &smtp.accepts {
        talk.expects("MAIL FROM:<>", 250)?;
        talk.expects(&format!("RCPT TO:<{recipient}>"), 250)?;
    }
    let _ = talk.says("QUIT");
    Ok(())
}
