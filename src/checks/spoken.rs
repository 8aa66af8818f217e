//! `matrix`, `xmlrpc`, `caldav`: services that speak a language of their own over HTTP. Each check is a few pages, asked and judged
//! as `http` checks are; the first that is not as it should be is what is told. None of them logs in: a check holds no secret.

use serde::Deserialize;
use serde_json::{Value, json};

use super::curl::Http;
use super::{Verdict, curl};

/// A Matrix homeserver that answers clients, and takes no registrations from everybody.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Matrix {
    /// Where clients find it: `https://chat.chapter.example`.
    pub url: String,
    /// The server's name, if its federation is to be looked at, too: the server must say that it is it.
    #[serde(default)]
    pub server_name: Option<String>,
    /// True: everybody may register.
    #[serde(default)]
    pub open: bool,
    /// Certificates of who else may vouch for it, a PEM file on the machine that checks.
    #[serde(default)]
    pub ca: Option<String>,
}

/// A procedure that answers over XML-RPC (<http://xmlrpc.com/spec.md>).
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Xmlrpc {
    pub url: String,
    /// The procedure, such as `system.listMethods`. It must change nothing.
    pub call: String,
    /// What it is given, as strings.
    #[serde(default)]
    pub with: Vec<String>,
    /// Text that stands in the answer.
    #[serde(default)]
    pub contains: Option<String>,
    /// True: it must be refused, since nobody logged in.
    #[serde(default)]
    pub refused: bool,
    /// Certificates of who else may vouch for it, a PEM file on the machine that checks.
    #[serde(default)]
    pub ca: Option<String>,
}

/// A calendar server (RFC 4791) that lets nobody in without a password.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Caldav {
    pub url: String,
    /// True: everybody may read what lies there.
    #[serde(default)]
    pub open: bool,
    /// Certificates of who else may vouch for it, a PEM file on the machine that checks.
    #[serde(default)]
    pub ca: Option<String>,
}

/// What is asked, in order, each with what it shows if it is not so.
pub(super) type Asked = Vec<(&'static str, Value)>;

impl Matrix {
    pub(super) fn asks(&self) -> Asked {
        let url = self.url.trim_end_matches('/');
        let page = |path: &str| format!("{url}/_matrix/{path}");
        let closed = json!({ "url": page("client/v3/register"), "method": "POST", "body": "{}", "status": 403, "contains": "M_FORBIDDEN" });
        // an open server answers what it wants of whoever registers
        let open = json!({ "url": page("client/v3/register"), "method": "POST", "body": "{}", "status": 401, "contains": "flows" });
        let mut asks = vec![
            ("it does not speak to clients", json!({ "url": page("client/versions"), "contains": "\"versions\"" })),
            ("nobody can log in", json!({ "url": page("client/v3/login"), "contains": "m.login." })),
            if self.open { ("nobody can register", open) } else { ("everybody can register", closed) },
        ];
        if let Some(name) = &self.server_name {
            let keys = json!({ "url": page("key/v2/server"), "contains": format!("\"server_name\":\"{name}\"") });
            asks.push(("it is not the server that it should be", keys));
        }
        asks
    }
}

impl Xmlrpc {
    pub(super) fn asks(&self) -> Asked {
        let value = |text: &String| format!("<param><value><string>{}</string></value></param>", escaped(text));
        let params: String = self.with.iter().map(value).collect();
        let call = escaped(&self.call);
        let body = format!(
            "<?xml version=\"1.0\"?><methodCall><methodName>{call}</methodName><params>{params}</params></methodCall>"
        );
        let send = json!({ "Content-Type": "text/xml" });
        let mut page = json!({ "url": self.url, "method": "POST", "send": send, "body": body });
        if self.refused {
            page["contains"] = "<fault>".into();
            return vec![("it is not refused", page)];
        }
        page["lacks"] = "<fault>".into();
        page["contains"] = self.contains.clone().unwrap_or_else(|| "<methodResponse>".to_owned()).into();
        vec![("it does not answer the call", page)]
    }
}

impl Caldav {
    pub(super) fn asks(&self) -> Asked {
        let found = json!({ "url": self.url, "method": "PROPFIND", "send": { "Depth": "0" }, "status": 207 });
        let refused = json!({ "url": self.url, "method": "PROPFIND", "send": { "Depth": "0" }, "status": 401 });
        let speaks = json!({ "url": self.url, "method": "OPTIONS", "header": { "DAV": "calendar-access" } });
        match self.open {
            true => vec![("it is no calendar", speaks), ("nobody can read it", found)],
            // who has to log in first is told nothing else
            false => vec![("it lets people in without a password", refused)],
        }
    }
}

/// Asks all in order.
pub(super) fn check(asked: &Asked, ca: Option<&String>, address: &str) -> Verdict {
    for (wrong, page) in asked {
        let mut page = page.clone();
        if let Some(ca) = ca {
            page["ca"] = ca.clone().into();
        }
        let http: Http = match serde_json::from_value(page) {
            Ok(http) => http,
            Err(why) => return Verdict::Unknown(format!("it cannot be asked: {why}")),
        };
        let verdict = curl::check(&http, address);
        if verdict != Verdict::Passed {
            return verdict.saying(|how| format!("{wrong}: {how}"));
        }
    }
    Verdict::Passed
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_server_must_refuse_who_registers() {
        let ask = |yaml: Value| serde_json::from_value::<Matrix>(yaml).unwrap().asks();
        let closed = ask(json!({ "url": "https://chat.example/", "server_name": "a.example" }));
        assert_eq!(closed.len(), 4);
        assert_eq!(closed[0].1["url"], "https://chat.example/_matrix/client/versions");
        assert_eq!((&closed[2].1["status"], closed[2].0), (&json!(403), "everybody can register"));
        assert_eq!(closed[3].1["contains"], "\"server_name\":\"a.example\"");
        assert_eq!(ask(json!({ "url": "https://chat.example", "open": true }))[2].1["status"], 401);
    }

    #[test]
    fn what_a_procedure_is_given_stays_text() {
        let call = json!({ "url": "http://a/", "call": "wiki.getPage", "with": ["<x>&"], "refused": true });
        let asks = serde_json::from_value::<Xmlrpc>(call).unwrap().asks();
        let body = asks[0].1["body"].as_str().unwrap();
        assert!(
            body.contains("<methodName>wiki.getPage</methodName>")
                && body.contains("<string>&lt;x&gt;&amp;</string>")
        );
        assert_eq!(asks[0].1["contains"], "<fault>");
        for (_, page) in asks {
            assert!(serde_json::from_value::<Http>(page).is_ok());
        }
    }

    #[test]
    fn every_page_is_one_that_http_checks_know() {
        let matrix: Matrix = serde_json::from_value(json!({ "url": "https://a", "server_name": "a" })).unwrap();
        let caldav =
            |open: bool| serde_json::from_value::<Caldav>(json!({ "url": "https://a", "open": open })).unwrap();
        for (_, page) in matrix.asks().into_iter().chain(caldav(true).asks()).chain(caldav(false).asks()) {
            assert!(serde_json::from_value::<Http>(page.clone()).is_ok(), "{page}");
        }
    }
}
