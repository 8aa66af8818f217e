//! What a host kept of the files that a run replaced or removed, see `records_kept` in `script/records.sh`. Pure.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// One path that the run changed: what was there before its first step, and how it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Of the steps that changed it, as the entry numbers them.
    pub steps: Vec<String>,
    /// `None`: it is no UTF-8.
    pub path: Option<String>,
    pub was: Was,
    pub owner: String,
    pub group: String,
    /// Four digits.
    pub mode: String,
    /// Of a link its target.
    pub content: Option<Arc<[u8]>>,
    pub now: Now,
}

impl Kept {
    pub(super) fn name(&self) -> String {
        self.path.clone().unwrap_or_else(|| "a file whose name is no text".to_owned())
    }
}

/// What was there before the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Was {
    Absent,
    File,
    Link,
    /// A file whose content is not kept, since what replaced it holds secrets.
    Secret,
    /// It is not kept any more.
    Lost,
    Other,
}

/// How it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Now {
    /// As the run left it.
    Left,
    /// As it was before the run.
    Kept,
    /// Neither: `gone`, `file`, `link`.
    Other(String),
}

/// Reads the section `kept`; a path that several steps changed is one.
pub fn kept(answer: &[u8]) -> Vec<Kept> {
    let text = String::from_utf8_lossy(answer);
    let mut all: Vec<(String, Kept)> = Vec::new();
    for line in text.lines() {
        let fields: Vec<&str> = line.split('|').collect();
        match fields[..] {
            ["N", name, was, _size, owner, group, mode, path, now] => {
                let Some(one) = one(name, was, [owner, group, mode], path, now) else { continue };
                let earlier = all.iter_mut().find(|(_, kept)| kept.path == one.path && one.path.is_some());
                match earlier {
                    Some((_, kept)) => {
                        kept.steps.extend(one.steps);
                        kept.now = one.now;
                    }
                    None => all.push((name.to_owned(), one)),
                }
            }
            ["C", name, content] => {
                let content = STANDARD.decode(content).ok();
                if let (Some((_, kept)), Some(mut content)) = (all.iter_mut().find(|(of, _)| of == name), content) {
                    // what readlink says ends its line
                    if kept.was == Was::Link && content.last() == Some(&b'\n') {
                        content.pop();
                    }
                    kept.content = Some(content.into());
                }
            }
            _ => {}
        }
    }
    all.into_iter().map(|(_, kept)| kept).collect()
}

fn one(name: &str, was: &str, about: [&str; 3], path: &str, now: &str) -> Option<Kept> {
    let step = name.split('.').next().filter(|step| !step.is_empty())?;
    let [owner, group, mode] = about;
    let path = String::from_utf8(STANDARD.decode(path).ok()?).ok().filter(|path| !path.is_empty());
    Some(Kept {
        steps: vec![step.to_owned()],
        path,
        was: match was {
            "absent" => Was::Absent,
            "file" => Was::File,
            "link" => Was::Link,
            "secret" => Was::Secret,
            "lost" => Was::Lost,
            _ => Was::Other,
        },
        owner: owner.to_owned(),
        group: group.to_owned(),
        mode: format!("{mode:0>4}"),
        content: None,
        now: match now {
            "left" => Now::Left,
            "kept" => Now::Kept,
            other => Now::Other(other.to_owned()),
        },
    })
}
