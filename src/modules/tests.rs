use super::*;
use crate::diag::Diagnostics;

fn mistakes(text: &str) -> Vec<String> {
    let mut mistakes = Diagnostics::default();
    read("m", &Source::new("m.yaml", text), false, &mut mistakes);
    mistakes.0.iter().map(ToString::to_string).collect()
}

#[test]
fn the_modules_of_this_program_have_no_mistakes() {
    let mut mistakes = Diagnostics::default();
    let library = Library::embedded(&mut mistakes);
    assert_eq!(mistakes.0, []);
    let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/modules")).unwrap().flatten();
    let files = files.map(|file| file.file_name().into_string().unwrap());
    let mut files: Vec<String> = files.filter_map(|name| Some(name.strip_suffix(".yaml")?.to_owned())).collect();
    files.sort();
    assert_eq!(library.names().collect::<Vec<_>>(), files);
    for module in library.modules() {
        let languages: Vec<&str> = module.summary.languages().collect();
        assert_eq!(languages, ["en", "es"], "{}", module.name);
        assert_eq!(module.handoff.languages().collect::<Vec<_>>(), ["en", "es"], "{}", module.name);
        for (name, param) in &module.params {
            assert!(!param.help.is_empty(), "{}.{name} explains itself", module.name);
        }
    }
}

#[test]
fn all_mistakes_in_a_module_are_reported_at_once() {
    let text = "\
version: 0
summary: { en: x, english: y }
parms: {}
params:
  a: { type: hostnam }
  b: { type: list }
  c: { type: int, default: many }
  d: { optional: true, default: x }
  host: {}
  e: { default: '{{ vars.x }} {{ f }}' }
  g: { type: object }
  h: { one_of: [tcp, udp], default: tpc }
needs: { nginx: yes }
resources:
  - fil: { path: x }
  - { file: { path: x }, directory: { path: y } }
  - when: '{{ a == 1 }}'
  - file: { path: '{{ vars.x }}', content: '{{ secrets.x }}' }
    for_each: '{{ item }}'
secrets: { password: { rotate: sometimes } }
";
    let (plain, of_expressions): (Vec<String>, Vec<String>) = mistakes(text)
        .into_iter()
        .map(|mistake| mistake.split(", with one of:").next().unwrap_or_default().to_owned())
        .partition(|mistake| !mistake.contains("undefined"));
    assert_eq!(
        plain,
        [
            "m.yaml:3:1: unknown key `parms`; did you mean `params`?",
            "m.yaml:1:10: a module's version counts from 1",
            "m.yaml:2:19: `english` is not the code of a language; write two letters, such as `en` or `es`",
            "m.yaml:9:3: `host` already means something else in expressions; choose another name",
            "m.yaml:5:14: `hostnam` is not a type of parameter; did you mean `hostname`?",
            "m.yaml:6:14: `list` is not a type of parameter; say of what: `list of string`",
            "m.yaml:7:28: `c` must be a whole number, not the text `many`",
            "m.yaml:8:33: `d` has a default and is optional; keep one of the two: with a default it always has a value",
            "m.yaml:11:3: `g` is an object without fields; add `fields: { NAME: { type: … } }`, or use `map of string`",
            "m.yaml:12:37: `h` cannot be `tpc`; did you mean `tcp`?",
            "m.yaml:20:32: `rotate` cannot be `sometimes`; write one of: auto, command, manual, never",
            "m.yaml:13:17: `nginx` must be a map, not the text `yes`; write `nginx: {}` if there is nothing more to say",
            "m.yaml:15:5: there is no kind of resource `fil`; did you mean `file`?",
            "m.yaml:16:26: the resource has two kinds, `file` and `directory`; begin it with a dash of its own: `- directory: …`",
            "m.yaml:17:5: the resource has no kind; write `- KIND: { … }`",
        ]
    );
    assert_eq!(of_expressions.len(), 3, "{of_expressions:#?}");
    let of_expressions = of_expressions.join("\n");
    for expected in [
        "m.yaml:10:34: `f` is undefined",
        "m.yaml:18:23: `vars` is undefined; a var is taken by a parameter",
        "m.yaml:19:19: `item` is undefined; it exists only below `for_each`",
    ] {
        assert!(of_expressions.contains(expected), "{expected}\n{of_expressions}");
    }
}

