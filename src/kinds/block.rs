//! `block`: lines of a file that others write, too, between two marks by which Steward finds them again. The rest of
//! the file is left as it is.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::leaving::{Leaving, inside};
use super::{Answer, Build, Call, Item, Kind, Presence, Site, absolute, concrete, field_place};
use crate::diag::Diagnostic;
use crate::resource::{Content, Observation, State, Want};
use crate::yaml::Node;

#[derive(Debug)]
pub struct BlockKind;

/// Lines between two marks, in a file that others write, too. Given by `content` or `template`.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Fields {
    /// The file: an absolute path.
    path: String,
    /// Tells blocks of one file apart; stands in the marks.
    name: String,
    /// The lines themselves.
    content: Option<String>,
    /// A template below `templates/`, rendered with the parameters of the service.
    template: Option<String>,
    /// What begins a comment in this file. "#" unless given.
    comment: Option<String>,
    /// Makes the file, as root's and "0644", if it does not exist.
    #[serde(default)]
    create: bool,
    /// `absent` removes the block.
    #[serde(default)]
    state: Presence,
}

#[derive(Debug)]
struct Block {
    /// The path and the name.
    name: String,
    path: String,
    begin: String,
    end: String,
    /// `None`: it shall not exist.
    content: Option<Content>,
    /// Of one that leaves: the digest of what was last written.
    last: Option<String>,
    create: bool,
}

impl Kind for BlockKind {
    fn name(&self) -> &'static str {
        "block"
    }

    fn summary(&self) -> &'static str {
        "Lines between two marks, in a file that others write, too."
    }

    fn schema(&self) -> schemars::Schema {
        schemars::schema_for!(Fields)
    }

    fn item(&self, node: &Node, build: &mut Build<'_>) -> Option<Box<dyn Item>> {
        let fields: Fields = node.decode(build.mistakes)?;
        absolute(&fields.path, node, "path", build.mistakes)?;
        let comment = fields.comment.as_deref().unwrap_or("#");
        for (field, text) in [("name", fields.name.as_str()), ("comment", comment)] {
            if text.is_empty() || text.chars().any(char::is_control) {
                let fact = format!("`{field}` of a block in {} is not one line of text", fields.path);
                let remedy = "write one or more ordinary characters";
                build.mistakes.push(Diagnostic::error(fact).at(field_place(node, field)).remedy(remedy));
                return None;
            }
        }
        let (begin, end) = marks(comment, &fields.name);
        let content = match fields.state {
            Presence::Absent => None,
            Presence::Present => {
                let text = text(&fields, node, build)?;
                if text.lines().any(|line| line == begin || line == end) {
                    let fact = format!("the text of block {} holds its own mark", fields.name);
                    let remedy = "give the block another name";
                    build.mistakes.push(Diagnostic::error(fact).at(&node.place).remedy(remedy));
                    return None;
                }
                Some(Content::of(text.into_bytes()))
            }
        };
        let name = format!("{}#{}", fields.path, fields.name);
        Some(Box::new(Block { name, path: fields.path, begin, end, content, last: None, create: fields.create }))
    }

    fn retired(&self, leaving: &Leaving<'_>) -> Option<Box<dyn Item>> {
        let (path, key, rest) = inside(leaving)?;
        let (comment, last) = match rest.rsplit_once('|').filter(|(_, digest)| is_digest(digest)) {
            Some((comment, digest)) => (comment, Some(digest.to_owned())),
            None => (rest, None),
        };
        if [key, comment].iter().any(|text| text.is_empty() || text.chars().any(char::is_control)) {
            return None;
        }
        let (begin, end) = marks(comment, key);
        let (name, path) = (leaving.name.to_owned(), path.to_owned());
        Some(Box::new(Block { name, path, begin, end, content: None, last, create: false }))
    }

    fn free_text(&self) -> &'static [&'static str] {
        &["content"]
    }

    fn probe(&self) -> &'static str {
        PROBE
    }

    fn reader(&self) -> Option<&'static str> {
        Some(READER)
    }

    fn read(&self, items: &[&dyn Item], _: &Site, answer: &Answer) -> Vec<Observation> {
        let said = |number: usize| {
            let mark = format!("{number}|");
            answer.text_lines().find_map(|line| line.strip_prefix(&mark).map(str::to_owned))
        };
        let last = |item: &dyn Item| concrete::<Block>(item).and_then(|block| block.last.clone());
        let each = items.iter().enumerate();
        each.map(|(number, item)| observe(said(number).as_deref().unwrap_or_default(), last(*item).as_deref()))
            .collect()
    }

    fn apply(&self) -> &'static str {
        APPLY
    }

    fn works_in_directory(&self) -> bool {
        true
    }

    fn examples(&self) -> &'static [&'static str] {
        &[
            "{ path: /etc/hosts, name: wiki, content: \"203.0.113.9 wiki.chapter.example\\n\", create: true }",
            "{ path: /etc/hosts, name: old, state: absent }",
        ]
    }
}

