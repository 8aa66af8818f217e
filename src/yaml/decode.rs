//! [`Node::decode`]: a tree to a typed struct, reporting every mistake at its own place.
//!
//! Serde stops at the first mistake. So the value that caused it is left out and decoding starts again, until it
//! succeeds or nothing is left; what is missing only because it was left out is not reported a second time.

use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Expected, IntoDeserializer, MapAccess,
    SeqAccess, Unexpected, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::mistake::Mistake;
use super::placed::{self, Handed};
use super::{Entry, Map, Node, Value};
use crate::diag::Diagnostics;

impl Node {
    /// The tree as a `T`. Mistakes are pushed, all of them; the value then lacks what was wrong, and is `None` where
    /// a `T` cannot exist without it. So `Some` does not mean that all is well: ask `mistakes`.
    ///
    /// A custom error may hold a remedy on its second line. Fields may be [`Placed`](super::Placed), [`Node`] or
    /// [`Map`].
    pub fn decode<T: DeserializeOwned>(&self, mistakes: &mut Diagnostics) -> Option<T> {
        self.decode_under(None, mistakes)
    }

    fn decode_under<T: DeserializeOwned>(&self, key: Option<Key<'_>>, mistakes: &mut Diagnostics) -> Option<T> {
        let mut skipped = Skipped::default();
        while !skipped.contains(self) {
            match (Tree { node: self, key, skipped: &skipped }).read(PhantomData) {
                Ok(value) => return Some(value),
                Err(mistake) => {
                    let (culprit, diagnostic) = mistake.finish(self);
                    mistakes.0.extend(diagnostic);
                    if !skipped.0.insert(culprit) {
                        return None;
                    }
                }
            }
        }
        None
    }
}

impl Entry {
    /// [`Node::decode`] where messages name the key: "`web1` lacks the key `address`".
    pub fn decode<T: DeserializeOwned>(&self, name: &str, mistakes: &mut Diagnostics) -> Option<T> {
        self.node.decode_under(Some(Key { name, entry: self }), mistakes)
    }
}

/// The nodes that were wrong, by address: the tree does not move while it is decoded.
#[derive(Default)]
pub(super) struct Skipped(BTreeSet<*const Node>);

impl Skipped {
    pub(super) fn contains(&self, node: &Node) -> bool {
        self.0.contains(&std::ptr::from_ref(node))
    }
}

/// The key that a value stands under.
#[derive(Clone, Copy)]
pub(super) struct Key<'a> {
    pub(super) name: &'a str,
    pub(super) entry: &'a Entry,
}

#[derive(Clone, Copy)]
struct Tree<'a> {
    node: &'a Node,
    key: Option<Key<'a>>,
    skipped: &'a Skipped,
}

impl<'a> Tree<'a> {
    fn map(&self, map: &'a Map) -> Entries<'a> {
        Entries { left: map.iter(), value: None, skipped: self.skipped }
    }

    /// Every value is read through here, so that every mistake has the place of the innermost value it concerns.
    fn read<'de, S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Mistake> {
        seed.deserialize(self).map_err(|mistake| mistake.within(self.node, self.key, self.skipped))
    }
}

