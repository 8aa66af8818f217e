//! The names that an expression can see, in layers: host, service, item of a loop.

use std::collections::BTreeMap;
use std::sync::Arc;

use minijinja::Value;
use minijinja::value::{Enumerator, Object};

/// Names and values; an inner scope hides names of the outer one.
#[derive(Debug, Default)]
pub struct Scope {
    outer: Option<Arc<Self>>,
    names: BTreeMap<String, Value>,
}

impl Scope {
    pub fn new() -> Self {
        Self::default()
    }

    /// A scope around which `outer` remains visible.
    pub fn within(outer: &Arc<Self>) -> Self {
        Self { outer: Some(Arc::clone(outer)), names: BTreeMap::new() }
    }

    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.names.insert(name.into(), value.into());
        self
    }

    pub fn get(&self, name: &str) -> Option<&Value> {
        self.names.get(name).or_else(|| self.outer.as_ref()?.get(name))
    }

    /// All names, for suggestions.
    pub fn names(&self) -> Vec<&str> {
        let mut names = self.outer.as_ref().map(|outer| outer.names()).unwrap_or_default();
        names.extend(self.names.keys().map(String::as_str));
        names.sort_unstable();
        names.dedup();
        names
    }

    /// As the context of a rendering.
    pub fn value(self: &Arc<Self>) -> Value {
        Value::from_dyn_object(Arc::clone(self))
    }
}

impl Object for Scope {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get(key.as_str()?).cloned()
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        self.get(key).cloned()
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.names().into_iter().map(Value::from).collect())
    }
}
