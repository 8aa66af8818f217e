//! What the template engine refuses, as a fact with its place, in a template or inside a string of YAML.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use minijinja::{Error, ErrorKind};

use super::Scope;
use super::filters::DOCUMENTED;
use crate::diag::{Diagnostic, Place, Source, closest};

/// What was being evaluated.
pub struct Origin<'o> {
    /// Where the string stands, or the name of the template.
    pub place: &'o Place,
    /// The string, if it is evaluated itself, and where in it the expression begins.
    pub inline: Option<(&'o str, usize)>,
    pub templates: &'o BTreeMap<&'o str, &'o Arc<Source>>,
    pub scope: &'o Scope,
}

/// Points at the innermost place; if that is in an included template, also at the outermost.
pub fn mistake(error: &Error, origin: &Origin<'_>) -> Box<Diagnostic> {
    let innermost = innermost(error);
    let place = place_of(innermost, origin).unwrap_or_else(|| origin.place.clone());
    let mut mistake = described(innermost, origin).at(&place);
    if !std::ptr::eq(innermost, error)
        && let Some(outer) = place_of(error, origin)
        && outer != place
    {
        mistake = mistake.related(&outer, "included from here");
    } else if origin.inline.is_none() && place.source != origin.place.source {
        mistake = mistake.related(origin.place, "used here");
    }
    Box::new(mistake)
}

