//! `file`: a regular file with exactly this content, owner, group and mode. Replaced atomically; a validator sees the
//! new content before it is in place.

use std::sync::Arc;

use serde::Deserialize;

use super::leaving::{Fate, Leaving};
use super::paths::{Compared, Found, Paths, as_wanted};
use super::{Answer, Build, Call, Item, Kind, Presence, Site, absolute, concrete, is_plain_absolute, mode};
use crate::diag::Diagnostic;
use crate::observed::Ledger;
use crate::quoting::encode;
use crate::resource::{Content, Observation, State, Want};
use crate::secret::Sealed;
use crate::yaml::Node;

#[derive(Debug)]
pub struct FileKind;

/// A regular file. Its content is given by exactly one of `content`, `template` and `source`.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Fields {
    /// Where it lies: an absolute path.
    path: String,
    /// The content itself.
    content: Option<String>,
    /// A template below `templates/`, rendered with the parameters of the service.
    template: Option<String>,
    /// A file of the chapter's repository, copied as it is.
    source: Option<String>,
    /// Login name or number. `root` unless given.
    owner: Option<String>,
    /// Group name or number. `root` unless given.
    group: Option<String>,
    /// Permissions in octal, quoted: "0640". "0644" unless given; "0600" if the content holds secrets.
    mode: Option<String>,
    /// A command that must succeed before the file is put in place; `%s` stands for the new file.
    validate: Option<String>,
    /// `absent` removes it.
    #[serde(default)]
    state: Presence,
}

#[derive(Debug)]
struct File {
    path: String,
    /// `None`: it shall not exist.
    content: Option<Content>,
    owner: Option<String>,
    group: Option<String>,
    mode: Option<String>,
    validate: Option<String>,
    /// If it holds secrets; `content` then has placeholders in their place.
    sealed: Option<Arc<Sealed>>,
    /// Set if nothing declares it any more: the word of [`Fate`].
    leaving: Option<&'static str>,
}

impl Kind for FileKind {
    fn name(&self) -> &'static str {
        "file"
    }

    fn summary(&self) -> &'static str {
        "A regular file with exactly this content, owner, group and mode."
    }

    fn schema(&self) -> schemars::Schema {
        schemars::schema_for!(Fields)
    }

    fn item(&self, node: &Node, build: &mut Build<'_>) -> Option<Box<dyn Item>> {
        let fields: Fields = node.decode(build.mistakes)?;
        absolute(&fields.path, node, "path", build.mistakes)?;
        mode(fields.mode.as_deref(), node, build.mistakes)?;
        let (content, sealed) = match fields.state {
            Presence::Absent => (None, None),
            Presence::Present => {
                let (bytes, sealed) = content(&fields, node, build)?;
                (Some(Content::of(bytes)), sealed)
            }
        };
        if sealed.is_some() && fields.validate.as_deref().is_some_and(|command| !command.contains("%s")) {
            let fact = "a file with secrets must be validated where it lies";
            let remedy = "let `%s` stand for the new file";
            build.mistakes.push(Diagnostic::error(fact).at(&node.place).remedy(remedy));
        }
        let root = || (!build.site.is_directory()).then(|| "root".to_owned());
        Some(Box::new(File {
            owner: fields.owner.or_else(root),
            group: fields.group.or_else(root),
            mode: fields.mode.or_else(|| Some(if sealed.is_some() { "0600" } else { "0644" }.to_owned())),
            path: fields.path,
            content,
            validate: fields.validate,
            sealed,
            leaving: None,
        }))
    }

    fn retired(&self, leaving: &Leaving<'_>) -> Option<Box<dyn Item>> {
        is_plain_absolute(leaving.name).then(|| {
            Box::new(File {
                path: leaving.name.to_owned(),
                content: None,
                owner: None,
                group: None,
                mode: None,
                validate: None,
                sealed: leaving.sealed.then(|| Arc::new(Sealed::forgotten())),
                leaving: Some(Fate::word(leaving.fate)),
            }) as Box<dyn Item>
        })
    }

    fn probe(&self) -> &'static str {
        PROBE
    }

    fn reader(&self) -> Option<&'static str> {
        Some("")
    }

    fn read(&self, items: &[&dyn Item], site: &Site, answer: &Answer) -> Vec<Observation> {
        let paths = Paths::read(answer);
        items.iter().map(|item| observe(*item, site, &paths, &answer.ledger)).collect()
    }

    fn apply(&self) -> &'static str {
        APPLY
    }

    fn works_in_directory(&self) -> bool {
        true
    }

    fn secret_fields(&self) -> &'static [&'static str] {
        &["content", "template"]
    }

    fn examples(&self) -> &'static [&'static str] {
        &[
            "{ path: /etc/motd, content: \"Hello.\\n\" }",
            "{ path: /etc/example.conf, content: \"a = 1\\n\", mode: \"0600\", validate: \"grep -q a %s\" }",
            "{ path: /etc/gone, state: absent }",
        ]
    }
}