#[test]
fn every_type_takes_what_it_says_and_nothing_else() {
    let cases = [
        ("string", "['x', '']", "[1, true, {}, [], null]"),
        ("int", "[1, -1]", "['1', 1.5]"),
        ("bool", "[true, false]", "['yes', 1]"),
        ("float", "[1, 1.5]", "['x']"),
        (
            "hostname",
            "[a, wiki.chapter.example, 10.0.0.1, '::1']",
            "['', a b, -a, a_b, a..b, 'a;b', münchen.example]",
        ),
        ("domain", "[chapter.example]", "[localhost, 10.0.0.1, .example]"),
        ("email", "[ana@chapter.example, a.b+c@d.example]", "[ana, '@x', 'a b@x', 'a@b c']"),
        ("path", "[/srv/x, '/srv/a b']", "[srv, /, /srv/../etc, /srv/, \"/a\\nb\", '/srv/$x', '/a;b', '/a\"b']"),
        ("port", "[1, 65535]", "[0, 65536, '80']"),
        ("url", "['https://x.example/a?b', 'http://x']", "[ftp://x, https://, 'https://a b', 'https://\"']"),
        (
            "network",
            "[192.0.2.1, 192.0.2.0/24, '2001:db8::/32', '::1']",
            "[here, 192.0.2.0/33, '10/8', '2001:db8::/129', '10.0.0.0/', '10.0.0.0/+8']",
        ),
        ("list of port", "[[], [1, 2]]", "[[0], 1, {}]"),
        ("map of list of int", "[{}, { a: [1] }]", "[{ a: 1 }, []]"),
    ];
    for (kind, good, bad) in cases {
        let param = |value: &Node| {
            let yaml = format!("version: 1\nsummary: x\nparams: {{ p: {{ type: {kind} }} }}\n");
            let mut mistakes = Diagnostics::default();
            let module = read("m", &Source::new("m.yaml", yaml), false, &mut mistakes).expect("it can be read");
            assert_eq!(mistakes.0, []);
            module.params["p"].accept("p", value.clone(), &mut mistakes).is_some()
        };
        let values =
            |text: &str| crate::yaml::parse(&Source::new("v.yaml", format!("v: {text}\n"))).expect("it parses");
        for value in values(good).get("v").and_then(Node::as_list).expect("a list") {
            assert!(param(value), "{kind} takes {}", value.description());
        }
        for value in values(bad).get("v").and_then(Node::as_list).expect("a list") {
            assert!(!param(value), "{kind} refuses {}", value.description());
        }
    }
}

#[test]
fn a_hash_covers_the_module_and_each_of_its_templates_but_no_others() {
    let hash = |module: &str, templates: &[(&str, &str)]| {
        let library =
            Library::of(&[("m", module)], templates, std::path::Path::new("/"), &mut Diagnostics::default());
        library.get("m").map(|module| library.hash(module)).expect("it can be read")
    };
    let text = "version: 1\nsummary: x\n";
    let plain = hash(text, &[("m/a", "1"), ("m/b", "2")]);
    assert_eq!(plain, hash(text, &[("m/b", "2"), ("m/a", "1"), ("mm/c", "3")]));
    for other in [
        hash("version: 1\nsummary: y\n", &[("m/a", "1"), ("m/b", "2")]),
        hash(text, &[("m/a", "1"), ("m/b", "3")]),
        hash(text, &[("m/a", "1")]),
        hash(text, &[("m/a", "1"), ("m/c", "2")]),
        hash(text, &[("m/a", "12"), ("m/b", "")]),
    ] {
        assert_ne!(plain, other);
    }
}

