//! Secrets in texts. Everything is evaluated with placeholders (`‹secret wiki/db›`), which anybody may see; only where
//! one was used is the same text evaluated once more with the values. So nothing that is shown, compared or sent in
//! clear can hold a value, whatever filters a template applies.
//!
//! A [`Veil`] knows which of the two is going on, and notes the names that were looked up. Values with placeholders
//! inside ([`Veil::over`]) may be handed from service to service as facts: they are names until a text needs them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use minijinja::Value;
use minijinja::value::{Enumerator, Object, ObjectRepr, ValueKind};

use crate::secret::{SecretName, SecretSource};

const OPEN: &str = "‹secret ";
const CLOSE: char = '›';

/// What stands for a secret wherever people look.
pub fn placeholder(name: &SecretName) -> String {
    format!("{OPEN}{name}{CLOSE}")
}

/// The names of all placeholders in a text, with where they stand.
pub fn placeholders(text: &str) -> Vec<(std::ops::Range<usize>, SecretName)> {
    let mut found = Vec::new();
    for (start, _) in text.match_indices(OPEN) {
        let inner = start + OPEN.len();
        let Some(length) = text.get(inner..).and_then(|rest| rest.find(CLOSE)) else { continue };
        if let Some(name) = text.get(inner..inner + length).and_then(SecretName::parse) {
            found.push((start..inner + length + CLOSE.len_utf8(), name));
        }
    }
    found
}

/// Between texts and secrets; one for a compilation.
pub struct Veil {
    source: Arc<dyn SecretSource>,
    lifted: AtomicBool,
    touched: Mutex<BTreeSet<SecretName>>,
    /// Why a value could not be had, in the evaluation that is going on.
    missing: Mutex<BTreeSet<String>>,
}

impl std::fmt::Debug for Veil {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Veil")
    }
}

impl Veil {
    pub fn new(source: Arc<dyn SecretSource>) -> Arc<Self> {
        Arc::new(Self {
            source,
            lifted: AtomicBool::new(false),
            touched: Mutex::default(),
            missing: Mutex::default(),
        })
    }

    pub fn source(&self) -> &dyn SecretSource {
        &*self.source
    }

    /// The names `secrets` of one service.
    pub fn secrets(self: &Arc<Self>, names: impl Iterator<Item = SecretName>) -> Value {
        let map = names.map(|name| (name.name.clone(), Value::from(placeholder(&name))));
        self.over(Value::from_pairs(map))
    }

    /// The same value; what holds placeholders in it is under the veil.
    pub fn over(self: &Arc<Self>, value: Value) -> Value {
        if !holds_placeholder(&value) {
            return value;
        }
        match value.kind() {
            ValueKind::Seq | ValueKind::Iterable => {
                let items = value.try_iter().map(|items| items.map(|item| self.over(item)).collect());
                Value::from_object(Veiled { veil: Arc::clone(self), inner: Inner::List(items.unwrap_or_default()) })
            }
            ValueKind::Map => {
                let mut map = BTreeMap::new();
                for key in value.try_iter().into_iter().flatten() {
                    if let (Some(name), Ok(inner)) = (key.as_str(), value.get_item(&key)) {
                        map.insert(name.to_owned(), self.over(inner));
                    }
                }
                Value::from_object(Veiled { veil: Arc::clone(self), inner: Inner::Map(map) })
            }
            _ => value,
        }
    }

    /// Evaluates with placeholders, noting what is looked up.
    pub fn covered<R>(&self, evaluate: impl FnOnce() -> R) -> (R, BTreeSet<SecretName>) {
        lock(&self.touched).clear();
        let result = evaluate();
        (result, std::mem::take(&mut *lock(&self.touched)))
    }

    /// Evaluates with the values; `Err` says which cannot be had, and why.
    pub fn lifted<R>(&self, evaluate: impl FnOnce() -> R) -> Result<R, String> {
        lock(&self.missing).clear();
        self.lifted.store(true, Ordering::SeqCst);
        let result = evaluate();
        self.lifted.store(false, Ordering::SeqCst);
        let missing = std::mem::take(&mut *lock(&self.missing));
        if missing.is_empty() { Ok(result) } else { Err(missing.into_iter().collect::<Vec<_>>().join(", ")) }
    }

    /// What a lookup gives, in the evaluation that is going on.
    fn look(&self, value: &Value) -> Value {
        let Some(text) = value.as_str() else { return value.clone() };
        let found = placeholders(text);
        if found.is_empty() {
            return value.clone();
        }
        lock(&self.touched).extend(found.iter().map(|(_, name)| name.clone()));
        if !self.lifted.load(Ordering::SeqCst) {
            return value.clone();
        }
        let mut real = String::with_capacity(text.len());
        let mut end = 0;
        for (range, name) in found {
            real.push_str(text.get(end..range.start).unwrap_or_default());
            match self.text_of(&name) {
                Ok(value) => real.push_str(&value),
                Err(why) => {
                    lock(&self.missing).insert(why);
                }
            }
            end = range.end;
        }
        real.push_str(text.get(end..).unwrap_or_default());
        Value::from(real)
    }

    #[allow(clippy::disallowed_methods, reason = "the one place where values enter texts, in the lifted pass only")]
    fn text_of(&self, name: &SecretName) -> Result<String, String> {
        let value = self.source.value(name).map_err(|why| format!("secret {name}: {why}"))?;
        let text = std::str::from_utf8(value.reveal());
        text.map(str::to_owned).map_err(|_| format!("secret {name}: it is not text, so no template can hold it"))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn holds_placeholder(value: &Value) -> bool {
    match value.kind() {
        ValueKind::String => value.as_str().is_some_and(|text| text.contains(OPEN)),
        ValueKind::Seq | ValueKind::Iterable => {
            value.try_iter().is_ok_and(|mut items| items.any(|item| holds_placeholder(&item)))
        }
        ValueKind::Map => value
            .try_iter()
            .is_ok_and(|mut keys| keys.any(|key| value.get_item(&key).is_ok_and(|inner| holds_placeholder(&inner)))),
        _ => false,
    }
}

enum Inner {
    List(Vec<Value>),
    Map(BTreeMap<String, Value>),
}

/// A list or map that holds placeholders.
struct Veiled {
    veil: Arc<Veil>,
    inner: Inner,
}

impl std::fmt::Debug for Veiled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.inner {
            Inner::List(items) => write!(f, "{items:?}"),
            Inner::Map(map) => write!(f, "{map:?}"),
        }
    }
}

impl Object for Veiled {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        match self.inner {
            Inner::List(_) => ObjectRepr::Seq,
            Inner::Map(_) => ObjectRepr::Map,
        }
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let found = match &self.inner {
            Inner::List(items) => items.get(key.as_usize()?),
            Inner::Map(map) => map.get(key.as_str()?),
        };
        found.map(|value| self.veil.look(value))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        match &self.inner {
            Inner::List(items) => Enumerator::Seq(items.len()),
            Inner::Map(map) => Enumerator::Values(map.keys().map(|key| Value::from(key.as_str())).collect()),
        }
    }
}