/// The public content, and what it holds of secrets.
type Bytes = (Arc<[u8]>, Option<Arc<Sealed>>);

fn content(fields: &Fields, node: &Node, build: &mut Build<'_>) -> Option<Bytes> {
    let place = |field: &str| node.get(field).map_or(&node.place, |value| &value.place).clone();
    match (&fields.content, &fields.template, &fields.source) {
        (Some(content), None, None) => {
            let sealed = node.get("content").and_then(|node| node.sealed.clone());
            Some((content.as_bytes().into(), sealed))
        }
        (None, Some(template), None) => {
            let rendered = build.files.template(template, &place("template"));
            let rendered = build.mistakes.keep(rendered)?;
            Some((rendered.text.as_bytes().into(), rendered.sealed))
        }
        (None, None, Some(source)) => {
            let bytes = build.files.source(source, &place("source"));
            Some((build.mistakes.keep(bytes)?, None))
        }
        (None, None, None) => {
            let fact = format!("file {} has no content", fields.path);
            build
                .mistakes
                .push(Diagnostic::error(fact).at(&node.place).remedy("give it `content`, `template` or `source`"));
            None
        }
        _ => {
            let fact = format!("file {} has its content from several places", fields.path);
            let remedy = "keep one of `content`, `template` and `source`";
            build.mistakes.push(Diagnostic::error(fact).at(&node.place).remedy(remedy));
            None
        }
    }
}

fn observe(item: &dyn Item, site: &Site, paths: &Paths, ledger: &Ledger) -> Observation {
    let Some(file) = concrete::<File>(item) else { return Observation::Unknown("not a file".into()) };
    let path = site.path(&file.path);
    let stat = match paths.at(&path) {
        Found::Absent => return Observation::Absent,
        Found::Unknown(why) => return Observation::Unknown(why),
        Found::There(stat) => stat,
    };
    let state = State::new()
        .with("type", stat.file_type())
        .with("mode", stat.permissions())
        .with("owner", stat.owner_like(file.owner.as_deref().unwrap_or_default()))
        .with("group", stat.group_like(file.group.as_deref().unwrap_or_default()));
    if !stat.is_regular() {
        return Observation::Present(state);
    }
    if file.leaving.is_some() && file.sealed.is_some() {
        let ours = paths.compared(&path).1 == Compared::Same;
        let hidden = Content { digest: "hidden".to_owned(), size: stat.size, bytes: None, ours };
        return Observation::Present(state.with("content", hidden));
    }
    if let (Some(sealed), Some(wanted)) = (&file.sealed, &file.content) {
        let kept = ledger.0.get(&format!("file:{}", file.path));
        return match as_wanted(sealed, paths.compared(&path), kept) {
            Ok(true) => Observation::Present(state.with("content", wanted.clone())),
            Ok(false) => {
                let bytes = paths.redacted(&path).and_then(|copy| copy.bytes.clone());
                let other = Content { digest: "another".to_owned(), size: stat.size, bytes, ours: true };
                Observation::Present(state.with("content", other))
            }
            Err(why) => Observation::Unknown(why),
        };
    }
    match paths.content(&path, stat.size) {
        Some(content) => Observation::Present(state.with("content", content)),
        None => Observation::Unknown("its content could not be read".into()),
    }
}

impl Item for File {
    fn name(&self) -> &str {
        &self.path
    }

    fn want(&self) -> Want {
        let Some(content) = &self.content else { return Want::Absent };
        Want::Present(
            State::new()
                .with("type", "file")
                .with("content", content.clone())
                .with_some("owner", self.owner.as_deref())
                .with_some("group", self.group.as_deref())
                .with_some("mode", self.mode.as_deref().map(super::four_digits)),
        )
    }

    fn ask(&self, site: &Site) -> Vec<Vec<u8>> {
        let digest = self.content.as_ref().filter(|_| self.sealed.is_none());
        // no digest is this: what there is, and whether Steward wrote it, comes back
        let nothing = if self.leaving.is_some() { "gone" } else { "" };
        let digest = digest.map_or_else(|| nothing.to_owned(), |content| content.digest.clone());
        vec![digest.into(), site.path(&self.path).into()]
    }

