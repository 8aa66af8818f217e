//! Evaluating the strings of a YAML tree, and rendering templates. Each text is parsed once, whatever the number of
//! hosts.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use minijinja::{Environment, Error, Expression, Template, Value as Computed};

use super::mistake::{inside, undefined_path};
use super::{Origin, Scope, from_value, mistake};
use crate::diag::{Diagnostic, Diagnostics, Place, Source};
use crate::yaml::{Entry, Map, Node, Value};

/// Parsed texts of one compilation: strings of modules and of the inventory, and templates.
pub struct Expressions<'e, 'a> {
    environment: &'e Environment<'a>,
    pub(super) templates: BTreeMap<&'a str, &'a Arc<Source>>,
    parsed: RefCell<BTreeMap<&'a str, Rc<Parsed<'e, 'a>>>>,
    names: RefCell<BTreeMap<&'a str, Rc<BTreeSet<String>>>>,
}

pub(super) enum Parsed<'e, 'a> {
    /// The whole string is one `{{ expression }}`, which begins at this byte.
    Native(Expression<'e, 'a>, usize),
    Text(Template<'e, 'a>),
    Refused(Error),
}

/// True if the string has anything to evaluate.
pub fn is_expression(text: &str) -> bool {
    ["{{", "{%", "{#"].iter().any(|opening| text.contains(opening))
}

/// The names that a tree's strings look up, with their attributes as far as these are literal: `vars.timezone`.
/// Nothing from strings that cannot be parsed.
pub fn names(node: &Node) -> BTreeSet<String> {
    let environment = super::environment();
    let expressions = Expressions::new(&environment, BTreeMap::new());
    let mut found = BTreeSet::new();
    expressions.names_into(node, &mut found);
    found
}

impl<'e, 'a> Expressions<'e, 'a> {
    /// `templates` are those that the environment holds.
    pub fn new(environment: &'e Environment<'a>, templates: BTreeMap<&'a str, &'a Arc<Source>>) -> Self {
        Self { environment, templates, parsed: RefCell::default(), names: RefCell::default() }
    }

    /// The tree with every expression replaced by its value; all mistakes in it. What a value contains is data, and
    /// never evaluated again.
    pub fn evaluate(&self, node: &'a Node, scope: &Arc<Scope>, mistakes: &mut Diagnostics) -> Option<Node> {
        let value = match &node.value {
            Value::String(text) if is_expression(text) => {
                let value = mistakes.keep(self.string(text, &node.place, scope))?;
                return mistakes.keep(tree(&value, &node.place));
            }
            Value::List(items) => {
                let items: Vec<_> = items.iter().map(|item| self.evaluate(item, scope, mistakes)).collect();
                Value::List(items.into_iter().collect::<Option<_>>()?)
            }
            Value::Map(map) => Value::Map(self.map(map, scope, mistakes)?),
            other => other.clone(),
        };
        Some(Node::new(value, &node.place))
    }

    fn map(&self, map: &'a Map, scope: &Arc<Scope>, mistakes: &mut Diagnostics) -> Option<Map> {
        let mut evaluated = Map::with_capacity(map.len());
        let mut complete = true;
        for (key, entry) in map {
            match self.evaluate(&entry.node, scope, mistakes) {
                Some(node) => {
                    evaluated.insert(key.clone(), Entry { key: entry.key.clone(), node });
                }
                None => complete = false,
            }
        }
        complete.then_some(evaluated)
    }

    fn string(&self, text: &'a str, place: &Place, scope: &Arc<Scope>) -> Result<Computed, Box<Diagnostic>> {
        let parsed = self.parsed(text);
        let origin = |start| Origin { place, inline: Some((text, start)), templates: &self.templates, scope };
        let (value, start) = match &*parsed {
            Parsed::Native(expression, start) => (expression.eval(scope.value()), *start),
            Parsed::Text(template) => (template.render(scope.value()).map(Computed::from), 0),
            Parsed::Refused(error) => return Err(mistake(error, &origin(0))),
        };
        let value = value.map_err(|error| mistake(&error, &origin(start)))?;
        if value.is_undefined() {
            let written = text.trim_start_matches("{{").trim_end_matches("}}").trim();
            let start = text.find(written).unwrap_or(start);
            let at = inside(place, text, start..start + written.len());
            return Err(Box::new(undefined_path(written, scope).at(&at)));
        }
        Ok(value)
    }

    pub(super) fn parsed(&self, text: &'a str) -> Rc<Parsed<'e, 'a>> {
        if let Some(parsed) = self.parsed.borrow().get(text) {
            return Rc::clone(parsed);
        }
        let parsed = Rc::new(self.parse(text));
        self.parsed.borrow_mut().insert(text, Rc::clone(&parsed));
        parsed
    }

    fn parse(&self, text: &'a str) -> Parsed<'e, 'a> {
        if let Some(inner) = text.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}"))
            && let Ok(expression) = self.environment.compile_expression(inner)
        {
            return Parsed::Native(expression, 2);
        }
        match self.environment.template_from_named_str("<string>", text) {
            Ok(template) => Parsed::Text(template),
            Err(error) => Parsed::Refused(error),
        }
    }

    /// See [`names`].
    pub fn names_into(&self, node: &'a Node, found: &mut BTreeSet<String>) {
        match &node.value {
            Value::String(text) if is_expression(text) => found.extend(self.names_of(text).iter().cloned()),
            Value::List(items) => items.iter().for_each(|item| self.names_into(item, found)),
            Value::Map(map) => map.values().for_each(|entry| self.names_into(&entry.node, found)),
            _ => {}
        }
    }

    fn names_of(&self, text: &'a str) -> Rc<BTreeSet<String>> {
        if let Some(names) = self.names.borrow().get(text) {
            return Rc::clone(names);
        }
        let names = Rc::new(match &*self.parsed(text) {
            Parsed::Native(expression, _) => expression.undeclared_variables(true).into_iter().collect(),
            Parsed::Text(template) => template.undeclared_variables(true).into_iter().collect(),
            Parsed::Refused(_) => BTreeSet::new(),
        });
        self.names.borrow_mut().insert(text, Rc::clone(&names));
        names
    }

    /// Renders a template, twice: what differs between two renderings would differ between two looks at a host.
    pub fn render(&self, name: &str, place: &Place, scope: &Arc<Scope>) -> Result<String, Box<Diagnostic>> {
        let origin = Origin { place, inline: None, templates: &self.templates, scope };
        let failed = |error: Error| mistake(&error, &origin);
        let template = self.environment.get_template(name).map_err(failed)?;
        let text = template.render(scope.value()).map_err(failed)?;
        if template.render(scope.value()).map_err(failed)? == text {
            return Ok(text);
        }
        let place = self.templates.get(name).map_or_else(|| place.clone(), |source| Place::file(source));
        Err(Box::new(
            Diagnostic::error(format!("the template `{name}` gives different text when it is rendered twice"))
                .at(&place)
                .remedy("remove what is not always the same, such as chance or time"),
        ))
    }
}

fn tree(value: &Computed, place: &Place) -> Result<Node, Box<Diagnostic>> {
    from_value(value, place).map_err(|why| {
        Box::new(Diagnostic::error(format!("the value of this expression cannot be used: {why}")).at(place))
    })
}