impl<'de> Deserializer<'de> for Tree<'_> {
    type Error = Mistake;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        match &self.node.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(flag) => visitor.visit_bool(*flag),
            Value::Int(whole) => visitor.visit_i64(*whole),
            Value::Float(number) => visitor.visit_f64(*number),
            Value::String(text) => visitor.visit_str(text),
            Value::List(items) => visitor.visit_seq(Items { items: items.iter(), skipped: self.skipped }),
            Value::Map(map) => visitor.visit_map(self.map(map)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        if self.node.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Mistake> {
        match (name, self.key) {
            (placed::NODE, _) => placed::hand(Handed::Node(self.node.clone()), visitor),
            (placed::PLACE, _) => placed::hand(Handed::Place(self.node.place.clone()), visitor),
            (placed::ENTRY, Some(key)) => placed::hand(Handed::Entry(key.entry.clone()), visitor),
            (placed::ENTRY, None) => {
                let entry = Entry { key: self.node.place.clone(), node: self.node.clone() };
                placed::hand(Handed::Entry(entry), visitor)
            }
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Mistake> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        match (name, &self.node.value) {
            (placed::PLACED, _) => visitor.visit_seq(Repeated { tree: self, left: 2 }),
            (placed::ONE_OR_MANY, Value::List(_)) => self.deserialize_any(visitor),
            (placed::ONE_OR_MANY, _) => visitor.visit_seq(Repeated { tree: self, left: 1 }),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        match &self.node.value {
            Value::String(text) => {
                let name: StrDeserializer<'_, Mistake> = text.as_str().into_deserializer();
                visitor.visit_enum(name)
            }
            Value::Map(map) if map.len() == 1 => match map.iter().next() {
                Some((name, entry)) => visitor.visit_enum(Tagged { key: Key { name, entry }, skipped: self.skipped }),
                None => Err(Mistake::expected("a map with one key")),
            },
            _ => Err(Mistake::expected("a word")),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit seq tuple map struct
        identifier
    }
}

struct Items<'a> {
    items: std::slice::Iter<'a, Node>,
    skipped: &'a Skipped,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Mistake;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Mistake> {
        let skipped = self.skipped;
        match self.items.find(|item| !skipped.contains(item)) {
            Some(node) => Tree { node, key: None, skipped }.read(seed).map(Some),
            None => Ok(None),
        }
    }
}

struct Entries<'a> {
    left: indexmap::map::Iter<'a, String, Entry>,
    value: Option<Key<'a>>,
    skipped: &'a Skipped,
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Mistake;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Mistake> {
        let skipped = self.skipped;
        let Some((name, entry)) = self.left.find(|(_, entry)| !skipped.contains(&entry.node)) else {
            return Ok(None);
        };
        self.value = Some(Key { name, entry });
        let key: StrDeserializer<'_, Mistake> = name.as_str().into_deserializer();
        seed.deserialize(key).map(Some).map_err(|mistake| mistake.of_key(name, entry))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Mistake> {
        let key = self.value.take().ok_or_else(|| Mistake::expected("a key before its value"))?;
        Tree { node: &key.entry.node, key: Some(key), skipped: self.skipped }.read(seed)
    }
}

/// The same value as one or two elements: with its place (first the place, then the value), or alone as a list.
struct Repeated<'a> {
    tree: Tree<'a>,
    left: usize,
}

impl<'de> SeqAccess<'de> for Repeated<'_> {
    type Error = Mistake;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Mistake> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        self.left = left;
        self.tree.read(seed).map(Some)
    }
}

/// `{ variant: content }`.
struct Tagged<'a> {
    key: Key<'a>,
    skipped: &'a Skipped,
}

impl<'a, 'de> EnumAccess<'de> for Tagged<'a> {
    type Error = Mistake;
    type Variant = Content<'a>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Content<'a>), Mistake> {
        let Key { name, entry } = self.key;
        let word: StrDeserializer<'_, Mistake> = name.into_deserializer();
        let variant = seed.deserialize(word).map_err(|mistake| mistake.of_key(name, entry))?;
        Ok((variant, Content(Tree { node: &entry.node, key: Some(self.key), skipped: self.skipped })))
    }
}

struct Content<'a>(Tree<'a>);

