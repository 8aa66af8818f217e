//! Templates and expressions, which a stranger's module brings.

use std::sync::Arc;

use indexmap::IndexMap;

use super::world::{CANARY, Store};
use crate::diag::{Diagnostics, Place, Source};
use crate::secret::SecretName;
use crate::template::veil::Veil;
use crate::template::{Expressions, Scope, environment, names};
use crate::yaml::Node;

/// The bytes are templates, with a NUL between them; the first one is also evaluated as strings of a module, line by line.
pub fn template(bytes: &[u8]) {
    if bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes()) {
        return; // whoever writes the value down knows it already
    }
    let texts: Vec<_> = bytes.split(|byte| *byte == 0).take(3).map(String::from_utf8_lossy).collect();
    let sources: IndexMap<String, Arc<Source>> = ["a/x.conf.j2", "a/y.html.j2", "a/z.j2"]
        .into_iter()
        .zip(&texts)
        .map(|(name, text)| (name.to_owned(), Source::new(name, text.as_ref())))
        .collect();
    let place = Place::file(&Source::new("module.yaml", "x"));
    let nodes: Vec<Node> = texts[0].lines().take(8).map(|line| Node::string(line, &place)).collect();
    let mut environment = environment();
    let mut parsed = Vec::new();
    for (name, source) in &sources {
        if environment.add_template(name, &source.text).is_ok() {
            parsed.push(name.as_str());
        }
    }
    let veil = Veil::new(Arc::new(Store));
    let templates = sources.iter().map(|(name, source)| (name.as_str(), source)).collect();
    let expressions = Expressions::new(&environment, templates).with_veil(Arc::clone(&veil));
    let scope = Arc::new(scope(&veil));
    for name in parsed {
        match expressions.render(name, &place, &scope) {
            Ok((text, _)) => holds_no_secret(&text),
            Err(mistake) => holds_no_secret(&mistake.to_string()),
        }
    }
    for node in &nodes {
        let mut mistakes = Diagnostics::default();
        let _ = names(node);
        for value in [
            expressions.evaluate(node, &scope, &mut mistakes),
            expressions.evaluate_sealing(node, &scope, &mut mistakes),
        ] {
            holds_no_secret(&format!("{value:?}"));
        }
        expressions.check(node, &["title", "host"], &mut mistakes);
        holds_no_secret(&format!("{:?}", mistakes.0));
    }
}

fn holds_no_secret(text: &str) {
    assert!(!text.contains(CANARY), "a value is in what may be seen: {text:?}");
}

fn scope(veil: &Arc<Veil>) -> Scope {
    let secrets = ["password", "key"].into_iter().filter_map(|name| SecretName::new("wiki", name));
    Scope::new()
        .with("title", "Wiki")
        .with("port", 8080)
        .with("flag", true)
        .with("nothing", ())
        .with("list", vec!["a", "b"])
        .with("host", minijinja::Value::from_pairs([("name", "web1"), ("os", "debian-12")]))
        .with("secrets", veil.secrets(secrets))
}
