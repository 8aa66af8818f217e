//! `line`: one line of a file that others write, too. Where `match` is given, every line that matches it becomes this
//! one line. The rest of the file is left as it is; a file of which Steward knows the whole is a `file`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::leaving::{Leaving, inside};
use super::{Answer, Build, Call, Item, Kind, Presence, Site, absolute, concrete, field_place};
use crate::diag::Diagnostic;
use crate::resource::{Observation, State, Want};
use crate::yaml::Node;

#[derive(Debug)]
pub struct LineKind;

/// A line of a file that others write, too.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Fields {
    /// The file: an absolute path.
    path: String,
    /// The whole line, without its end. May be left out where `match` says what shall be absent.
    line: Option<String>,
    /// Lines that this one takes the place of: an extended regular expression, as for `grep -E`.
    #[serde(rename = "match")]
    pattern: Option<String>,
    /// Where it goes if no line matches: after the last line that this extended regular expression matches, or to the
    /// end of the file.
    after: Option<String>,
    /// Makes the file, empty, as root's and "0644", if it does not exist.
    #[serde(default)]
    create: bool,
    /// `absent` removes the line.
    #[serde(default)]
    state: Presence,
}

#[derive(Debug)]
struct Line {
    /// The path, and what tells it from other lines of the same file.
    name: String,
    path: String,
    text: String,
    pattern: String,
    after: String,
    create: bool,
    state: Presence,
}

impl Kind for LineKind {
    fn name(&self) -> &'static str {
        "line"
    }

    fn summary(&self) -> &'static str {
        "One line of a file that others write, too."
    }

    fn schema(&self) -> schemars::Schema {
        schemars::schema_for!(Fields)
    }

    fn item(&self, node: &Node, build: &mut Build<'_>) -> Option<Box<dyn Item>> {
        let fields: Fields = node.decode(build.mistakes)?;
        absolute(&fields.path, node, "path", build.mistakes)?;
        let mistake = mistake(&fields);
        if let Some((field, fact, remedy)) = mistake {
            build.mistakes.push(Diagnostic::error(fact).at(field_place(node, field)).remedy(remedy));
            return None;
        }
        let (line, pattern) = (fields.line.unwrap_or_default(), fields.pattern.unwrap_or_default());
        let key = if pattern.is_empty() { &line } else { &pattern };
        Some(Box::new(Line {
            name: format!("{}#{key}", fields.path),
            path: fields.path,
            text: line,
            pattern,
            after: fields.after.unwrap_or_default(),
            create: fields.create,
            state: fields.state,
        }))
    }

    /// One that took the place of others stays: what they were, nobody knows.
    fn retired(&self, leaving: &Leaving<'_>) -> Option<Box<dyn Item>> {
        let (path, text, _) = inside(leaving)?;
        let sound = !text.is_empty() && !text.contains(['\n', '\0']);
        sound.then(|| {
            Box::new(Line {
                name: leaving.name.to_owned(),
                path: path.to_owned(),
                text: text.to_owned(),
                pattern: String::new(),
                after: String::new(),
                create: false,
                state: Presence::Absent,
            }) as Box<dyn Item>
        })
    }

    fn free_text(&self) -> &'static [&'static str] {
        &["line"]
    }

    fn probe(&self) -> &'static str {
        PROBE
    }

    fn reader(&self) -> Option<&'static str> {
        Some("")
    }

    fn read(&self, items: &[&dyn Item], _: &Site, answer: &Answer) -> Vec<Observation> {
        let said = |number: usize| {
            let mark = format!("{number}|");
            answer.text_lines().find_map(|line| line.strip_prefix(&mark).map(str::to_owned))
        };
        let observe = |(number, item): (usize, &&dyn Item)| match (concrete::<Line>(*item), said(number)) {
            (Some(line), Some(said)) => observe(line, &said),
            _ => Observation::Unknown("the host did not say".into()),
        };
        items.iter().enumerate().map(observe).collect()
    }

    fn apply(&self) -> &'static str {
        APPLY
    }

    fn works_in_directory(&self) -> bool {
        true
    }

    fn examples(&self) -> &'static [&'static str] {
        &[
            "{ path: /etc/hosts, line: 203.0.113.9 lists.chapter.example, create: true }",
            "{ path: /etc/example.conf, match: '^#? *Level=', line: Level=2, create: true }",
            "{ path: /etc/hosts, match: old\\.chapter\\.example$, state: absent }",
        ]
    }
}