/// The lines before and after it.
fn marks(comment: &str, name: &str) -> (String, String) {
    (format!("{comment} BEGIN steward {name}"), format!("{comment} END steward {name}"))
}

/// The text, with a newline at its end.
fn text(fields: &Fields, node: &Node, build: &mut Build<'_>) -> Option<String> {
    let mut text = match (&fields.content, &fields.template) {
        (Some(content), None) => content.clone(),
        (None, Some(template)) => {
            let rendered = build.files.template(template, field_place(node, "template"));
            let rendered = build.mistakes.keep(rendered)?;
            if let Some(sealed) = rendered.sealed {
                let fact = format!("the template of block {} uses {sealed:?}", fields.name);
                let remedy = "secrets belong into a file of their own: use `file`";
                build.mistakes.push(Diagnostic::error(fact).at(field_place(node, "template")).remedy(remedy));
                return None;
            }
            rendered.text
        }
        (given, _) => {
            let what = if given.is_some() { "its content from two places" } else { "no content" };
            let fact = format!("block {} has {what}", fields.name);
            build
                .mistakes
                .push(Diagnostic::error(fact).at(&node.place).remedy("give it one of `content` and `template`"));
            return None;
        }
    };
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    Some(text)
}

fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// What follows the number: `absent`, `unknown|why`, or `there|digest|size|base64` (the last only if it is small).
/// `last`: the digest of what was last written there.
fn observe(said: &str, last: Option<&str>) -> Observation {
    let fields: Vec<&str> = said.split('|').collect();
    match fields[..] {
        ["absent"] => Observation::Absent,
        ["unknown", why] => Observation::Unknown(why.to_owned()),
        ["there", digest, size, encoded] if digest.len() == 64 => {
            let bytes = STANDARD.decode(encoded).ok().map(Content::of);
            let unread = Content {
                digest: digest.to_owned(),
                size: size.trim().parse().unwrap_or(0),
                bytes: None,
                ours: false,
            };
            let content = bytes.filter(|content| content.digest == digest).unwrap_or(unread);
            let content = Content { ours: content.ours || last == Some(digest), ..content };
            Observation::Present(State::new().with("content", content))
        }
        _ => Observation::Unknown("the host did not say".into()),
    }
}

impl Item for Block {
    fn name(&self) -> &str {
        &self.name
    }

    fn want(&self) -> Want {
        match &self.content {
            Some(content) => Want::Present(State::new().with("content", content.clone())),
            None => Want::Absent,
        }
    }

    fn ask(&self, site: &Site) -> Vec<Vec<u8>> {
        vec![site.path(&self.path).into(), self.begin.as_str().into(), self.end.as_str().into()]
    }

    fn call(&self, site: &Site) -> Call {
        let call = Call::new(if self.content.is_some() { "block_present" } else { "block_absent" })
            .arg(site.path(&self.path))
            .arg(self.begin.as_str())
            .arg(self.end.as_str());
        match &self.content {
            Some(content) => call
                .arg(if self.create { "yes" } else { "" })
                .arg(site.makes_parents())
                .payload(content.bytes.clone().unwrap_or_default()),
            None => call,
        }
    }

