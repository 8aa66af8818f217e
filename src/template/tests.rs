use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::*;
use crate::diag::{Diagnostics, Place, Source};
use crate::yaml::parse;

fn scope() -> Arc<Scope> {
    let host = Value::from_pairs([("name", "web1"), ("os", "debian-12")]);
    let scope = Scope::new()
        .with("title", "Wiki")
        .with("port", 8080)
        .with("flag", true)
        .with("nothing", ())
        .with("list", vec![1, 2])
        .with("host", host);
    Arc::new(scope)
}

/// The evaluated tree as JSON, or the mistakes.
fn evaluated(yaml: &str) -> String {
    let node = parse(&Source::new("m.yaml", yaml)).expect("this parses");
    let environment = environment();
    let expressions = Expressions::new(&environment, BTreeMap::new());
    let mut mistakes = Diagnostics::default();
    match expressions.evaluate(&node, &scope(), &mut mistakes) {
        Some(node) => node.to_json().to_string(),
        None => mistakes.0.iter().map(|mistake| format!("{mistake}\n")).collect(),
    }
}

fn rendered(templates: &[(&str, &str)], name: &str) -> String {
    let mut environment = environment();
    rendered_in(&mut environment, templates, name)
}

fn rendered_in(environment: &mut Environment<'_>, templates: &[(&str, &str)], name: &str) -> String {
    let sources: Vec<(String, Arc<Source>)> = templates
        .iter()
        .map(|(name, text)| ((*name).to_owned(), Source::new(format!("templates/{name}"), *text)))
        .collect();
    for (name, source) in &sources {
        environment.add_template_owned(name.clone(), source.text.clone()).expect("this parses");
    }
    let templates = sources.iter().map(|(name, source)| (name.as_str(), source)).collect();
    let place = Place::file(&Source::new("m.yaml", "x"));
    match Expressions::new(environment, templates).render(name, &place, &scope()) {
        Ok((text, _)) => text,
        Err(mistake) => mistake.to_string(),
    }
}

#[test]
fn a_string_that_is_one_expression_keeps_its_type() {
    let yaml = "a: '{{ port }}'\nb: '{{ flag }}'\nc: '{{ list }}'\nd: '{{ host }}'\ne: 'x{{ port }}'\nf: '{{ nothing }}'\ng: '{{ port / 3 > 1.5 }}'\n";
    assert_eq!(
        evaluated(yaml),
        r#"{"a":8080,"b":true,"c":[1,2],"d":{"name":"web1","os":"debian-12"},"e":"x8080","f":null,"g":true}"#
    );
}

#[test]
fn what_a_value_contains_is_not_evaluated_again() {
    assert_eq!(evaluated("a: \"{{ '{{ port }}' }}\"\n"), r#"{"a":"{{ port }}"}"#);
}

#[test]
fn every_mistake_points_at_its_character_and_suggests() {
    let yaml = "a: '{{ titel }}'\nb: \"x {{ host.nam }}\"\nc: >\n  {{ title }}\n  {{ prot }}\nd: '{{ port + }}'\ne: '{{ title | uper }}'\nf: 'a{{ nothing }}'\ng: '{{ vars.x }}'\nh: \"\\t{{ title }} {{ secrets.x }}\"\ni: '{{ item.x }}'\n";
    assert_eq!(
        evaluated(yaml),
        "m.yaml:1:8: `titel` is undefined; did you mean `title`?\n\
         m.yaml:2:10: `host.nam` is undefined; did you mean `name`?\n\
         m.yaml:5:6: `prot` is undefined; did you mean `port`?\n\
         m.yaml:6:15: syntax error: unexpected end of variable block; compare the braces, quotes and tags with `{{ value }}` and `{% if x %}…{% endif %}`\n\
         m.yaml:7:16: there is no filter `uper`; did you mean `upper`?\n\
         m.yaml:8:9: the value is missing (none) where text is needed; write it only `{% if … is not none %}`, or give the parameter a default\n\
         m.yaml:9:8: `vars` is undefined; a var is taken by a parameter: give the service `params: { NAME: \"{{ vars.NAME }}\" }` and use the parameter\n\
         m.yaml:10:22: secrets are not supported yet; use a parameter that is not secret\n\
         m.yaml:11:8: `item` is undefined; it exists only below `for_each`\n"
    );
}

#[test]
fn a_mistake_in_a_template_points_into_it_and_through_includes() {
    let templates = [("a/x.j2", "one\n{% include 'a/y.j2' %}\n"), ("a/y.j2", "\n  {{ titel }}\n")];
    assert_eq!(rendered(&templates, "a/x.j2"), "templates/a/y.j2:2:6: `titel` is undefined; did you mean `title`?");
}

#[test]
fn hostile_templates_are_refused_quickly() {
    let cases = [
        ("{% for i in range(9999) %}{% for j in range(9999) %}{{ i * j }}{% endfor %}{% endfor %}", "too much work"),
        ("{% for i in range(100000000) %}x{% endfor %}", "range has too many elements"),
        ("{{ 'x' * 100000000 }}", "too much work"),
        ("{% include 'a/x.j2' %}", "without end"),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "without end"),
        ("{% include '../../etc/passwd' %}", "there is no template"),
        ("{% include '/etc/passwd' %}", "there is no template"),
        ("{% import 'a/../a/x.j2' as x %}", "there is no template"),
        ("{{ debug() }}", "there is no function `debug`"),
        (
            "{% set ns = namespace(x='y') %}{% for i in range(40) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
            "too much",
        ),
    ];
    for (text, words) in cases {
        let start = Instant::now();
        let said = rendered(&[("a/x.j2", text)], "a/x.j2");
        assert!(said.contains(words), "{text}: {said}");
        assert!(start.elapsed() < Duration::from_secs(2), "{text}");
    }
}

