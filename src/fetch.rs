//! A secret that software made on a host, brought here in one exchange that writes nothing. Takes a session and a path, gives
//! a [`Secret`]; the value travels inside SSH and is shown to nobody.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroize as _;

use crate::diag::Diagnostic;
use crate::exchange::{ask, nonce};
use crate::kinds::Site;
use crate::kinds::paths::{Found, Paths};
use crate::quoting::encode;
use crate::script::{probe_program, request};
use crate::secret::Secret;
use crate::transport::{Broken, Session};

/// `None`: the host says that there is no such file. Fails if it is no file, or could not be read, or is too large.
pub fn fetch(
    session: &mut dyn Session,
    site: &Site,
    path: &str,
    silence: Duration,
) -> Result<Option<Secret>, Broken> {
    let nonce = nonce()?;
    let path = site.path(path);
    let request = request::content_of(&path, "/nonexistent", &nonce);
    let mut answers = ask(session, probe_program().as_bytes(), &request, &nonce, silence)?;
    let mut answer = answers.sections.remove("file").unwrap_or_default();
    let failed = |why: &str| {
        let fact = format!("{path} could not be fetched: {why}");
        Err(Broken::Ended(Box::new(Diagnostic::error(fact).remedy("look at it there; nothing was written"))))
    };
    match Paths::read(&answer).at(&path) {
        Found::Absent => return Ok(None),
        Found::Unknown(why) => return failed(&why),
        Found::There(stat) if !stat.is_regular() => return failed(&format!("it is a {}", stat.file_type())),
        Found::There(stat) if stat.size == 0 => return failed("it is empty"),
        Found::There(_) => {}
    }
    let begin = format!("C|{}|", encode(path.as_bytes()));
    let content = answer.text_lines().find_map(|line| STANDARD.decode(line.strip_prefix(&begin)?).ok());
    answer.bytes.zeroize();
    match content {
        Some(content) => Ok(Some(Secret::new(content))),
        None => failed("it cannot be read, or is larger than 64 KiB"),
    }
}
