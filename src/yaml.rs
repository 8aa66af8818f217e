//! YAML as a tree whose every value knows its place, so that each mistake can point at the character.
//!
//! [`parse`] refuses what YAML 1.1 would guess (`no` as false, `0644` as a number), duplicate keys, unknown tags,
//! alias bombs and deep nesting. [`Node::decode`] turns a node into a type and reports *all* mistakes in it.

use indexmap::IndexMap;

use crate::diag::Place;

#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    pub value: Value,
    pub place: Place,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    String(String),
    List(Vec<Node>),
    Map(Map),
}

/// In the order of the file; the place of a key is beside its value.
pub type Map = IndexMap<String, Entry>;

#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub key: Place,
    pub node: Node,
}
