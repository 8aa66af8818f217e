//! Evaluating the strings of a YAML tree, and rendering templates. Each text is parsed once, whatever the number of
//! hosts.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use minijinja::{Environment, Error, Expression, Template, Value as Computed};

use super::budget::{Budget, Limits, weight};
use super::mistake::{inside, undefined_path};
use super::veil::{Veil, placeholder, placeholders};
use super::{Origin, Scope, from_value, mistake};
use crate::diag::{Diagnostic, Diagnostics, Place, Source};
use crate::secret::{NoValues, Sealed, Secret, SecretName};
use crate::yaml::{Entry, Map, Node, Value};

/// Parsed texts of one compilation: strings of modules and of the inventory, and templates.
pub struct Expressions<'e, 'a> {
    environment: &'e Environment<'a>,
    pub(super) templates: BTreeMap<&'a str, &'a Arc<Source>>,
    parsed: RefCell<BTreeMap<&'a str, Rc<Parsed<'e, 'a>>>>,
    names: RefCell<BTreeMap<&'a str, Rc<BTreeSet<String>>>>,
    veil: Arc<Veil>,
    budget: Rc<Budget>,
}

/// What may become of a secret that an expression looks up.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    /// It goes on as a placeholder, to be a secret again where a text needs it.
    PassedOn,
    /// It is part of a text now, which is sealed.
    Sealed,
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
        Self {
            environment,
            templates,
            parsed: RefCell::default(),
            names: RefCell::default(),
            veil: Veil::new(Arc::new(NoValues)),
            budget: Rc::new(Budget::new(Limits::OWN)),
        }
    }

    /// The same, with secrets from behind this veil.
    #[must_use]
    pub fn with_veil(mut self, veil: Arc<Veil>) -> Self {
        self.veil = veil;
        self
    }

    /// The same, as long as this lasts.
    #[must_use]
    pub fn within(mut self, limits: Limits) -> Self {
        self.budget = Rc::new(Budget::new(limits));
        self
    }

    pub fn budget(&self) -> &Rc<Budget> {
        &self.budget
    }

    pub fn veil(&self) -> &Arc<Veil> {
        &self.veil
    }

    /// The tree with every expression replaced by its value; all mistakes in it. What a value contains is data, and
    /// never evaluated again. A secret in it is its placeholder.
    pub fn evaluate(&self, node: &'a Node, scope: &Arc<Scope>, mistakes: &mut Diagnostics) -> Option<Node> {
        self.every(node, scope, Use::PassedOn, mistakes)
    }

    /// The same for the fields of a resource: a text that holds a secret is sealed.
    pub fn evaluate_sealing(&self, node: &'a Node, scope: &Arc<Scope>, mistakes: &mut Diagnostics) -> Option<Node> {
        self.every(node, scope, Use::Sealed, mistakes)
    }

    fn every(&self, node: &'a Node, scope: &Arc<Scope>, using: Use, mistakes: &mut Diagnostics) -> Option<Node> {
        let value = match &node.value {
            Value::String(text) if is_expression(text) => {
                mistakes.keep(self.budget.spend(0, &node.place))?;
                let (value, uses) = self
                    .veil
                    .covered(|| self.string(text, &node.place, scope).and_then(|value| tree(&value, &node.place)));
                let value = mistakes.keep(value)?;
                mistakes.keep(self.budget.spend(weight(&value), &node.place))?;
                return match using {
                    Use::PassedOn => mistakes.keep(passed_on(value, &uses)),
                    Use::Sealed => mistakes.keep(self.sealed(value, uses, text, scope)),
                };
            }
            Value::List(items) => {
                let items: Vec<_> = items.iter().map(|item| self.every(item, scope, using, mistakes)).collect();
                Value::List(items.into_iter().collect::<Option<_>>()?)
            }
            Value::Map(map) => Value::Map(self.map(map, scope, using, mistakes)?),
            other => other.clone(),
        };
        Some(Node::new(value, &node.place))
    }

    /// The public tree; what differs from it with the values is sealed.
    fn sealed(
        &self,
        public: Node,
        uses: BTreeSet<SecretName>,
        text: &'a str,
        scope: &Arc<Scope>,
    ) -> Result<Node, Box<Diagnostic>> {
        if uses.is_empty() {
            return lost(&public, &uses).map_or(Ok(public), Err);
        }
        let place = public.place.clone();
        let real = self.veil.lifted(|| self.string(text, &place, scope).and_then(|value| tree(&value, &place)));
        match real {
            Ok(Ok(real)) => self.seal(public, Some(&real), &uses, ""),
            Ok(Err(_)) => Err(with_the_value(&place)),
            Err(why) => self.seal(public, None, &uses, &why),
        }
    }

    fn seal(
        &self,
        mut public: Node,
        real: Option<&Node>,
        uses: &BTreeSet<SecretName>,
        why: &str,
    ) -> Result<Node, Box<Diagnostic>> {
        match (&mut public.value, real.map(|node| &node.value)) {
            (Value::String(text), Some(Value::String(real))) if text != real => {
                public.sealed = Some(self.closed(text, uses, Ok(Secret::new(real.as_bytes()))));
            }
            (Value::String(text), None) if !placeholders(text).is_empty() => {
                public.sealed = Some(self.closed(text, uses, Err(why.to_owned())));
            }
            (Value::List(items), real) => {
                let real = real.map(|real| if let Value::List(items) = real { items.as_slice() } else { &[] });
                if real.is_some_and(|real| real.len() != items.len()) {
                    return Err(not_text(&public.place));
                }
                for (index, item) in items.iter_mut().enumerate() {
                    let node = std::mem::replace(item, Node::new(Value::Null, &public.place));
                    *item = self.seal(node, real.and_then(|real| real.get(index)), uses, why)?;
                }
            }
            (Value::Map(map), real) => {
                for (key, entry) in map.iter_mut() {
                    let inner = match real {
                        Some(Value::Map(real)) => Some(&real.get(key).ok_or_else(|| not_text(&public.place))?.node),
                        Some(_) => return Err(not_text(&public.place)),
                        None => None,
                    };
                    let node = std::mem::replace(&mut entry.node, Node::new(Value::Null, &public.place));
                    entry.node = self.seal(node, inner, uses, why)?;
                }
            }
            (value, Some(real)) if *value != *real => return Err(not_text(&public.place)),
            _ => {}
        }
        Ok(public)
    }

    fn closed(&self, public: &str, uses: &BTreeSet<SecretName>, real: Result<Secret, String>) -> Arc<Sealed> {
        Arc::new(Sealed::new(public, uses.clone(), self.veil.source(), real))
    }

    fn map(&self, map: &'a Map, scope: &Arc<Scope>, using: Use, mistakes: &mut Diagnostics) -> Option<Map> {
        let mut evaluated = Map::with_capacity(map.len());
        let mut complete = true;
        for (key, entry) in map {
            match self.every(&entry.node, scope, using, mistakes) {
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

    /// Renders a template, twice: what differs between two renderings would differ between two looks at a host. Where
    /// it uses secrets, the text has their placeholders and is given sealed, too.
    pub fn render(
        &self,
        name: &str,
        place: &Place,
        scope: &Arc<Scope>,
    ) -> Result<(String, Option<Arc<Sealed>>), Box<Diagnostic>> {
        let origin = Origin { place, inline: None, templates: &self.templates, scope };
        let failed = |error: Error| mistake(&error, &origin);
        let template = self.environment.get_template(name).map_err(failed)?;
        self.budget.spend(0, place)?;
        let (text, uses) = self.veil.covered(|| template.render(scope.value()));
        let text = text.map_err(failed)?;
        self.budget.spend(text.len() as u64, place)?;
        if template.render(scope.value()).map_err(failed)? == text {
            if uses.is_empty() {
                let node = Node::string(text.as_str(), place);
                return lost(&node, &uses).map_or(Ok((text, None)), Err);
            }
            let real = match self.veil.lifted(|| template.render(scope.value())) {
                Ok(Ok(real)) => Ok(Secret::new(real)),
                Ok(Err(error)) => {
                    let at = self.templates.get(name).map_or_else(|| place.clone(), |source| Place::file(source));
                    let at = error
                        .range()
                        .and_then(|range| {
                            let source = self.templates.get(error.name().unwrap_or(name))?;
                            Some(Place::new(source, range))
                        })
                        .unwrap_or(at);
                    return Err(with_the_value(&at));
                }
                Err(why) => Err(why),
            };
            let sealed = self.closed(&text, &uses, real);
            return Ok((text, Some(sealed)));
        }
        let place = self.templates.get(name).map_or_else(|| place.clone(), |source| Place::file(source));
        Err(Box::new(
            Diagnostic::error(format!("the template `{name}` gives different text when it is rendered twice"))
                .at(&place)
                .remedy("remove what is not always the same, such as chance or time"),
        ))
    }
}

/// A secret may go on only as it is: of what a filter made of its placeholder nobody could make the secret again.
fn passed_on(node: Node, uses: &BTreeSet<SecretName>) -> Result<Node, Box<Diagnostic>> {
    let text = node.to_json().to_string();
    match uses.iter().find(|name| !text.contains(&placeholder(name))) {
        Some(name) => Err(Box::new(
            Diagnostic::error(format!("the secret {name} cannot be changed or compared here"))
                .at(&node.place)
                .remedy("hand it on as it is, and use it in the content of a file or the `stdin` of a command"),
        )),
        None => Ok(node),
    }
}

/// A placeholder that nobody looked up would be written to the host as it is.
fn lost(node: &Node, uses: &BTreeSet<SecretName>) -> Option<Box<Diagnostic>> {
    let text = match &node.value {
        Value::String(text) => std::borrow::Cow::Borrowed(text.as_str()),
        _ => std::borrow::Cow::Owned(node.to_json().to_string()),
    };
    let found = placeholders(&text);
    let (_, name) = found.iter().find(|(_, name)| !uses.contains(name))?;
    Some(Box::new(
        Diagnostic::error(format!("the secret {name} was handed on in a way that loses it"))
            .at(&node.place)
            .remedy("hand it on under a name of a map, such as `{ password: … }`, not by itself"),
    ))
}

fn not_text(place: &Place) -> Box<Diagnostic> {
    let mistake = Diagnostic::error("of a secret only text can be made").at(place);
    Box::new(mistake.remedy("put it into the content of a file as it is"))
}

/// What exactly went wrong might tell the value.
fn with_the_value(place: &Place) -> Box<Diagnostic> {
    let mistake = Diagnostic::error("this fails with the value of a secret, which is why no more is said").at(place);
    Box::new(mistake.remedy("look at what is done with the secret here; it works with a placeholder"))
}

fn tree(value: &Computed, place: &Place) -> Result<Node, Box<Diagnostic>> {
    from_value(value, place).map_err(|why| {
        Box::new(Diagnostic::error(format!("the value of this expression cannot be used: {why}")).at(place))
    })
}