    fn path(&self) -> Option<&str> {
        Some(&self.path)
    }

    /// The length of the path, how a comment begins, and the digest of the text.
    fn keepsake(&self) -> String {
        let comment = self.begin.split(" BEGIN steward ").next().unwrap_or_default();
        let digest = self.content.as_ref().map(|content| format!("|{}", content.digest)).unwrap_or_default();
        format!("{}|{comment}{digest}", self.path.len())
    }

    /// Other blocks and lines of the same file are other resources.
    fn claims(&self, _: &str) -> bool {
        false
    }
}

/// What is digested is what is shown, and only if it is known.
const READER: &str = r#"
show_block() { # PATH BEGIN END
  text=$(block_text "$2" "$3" <"$1" | head -c 65537 | base64 | tr -d '\n')
  sum=$(printf %s "$text" | base64 -d | sha256sum)
  size=$(printf %s "$text" | base64 -d | wc -c)
  if is_known "${sum%% *}"; then
    printf 'there|%s|%s|%s\n' "${sum%% *}" "$size" "$text"
  else
    printf 'there|%064d|%s|\n' 0 "$size"
  fi
}
"#;

/// Lines: path|begin|end. A few processes for each: it is for a few blocks, not for thousands.
const PROBE: &str = r#"
probe_block() {
  number=0
  while IFS='|' read -r path begin end; do
    printf '%s|' "$number"
    number=$((number + 1))
    decode "$path"
    path=$D
    decode "$begin"
    begin=$D
    decode "$end"
    look_for_block "$path" "$begin" "$D"
  done
}

# Marks that are there twice, or not in order, are a person's to mend.
look_for_block() { # PATH BEGIN END
  if [ -L "$1" ]; then
    echo 'unknown|the file is a symbolic link; name the file that it leads to'
  elif [ ! -e "$1" ]; then
    echo 'absent'
  elif [ ! -f "$1" ] || [ ! -r "$1" ]; then
    echo 'unknown|it is not a regular file, or cannot be read'
  else
    case $(BEGIN=$2 END=$3 awk '$0 == ENVIRON["BEGIN"] { print "b" } $0 == ENVIRON["END"] { print "e" }' <"$1" | tr -d '\n') in
      '') echo 'absent' ;;
      be) show_block "$1" "$2" "$3" ;;
      *) echo 'unknown|its marks are not a BEGIN and an END; mend them by hand' ;;
    esac
  fi
}

show_block() { # PATH BEGIN END
  sum=$(block_text "$2" "$3" <"$1" | sha256sum)
  size=$(block_text "$2" "$3" <"$1" | wc -c)
  printf 'there|%s|%s|' "${sum%% *}" "$size"
  [ "$size" -gt 65536 ] || block_text "$2" "$3" <"$1" | base64 | tr -d '\n'
  echo
}

block_text() {
  BEGIN=$1 END=$2 awk '$0 == ENVIRON["END"] { exit } inside { print } $0 == ENVIRON["BEGIN"] { inside = 1 }'
}
"#;

const APPLY: &str = r#"
block_present() { # PATH BEGIN END CREATE PARENTS CONTENT
  editable "$1" "$4" "$5"
  block_marks "$2" "$3" <"$1" || exit 1
  grep -q -x -F -e "$2" <"$1" || creates
  BEGIN=$2 END=$3 CONTENT=$6 awk '
    function block() {
      print ENVIRON["BEGIN"]
      while ((getline text < ENVIRON["CONTENT"]) > 0) print text
      print ENVIRON["END"]
    }
    $0 == ENVIRON["BEGIN"] { block(); inside = placed = 1 }
    !inside { print }
    $0 == ENVIRON["END"] { inside = 0 }
    END { if (!placed) block() }' <"$1" >"$RUN/edited"
  put "$RUN/edited" "$1"
}

