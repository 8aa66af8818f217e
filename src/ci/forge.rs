//! Which pull request is meant, on which forge, and as whom: from the variables that the forge's own CI sets. Touches no
//! network.

use clap::ValueEnum;
use secrecy::SecretString;

use crate::diag::{Diagnostic, Result};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Forge {
    Github,
    Gitlab,
    Forgejo,
    Gitea,
}

/// Where comments are, and the token that may write them.
#[derive(Debug)]
pub struct Target {
    pub forge: Forge,
    /// The address of the API, without a final slash.
    pub api: String,
    /// The path of the pull request's comments below the API.
    pub comments: String,
    /// The path of one comment, without its number.
    pub comment: String,
    pub token: SecretString,
}

impl Target {
    /// `number`: given on the command line, wins over what CI says.
    pub fn from_environment(
        forge: Forge,
        number: Option<u64>,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self> {
        let get = |names: &[&str], what: &str| {
            let found = names.iter().find_map(|name| variable(name).filter(|value| !value.is_empty()));
            found.ok_or_else(|| {
                let fact = format!("{} is not set: {what} is not known", names.join(" or "));
                Box::new(Diagnostic::error(fact).remedy("run it in the forge's CI, or set it as CI would"))
            })
        };
        let given = number.map(|number| number.to_string());
        let numbered = |text: Result<String>| match &given {
            Some(number) => Ok(number.clone()),
            None => text.and_then(digits),
        };
        let (api, comments, comment, token) = match forge {
            Forge::Github => {
                let repository = path(&get(&["GITHUB_REPOSITORY"], "the repository")?)?;
                let number =
                    numbered(get(&["GITHUB_REF"], "the number of the pull request").map(|text| pull(&text)))?;
                let api = variable("GITHUB_API_URL").filter(|url| !url.is_empty());
                let api = api.unwrap_or_else(|| "https://api.github.com".to_owned());
                let issues = format!("repos/{repository}/issues");
                (api, format!("{issues}/{number}/comments"), format!("{issues}/comments"), "GITHUB_TOKEN")
            }
            Forge::Forgejo | Forge::Gitea => {
                let repository = path(&get(&["GITHUB_REPOSITORY", "CI_REPO"], "the repository")?)?;
                let number = get(&["CI_COMMIT_PULL_REQUEST", "GITHUB_REF"], "the number of the pull request");
                let number = numbered(number.map(|text| pull(&text)))?;
                let woodpecker =
                    || variable("CI_FORGE_URL").map(|url| format!("{}/api/v1", url.trim_end_matches('/')));
                let api = variable("GITHUB_API_URL").filter(|url| !url.is_empty()).or_else(woodpecker);
                let api = get(&["GITHUB_API_URL", "CI_FORGE_URL"], "the address of the forge")
                    .map(|url| api.unwrap_or(url))?;
                let issues = format!("repos/{repository}/issues");
                let token = if forge == Forge::Gitea { "GITEA_TOKEN" } else { "FORGEJO_TOKEN" };
                (api, format!("{issues}/{number}/comments"), format!("{issues}/comments"), token)
            }
            Forge::Gitlab => {
                let project =
                    get(&["CI_MERGE_REQUEST_PROJECT_ID", "CI_PROJECT_ID"], "the project").and_then(digits)?;
                let number = numbered(get(&["CI_MERGE_REQUEST_IID"], "the number of the merge request"))?;
                let api = get(&["CI_API_V4_URL"], "the address of the forge")?;
                let notes = format!("projects/{project}/merge_requests/{number}/notes");
                (api, notes.clone(), notes, "GITLAB_TOKEN")
            }
        };
        let token = get(&[token], "who may write the comment")?;
        if token.bytes().any(|byte| !byte.is_ascii_graphic()) {
            return Err(Box::new(
                Diagnostic::error("the token holds a space or a line break").remedy("copy it again"),
            ));
        }
        let api = api.trim_end_matches('/').to_owned();
        safe(&api)?;
        Ok(Self { forge, api, comments, comment, token: token.into() })
    }
}

/// A token goes over TLS only, or to this machine.
fn safe(api: &str) -> Result<()> {
    let local = ["http://127.0.0.1:", "http://localhost:", "http://[::1]:"];
    let plain = api.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\');
    if plain && (api.starts_with("https://") || local.iter().any(|start| api.starts_with(start))) {
        return Ok(());
    }
    let fact = format!("`{}` is no https address: the token would be readable on the way", api.escape_debug());
    Err(Box::new(Diagnostic::error(fact).remedy("give the forge's API an https address")))
}

/// `refs/pull/12/merge` is 12; anything else stays as it is.
fn pull(text: &str) -> String {
    text.strip_prefix("refs/pull/").and_then(|rest| rest.split('/').next()).unwrap_or(text).to_owned()
}

fn digits(text: String) -> Result<String> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(text);
    }
    let fact = format!("`{}` is no number of a pull request or project", text.escape_debug());
    Err(Box::new(Diagnostic::error(fact).remedy("run it for a pull request, or give `--number N`")))
}

