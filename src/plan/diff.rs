//! The differences of a change as text: unified diffs for contents, `- old` and `+ new` for everything else.
//! What a host *has* may be anybody's password, so it is shown only where the caller allows it.

use std::time::Duration;

use similar::TextDiff;

use super::{Change, Difference};
use crate::inventory::Locale;
use crate::kinds;
use crate::resource::{Attribute, Content};
use crate::said::Said;
use crate::texts;

/// Whether what a host has, and Steward did not write, is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remote {
    Shown,
    Withheld,
}

/// How long one diff may look for a short form of itself; what takes longer is shown in a longer one.
pub const PATIENCE: Duration = Duration::from_millis(200);

/// Lines of a unified diff; empty if there is nothing to compare. Control characters are made visible.
pub fn diff(change: &Change, remote: Remote, locale: Locale) -> String {
    let mut text = String::new();
    for difference in &change.differences {
        match (&difference.from, &difference.to) {
            (from, Some(Attribute::Content(to))) => {
                text.push_str(&content(change, from.as_ref(), Some(to), remote, locale));
            }
            (Some(Attribute::Content(from)), None) => {
                text.push_str(&content(change, Some(&Attribute::Content(from.clone())), None, remote, locale));
            }
            _ => text.push_str(&attribute(change, difference, remote, locale)),
        }
    }
    visible(&text)
}

/// No value of a secret can be in a text: what is wanted has placeholders, and hosts compare such texts themselves.
fn attribute(change: &Change, difference: &Difference, remote: Remote, locale: Locale) -> String {
    let name = difference.attribute;
    let is_free = kinds::named(change.id.kind).is_some_and(|kind| kind.free_text().contains(&name));
    if let (true, Remote::Withheld, Some(Attribute::Text(from))) = (is_free, remote, &difference.from) {
        return withheld(change, name, from, difference.to.as_ref(), locale);
    }
    let lines = |mark: char, value: Option<&Attribute>| -> String {
        let Some(Attribute::Text(text)) = value else { return String::new() };
        let text = if mark == '+' { marked(change, text) } else { text.clone() };
        if text.contains('\n') {
            return text.lines().map(|line| format!("{mark} {name}: {line}\n")).collect();
        }
        format!("{mark} {name}: {text}\n")
    };
    if let (Some(Attribute::Text(from)), Some(Attribute::Text(to))) = (&difference.from, &difference.to)
        && (from.contains('\n') || to.contains('\n'))
    {
        let (from, to) = (format!("{from}\n"), format!("{to}\n"));
        let diff = TextDiff::from_lines(&from, &to);
        let marked = |change: similar::Change<&str>| match change.tag() {
            similar::ChangeTag::Equal => None,
            similar::ChangeTag::Delete => Some(format!("- {name}: {}\n", change.value().trim_end_matches('\n'))),
            similar::ChangeTag::Insert => Some(format!("+ {name}: {}\n", change.value().trim_end_matches('\n'))),
        };
        return diff.iter_all_changes().filter_map(marked).collect();
    }
    lines('-', difference.from.as_ref()) + &lines('+', difference.to.as_ref())
}

/// Lines that the host has and nobody declared are counted, not shown.
fn withheld(change: &Change, name: &str, from: &str, to: Option<&Attribute>, locale: Locale) -> String {
    let to = match to {
        Some(Attribute::Text(to)) => to.as_str(),
        _ => "",
    };
    let others = from.lines().filter(|line| !to.lines().any(|wanted| wanted == *line)).count();
    let gone = match others {
        0 => String::new(),
        1 => format!("- {name}: {}\n", texts::one_line_withheld().text(locale)),
        _ => format!("- {name}: {}\n", texts::lines_withheld(others).text(locale)),
    };
    let new = to.lines().filter(|line| !from.lines().any(|known| known == *line));
    new.fold(gone, |text, line| text + &format!("+ {name}: {}\n", marked(change, line)))
}

fn content(
    change: &Change,
    from: Option<&Attribute>,
    to: Option<&Content>,
    remote: Remote,
    locale: Locale,
) -> String {
    let from = from.and_then(|value| match value {
        Attribute::Content(content) => Some(content),
        Attribute::Text(_) => None,
    });
    if change.sensitive {
        return covered(change, from, to, locale);
    }
    let line = |mark: &str, said: &Said| format!("{mark} content: {}\n", said.text(locale));
    match (from, to) {
        (None, None) => String::new(),
        (None, Some(to)) => match to.text() {
            Some(text) => unified("/dev/null", &change.id.name, "", text),
            None => line("+", &texts::binary(to.size)),
        },
        (Some(from), to) => {
            let new = to.map_or(Some(""), Content::text);
            match (from.text(), new) {
                _ if remote == Remote::Withheld && !from.ours => line(
                    "~",
                    &match to {
                        None => texts::withheld_removed(from.size),
                        Some(to) => texts::withheld_differs(from.size, to.size),
                    },
                ),
                (Some(old), Some(new)) => {
                    unified(&change.id.name, if to.is_some() { &change.id.name } else { "/dev/null" }, old, new)
                }
                _ if to.is_none() && from.bytes.is_none() => line("~", &texts::not_read(from.size)),
                _ if from.bytes.is_none() => line("~", &texts::too_large(from.size)),
                _ => line("~", &texts::binary_there(from.size)),
            }
        }
    }
}