impl<'de> VariantAccess<'de> for Content<'_> {
    type Error = Mistake;

    fn unit_variant(self) -> Result<(), Mistake> {
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Mistake> {
        self.0.read(seed)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Mistake> {
        self.0.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, Mistake> {
        self.0.deserialize_any(visitor)
    }
}

impl de::Error for Mistake {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self::said(text.to_string())
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::expected(&expected.to_string())
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::expected(&expected.to_string())
    }

    fn invalid_length(_: usize, expected: &dyn Expected) -> Self {
        Self::expected(&expected.to_string())
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::unknown(variant, expected)
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::unknown(field, expected)
    }

    fn missing_field(field: &'static str) -> Self {
        Self::missing(field)
    }
}

#[cfg(test)]
mod tests {
    use indexmap::IndexMap;
    use serde::Deserialize;

    use super::super::{Placed, parse};
    use super::*;
    use crate::diag::Source;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Site {
        name: Placed<String>,
        #[serde(default)]
        port: Option<u16>,
        #[serde(default)]
        on: Vec<Placed<String>>,
        #[serde(default)]
        params: Map,
        #[serde(default)]
        extra: Option<Node>,
        #[serde(default)]
        mode: Mode,
    }

    #[derive(Debug, Default, Deserialize, PartialEq)]
    #[serde(rename_all = "lowercase")]
    enum Mode {
        #[default]
        Quick,
        Slow,
    }

    fn decode<T: DeserializeOwned>(text: &str) -> (Option<T>, Vec<String>) {
        let node = parse(&Source::new("t.yaml", text)).expect("this parses");
        let mut mistakes = Diagnostics::default();
        let value = node.decode(&mut mistakes);
        (value, mistakes.0.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn free_form_values_keep_their_places_inside_a_typed_struct() {
        let (site, mistakes) = decode::<Site>("name: wiki\non: [a, b]\nparams: {title: T}\nextra: [1]\nmode: slow\n");
        let site = site.unwrap();
        assert_eq!(mistakes, Vec::<String>::new());
        assert_eq!(site.name.place.to_string(), "t.yaml:1:7");
        assert_eq!(site.on[1].place.to_string(), "t.yaml:2:9");
        assert_eq!(site.params["title"].key.to_string(), "t.yaml:3:10");
        assert_eq!(site.params["title"].node.place.to_string(), "t.yaml:3:17");
        assert_eq!(site.extra.unwrap().to_json(), serde_json::json!([1]));
        assert_eq!((site.mode, site.port), (Mode::Slow, None));
    }

    #[test]
    fn all_mistakes_are_reported_at_once() {
        let text = "a: {name: 12, port: ssh, parms: {}}\nb: {name: x, port: 70000, on: web, mode: fast}\nc: {on: [1, x, [y]]}\nd: nonsense\n";
        let (sites, mistakes) = decode::<IndexMap<String, Site>>(text);
        assert_eq!(
            mistakes,
            [
                "t.yaml:1:11: `name` must be text, not the number 12; write it in quotes: \"12\"",
                "t.yaml:1:21: `port` must be a whole number from 0 to 65535, not the text `ssh`",
                "t.yaml:1:26: unknown key `parms`; did you mean `params`?",
                "t.yaml:2:20: `port` must be a whole number from 0 to 65535, not the number 70000",
                "t.yaml:2:31: `on` must be a list, not the text `web`; write it in brackets: [web]",
                "t.yaml:2:42: `mode` cannot be `fast`; write one of: quick, slow",
                "t.yaml:3:10: this must be text, not the number 1; write it in quotes: \"1\"",
                "t.yaml:3:16: this must be text, not a list of 1",
                "t.yaml:3:1: `c` lacks the key `name`; add `name:`",
                "t.yaml:4:4: `d` must be a map, not the text `nonsense`",
            ]
        );
        assert_eq!(sites.unwrap().keys().collect::<Vec<_>>(), ["b"], "what can exist without the wrong part does");
    }

    #[test]
    fn a_value_that_cannot_exist_without_the_wrong_part_is_none() {
        let (site, mistakes) = decode::<Site>("name: [x]\n");
        assert!(site.is_none());
        assert_eq!(mistakes, ["t.yaml:1:7: `name` must be text, not a list of 1"]);
    }

    #[test]
    fn a_flag_written_as_in_yaml_1_1_is_explained() {
        let (_, mistakes) = decode::<IndexMap<String, bool>>("a: yes\nb: off\n");
        assert_eq!(
            mistakes,
            [
                "t.yaml:1:4: `a` must be true or false, not the text `yes`; write `true`",
                "t.yaml:2:4: `b` must be true or false, not the text `off`; write `false`",
            ]
        );
    }
}