/// `owner/name`, which goes into an address.
fn path(text: &str) -> Result<String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte);
    if text.bytes().all(plain) && text.split('/').all(|part| !part.trim_matches('.').is_empty()) {
        return Ok(text.to_owned());
    }
    let fact = format!("`{}` is no repository", text.escape_debug());
    Err(Box::new(Diagnostic::error(fact).remedy("give it as owner/name")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(forge: Forge, number: Option<u64>, set: &[(&str, &str)]) -> Result<Target> {
        let variable =
            |name: &str| set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        Target::from_environment(forge, number, &variable)
    }

    const GITHUB: [(&str, &str); 3] =
        [("GITHUB_REPOSITORY", "ours/servers"), ("GITHUB_REF", "refs/pull/12/merge"), ("GITHUB_TOKEN", "t")];

    #[test]
    fn each_forge_tells_where_its_comments_are() {
        let github = target(Forge::Github, None, &GITHUB).unwrap();
        assert_eq!(
            (github.api.as_str(), github.comments.as_str()),
            ("https://api.github.com", "repos/ours/servers/issues/12/comments")
        );
        let gitlab = [
            ("CI_API_V4_URL", "https://gitlab.example/api/v4/"),
            ("CI_PROJECT_ID", "7"),
            ("CI_MERGE_REQUEST_IID", "3"),
            ("GITLAB_TOKEN", "t"),
        ];
        let gitlab = target(Forge::Gitlab, None, &gitlab).unwrap();
        assert_eq!(
            (gitlab.api.as_str(), gitlab.comments.as_str()),
            ("https://gitlab.example/api/v4", "projects/7/merge_requests/3/notes")
        );
        let woodpecker = [
            ("CI_FORGE_URL", "https://git.example"),
            ("CI_REPO", "ours/servers"),
            ("CI_COMMIT_PULL_REQUEST", "5"),
            ("FORGEJO_TOKEN", "t"),
        ];
        let forgejo = target(Forge::Forgejo, None, &woodpecker).unwrap();
        assert_eq!(
            (forgejo.api.as_str(), forgejo.comments.as_str()),
            ("https://git.example/api/v1", "repos/ours/servers/issues/5/comments")
        );
    }

    #[test]
    fn what_is_missing_or_odd_is_said_before_anything_is_sent() {
        let without = |name: &str| {
            let set: Vec<_> = GITHUB.into_iter().filter(|(known, _)| *known != name).collect();
            target(Forge::Github, None, &set).unwrap_err().fact
        };
        for (name, _) in GITHUB {
            assert!(without(name).starts_with(name), "{name}");
        }
        let with = |name: &'static str, value: &'static str| {
            let mut set = vec![(name, value)];
            set.extend(GITHUB);
            target(Forge::Github, None, &set).unwrap_err().fact
        };
        assert!(with("GITHUB_API_URL", "http://api.example").contains("no https address"));
        assert!(with("GITHUB_API_URL", "http://127.0.0.1.evil.example").contains("no https address"));
        assert!(with("GITHUB_REF", "refs/heads/main").contains("no number"));
        assert!(with("GITHUB_REPOSITORY", "../x").contains("no repository"));
        assert!(!with("GITHUB_TOKEN", "se cret").contains("se cret"));
        assert!(target(Forge::Github, Some(4), &GITHUB).unwrap().comments.contains("/4/"));
    }
}