/// Of a file with secrets: both sides have placeholders in their place. What the host has itself is never shown.
fn covered(change: &Change, from: Option<&Content>, to: Option<&Content>, locale: Locale) -> String {
    let line = |said: &Said| format!("~ content: {}\n", said.text(locale));
    let Some(new) = to.and_then(Content::text) else {
        return line(&texts::secrets_removed());
    };
    match from {
        None => unified("/dev/null", &change.id.name, "", new),
        Some(from) => match from.text() {
            Some(old) if old == new && change.new_values.is_empty() => line(&texts::secrets_not_ours()),
            Some(old) => unified(&change.id.name, &change.id.name, old, &marked(change, new)),
            None => line(&texts::secrets_differ()),
        },
    }
}

/// Says of each placeholder whether its value is another than when it was last applied.
fn marked(change: &Change, text: &str) -> String {
    change.new_values.iter().fold(text.to_owned(), |text, name| {
        text.replace(&format!("‹secret {name}›"), &format!("‹secret {name}: changed›"))
    })
}

fn unified(old_name: &str, new_name: &str, old: &str, new: &str) -> String {
    let diff = TextDiff::configure().timeout(PATIENCE).diff_lines(old, new);
    diff.unified_diff().context_radius(3).header(old_name, new_name).to_string()
}

/// Marks that turn the direction of what follows (Unicode bidirectional algorithm, UAX 9), or that end a line where no
/// diff sees one.
fn turns(character: char) -> bool {
    matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A terminal must not obey what a file holds: control characters become their pictures (U+2400…).
pub fn visible(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            '\n' | '\t' => character,
            '\u{0}'..='\u{1f}' => char::from_u32(0x2400 + u32::from(character)).unwrap_or('\u{fffd}'),
            '\u{7f}' => '\u{2421}',
            '\u{80}'..='\u{9f}' => '\u{fffd}',
            _ if turns(character) => '\u{fffd}',
            _ => character,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Action;
    use crate::resource::Id;

    fn change(differences: Vec<Difference>) -> Change {
        Change {
            id: Id::new("file", "/etc/x"),
            services: vec!["a".into()],
            action: Action::Update,
            reason: Said::default(),
            differences,
            sensitive: false,
            new_values: Vec::new(),
            deferred: None,
            risk: Vec::new(),
            origin: None,
        }
    }

    fn contents(from: &str, to: &str) -> Vec<Difference> {
        let content = |text: &str| Some(Attribute::Content(Content::of(text.as_bytes())));
        vec![Difference { attribute: "content", from: content(from), to: content(to) }]
    }

    #[test]
    fn content_is_a_unified_diff_and_attributes_are_two_lines() {
        let mut differences = contents("a\nb\n", "a\nc\n");
        differences.push(Difference { attribute: "mode", from: Some("0600".into()), to: Some("0644".into()) });
        let text = diff(&change(differences), Remote::Shown, Locale::En);
        assert_eq!(text, "--- /etc/x\n+++ /etc/x\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n- mode: 0600\n+ mode: 0644\n");
    }

    #[test]
    fn what_the_host_has_is_withheld_unless_allowed() {
        let text = diff(&change(contents("password = hunter2\n", "b\n")), Remote::Withheld, Locale::En);
        assert!(!text.contains("hunter2") && text.contains("withheld"), "{text}");
    }

    #[test]
    fn of_a_file_with_secrets_only_the_copy_without_them_is_shown() {
        let mut change = change(contents("old\n", "new\n"));
        change.sensitive = true;
        let text = diff(&change, Remote::Shown, Locale::En);
        assert_eq!(text, "--- /etc/x\n+++ /etc/x\n@@ -1 +1 @@\n-old\n+new\n", "a copy that Steward keeps");
        let mut unread = contents("old\n", "new\n");
        if let Some(Some(Attribute::Content(content))) = unread.first_mut().map(|it| &mut it.from) {
            content.bytes = None;
        }
        change.differences = unread;
        let text = diff(&change, Remote::Shown, Locale::En);
        assert!(text.starts_with("~ content: differs; it holds secrets"), "{text}");
    }

    #[test]
    fn a_value_that_changed_is_said_where_it_stands_and_its_neighbours_stay_readable() {
        let text = "user = wiki\npassword = ‹secret wiki/db›\nhost = db\n";
        let mut change = change(contents(text, text));
        (change.sensitive, change.new_values) = (true, vec!["wiki/db".into()]);
        let shown = diff(&change, Remote::Withheld, Locale::En);
        assert!(
            shown.contains("\n user = wiki\n-password = ‹secret wiki/db›\n+password = ‹secret wiki/db: changed›\n"),
            "{shown}"
        );
    }

    #[test]
    fn escape_sequences_cannot_reach_the_terminal() {
        let text = diff(&change(contents("\u{1b}[2J\n", "b\u{9b}m\n")), Remote::Shown, Locale::En);
        assert!(!text.contains('\u{1b}') && !text.contains('\u{9b}'), "{text}");
    }

    #[test]
    fn of_a_list_only_the_entries_that_differ_are_shown() {
        let list = |text: &str| Some(Attribute::Text(text.to_owned()));
        let differences = vec![Difference { attribute: "authorized_keys", from: list("k1\nk2"), to: list("k2\nk3") }];
        assert_eq!(
            diff(&change(differences), Remote::Shown, Locale::En),
            "- authorized_keys: k1\n+ authorized_keys: k3\n"
        );
    }
}
