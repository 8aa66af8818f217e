//! One request to a forge's API, by the system's `curl`: an HTTP library would double what Steward is made of, for one
//! command. The token goes to its standard input, never on its command line or into a file. Redirects are not followed.

use std::io::Write as _;
use std::process::{Command, Stdio};

use secrecy::ExposeSecret as _;
use serde_json::Value;

use super::forge::{Forge, Target};
use crate::diag::{Diagnostic, Result};

#[derive(Debug)]
pub(super) struct Response {
    pub(super) status: u16,
    /// In lower case, with their values.
    headers: Vec<(String, String)>,
    pub(super) body: Value,
}

impl Response {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Sends it, and reads the answer whatever its status.
pub(super) fn request(target: &Target, method: &str, path: &str, body: Option<&Value>) -> Result<Response> {
    let failed = |why: String| {
        let fact = format!("{} cannot be asked: {why}", target.api);
        Box::new(Diagnostic::error(fact).remedy("check the address and the network, then run it again"))
    };
    let token = target.token.expose_secret().replace('\\', "\\\\").replace('"', "\\\"");
    let authorization = match target.forge {
        Forge::Github => format!("Authorization: Bearer {token}"),
        Forge::Forgejo | Forge::Gitea => format!("Authorization: token {token}"),
        Forge::Gitlab => format!("PRIVATE-TOKEN: {token}"),
    };
    let mut config = format!(
        "url = \"{}/{path}\"\nrequest = \"{method}\"\nheader = \"{authorization}\"\nheader = \"Accept: application/json\"\n\
         header = \"Content-Type: application/json\"\nheader = \"Expect:\"\nuser-agent = \"steward\"\nproto = \"=http,https\"\n\
         globoff\nsilent\nshow-error\ninclude\nmax-time = 60\nconnect-timeout = 15\nmax-filesize = 16000000\n",
        target.api
    );
    // what is said in public anyway
    let mut sent = tempfile::NamedTempFile::new().map_err(|error| failed(error.to_string()))?;
    if let Some(body) = body {
        sent.write_all(body.to_string().as_bytes()).map_err(|error| failed(error.to_string()))?;
        config.push_str(&format!("data-binary = \"@{}\"\n", sent.path().display()));
    }
    let mut child = Command::new("curl")
        // first: nobody's ~/.curlrc
        .args(["--disable", "--config", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => {
                Box::new(Diagnostic::error("curl is not installed here").remedy("install it on the runner"))
            }
            _ => failed(error.to_string()),
        })?;
    if let Some(mut pipe) = child.stdin.take() {
        pipe.write_all(config.as_bytes()).map_err(|error| failed(error.to_string()))?;
    }
    let output = child.wait_with_output().map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        return Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    response(&String::from_utf8_lossy(&output.stdout)).ok_or_else(|| failed("its answer is no HTTP".to_owned()))
}

/// Headers and body. A proxy's answer and `100 Continue` come before the real one.
fn response(text: &str) -> Option<Response> {
    let mut rest = text;
    let mut found = None;
    while rest.starts_with("HTTP/") {
        let (head, body) = rest.split_once("\r\n\r\n")?;
        found = Some(head);
        rest = body;
    }
    let mut lines = found?.lines();
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let header = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_ascii_lowercase(), value.trim().to_owned()))
    };
    Some(Response {
        status,
        headers: lines.filter_map(header).collect(),
        body: serde_json::from_str(rest).unwrap_or(Value::Null),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_head_counts_and_its_names_have_no_case() {
        let text = "HTTP/1.1 200 Connection established\r\n\r\nHTTP/2 429 \r\nRetry-After: 7\r\n\r\n{\"a\":1}";
        let response = response(text).unwrap();
        assert_eq!((response.status, response.header("retry-after")), (429, Some("7")));
        assert_eq!(response.body["a"], 1);
        assert!(super::response("nonsense").is_none());
    }
}
