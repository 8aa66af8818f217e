//! Diagnostics as people read them: the fact, the place with its source line and a caret, and the remedy.
//!
//! Gives a text and prints nothing. Sources and messages may come from a stranger's pull request or from a hostile
//! host, so no control character of theirs reaches the terminal, and no age key that was put in a file by mistake.

use std::ops::Range;

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use crate::diag::{Diagnostic, Diagnostics, Place, Severity};
use crate::report::keys::without_age_key;

/// All diagnostics, file by file from top to bottom, and their count. Empty if there are none.
pub fn render(diagnostics: &Diagnostics, color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let mut sorted: Vec<&Diagnostic> = diagnostics.0.iter().collect();
    sorted.sort_by_key(|diagnostic| {
        diagnostic.place.as_ref().map(|place| (place.source.name.as_str(), place.span.start))
    });
    let mut text: String =
        sorted.iter().map(|diagnostic| format!("{}\n\n", renderer.render(&[group(diagnostic)]))).collect();
    if !sorted.is_empty() {
        text.push_str(&summary(diagnostics));
        text.push('\n');
    }
    text
}

/// `3 errors, 1 warning`.
pub fn summary(diagnostics: &Diagnostics) -> String {
    let count = |severity| diagnostics.0.iter().filter(|diagnostic| diagnostic.severity == severity).count();
    let counts = [(count(Severity::Error), "error"), (count(Severity::Warning), "warning")];
    let some = counts.iter().filter(|(count, _)| *count > 0);
    let words: Vec<String> =
        some.map(|(count, word)| format!("{count} {word}{}", if *count == 1 { "" } else { "s" })).collect();
    words.join(", ")
}

fn group(diagnostic: &Diagnostic) -> Group<'static> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut group = Group::with_title(level.primary_title(clean_lines(&diagnostic.fact)));
    if let Some(place) = &diagnostic.place {
        group = show(group, place, AnnotationKind::Primary, None);
    }
    for (place, why) in &diagnostic.related {
        group = show(group, place, AnnotationKind::Context, Some(why));
    }
    match &diagnostic.remedy {
        Some(remedy) => group.element(Level::HELP.message(clean_lines(remedy))),
        None => group,
    }
}

/// Adds the line of `place`. Only that line is handed over: rendering stays quick in a file of any size.
fn show(group: Group<'static>, place: &Place, kind: AnnotationKind, why: Option<&str>) -> Group<'static> {
    let name = clean(&place.source.name);
    let (line, column) = place.line_column();
    let Some((text, span)) = excerpt(place) else {
        return group.element(Origin::path(name).line(line).char_column(column));
    };
    let mut mark: Annotation<'static> = kind.span(span);
    if let Some(why) = why {
        mark = mark.label(clean(why));
    }
    group.element(Snippet::source(text).line_start(line).path(name).annotation(mark))
}

/// The first line of a place, made safe to show, and where the place is in it. `None` where there is no text.
fn excerpt(place: &Place) -> Option<(String, Range<usize>)> {
    let text = &place.source.text;
    let at = place.span.start.min(text.len());
    let start = text.get(..at)?.rfind('\n').map_or(0, |newline| newline + 1);
    let end = text.get(start..)?.find('\n').map_or(text.len(), |length| start + length);
    let line_end = start + text.get(start..end)?.trim_end_matches('\r').len();
    let (from, to) = (at.min(line_end), place.span.end.clamp(at, line_end.max(at)).min(line_end));
    let (before, within, after) = (text.get(start..from)?, text.get(from..to)?, text.get(to..line_end)?);
    if text.trim().is_empty() {
        return None;
    }
    let (before, within, after) = (clean(before), clean(within), clean(after));
    // Longer than any screen: the renderer would measure every character of it.
    let after: String = after.chars().take(500).collect();
    let within: String = within.chars().take(500).collect();
    let span = before.len()..before.len() + within.len();
    Some((format!("{before}{within}{after}"), span))
}

/// One line without characters that a terminal obeys.
fn clean(text: &str) -> String {
    without_age_key(text).chars().map(visible).collect()
}

/// The same for messages, which may have several lines.
fn clean_lines(text: &str) -> String {
    without_age_key(text).chars().map(|c| if c == '\n' { c } else { visible(c) }).collect()
}

fn visible(c: char) -> char {
    match c {
        '\t' => '→',
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}'),
        '\u{7f}' => '␡',
        // Marks that turn the direction of what follows (Unicode bidirectional algorithm, UAX 9).
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        _ if c.is_control() => '\u{fffd}',
        _ => c,
    }
}