/// The field, the fact and the remedy.
fn mistake(fields: &Fields) -> Option<(&'static str, String, &'static str)> {
    let path = &fields.path;
    for (name, value) in [("line", &fields.line), ("match", &fields.pattern), ("after", &fields.after)] {
        if value.as_ref().is_some_and(|text| text.contains(['\n', '\0'])) {
            let fact = format!("`{name}` of a line in {path} is more than one line");
            return Some((name, fact, "use a `block` for several lines"));
        }
    }
    let is_given = |value: &Option<String>| value.as_ref().is_some_and(|text| !text.is_empty());
    if fields.state == Presence::Present && !is_given(&fields.line) {
        return Some(("line", format!("a line in {path} has no text"), "give it `line`"));
    }
    if !is_given(&fields.line) && !is_given(&fields.pattern) {
        return Some(("line", format!("nothing says which line of {path}"), "give it `line` or `match`"));
    }
    None
}

/// What follows the number: `absent`, `unknown|why`, or `yes|others` (the line is there), `no|others`; others are the
/// different lines that match, in base64.
fn observe(line: &Line, said: &str) -> Observation {
    let (word, rest) = said.split_once('|').unwrap_or((said, ""));
    let others = || String::from_utf8_lossy(&STANDARD.decode(rest).unwrap_or_default()).trim_end().to_owned();
    match (word, others()) {
        ("absent", _) => Observation::Absent,
        ("unknown", _) => Observation::Unknown(rest.to_owned()),
        ("yes", others) if others.is_empty() => Observation::Present(State::new().with("line", line.text.as_str())),
        ("yes", others) => Observation::Present(State::new().with("line", format!("{}\n{others}", line.text))),
        ("no", others) if others.is_empty() => Observation::Absent,
        ("no", others) => Observation::Present(State::new().with("line", others)),
        _ => Observation::Unknown("the host's answer makes no sense".into()),
    }
}

impl Item for Line {
    fn name(&self) -> &str {
        &self.name
    }

    fn want(&self) -> Want {
        match self.state {
            Presence::Present => Want::Present(State::new().with("line", self.text.as_str())),
            Presence::Absent => Want::Absent,
        }
    }

    fn ask(&self, site: &Site) -> Vec<Vec<u8>> {
        vec![site.path(&self.path).into(), self.text.as_str().into(), self.pattern.as_str().into()]
    }

    fn call(&self, site: &Site) -> Call {
        let call = Call::new(if self.state == Presence::Present { "line_present" } else { "line_absent" })
            .arg(site.path(&self.path))
            .arg(self.text.as_str())
            .arg(self.pattern.as_str());
        match self.state {
            Presence::Present => {
                call.arg(self.after.as_str()).arg(if self.create { "yes" } else { "" }).arg(site.makes_parents())
            }
            Presence::Absent => call,
        }
    }

    fn path(&self) -> Option<&str> {
        Some(&self.path)
    }

    fn keepsake(&self) -> String {
        if self.pattern.is_empty() { format!("{}|", self.path.len()) } else { String::new() }
    }

    /// Other lines of the same file are other resources.
    fn claims(&self, _: &str) -> bool {
        false
    }
}

/// Lines: path|line|match. Two processes or three for each: it is for a few lines, not for thousands.
const PROBE: &str = r#"
probe_line() {
  number=0
  while IFS='|' read -r path line match; do
    printf '%s|' "$number"
    number=$((number + 1))
    decode "$path"
    path=$D
    decode "$line"
    line=$D
    decode "$match"
    look_for_line "$path" "$line" "$D"
  done
}

