//! Expressions and templates: `{{ … }}` in YAML, and the files below `templates/`.
//!
//! Takes texts and a [`Scope`] of names, gives values and texts. There is no way from here to files, the environment,
//! the clock, chance or the network; work, memory and depth are limited; an undefined name is a mistake that points at
//! the character.

use std::borrow::Cow;

use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior, Value};

mod budget;
mod expression;
mod filters;
mod lint;
mod mistake;
mod scope;
mod value;
pub mod veil;

pub use budget::{Budget, Limits};
pub use expression::{Expressions, is_expression, names};
pub use mistake::{Origin, mistake};
pub use scope::Scope;
pub use value::{from_value, to_value};

/// What one rendering may do: about as many steps, and 64 bytes of memory for each.
const FUEL: u64 = 500_000;

/// How deep templates may include, import and call each other; an include counts ten.
const DEPTH: usize = 120;

/// How the language is set up, everywhere. Holds no templates yet.
pub fn environment<'a>() -> Environment<'a> {
    let mut environment = Environment::new();
    if let Ok(syntax) =
        SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build()
    {
        environment.set_syntax(syntax);
    }
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_debug(true);
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(DEPTH);
    environment.set_auto_escape_callback(escape_of);
    environment.set_formatter(format);
    environment.set_path_join_callback(|name, _| Cow::Borrowed(name));
    environment.remove_global("debug");
    filters::add(&mut environment);
    environment
}

/// Web pages escape what they show; configuration has other rules, each file its own.
fn escape_of(name: &str) -> AutoEscape {
    let name = name.strip_suffix(".j2").unwrap_or(name);
    if [".html", ".xml", ".svg"].iter().any(|suffix| name.ends_with(suffix)) {
        AutoEscape::Html
    } else {
        AutoEscape::None
    }
}

/// A value that is missing shall not end up as the word `none` in a configuration.
fn format(out: &mut Output, state: &mut State, value: &Value) -> Result<(), Error> {
    if value.is_none() {
        return Err(Error::new(ErrorKind::InvalidOperation, "the value is missing (none) where text is needed"));
    }
    minijinja::escape_formatter(out, state, value)
}

#[cfg(test)]
mod tests;
