//! How typed structs keep places: a field of type [`Placed<T>`] is a `T` that knows where it was written, and a field
//! of type [`Node`] or [`Map`](super::Map) stays a free-form tree. Both work in any `#[derive(Deserialize)]` that is
//! filled by [`Node::decode`], and nowhere else (not under `flatten` or `untagged`, which lose places).
//!
//! Serde has no way to pass a foreign value through a deserializer, so it is handed over beside it, in a cell of the
//! thread that `Node::decode` fills immediately before the visitor here empties it.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{self, Deserializer, SeqAccess, Visitor};

use super::{Entry, Node};
use crate::diag::Place;

/// A value and where it was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed<T> {
    pub value: T,
    pub place: Place,
}

impl<T> Placed<T> {
    pub fn new(value: T, place: &Place) -> Self {
        Self { value, place: place.clone() }
    }
}

impl<T> Deref for Placed<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: fmt::Display> fmt::Display for Placed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

pub(super) const NODE: &str = "steward::Node";
pub(super) const ENTRY: &str = "steward::Entry";
pub(super) const PLACE: &str = "steward::Place";
pub(super) const ONE_OR_MANY: &str = "steward::OneOrMany";
pub(super) const PLACED: &str = "steward::Placed";

pub(super) enum Handed {
    Node(Node),
    Entry(Entry),
    Place(Place),
}

thread_local! {
    static HANDED: RefCell<Option<Handed>> = const { RefCell::new(None) };
}

/// Passes a value to the visitor that is called next on this thread.
pub(super) fn hand<'de, V: Visitor<'de>, E: de::Error>(handed: Handed, visitor: V) -> Result<V::Value, E> {
    HANDED.with_borrow_mut(|cell| *cell = Some(handed));
    visitor.visit_unit()
}

struct Receiver<T>(PhantomData<T>);

trait Received: Sized {
    fn receive(handed: Handed) -> Option<Self>;
}

impl Received for Node {
    fn receive(handed: Handed) -> Option<Self> {
        match handed {
            Handed::Node(node) => Some(node),
            _ => None,
        }
    }
}

impl Received for Entry {
    fn receive(handed: Handed) -> Option<Self> {
        match handed {
            Handed::Entry(entry) => Some(entry),
            _ => None,
        }
    }
}

struct Here(Place);

impl Received for Here {
    fn receive(handed: Handed) -> Option<Self> {
        match handed {
            Handed::Place(place) => Some(Self(place)),
            _ => None,
        }
    }
}

impl<T: Received> Visitor<'_> for Receiver<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value that knows its place")
    }

    fn visit_unit<E: de::Error>(self) -> Result<T, E> {
        HANDED
            .with_borrow_mut(Option::take)
            .and_then(T::receive)
            .ok_or_else(|| E::custom("a value with its place was read from something that has no places"))
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_unit_struct(NODE, Receiver(PhantomData))
    }
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_unit_struct(ENTRY, Receiver(PhantomData))
    }
}

impl<'de> Deserialize<'de> for Here {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_unit_struct(PLACE, Receiver(PhantomData))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Placed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_tuple_struct(PLACED, 2, PlacedVisitor(PhantomData))
    }
}

struct PlacedVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for PlacedVisitor<T> {
    type Value = Placed<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value that knows its place")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Placed<T>, A::Error> {
        let missing = || de::Error::invalid_length(0, &"a value and its place");
        let Here(place) = seq.next_element()?.ok_or_else(missing)?;
        let value = seq.next_element()?.ok_or_else(missing)?;
        Ok(Placed { value, place })
    }
}

/// For `#[serde(deserialize_with = …)]`: a value alone, or a list of them.
pub fn one_or_many<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    deserializer.deserialize_tuple_struct(ONE_OR_MANY, 0, Many(PhantomData))
}

/// The schema of what [`one_or_many`] reads.
pub fn one_or_many_schema<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    let one = generator.subschema_for::<T>();
    json_schema!({ "anyOf": [one, { "type": "array", "items": one }] })
}

struct Many<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Many<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value or a list of them")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<T>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(items)
    }
}

impl<T: JsonSchema> JsonSchema for Placed<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// Free-form: the module decides what stands here.
impl JsonSchema for Node {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Any".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!(true)
    }
}

impl JsonSchema for Entry {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Any".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!(true)
    }
}
