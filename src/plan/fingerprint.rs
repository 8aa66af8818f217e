//! Digests that bind what was reviewed: of what the inventory wants of a resource, and of what a host had where a plan
//! changes something. They say whether two are the same, and nothing else. What must not be shown is in no digest: a
//! short password could be guessed from one.

use sha2::{Digest as _, Sha256};

use super::{Change, Difference};
use crate::catalog::Resource;
use crate::kinds::{Argument, Site};
use crate::resource::{Attribute, State, Want, hex};

/// Of all that a change of this resource would be made from: its wanted state, its call, its request, its reactions. A
/// secret counts by the random id of its value, and its text by what may be seen of it.
pub fn wanted(resource: &Resource, site: &Site) -> String {
    let item = &resource.item;
    let mut parts = public_parts(resource, site);
    if item.sensitive() && item.sealed().is_none() {
        return parts.digest();
    }
    let call = item.call(site);
    parts.text(call.function);
    for argument in &call.arguments {
        match argument {
            Argument::Text(bytes) => parts.bytes(bytes),
            Argument::Payload(bytes) => parts.text(&crate::resource::digest(bytes)),
            Argument::Secret(sealed) => parts.text(&sealed.stamp),
            Argument::Carried(carried) => parts.text(carried.stamp()),
        }
    }
    parts.digest()
}

/// The same without the ids of secret values, which not every compilation knows: for comparing revisions.
pub fn public(resource: &Resource, site: &Site) -> String {
    if resource.item.sensitive() { public_parts(resource, site).digest() } else { wanted(resource, site) }
}

fn public_parts(resource: &Resource, site: &Site) -> Parts {
    let item = &resource.item;
    let hidden = item.sensitive() && item.sealed().is_none();
    let mut parts = Parts::new("wanted");
    parts.text(&resource.id.to_string());
    match item.want() {
        Want::Absent => parts.text("absent"),
        Want::Present(state) if hidden => state.0.keys().for_each(|name| parts.text(name)),
        Want::Present(state) => parts.state(&state),
    }
    for reaction in item.reactions() {
        parts.text(&format!("{reaction:?}"));
    }
    if !hidden {
        item.ask(site).iter().for_each(|field| parts.bytes(field));
    }
    parts
}

/// Of what the host had where this change would replace it.
pub fn observed(change: &Change) -> String {
    let mut parts = Parts::new("observed");
    parts.text(&change.id.to_string());
    parts.text(change.reason.program());
    for Difference { attribute, from, .. } in &change.differences {
        parts.text(attribute);
        match from {
            None => parts.text("nothing"),
            Some(_) if change.sensitive => parts.text("sensitive"),
            Some(value) => parts.value(value),
        }
    }
    parts.digest()
}

/// Parts of any bytes, each with its length, so that none runs into the next.
struct Parts(Sha256);

impl Parts {
    fn new(what: &str) -> Self {
        let mut parts = Self(Sha256::new());
        parts.text(what);
        parts
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.0.update((bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn value(&mut self, value: &Attribute) {
        match value {
            Attribute::Text(text) => {
                self.text("text");
                self.text(text);
            }
            Attribute::Content(content) => {
                self.text("content");
                self.text(&content.digest);
            }
        }
    }

    fn state(&mut self, state: &State) {
        self.text("present");
        for (name, value) in &state.0 {
            self.text(name);
            self.value(value);
        }
    }

    fn digest(self) -> String {
        hex(&self.0.finalize())
    }
}
