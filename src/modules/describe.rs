//! Modules as text for people: what there is, and what one of them asks for.

use std::fmt::Write as _;

use indexmap::IndexMap;
use serde_json::{Value, json};

use super::{Library, Module, Param};
use crate::yaml::Node;

/// One line a module: name, version, where it comes from, summary.
pub fn list(library: &Library, language: &str) -> String {
    let width = library.names().map(str::len).max().unwrap_or_default();
    let mut text = String::new();
    for module in library.modules() {
        let origin = if module.embedded { "" } else { " (this chapter's)" };
        let summary = module.summary.in_language(language);
        let _ = writeln!(text, "{:width$}  {summary}{origin}", module.name);
    }
    text
}

/// Everything that a person needs who writes a service of this module.
pub fn show(library: &Library, module: &Module, language: &str) -> String {
    let mut text = format!("{} {}: {}\n", module.name, module.version, module.summary.in_language(language));
    let _ = writeln!(text, "from {}", module.source.name);
    if !module.params.is_empty() {
        text.push_str("\nParameters\n");
        fields(&mut text, &module.params, language, 2);
    }
    let needs: Vec<&str> = module.needs.keys().map(String::as_str).collect();
    let offers: Vec<&str> = module.offers.keys().map(String::as_str).collect();
    let gathers: Vec<&str> = module.gathers.keys().map(String::as_str).collect();
    let facts: Vec<&str> = module.facts.keys().map(String::as_str).collect();
    if let Some(takes) = &module.takes {
        text.push_str("\nWhat needs it may say\n");
        fields(&mut text, takes, language, 2);
    }
    for (title, names) in [("Needs", needs), ("Hands back", facts), ("Offers", offers), ("Gathers", gathers)] {
        if !names.is_empty() {
            let _ = writeln!(text, "\n{title}: {}", names.join(", "));
        }
    }
    let templates: Vec<&str> = library.templates_of(&module.name).map(|(path, _)| path).collect();
    if !templates.is_empty() {
        let _ = writeln!(text, "\nTemplates: {}", templates.join(", "));
    }
    if !module.handoff.is_empty() {
        let _ = writeln!(text, "\nHanding on\n{}", indented(module.handoff.in_language(language), 2));
    }
    let _ = writeln!(text, "\nAs a service\n{}", indented(&example(module), 2));
    text
}

/// The same for programs.
pub fn json(library: &Library, module: &Module, language: &str) -> Value {
    let keys = |names: Vec<&String>| names.into_iter().cloned().collect::<Vec<_>>();
    json!({
        "format": 1,
        "name": module.name,
        "version": module.version,
        "embedded": module.embedded,
        "summary": module.summary.in_language(language),
        "params": json_fields(&module.params, language),
        "needs": keys(module.needs.keys().collect()),
        "takes": module.takes.as_ref().map(|fields| json_fields(fields, language)),
        "facts": keys(module.facts.keys().collect()),
        "offers": keys(module.offers.keys().collect()),
        "gathers": keys(module.gathers.keys().collect()),
        "templates": library.templates_of(&module.name).map(|(path, _)| path).collect::<Vec<_>>(),
        "handoff": module.handoff.in_language(language),
    })
}

fn json_fields(params: &IndexMap<String, Param>, language: &str) -> Value {
    let field = |(name, param): (&String, &Param)| {
        let value = json!({
            "type": param.kind.to_string(),
            "required": param.default.is_none() && !param.optional,
            "default": param.default.as_ref().map(Node::to_json),
            "example": param.example.as_ref().map(Node::to_json),
            "one_of": param.one_of.iter().map(Node::to_json).collect::<Vec<_>>(),
            "immutable": param.immutable,
            "unique": param.unique,
            "help": param.help.in_language(language),
            "fields": json_fields(&param.fields, language),
        });
        (name.clone(), value)
    };
    Value::Object(params.iter().map(field).collect())
}

fn fields(text: &mut String, params: &IndexMap<String, Param>, language: &str, depth: usize) {
    for (name, param) in params {
        let must = match &param.default {
            Some(default) => format!(", default {}", one_line(default)),
            None if param.optional => ", optional".to_owned(),
            None => ", required".to_owned(),
        };
        let fixed = if param.immutable { ", cannot be changed later" } else { "" };
        let fixed = if param.unique { ", another one for each service" } else { fixed };
        let kind = if param.one_of.is_empty() {
            param.kind.to_string()
        } else {
            format!("one of {}", param.one_of.iter().map(one_line).collect::<Vec<_>>().join(", "))
        };
        let _ = writeln!(text, "{:depth$}{name}: {kind}{must}{fixed}", "");
        let help = param.help.in_language(language);
        if !help.is_empty() {
            let _ = writeln!(text, "{}", indented(help, depth + 4));
        }
        if let Some(example) = &param.example {
            let _ = writeln!(text, "{:width$}such as {}", "", one_line(example), width = depth + 4);
        }
        fields(text, &param.fields, language, depth + 4);
    }
}

/// A service with everything that is required.
fn example(module: &Module) -> String {
    let required = module.params.iter().filter(|(_, param)| param.default.is_none() && !param.optional);
    let params: Vec<String> = required
        .map(|(name, param)| {
            let example = param.example.as_ref().map_or_else(|| "…".to_owned(), one_line);
            format!("{name}: {example}")
        })
        .collect();
    let params = if params.is_empty() { String::new() } else { format!(", params: {{ {} }}", params.join(", ")) };
    format!("{}: {{ module: {}, on: HOST{params} }}", module.name, module.name)
}

fn one_line(node: &Node) -> String {
    match node.as_str() {
        Some(text) if !text.is_empty() && !text.contains(['{', ':', '#', '\n', '"', '\'']) => text.to_owned(),
        _ => node.to_json().to_string(),
    }
}

fn indented(text: &str, depth: usize) -> String {
    let lines: Vec<String> =
        text.trim_end().lines().map(|line| format!("{:depth$}{line}", "").trim_end().to_owned()).collect();
    lines.join("\n")
}