    fn call(&self, site: &Site) -> Call {
        let id = encode(format!("file:{}", self.path).as_bytes());
        let Some(content) = &self.content else {
            let path = site.path(&self.path);
            return match self.leaving {
                None => Call::new("file_absent").arg(path),
                Some(fate) => {
                    let record = encode(path.as_bytes());
                    Call::new("file_retired").arg(path).arg(fate).arg(record).arg(id)
                }
            };
        };
        let call = Call::new("file_present")
            .arg(site.path(&self.path))
            .arg(site.makes_parents())
            .optional(self.owner.as_deref())
            .optional(self.group.as_deref())
            .optional(self.mode.as_deref())
            .arg(self.validate.as_deref().unwrap_or_default().replace("%s", "\"$1\""));
        let public = content.bytes.clone().unwrap_or_default();
        match &self.sealed {
            None => {
                let path = encode(site.path(&self.path).as_bytes());
                call.payload(public).arg("").arg(format!("F|{path}|{}", content.digest))
            }
            Some(sealed) => {
                let line = format!("{id}|{}|{}", sealed.stamp, sealed.ids_line());
                call.secret(sealed).payload(public).arg(line)
            }
        }
    }

    fn sealed(&self) -> Option<&Arc<Sealed>> {
        self.sealed.as_ref()
    }

    fn path(&self) -> Option<&str> {
        Some(&self.path)
    }
}

/// Lines: wanted digest|path; of those with secrets |path|sealed|digest with nonce|identity. One `stat` and one
/// `sha256sum` for all of them; of a file with secrets no digest leaves, only how it compares.
const PROBE: &str = r#"
probe_file() {
  asked=$(cat)
  stats=$(printf '%s\n' "$asked" | cut -d '|' -f 2 | stat_paths)
  case $asked in
    *'|sealed|'*)
      covered=$(printf '%s\n' "$asked" | awk -F'|' '$3 == "sealed" { print $2 }')
      digests=$(printf '%s\n' "$stats" | regular_paths | without "$covered" | digest_paths)
      printf '%s\n' "$asked" | awk -F'|' '$3 == "sealed"' | compare_sealed
      ;;
    *) digests=$(printf '%s\n' "$stats" | regular_paths | digest_paths) ;;
  esac
  printf '%s\n%s\n' "$stats" "$digests"
  differing=$(differing_paths "$asked" "$digests")
  [ -n "$differing" ] || return 0
  written_paths "$differing" "$digests"
  printf '%s\n' "$differing" | show_paths
}
"#;

const APPLY: &str = r#"
file_present() { # PATH PARENTS OWNER GROUP MODE VALIDATE CONTENT REDACTED LEDGER
  vacant "$1" file
  if [ -f "$1" ] && [ ! -L "$1" ] && cmp -s -- "$7" "$1"; then
    [ -z "$8" ] || seal "$1" "$8" "$9"
    set_owner_mode "$1" "$3" "$4" "$5" || unchanged
    exit 0
  fi
  parent "$1" "$2"
  [ -e "$1" ] || [ -L "$1" ] || creates
  stage_beside "$1"
  cat -- "$7" >"$TEMP"
  set_owner_mode "$TEMP" "$3" "$4" "$5" || :
  if [ -n "$6" ] && ! sh -c "$6" sh "$TEMP"; then
    echo "the new content does not pass: $6"
    exit 1
  fi
  keep "$1"
  [ -z "$8" ] || printf '%s\n' "$KEPT" >>"$STATE/shred"
  # before it is in place: whatever happens in between, the file is then not taken for what was applied
  if [ -n "$8" ]; then seal "$TEMP" "$8" "$9"; fi
  replace "$TEMP" "$1"
  [ -n "$8" ] || note "$9"
}

file_retired() { # PATH FATE RECORD IDENTITY
  if [ ! -f "$1" ] || [ -L "$1" ]; then unchanged; fi
  line=$(RECORDS=$STATE sealed_line "$4")
  case $2 in
    archive) archive "$1" ;;
    destroy) rm -f -- "$1" ;;
    *)
      keep "$1"
      # one with secrets that is as it was written needs no copy
      if [ -n "$line" ] && [ -r "$STATE/key.inner" ] && [ "${line##*|}" = "$(keyed "$STATE" "$1")" ]; then printf '%s\n' "$KEPT" >>"$STATE/shred"; fi
      rm -f -- "$1"
      ;;
  esac
  afterwards "F|$3|gone"
  [ -z "$line" ] || afterwards "S|$4|gone"
}

file_absent() { # PATH
  [ -e "$1" ] || [ -L "$1" ] || unchanged
  vacant "$1" file
  keep "$1"
  rm -f -- "$1"
}
"#;

#[cfg(test)]
mod tests;