/// The mistakes for programs: severity, fact, remedy, file, line, column.
pub fn json(diagnostics: &Diagnostics) -> serde_json::Value {
    let one = |diagnostic: &Diagnostic| {
        let place = diagnostic.place.as_ref();
        let at = place.map(Place::line_column);
        serde_json::json!({
            "severity": if diagnostic.severity == Severity::Error { "error" } else { "warning" },
            "fact": diagnostic.fact,
            "remedy": diagnostic.remedy,
            "file": place.map(|place| place.source.name.clone()),
            "line": at.map(|(line, _)| line),
            "column": at.map(|(_, column)| column),
        })
    };
    diagnostics.0.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::diag::Source;

    fn shown(diagnostic: Diagnostic) -> String {
        render(&Diagnostics(vec![diagnostic]), false)
    }

    #[test]
    fn a_mistake_shows_fact_place_and_remedy() {
        let source = Source::new("inventory/a.yaml", "hosts:\n  web1: { parms: 1 }\nx: 2\n");
        let mistake = Diagnostic::error("unknown key `parms`")
            .at(&Place::new(&source, 17..22))
            .related(&Place::new(&source, 0..5), "the section")
            .remedy("did you mean `params`?");
        assert_eq!(
            shown(mistake),
            "\
error: unknown key `parms`
 --> inventory/a.yaml:2:11
  |
2 |   web1: { parms: 1 }
  |           ^^^^^
  |
 ::: inventory/a.yaml:1:1
  |
1 | hosts:
  | ----- the section
  |
  = help: did you mean `params`?

1 error
"
        );
    }

    #[test]
    fn diagnostics_are_sorted_by_place_and_counted() {
        let source = Source::new("a.yaml", "a: 1\nb: 2\n");
        let at = |start| Place::new(&source, start..start + 1);
        let all = Diagnostics(vec![
            Diagnostic::error("second").at(&at(5)),
            Diagnostic::warning("first").at(&at(0)),
            Diagnostic::error("nowhere"),
        ]);
        let text = render(&all, false);
        let order: Vec<usize> = ["nowhere", "first", "second"].iter().filter_map(|word| text.find(word)).collect();
        assert!(order.is_sorted() && order.len() == 3, "{text}");
        assert!(text.ends_with("\n\n2 errors, 1 warning\n"), "{text}");
        assert_eq!(render(&Diagnostics::default(), false), "");
    }

    #[test]
    fn nothing_in_a_source_reaches_the_terminal_as_a_command() {
        let source = Source::new("a\u{1b}[2J.yaml", "key:\t\u{1b}[31mred\u{9b}1m\u{202e}x\u{7}\r\n");
        let text = shown(Diagnostic::error("bad \u{1b}]0;t\u{7}").at(&Place::new(&source, 5..9)).remedy("do\u{8}"));
        let obeyed = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!text.contains(obeyed), "{text:?}");
        assert!(text.contains("key:→␛[31mred"), "{text}");
    }

    #[test]
    fn an_age_key_in_a_source_is_not_shown() {
        let source = Source::new("a.yaml", "age: [age-secret-key-1QQQQ, AGE-SECRET-KEY-1PPPP]\n");
        let text = shown(Diagnostic::error("this is a secret age key").at(&Place::new(&source, 6..26)));
        assert!(!text.contains("QQQQ") && !text.contains("PPPP") && text.contains("AGE-SECRET-KEY-…"), "{text}");
    }

    #[test]
    fn odd_places_do_no_harm() {
        let source = Source::new("a.yaml", "zwölf: 1");
        for span in [0..0, 3..4, 8..9, 9..9, 5..900, 900..901] {
            let text = shown(Diagnostic::error("odd").at(&Place::new(&source, span)));
            assert!(text.contains("a.yaml:1:"), "{text}");
        }
        let empty = Place::file(&Source::new("empty.yaml", ""));
        assert!(shown(Diagnostic::error("no chapter").at(&empty)).contains("empty.yaml"));
    }

    #[test]
    fn a_thousand_mistakes_in_a_large_file_are_shown_quickly() {
        let source = Source::new("a.yaml", "hosts: { address: 192.0.2.1 }\n".repeat(10_000));
        let place = |index: usize| Place::new(&source, index * 300..index * 300 + 5);
        let all =
            Diagnostics((0..1000).map(|index| Diagnostic::error(format!("{index}")).at(&place(index))).collect());
        let start = Instant::now();
        assert!(render(&all, true).ends_with("1000 errors\n"));
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    }

    #[test]
    fn color_is_only_used_when_asked_for() {
        let all = Diagnostics(vec![Diagnostic::error("x")]);
        assert!(render(&all, true).contains('\u{1b}'));
        assert!(!render(&all, false).contains('\u{1b}'));
    }
}