look_for_line() { # PATH LINE MATCH
  if [ -L "$1" ]; then
    echo 'unknown|the file is a symbolic link; name the file that it leads to'
  elif [ ! -e "$1" ]; then
    echo 'absent'
  elif [ ! -f "$1" ]; then
    echo 'unknown|it is not a regular file'
  elif [ ! -r "$1" ]; then
    echo 'unknown|the file cannot be read'
  else
    if [ -n "$3" ]; then
      matching=$(grep -E -e "$3" <"$1")
      if [ $? -gt 1 ]; then
        echo 'unknown|`match` is not a regular expression that grep -E takes'
        return 0
      fi
    else
      matching=
    fi
    if [ -n "$2" ] && grep -q -x -F -e "$2" <"$1"; then printf 'yes|'; else printf 'no|'; fi
    if [ -n "$matching" ]; then
      printf '%s\n' "$matching" | { if [ -n "$2" ]; then grep -v -x -F -e "$2"; else cat; fi; } | head -c 65536 | known_lines | base64 | tr -d '\n'
    fi
    echo
  fi
}
"#;

const APPLY: &str = r#"
line_present() { # PATH LINE MATCH AFTER CREATE PARENTS
  editable "$1" "$5" "$6"
  numbers=
  [ -z "$3" ] || numbers=$(line_numbers -E "$3" <"$1")
  same=$(line_numbers -xF "$2" <"$1")
  after=
  if [ -z "$numbers$same" ] && [ -n "$4" ]; then after=$(line_numbers -E "$4" <"$1" | tail -n 1); fi
  [ -n "$numbers$same" ] || creates
  edit_lines "$1" "$2" "$numbers" "$same" "$after"
}

line_absent() { # PATH LINE MATCH
  [ -e "$1" ] || [ -L "$1" ] || unchanged
  editable "$1" '' ''
  numbers=
  [ -z "$3" ] || numbers=$(line_numbers -E "$3" <"$1")
  [ -z "$2" ] || numbers="$numbers $(line_numbers -xF "$2" <"$1")"
  [ -n "${numbers# }" ] || unchanged
  edit_lines "$1" '' "$numbers" 0 ''
}

# The numbers of the lines of standard input that match; fails only if grep does.
line_numbers() { # FLAGS PATTERN
  code=0
  found=$(grep -n "$1" -e "$2") || code=$?
  if [ "$code" -gt 1 ]; then return 1; fi
  printf '%s\n' "$found" | sed -n 's/^\([0-9][0-9]*\):.*/\1/p'
}

# SAME: lines that are LINE already, or 0 if none shall be. NUMBERS become one LINE, unless there is one.
edit_lines() { # PATH LINE NUMBERS SAME AFTER
  LINE=$2 NUMBERS=$3 SAME=$4 AFTER=$5 awk '
    BEGIN {
      same = split(ENVIRON["SAME"], list)
      for (i = 1; i <= same; i++) keep[list[i]] = list[i] > 0
      count = split(ENVIRON["NUMBERS"], list)
      for (i = 1; i <= count; i++) if (!keep[list[i]]) gone[list[i]] = 1
      after = ENVIRON["AFTER"]
    }
    !(NR in gone) { print }
    !same && (NR in gone || (after != "" && NR == after + 0)) { print ENVIRON["LINE"]; same = 1 }
    END { if (!same) print ENVIRON["LINE"] }' <"$1" >"$RUN/edited"
  put "$RUN/edited" "$1"
}
"#;

#[cfg(test)]
mod tests {
    use std::fs;

    use crate::kinds::bench::{Applied, Directory, SHELLS};
    use crate::kinds::{fight, laws};
    use crate::resource::Observation;