fn innermost(error: &Error) -> &Error {
    let mut found = error;
    let mut next: Option<&(dyn std::error::Error + 'static)> = std::error::Error::source(error);
    while let Some(source) = next {
        if let Some(inner) = source.downcast_ref::<Error>() {
            found = inner;
        }
        next = source.source();
    }
    found
}

fn place_of(error: &Error, origin: &Origin<'_>) -> Option<Place> {
    let name = error.name().unwrap_or_default();
    if let Some(source) = origin.templates.get(name) {
        return Some(Place::new(source, error.range().unwrap_or_else(|| line(&source.text, error.line()))));
    }
    let (text, start) = origin.inline?;
    let range = error.range().unwrap_or(0..0);
    Some(inside(origin.place, text, range.start + start..range.end + start))
}

/// The whole line, where the engine knows no more.
fn line(text: &str, number: Option<usize>) -> Range<usize> {
    let skipped = number.unwrap_or(1).saturating_sub(1);
    let start: usize = text.split_inclusive('\n').take(skipped).map(str::len).sum();
    start..start
}

/// A range of a string's content as a place in the YAML file that the string was read from. Quotes, escapes and
/// indentation are no part of the content; where they get in the way, the expression's `{{` is what it points at.
pub(super) fn inside(string: &Place, content: &str, range: Range<usize>) -> Place {
    let Some(raw) = string.source.text.get(string.span.clone()) else { return string.clone() };
    let at = |start: usize, length: usize| {
        let start = string.span.start + start;
        Place::new(&string.source, start..(start + length).min(string.source.text.len()))
    };
    if let Some(offset) = raw.find(content) {
        return at(offset + range.start, range.len());
    }
    let before = content.get(..range.start).unwrap_or(content);
    let openings = |text: &str| text.match_indices(['{']).filter(|(at, _)| opens(text, *at)).count();
    let Some(ordinal) = openings(before).checked_sub(1) else { return string.clone() };
    let opening = before.char_indices().rev().find(|(at, _)| opens(before, *at)).map_or(0, |(at, _)| at);
    let Some(found) = raw.match_indices('{').map(|(at, _)| at).filter(|at| opens(raw, *at)).nth(ordinal) else {
        return string.clone();
    };
    let within = before.get(opening..).unwrap_or_default();
    if raw.get(found..).is_some_and(|rest| rest.starts_with(within)) {
        at(found + within.len(), range.len())
    } else {
        at(found, 2)
    }
}

fn opens(text: &str, at: usize) -> bool {
    text.get(at..at + 2).is_some_and(|two| matches!(two, "{{" | "{%"))
}

fn described(error: &Error, origin: &Origin<'_>) -> Diagnostic {
    let detail = error.detail().unwrap_or_default();
    match error.kind() {
        ErrorKind::UndefinedError => undefined(detail, origin.scope),
        ErrorKind::OutOfFuel => Diagnostic::error("the template asks for too much work or memory")
            .remedy("look for a loop over far too many values, or a text repeated too often"),
        ErrorKind::InvalidOperation if detail == "recursion limit exceeded" => {
            Diagnostic::error("templates or macros use each other without end").remedy("break the circle")
        }
        ErrorKind::UnknownFilter => {
            let name = detail.split(' ').nth(1).unwrap_or_default();
            Diagnostic::error(format!("there is no filter `{name}`")).suggest(name, DOCUMENTED.iter().copied())
        }
        ErrorKind::UnknownFunction => {
            let name = detail.split(' ').next().unwrap_or_default();
            Diagnostic::error(format!("there is no function `{name}`")).suggest(name, ["dict", "namespace", "range"])
        }
        ErrorKind::TemplateNotFound => missing(detail, origin),
        ErrorKind::SyntaxError | ErrorKind::BadEscape => Diagnostic::error(format!("syntax error: {detail}"))
            .remedy("compare the braces, quotes and tags with `{{ value }}` and `{% if x %}…{% endif %}`"),
        ErrorKind::InvalidOperation if detail.contains("(none)") => Diagnostic::error(detail.to_owned())
            .remedy("write it only `{% if … is not none %}`, or give the parameter a default"),
        kind if detail.is_empty() => Diagnostic::error(kind.to_string()),
        _ => Diagnostic::error(detail.to_owned()),
    }
}

fn missing(detail: &str, origin: &Origin<'_>) -> Diagnostic {
    let name = detail.split('"').nth(1).unwrap_or_default();
    if name.is_empty() {
        return Diagnostic::error("there is no template of this name")
            .remedy("name it by its path below templates/, such as `site/a.conf.j2`");
    }
    let mistake = Diagnostic::error(format!("there is no template `{name}`"));
    let known: Vec<&str> = origin.templates.keys().copied().collect();
    match closest(name, &known) {
        Some(near) => mistake.remedy(format!("did you mean `{near}`?")),
        None => mistake.remedy(format!("make the file templates/{name}, or name one that exists below templates/")),
    }
}

/// A name that nobody gave, with what was probably meant: at the first part of `a.b.c` that is not there.
fn undefined(detail: &str, scope: &Scope) -> Diagnostic {
    let path = detail.split('`').nth(1).unwrap_or_default();
    if path.is_empty() {
        return Diagnostic::error(if detail.is_empty() { "a value is undefined" } else { detail }.to_owned());
    }
    undefined_path(path, scope)
}

pub(super) fn undefined_path(path: &str, scope: &Scope) -> Diagnostic {
    let mut parts = path.split('.');
    let root = parts.next().unwrap_or_default();
    let mistake = Diagnostic::error(format!("`{path}` is undefined"));
    let Some(mut value) = scope.get(root).cloned() else {
        return match root {
            "vars" => mistake.remedy(
                "a var is taken by a parameter: give the service `params: { NAME: \"{{ vars.NAME }}\" }` and use the parameter",
            ),
            "secrets" => {
                mistake.remedy("secrets are seen only by resources and by facts; declare them under `secrets:` of the module")
            }
            "item" | "key" => mistake.remedy("it exists only below `for_each`"),
            _ => mistake.suggest(root, scope.names()),
        };
    };
    for part in parts {
        match value.get_attr(part) {
            Ok(inner) if !inner.is_undefined() => value = inner,
            _ => {
                let keys: Vec<String> =
                    value.try_iter().map(|keys| keys.map(|key| key.to_string()).collect()).unwrap_or_default();
                return mistake.suggest(part, keys.iter().map(String::as_str));
            }
        }
    }
    mistake
}