block_absent() { # PATH BEGIN END
  [ -e "$1" ] || [ -L "$1" ] || unchanged
  editable "$1" '' ''
  block_marks "$2" "$3" <"$1" || exit 1
  grep -q -x -F -e "$2" <"$1" || unchanged
  BEGIN=$2 END=$3 awk '
    $0 == ENVIRON["BEGIN"] { inside = 1 }
    !inside { print }
    $0 == ENVIRON["END"] { inside = 0 }' <"$1" >"$RUN/edited"
  put "$RUN/edited" "$1"
}

block_marks() { # BEGIN END
  case $(BEGIN=$1 END=$2 awk '$0 == ENVIRON["BEGIN"] { print "b" } $0 == ENVIRON["END"] { print "e" }' | tr -d '\n') in
    '' | be) return 0 ;;
  esac
  echo "the marks are not one \"$1\" and after it one \"$2\"; mend them by hand"
  return 1
}
"#;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

    use crate::kinds::bench::{Applied, Directory, SHELLS};
    use crate::kinds::laws;
    use crate::resource::Observation;

    const BLOCK: &str = "{ path: /etc/x, name: wiki, content: \"one\\n\\\\n $(reboot) & 2\" }";
    const TEXT: &str = "# BEGIN steward wiki\none\n\\n $(reboot) & 2\n# END steward wiki\n";

    #[test]
    fn a_block_is_replaced_in_its_place_and_nothing_else_is_touched() {
        let old = "# BEGIN steward wiki\nold\nlines\n# END steward wiki\n";
        for shell in SHELLS {
            for (before, after) in [
                ("a\n".to_owned(), format!("a\n{TEXT}")),
                ("a".to_owned(), format!("a\n{TEXT}")),
                (format!("a\n{old}b\n"), format!("a\n{TEXT}b\n")),
                (TEXT.to_owned(), TEXT.to_owned()),
                ("# BEGIN steward wiki2\n".to_owned(), format!("# BEGIN steward wiki2\n{TEXT}")),
            ] {
                let place = Directory::new();
                fs::write(place.at("/etc/x"), &before).unwrap();
                fs::set_permissions(place.at("/etc/x"), fs::Permissions::from_mode(0o640)).unwrap();
                let bench = place.bench(shell);
                laws::holds("block", bench.item("block", BLOCK).as_ref(), &bench);
                assert_eq!(fs::read_to_string(place.at("/etc/x")).unwrap(), after, "{shell:?}");
                assert_eq!(fs::metadata(place.at("/etc/x")).unwrap().mode() & 0o7777, 0o640);
                let gone = bench.item("block", "{ path: /etc/x, name: wiki, state: absent }");
                laws::holds("block", gone.as_ref(), &bench);
                assert!(!fs::read_to_string(place.at("/etc/x")).unwrap().contains("steward wiki\n"), "{shell:?}");
            }
        }
    }

    #[test]
    fn marks_that_a_person_broke_are_left_to_that_person() {
        let place = Directory::new();
        let bench = place.bench(SHELLS[0]);
        let item = bench.item("block", BLOCK);
        for broken in ["# BEGIN steward wiki\na\n", "# END steward wiki\n# BEGIN steward wiki\n"] {
            fs::write(place.at("/etc/x"), broken).unwrap();
            assert!(matches!(bench.probe_one("block", item.as_ref()), Observation::Unknown(_)), "{broken}");
            assert!(matches!(bench.apply("block", item.as_ref()), Applied::Failed(_)), "{broken}");
            assert_eq!(fs::read_to_string(place.at("/etc/x")).unwrap(), broken);
        }
    }

    #[test]
    fn a_text_that_holds_its_own_mark_is_refused() {
        let place = Directory::new();
        let yaml = "{ path: /etc/x, name: a, content: \"# END steward a\\n\" }";
        assert!(place.bench(SHELLS[0]).try_item("block", yaml).unwrap_err().contains("its own mark"));
    }
}