    /// The file, the declaration, the file afterwards.
    const CASES: &[(&str, &str, &str)] = &[
        ("a\n", "line: b", "a\nb\n"),
        ("a\nb\nc\n", "line: b", "a\nb\nc\n"),
        ("a", "line: b", "a\nb\n"),
        ("", "line: b", "b\n"),
        ("#Port 22\nx\nPort 2\n", "line: Port 22, match: '^#?Port '", "Port 22\nx\n"),
        ("x\nPort 22\nPort 2\n", "line: Port 22, match: '^#?Port '", "x\nPort 22\n"),
        ("x\n", "line: Port 22, match: '^#?Port '", "x\nPort 22\n"),
        ("[a]\n[b]\n[a]\nx\n", "line: y, after: '^\\[a\\]$'", "[a]\n[b]\n[a]\ny\nx\n"),
        ("x\n", "line: y, after: '^none'", "x\ny\n"),
        ("a\nb\na\n", "line: a, state: absent", "b\n"),
        ("a1\nb\na2\n", "match: ^a, state: absent", "b\n"),
        ("x{2}\n", "line: 'x{2}'", "x{2}\n"),
        ("xx\n", "line: y, match: '^x{2}$'", "y\n"),
        ("a\\nb\n", "line: 'a\\nb $HOME `id` & \\1'", "a\\nb\na\\nb $HOME `id` & \\1\n"),
        ("a\n", "line: -n", "a\n-n\n"),
        ("a\n", "line: ' indented  '", "a\n indented  \n"),
    ];

    #[test]
    fn a_line_is_put_where_it_belongs_and_nothing_else_is_touched() {
        for shell in SHELLS {
            for (before, yaml, after) in CASES {
                let place = Directory::new();
                fs::write(place.at("/etc/x"), before).unwrap();
                let bench = place.bench(shell);
                let item = bench.item("line", &format!("{{ path: /etc/x, {yaml} }}"));
                if *shell == SHELLS[0] {
                    laws::holds("line", item.as_ref(), &bench);
                } else {
                    laws::applying_converges("line", item.as_ref(), &bench);
                }
                assert_eq!(fs::read_to_string(place.at("/etc/x")).unwrap(), *after, "{shell:?} {before:?} {yaml}");
            }
        }
    }

    #[test]
    fn a_missing_file_is_made_only_on_request() {
        let place = Directory::new();
        let bench = place.bench(SHELLS[0]);
        let item = bench.item("line", "{ path: /etc/x, line: a }");
        let Applied::Failed(said) = bench.apply("line", item.as_ref()) else { panic!("it was made") };
        assert!(said.contains("`create: true`"), "{said}");
        assert!(!place.at("/etc/x").exists());
    }

    #[test]
    fn a_pattern_that_grep_refuses_is_unknown_and_changes_nothing() {
        let place = Directory::new();
        fs::write(place.at("/etc/x"), "a\n").unwrap();
        let bench = place.bench(SHELLS[0]);
        let item = bench.item("line", "{ path: /etc/x, line: a, match: '(' }");
        assert!(matches!(bench.probe_one("line", item.as_ref()), Observation::Unknown(_)));
        assert!(matches!(bench.apply("line", item.as_ref()), Applied::Failed(_)));
        assert_eq!(fs::read_to_string(place.at("/etc/x")).unwrap(), "a\n");
    }

    #[test]
    fn a_line_fights_the_file_that_it_is_in_but_not_other_lines() {
        let place = Directory::new();
        let bench = place.bench(SHELLS[0]);
        let line = bench.item("line", "{ path: /etc/x, line: a }");
        let other = bench.item("line", "{ path: /etc/x, line: b }");
        let file = bench.item("file", "{ path: /etc/x, content: a }");
        assert!(fight(line.as_ref(), file.as_ref()) && fight(file.as_ref(), line.as_ref()));
        assert!(!fight(line.as_ref(), other.as_ref()));
    }

    #[test]
    fn mistakes_say_what_is_missing() {
        let place = Directory::new();
        let bench = place.bench(SHELLS[0]);
        for (yaml, said) in [
            ("{ path: /etc/x, match: a }", "give it `line`"),
            ("{ path: /etc/x, line: \"a\\nb\" }", "use a `block`"),
            ("{ path: /etc/x, state: absent }", "`line` or `match`"),
        ] {
            let mistakes = bench.try_item("line", yaml).unwrap_err();
            assert!(mistakes.contains(said), "{mistakes}");
        }
    }
}
