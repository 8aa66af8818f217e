//! `http`: what a browser gets. Asked by the system's `curl`, like the API of a forge (`ci/http.rs`).

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Stdio};

use serde::Deserialize;

use super::Verdict;
use crate::plan::diff::visible;

/// A page, as whoever uses it gets it. Its name leads to the address of the inventory, so that it is this host that
/// answers, whatever DNS says so far; a `dns` check says whether others get there.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// `http://` or `https://`. A certificate must be valid.
    pub url: String,
    /// The status it answers with.
    #[serde(default = "ok")]
    pub status: u16,
    /// GET unless said.
    #[serde(default)]
    pub method: Option<String>,
    /// Headers to send, by name.
    #[serde(default)]
    pub send: BTreeMap<String, String>,
    /// What to send after the headers.
    #[serde(default)]
    pub body: Option<String>,
    /// Text that stands in the answer.
    #[serde(default)]
    pub contains: Option<String>,
    /// Text that does not.
    #[serde(default)]
    pub lacks: Option<String>,
    /// Headers of the answer by name, each with text that stands in it; "": it is there.
    #[serde(default)]
    pub header: BTreeMap<String, String>,
    /// Where it sends the browser, with a status of 301, 302, 303, 307 or 308 (then `status` may be left out).
    #[serde(default)]
    pub redirect: Option<String>,
    /// Certificates of who else may vouch for it: PEM, or a file of it on the machine that checks.
    #[serde(default)]
    pub ca: Option<String>,
}

fn ok() -> u16 {
    200
}

/// Asks once. `address`: where the host is.
pub(super) fn check(http: &Http, address: &str) -> Verdict {
    match ask(http, address) {
        Ok(Ok(response)) => Verdict::of(judge(http, &response)),
        Ok(Err(why)) => Verdict::Failed(why),
        Err(why) => Verdict::Unknown(why),
    }
}

struct Response {
    status: u16,
    /// Names in lower case.
    headers: Vec<(String, String)>,
    body: String,
}

fn judge(http: &Http, response: &Response) -> Result<(), String> {
    let header = |name: &str| {
        let name = name.to_ascii_lowercase();
        response.headers.iter().filter(move |(known, _)| *known == name).map(|(_, value)| value.as_str())
    };
    if let Some(wanted) = &http.redirect {
        let is_redirect = matches!(response.status, 301 | 302 | 303 | 307 | 308);
        let to = header("location").next();
        if !is_redirect || to != Some(wanted) {
            let to = to.map_or_else(String::new, |to| format!(" to {}", visible(to)));
            return Err(format!("status {}{to} instead of a redirect to {wanted}", response.status));
        }
    } else if response.status != http.status {
        return Err(format!("status {} instead of {}", response.status, http.status));
    }
    for (name, wanted) in &http.header {
        let mut found = header(name).peekable();
        if found.peek().is_none() {
            return Err(format!("no header {name}"));
        }
        if !found.any(|value| value.contains(wanted.as_str())) {
            return Err(format!("the header {name} lacks `{wanted}`"));
        }
    }
    if let Some(text) = http.contains.as_ref().filter(|text| !response.body.contains(text.as_str())) {
        return Err(format!("`{text}` does not stand in the answer"));
    }
    if let Some(text) = http.lacks.as_ref().filter(|text| response.body.contains(text.as_str())) {
        return Err(format!("`{text}` stands in the answer"));
    }
    Ok(())
}

/// Outside: it could not be asked. Inside: it was, and nothing good came.
fn ask(http: &Http, address: &str) -> Result<Result<Response, String>, String> {
    let field =
        |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n").replace('\r', "\\r");
    let address = if address.contains(':') { format!("[{address}]") } else { address.to_owned() };
    let mut config = format!(
        "url = \"{}\"\nconnect-to = \"::{}:\"\nrequest = \"{}\"\nproto = \"=http,https\"\nuser-agent = \"steward\"\n\
         globoff\nsilent\nshow-error\ninclude\npath-as-is\nmax-time = 20\nconnect-timeout = 10\nmax-filesize = 8000000\n",
        field(&http.url),
        field(&address),
        field(http.method.as_deref().unwrap_or("GET")),
    );
    if http.method.as_deref() == Some("HEAD") {
        config.push_str("head\n");
    }
    for (name, value) in &http.send {
        config.push_str(&format!("header = \"{}: {}\"\n", field(name), field(value)));
    }
    if let Some(body) = &http.body {
        config.push_str(&format!("data-raw = \"{}\"\n", field(body)));
    }
    // curl takes files only; this one is gone when it has answered
    let trusted;
    if let Some(ca) = &http.ca {
        let path = if ca.starts_with(PEM) {
            trusted = written(ca).map_err(|error| format!("the certificates of `ca` cannot be written: {error}"))?;
            trusted.path().display().to_string()
        } else {
            ca.clone()
        };
        config.push_str(&format!("cacert = \"{}\"\n", field(&path)));
    }
    let mut child = Command::new("curl")
        // first: nobody's ~/.curlrc
        .args(["--disable", "--config", "-"])
        // a proxy would be asked instead of the host
        .env_remove("http_proxy")
        .env_remove("https_proxy")
        .env_remove("HTTPS_PROXY")
        .env_remove("all_proxy")
        .env_remove("ALL_PROXY")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => "curl is not installed on this machine".to_owned(),
            _ => format!("curl cannot be started: {error}"),
        })?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(config.as_bytes()).map_err(|error| format!("curl cannot be told what to ask: {error}"))?;
    }
    let output = child.wait_with_output().map_err(|error| format!("curl was lost: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        // what follows is where curl's own manual explains it
        let said = said.trim().lines().next().unwrap_or_default().trim_start_matches("curl: ");
        return Ok(Err(if said.is_empty() { format!("curl ended with {}", output.status) } else { visible(said) }));
    }
    Ok(response(&String::from_utf8_lossy(&output.stdout))
        .ok_or_else(|| "what answers does not speak HTTP".to_owned()))
}

/// How certificates begin that stand in a check themselves.
pub(super) const PEM: &str = "-----BEGIN ";

fn written(text: &str) -> std::io::Result<tempfile::NamedTempFile> {
    let mut file = tempfile::NamedTempFile::new()?;
    file.write_all(text.as_bytes())?;
    file.flush()?;
    Ok(file)
}

fn response(text: &str) -> Option<Response> {
    let mut rest = text;
    let mut head = None;
    // `100 Continue` comes before the real one
    while rest.starts_with("HTTP/") {
        let (lines, body) = rest.split_once("\r\n\r\n")?;
        head = Some(lines);
        rest = body;
        if !lines.split(' ').nth(1).is_some_and(|status| status.starts_with('1')) {
            break;
        }
    }
    let mut lines = head?.lines();
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let header = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_ascii_lowercase(), value.trim().to_owned()))
    };
    Some(Response { status, headers: lines.filter_map(header).collect(), body: rest.to_owned() })
}
