//! One comment under a pull request, created once and updated in place. It is found by the hidden marker on its first
//! line, and only among what this token's own account wrote: whoever else copies the marker gets no say.

use serde_json::{Value, json};

use super::forge::{Forge, Target};
use super::http::{Response, request};
use crate::diag::{Diagnostic, Result};

/// Comments a page, and pages: whoever has more than this has other troubles.
const PAGE: usize = 50;
const PAGES: usize = 200;

/// Puts the Markdown there. Says what was done.
pub fn put(target: &Target, markdown: &str) -> Result<String> {
    let marker = markdown.lines().next().unwrap_or_default().trim_end();
    if !(marker.starts_with("<!--") && marker.ends_with("-->") && marker.matches("-->").count() == 1) {
        return Err(Box::new(
            Diagnostic::error("the Markdown does not begin with a hidden marker, such as `<!-- steward review -->`")
                .remedy("give the file that `steward review --format markdown` wrote"),
        ));
    }
    let body = json!({ "body": markdown });
    match existing(target, marker)? {
        Some(id) => {
            let method = if target.forge == Forge::Gitlab { "PUT" } else { "PATCH" };
            answered(target, request(target, method, &format!("{}/{id}", target.comment), Some(&body))?)?;
            Ok(format!("updated comment {id}"))
        }
        None => {
            let made = answered(target, request(target, "POST", &target.comments, Some(&body))?)?;
            Ok(format!("wrote comment {}", made["id"]))
        }
    }
}

/// The number of our comment with this marker.
fn existing(target: &Target, marker: &str) -> Result<Option<u64>> {
    let own = own_name(target)?;
    let mut seen = None;
    for page in 1..=PAGES {
        let path = format!("{}?per_page={PAGE}&limit={PAGE}&page={page}", target.comments);
        let answer = answered(target, request(target, "GET", &path, None)?)?;
        let comments = answer.as_array().ok_or_else(|| odd(target, "its list of comments is no list"))?;
        let first = comments.first().map(|comment| comment["id"].clone());
        // some forges give all comments on every page
        if first.is_none() || first == seen {
            return Ok(None);
        }
        seen = first;
        let is_ours = |comment: &&Value| {
            let text = comment["body"].as_str().unwrap_or_default();
            text.lines().next().is_some_and(|line| line.trim_end() == marker)
                && is_own(target, comment, own.as_deref())
        };
        if let Some(found) = comments.iter().find(is_ours) {
            return found["id"].as_u64().map(Some).ok_or_else(|| odd(target, "a comment has no number"));
        }
        if comments.len() < PAGE {
            return Ok(None);
        }
    }
    Ok(None)
}

/// The account of the token. `None`: the forge does not say, as for the tokens that CI gets by itself.
fn own_name(target: &Target) -> Result<Option<String>> {
    let response = request(target, "GET", "user", None)?;
    match response.status {
        // 401 as well: Forgejo says so of its own Actions' token; a wrong token fails at the comments
        401 | 403 | 404 if response.header("retry-after").is_none() && !is_used_up(&response) => Ok(None),
        _ => {
            let user = answered(target, response)?;
            let name = user["login"].as_str().or_else(|| user["username"].as_str());
            Ok(name.map(str::to_owned))
        }
    }
}

fn is_own(target: &Target, comment: &Value, own: Option<&str>) -> bool {
    let user = if target.forge == Forge::Gitlab { &comment["author"] } else { &comment["user"] };
    let name = user["login"].as_str().or_else(|| user["username"].as_str()).unwrap_or_default();
    match (own, target.forge) {
        (Some(own), _) => name == own,
        (None, Forge::Github) => name == "github-actions[bot]" && user["type"] == "Bot",
        (None, Forge::Forgejo) => name == "forgejo-actions",
        (None, Forge::Gitea) => name == "gitea-actions",
        (None, Forge::Gitlab) => false,
    }
}

fn is_used_up(response: &Response) -> bool {
    response.header("x-ratelimit-remaining") == Some("0")
}

/// The body of a good answer; what is wrong with another.
fn answered(target: &Target, response: Response) -> Result<Value> {
    let said = response.body["message"].as_str().or_else(|| response.body["error"].as_str()).unwrap_or_default();
    let said = said.chars().take(200).collect::<String>();
    let said = if said.is_empty() { String::new() } else { format!(": {}", said.escape_debug()) };
    let fail = |what: &str, remedy: &str| {
        let fact = format!("{} {what} ({}){said}", target.api, response.status);
        Err(Box::new(Diagnostic::error(fact).remedy(remedy)))
    };
    match response.status {
        200..=299 => Ok(response.body),
        429 => fail("asks to wait", &wait(&response)),
        403 if is_used_up(&response) || response.header("retry-after").is_some() => {
            fail("asks to wait", &wait(&response))
        }
        401 => fail("does not know the token", "make a new one; it may have expired"),
        403 => fail("does not let the token do this", "give it the right to write comments on pull requests"),
        404 => fail("knows no such pull request, or hides it from the token", "check repository, number and rights"),
        500..=599 => fail("has a fault", "run it again later"),
        _ => fail("refused it", "look at what it says"),
    }
}

fn wait(response: &Response) -> String {
    match response.header("retry-after").and_then(|seconds| seconds.parse::<u64>().ok()) {
        Some(seconds) => format!("run it again in {seconds} s"),
        None => "run it again later".to_owned(),
    }
}

fn odd(target: &Target, what: &str) -> Box<Diagnostic> {
    Box::new(Diagnostic::error(format!("{}: {what}", target.api)).remedy("check that the address is that of its API"))
}