#[test]
fn the_lock_stops_what_was_not_reviewed_and_update_records_it() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let inventory = "id: 5f0c1c0e8f6b4d4f9a7e2b1d3c5a6978\nchapter: { name: X, domain: chapter.example }\nhosts: { a: { address: a.example } }\nservices: { one: { module: m, on: a }, two: { module: m, on: a } }\n";
    std::fs::write(dir.path().join("c.yaml"), inventory).expect("it is writable");
    let (inventory, _) = crate::inventory::load(dir.path());
    let inventory = inventory.expect("it loads");
    let library = |text: &str| {
        let modules = [("m", text), ("unused", "version: 1\nsummary: x\n")];
        Library::of(&modules, &[], dir.path(), &mut Diagnostics::default())
    };
    let said = |library: &Library| {
        let mistakes = lock::check(&inventory, library).0;
        mistakes.iter().map(|mistake| mistake.fact.clone()).collect::<Vec<_>>().join("\n")
    };
    let first = library("version: 1\nsummary: x\n");
    assert!(said(&first).contains("no module is recorded"));
    let updates = lock::update(&inventory, &first, None).expect("it is written");
    assert_eq!(updates.iter().map(|update| update.module.as_str()).collect::<Vec<_>>(), ["m"]);
    assert_eq!(said(&first), "");
    assert_eq!(lock::update(&inventory, &first, None).expect("nothing to do"), []);
    let edited = library("version: 1\nsummary: y\n");
    assert!(said(&edited).contains("its content changed within version 1"), "{}", said(&edited));
    let newer = library("version: 2\nsummary: y\n");
    assert!(said(&newer).contains("version 1 became 2"));
    let updates = lock::update(&inventory, &newer, Some("m")).expect("it is written");
    assert_eq!(updates[0].old.as_ref().map(|old| old.version), Some(1));
    assert_eq!(said(&newer), "");
    assert!(lock::update(&inventory, &newer, Some("n")).is_err());
    std::fs::write(lock::path(dir.path()), "modules: [").expect("it is writable");
    assert!(said(&newer).contains("is damaged"));
}

#[test]
fn a_chapters_own_modules_replace_and_join_those_of_this_program() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let inventory = dir.path().join("inventories/main");
    for (path, text) in [
        ("inventories/main/c.yaml", ""),
        ("modules/nginx.yaml", "version: 9\nsummary: Ours.\n"),
        ("modules/wiki.yaml", "version: 1\nsummary: New.\n"),
        ("templates/nginx/site.conf.j2", "ours"),
        ("templates/wiki/deep/x.j2", "deep"),
    ] {
        let path = dir.path().join(path);
        std::fs::create_dir_all(path.parent().expect("it has a parent")).expect("it is writable");
        std::fs::write(path, text).expect("it is writable");
    }
    std::os::unix::fs::symlink("/etc/passwd", dir.path().join("templates/wiki/passwd.j2")).expect("it is writable");
    let mut mistakes = Diagnostics::default();
    let library = Library::load(&inventory, &mut mistakes);
    assert_eq!(library.root(), dir.path());
    let ours = Library::embedded(&mut mistakes);
    let mut names: Vec<&str> = ours.names().chain(["wiki"]).collect();
    names.sort_unstable();
    assert_eq!(library.names().collect::<Vec<_>>(), names);
    assert!(library.get("nginx").is_some_and(|module| module.version == 9 && !module.embedded));
    assert!(library.get("baseline").is_some_and(|module| module.embedded));
    let templates: Vec<(&str, &str)> = library
        .templates_of("wiki")
        .chain(library.templates_of("nginx"))
        .map(|(path, of)| (path, of.text.as_str()))
        .collect();
    assert!(templates.contains(&("wiki/deep/x.j2", "deep")) && templates.contains(&("nginx/site.conf.j2", "ours")));
    assert_eq!(mistakes.0.len(), 1);
    assert!(mistakes.0[0].fact.contains("passwd.j2 is not a plain file"), "{}", mistakes.0[0].fact);
}

#[test]
fn a_new_module_works_as_it_is_and_overwrites_nothing() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    scaffold::new(dir.path(), "wiki").expect("it is written");
    let mut mistakes = Diagnostics::default();
    let library = Library::load(dir.path(), &mut mistakes);
    assert_eq!(mistakes.0, []);
    let module = library.get("wiki").expect("it is there");
    assert!(describe::show(&library, module, "en").contains("title: string, default"));
    assert!(scaffold::new(dir.path(), "wiki").is_err());
    assert!(scaffold::new(dir.path(), "../wiki").is_err());
}

proptest::proptest! {
    #[test]
    fn no_text_makes_reading_a_module_panic(text in "(version: 1\n)?(summary: x\n)?[a-z:{}\\[\\]'\" \n,-]{0,80}") {
        let _ = mistakes(&text);
    }
}