#[test]
fn a_template_that_differs_when_rendered_twice_is_refused() {
    let mut environment = environment();
    let counter = std::sync::atomic::AtomicU32::new(0);
    environment.add_function("chance", move || counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
    let said = rendered_in(&mut environment, &[("a/x.j2", "{{ chance() }}")], "a/x.j2");
    assert!(said.contains("gives different text when it is rendered twice"), "{said}");
}

#[test]
fn filters_quote_and_write_yaml() {
    let template =
        "{{ \"it's\" | quote }} {{ port | quote }}\n{{ {'a': [1, 'no']} | to_yaml }}\n{{ 'hi' | b64encode }}\n";
    let text = rendered(&[("a/x.j2", template)], "a/x.j2");
    assert!(text.starts_with("\"it's\" 8080\n") || text.starts_with("'it'\\''s' 8080\n"), "{text}");
    assert!(text.ends_with("\naGk=\n"), "{text}");
    let yaml = text.lines().skip(1).take_while(|line| *line != "aGk=").collect::<Vec<_>>().join("\n");
    let node = parse(&Source::new("t.yaml", yaml)).expect("what to_yaml writes can be read");
    assert_eq!(node.to_json(), serde_json::json!({ "a": [1, "no"] }));
}

#[test]
fn web_pages_escape_and_configuration_does_not() {
    let templates = [("a/x.html.j2", "{{ '<b>' }}"), ("a/x.conf.j2", "{{ '<b>' }}")];
    assert_eq!(rendered(&templates, "a/x.html.j2"), "&lt;b&gt;");
    assert_eq!(rendered(&templates, "a/x.conf.j2"), "<b>");
}

#[test]
fn looked_up_names_are_known_without_evaluating() {
    let node = parse(&Source::new("t.yaml", "a: '{{ vars.zone | default(vars.other) }}'\nb: ['x {{ title }}']\n"))
        .expect("this parses");
    assert_eq!(names(&node).into_iter().collect::<Vec<_>>(), ["title", "vars.other", "vars.zone"]);
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_evaluation_panic(text in "[ {}%#'\"a-z.|()\\[\\]0-9*~+\u{e9}\\\\\n-]{0,40}") {
        let place = Place::file(&Source::new("m.yaml", text.clone()));
        let node = crate::yaml::Node::string(format!("{{{{{text}"), &place);
        let environment = environment();
        let expressions = Expressions::new(&environment, BTreeMap::new());
        let mut mistakes = Diagnostics::default();
        let value = expressions.evaluate(&node, &scope(), &mut mistakes);
        proptest::prop_assert!(value.is_some() != mistakes.has_errors());
    }
}
