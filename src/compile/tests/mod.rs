use std::fmt::Write as _;
use std::time::{Duration, Instant};

use super::*;
use crate::diag::Source;
use crate::inventory::load;
use crate::kinds::Argument;

mod backups;
mod handing;
mod limits;
mod whole;

const HEAD: &str =
    "id: 5f0c1c0e8f6b4d4f9a7e2b1d3c5a6978\nchapter: { name: Example Chapter, domain: chapter.example }\n";

/// A chapter in memory: its inventory, modules and templates.
#[derive(Default)]
struct Chapter<'t> {
    inventory: &'t str,
    modules: Vec<(&'t str, &'t str)>,
    templates: Vec<(&'t str, &'t str)>,
    files: Vec<(&'t str, &'t str)>,
    limit: Option<&'t str>,
}

fn chapter(inventory: &str) -> Chapter<'_> {
    Chapter { inventory, ..Chapter::default() }
}

impl<'t> Chapter<'t> {
    fn module(mut self, name: &'t str, text: &'t str) -> Self {
        self.modules.push((name, text));
        self
    }

    fn template(mut self, name: &'t str, text: &'t str) -> Self {
        self.templates.push((name, text));
        self
    }

    fn file(mut self, path: &'t str, text: &'t str) -> Self {
        self.files.push((path, text));
        self
    }

    fn limit(mut self, limit: &'t str) -> Self {
        self.limit = Some(limit);
        self
    }

    fn compile(&self) -> (Option<Catalog>, Diagnostics) {
        let dir = tempfile::tempdir().expect("a temporary directory");
        std::fs::write(dir.path().join("c.yaml"), format!("{HEAD}{}", self.inventory)).expect("it is writable");
        for (path, text) in &self.files {
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().expect("it has a parent")).expect("it is writable");
            match text.strip_prefix("-> ") {
                Some(target) => std::os::unix::fs::symlink(target, path).expect("it is writable"),
                None => std::fs::write(path, text).expect("it is writable"),
            }
        }
        let (inventory, mut mistakes) = load(dir.path());
        let inventory = inventory.expect("the inventory loads");
        let library = Library::of(&self.modules, &self.templates, dir.path(), &mut mistakes);
        let selection = inventory.select(self.limit).expect("the limit selects");
        let (catalog, more) = compile(&inventory, &library, &selection);
        mistakes.0.extend(more.0);
        let prefix = format!("{}/", dir.path().display());
        for mistake in &mut mistakes.0 {
            if let Some(place) = mistake.place.as_mut().filter(|place| place.source.name.starts_with(&prefix)) {
                let name = place.source.name.trim_start_matches(&prefix).to_owned();
                *place = Place::new(&Source::new(name, place.source.text.clone()), place.span.clone());
            }
        }
        (catalog, mistakes)
    }

    /// Hosts, their services and resources, one a line; or the mistakes.
    fn summary(&self) -> String {
        let (catalog, mistakes) = self.compile();
        let mut text: String = mistakes.0.iter().map(|mistake| format!("{mistake}\n")).collect();
        for host in catalog.iter().flat_map(|catalog| &catalog.hosts) {
            let _ = writeln!(text, "{} (wave {}): {}", host.host, host.wave, names(&host.services));
            for resource in &host.resources {
                let owners: Vec<&str> =
                    resource.owners.iter().map(|owner| host.services[*owner].name.as_str()).collect();
                let _ = writeln!(text, "  {} of {}{}", resource.id, owners.join("+"), content(resource));
            }
        }
        text
    }
}

fn names(services: &[crate::catalog::ServiceEntry]) -> String {
    services.iter().map(|service| service.name.as_str()).collect::<Vec<_>>().join(" ")
}

/// The payload of a file, if it is short.
fn content(resource: &crate::catalog::Resource) -> String {
    let call = resource.item.call(&crate::kinds::Site::default());
    let payload = call.arguments.iter().find_map(|argument| match argument {
        Argument::Payload(bytes) => Some(String::from_utf8_lossy(bytes).escape_debug().to_string()),
        Argument::Text(_) | Argument::Secret(_) | Argument::Carried(_) => None,
    });
    payload.map(|text| format!(" = {text}")).unwrap_or_default()
}

const NOTE: &str = "version: 1\nsummary: A note.\nparams: { text: { type: string, default: hello } }\nresources:\n  - file: { path: \"/etc/{{ service }}\", content: \"{{ text }}\" }\n";

#[test]
fn one_service_becomes_one_file() {
    let chapter = chapter("hosts: { a: { address: a.example } }\nservices: { note: { module: note, on: all } }\n");
    assert_eq!(chapter.module("note", NOTE).summary(), "a (wave 0): note\n  file:/etc/note of note = hello\n");
}

#[test]
fn a_param_comes_from_module_chapter_group_host_and_service_in_that_order() {
    let inventory = "vars: { word: chapter, other: '{{ vars.word }}!' }\n\
        hosts: { a: { address: a.example }, b: { address: b.example, groups: [g] }, c: { address: c.example, groups: [g], vars: { word: host } } }\n\
        groups: { g: { vars: { word: group } } }\n\
        services: { one: { module: note, on: all }, two: { module: note, on: all, params: { text: '{{ vars.other }}' } } }\n";
    assert_eq!(
        chapter(inventory).module("note", NOTE).summary(),
        "a (wave 0): one two\n  file:/etc/one of one = hello\n  file:/etc/two of two = chapter!\n\
         b (wave 0): one two\n  file:/etc/one of one = hello\n  file:/etc/two of two = group!\n\
         c (wave 0): one two\n  file:/etc/one of one = hello\n  file:/etc/two of two = host!\n"
    );
}

#[test]
fn all_mistakes_are_reported_at_once_with_their_places() {
    let inventory = "vars: { timezon: UTC }\nhosts: { a: { address: a.example } }\nservices:\n\
        \x20 x: { module: wki, on: all }\n\
        \x20 y: { module: note, on: all, params: { txet: 1, text: 12 }, needs: { db: {} } }\n\
        \x20 z: { module: site, on: all, params: { domain: 'not a name', zone: '{{ vars.timezone }}' } }\n";
    let site = "version: 1\nsummary: x\nparams: { domain: { type: hostname }, zone: {}, root: { type: path, example: /srv/x, help: Where it lies. } }\nneeds: { nginx: {} }\n";
    assert_eq!(
        chapter(inventory).module("note", NOTE).module("site", site).summary(),
        "c.yaml:6:16: there is no module `wki`; `steward module list` shows those there are; `steward module new wki` begins one\n\
         c.yaml:7:41: the module `note` has no parameter `txet`; did you mean `text`?\n\
         c.yaml:7:71: the module `note` does not need `db`\n\
         c.yaml:8:3: the service `z` lacks the parameter `root`; add `root: \"/srv/x\"` to its `params`: Where it lies\n\
         c.yaml:7:56: `text` must be text, not the number 12; write it in quotes: \"12\"\n\
         c.yaml:8:49: `domain` must be a host name or address, such as wiki.chapter.example, not the text `not a name`\n\
         c.yaml:8:73: `vars.timezone` is undefined; did you mean `vars.timezon`?\n\
         c.yaml:3:9: nothing uses the var `timezon`; did you mean `timezone`?\n\
         c.yaml:8:3: `z` needs a service of module `nginx` on `a`; there is no module `nginx` yet; `steward module list` shows those there are\n"
    );
}

#[test]
fn what_follows_from_an_entry_that_is_wrong_itself_is_not_reported() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let text = "vars: { zone: UTC }\nhosts: { a: { address: a.example } }\nservices:\n  web: { module: 7, on: a, params: { text: '{{ vars.zone }}' } }\n  x: { module: site, on: a, params: { text: 1 } }\n";
    std::fs::write(dir.path().join("c.yaml"), format!("{HEAD}{text}")).expect("it is writable");
    let (inventory, loading) = load(dir.path());
    let inventory = inventory.expect("what is right is there");
    assert_eq!(loading.0.len(), 1);
    let site = "version: 1\nsummary: x\nparams: { text: {} }\nneeds: { note: {} }\n";
    let library = Library::of(&[("note", NOTE), ("site", site)], &[], dir.path(), &mut Diagnostics::default());
    let facts: Vec<String> =
        further_mistakes(&inventory, &library).0.into_iter().map(|mistake| mistake.fact).collect();
    assert_eq!(facts, ["`text` must be text, not the number 1"]);
}

#[test]
fn references_that_go_in_a_circle_are_shown() {
    let inventory = "vars: { a: '{{ vars.b }}', b: '{{ vars.a }}' }\nhosts: { a: { address: a.example } }\nservices:\n\
        \x20 one: { module: m, on: all, params: { x: '{{ y }}', y: '{{ z }}', z: '{{ x }}' } }\n\
        \x20 two: { module: m, on: all, params: { x: '{{ vars.a }}', y: b, z: c } }\n";
    let module = "version: 1\nsummary: x\nparams: { x: {}, y: {}, z: {} }\n";
    let summary = chapter(inventory).module("m", module).summary();
    assert!(summary.contains("`x` refers to itself: x → y → z → x"), "{summary}");
    assert!(summary.contains("`vars.a` refers to itself: vars.a → vars.b → vars.a"), "{summary}");
}

const DB: &str = "version: 1\nsummary: x\nparams: { port: { type: port, default: 5432 } }\nfacts: { url: \"db://{{ host.address }}:{{ port }}/{{ need.database }}\" }\nresources:\n  - for_each: \"{{ needed_by }}\"\n    file: { path: \"/etc/db/{{ item.database }}\", content: \"{{ item.service }}@{{ item.host }}\" }\n";
const APP: &str = "version: 1\nsummary: x\nneeds: { db: { database: \"{{ service }}\" } }\nresources:\n  - file: { path: \"/etc/{{ service }}\", content: \"{{ needs.db.url }}\" }\n";

#[test]
fn a_need_hands_facts_back_and_orders_services_and_hosts() {
    let inventory = "hosts: { a: { address: a.example }, b: { address: 10.0.0.2 } }\nservices:\n\
        \x20 wiki: { module: app, on: a, needs: { db: { service: store, database: pages } } }\n\
        \x20 shop: { module: app, on: b }\n\
        \x20 store: { module: db, on: b }\n";
    assert_eq!(
        chapter(inventory).module("db", DB).module("app", APP).summary(),
        "a (wave 1): wiki\n  file:/etc/wiki of wiki = db://10.0.0.2:5432/pages\n\
         b (wave 0): store shop\n  file:/etc/db/pages of store = wiki@a\n  file:/etc/db/shop of store = shop@b\n  \
         file:/etc/shop of shop = db://10.0.0.2:5432/shop\n"
    );
}

#[test]
fn unmet_ambiguous_and_misnamed_needs_say_what_to_write() {
    let inventory = "hosts: { a: { address: a.example }, b: { address: b.example }, c: { address: c.example } }\nservices:\n\
        \x20 one: { module: db, on: [a, b] }\n\
        \x20 two: { module: db, on: b }\n\
        \x20 app: { module: app, on: [b, c] }\n\
        \x20 odd: { module: app, on: a, needs: { db: { service: three } } }\n\
        \x20 bad: { module: app, on: a, needs: { db: odd } }\n\
        \x20 far: { module: app, on: c, needs: { db: one } }\n";
    let summary = chapter(inventory).module("db", DB).module("app", APP).summary();
    for expected in [
        "c.yaml:7:3: `app` needs `db`, and several services are that: one, two; name the one it shall use: `needs: { db: { service: one } }`\n",
        "c.yaml:7:3: `app` needs a service of module `db` on `c`; place `one` on c, too: it is declared, but not for this host\n",
        "c.yaml:8:54: there is no service `three`; known here: one, two\n",
        "c.yaml:9:43: `odd` is a service of module `app`, not of `db`\n",
        "c.yaml:10:43: `one` runs on 2 hosts, and not on `c`; place it on one host, or beside what needs it\n",
    ] {
        assert!(summary.contains(expected), "{expected}\n{summary}");
    }
}

#[test]
fn services_and_hosts_that_need_each_other_are_shown_as_a_circle() {
    let module = "version: 1\nsummary: x\nneeds: { other: { module: m } }\n";
    let inventory = "hosts: { h: { address: h.example } }\nservices:\n\
        \x20 a: { module: m, on: h, needs: { other: b } }\n  b: { module: m, on: h, needs: { other: c } }\n  c: { module: m, on: h, needs: { other: a } }\n";
    let summary = chapter(inventory).module("m", module).summary();
    assert!(summary.contains("services need each other: a → b → c → a"), "{summary}");
    let module = "version: 1\nsummary: x\nneeds: { other: { module: m, optional: true } }\n";
    let inventory = "hosts: { h: { address: h.example }, i: { address: i.example } }\nservices:\n\
        \x20 a: { module: m, on: h, needs: { other: b } }\n  b: { module: n, on: i }\n  c: { module: m, on: i, needs: { other: d } }\n  d: { module: n, on: h }\n";
    let module = module.replace("module: m,", "module: n,");
    let summary = chapter(inventory).module("m", &module).module("n", "version: 1\nsummary: x\n").summary();
    assert!(summary.contains("hosts need each other: h → i → h"), "{summary}");
}

const WEB: &str = "version: 1\nsummary: x\ngathers: { sites: { fields: { domain: { type: hostname }, root: { type: path, default: /srv } } } }\nresources:\n  - for_each: \"{{ offers.sites }}\"\n    when: \"{{ item.domain != 'hidden.example' }}\"\n    file: { path: \"/etc/web/{{ item.domain }}\", template: web/site.j2 }\n";
const SITE: &str = "version: 1\nsummary: x\nparams: { domain: { type: hostname }, aliases: { type: list of hostname, default: [] } }\noffers:\n  sites:\n    - { domain: \"{{ domain }}\", root: \"/srv/{{ service }}\" }\n    - { for_each: \"{{ aliases }}\", when: \"{{ item != domain }}\", domain: \"{{ item }}\" }\n";

#[test]
fn offers_are_gathered_on_their_host() {
    let inventory = "hosts: { a: { address: a.example }, b: { address: b.example } }\nservices:\n\
        \x20 web: { module: web, on: all }\n\
        \x20 one: { module: site, on: a, params: { domain: one.example, aliases: [one.example, uno.example] } }\n\
        \x20 two: { module: site, on: b, params: { domain: hidden.example } }\n";
    let chapter = chapter(inventory).module("web", WEB).module("site", SITE);
    assert_eq!(
        chapter.template("web/site.j2", "{{ item.domain }} {{ item.root }} {{ item.service }}\n").summary(),
        "a (wave 0): web one\n  file:/etc/web/one.example of web = one.example /srv/one one\\n\n  \
         file:/etc/web/uno.example of web = uno.example /srv one\\n\nb (wave 0): web two\n"
    );
}

#[test]
fn offers_of_the_wrong_form_or_that_nobody_gathers_are_mistakes() {
    let site = "version: 1\nsummary: x\noffers:\n  sites: [{ domain: 'a b' }, { domian: x }]\n  sitez: [{ domain: x }]\n  ports: [{ port: http }]\n";
    let inventory = "hosts: { a: { address: a.example } }\nservices: { web: { module: web, on: a }, s: { module: site, on: a } }\n";
    let summary = chapter(inventory).module("web", WEB).module("site", site).template("web/site.j2", "").summary();
    for expected in [
        "modules/site.yaml:5:11: no module gathers `sitez`; did you mean `sites`?\n",
        "`sites.domain` must be a host name",
        "modules/site.yaml:4:32: `sites` has no field `domian`; did you mean `domain`?\n",
        "modules/site.yaml:4:30: `sites` lacks the field `domain`; add `domain:`\n",
        "an offer of `ports` needs a `port` from 1 to 65535",
    ] {
        assert!(summary.contains(expected), "{expected}\n{summary}");
    }
}

#[test]
fn two_services_on_one_port_clash_unless_protocol_or_host_differ() {
    let module = "version: 1\nsummary: x\nparams: { port: { type: port }, protocol: { default: tcp } }\noffers: { ports: [{ port: '{{ port }}', protocol: '{{ protocol }}' }] }\n";
    let inventory = "hosts: { a: { address: a.example }, b: { address: b.example } }\nservices:\n\
        \x20 one: { module: m, on: all, params: { port: 53 } }\n\
        \x20 two: { module: m, on: a, params: { port: 53 } }\n\
        \x20 udp: { module: m, on: a, params: { port: 53, protocol: udp } }\n";
    assert_eq!(
        chapter(inventory).module("m", module).summary(),
        "c.yaml:6:3: `one` and `two` both listen on tcp port 53 of `a`; give one of them another port, or another host\n"
    );
}

#[test]
fn identical_directories_merge_and_other_duplicates_are_shown_with_both_places() {
    let one =
        "version: 1\nsummary: x\nresources:\n  - directory: { path: /srv }\n  - file: { path: /srv/a, content: a }\n";
    let two =
        "version: 1\nsummary: x\nresources:\n  - directory: { path: /srv }\n  - file: { path: /srv/b, content: a }\n";
    let inventory = "hosts: { a: { address: a.example } }\nservices: { one: { module: one, on: a }, two: { module: two, on: a } }\n";
    assert_eq!(
        chapter(inventory).module("one", one).module("two", two).summary(),
        "a (wave 0): one two\n  directory:/srv of one+two\n  file:/srv/a of one = a\n  file:/srv/b of two = a\n"
    );
    let other = two.replace("{ path: /srv }", "{ path: /srv, mode: \"0700\" }").replace("/srv/b", "/srv/a");
    assert_eq!(
        chapter(inventory).module("one", one).module("two", &other).summary(),
        "modules/two.yaml:4:16: `directory:/srv` is declared twice, and not alike; keep one of the two, or give them different names\n\
         modules/two.yaml:5:11: `file:/srv/a` is declared twice; keep one of the two, or give them different names\n"
    );
}

#[test]
fn a_file_and_a_line_in_it_would_undo_each_other() {
    let module = "version: 1\nsummary: x\nresources:\n  - file: { path: /etc/x, content: a }\n  - line: { path: /etc/x, line: b }\n  - line: { path: /etc/y, line: b }\n  - line: { path: /etc/y, line: c }\n";
    let inventory = "hosts: { a: { address: a.example } }\nservices: { one: { module: m, on: a } }\n";
    let summary = chapter(inventory).module("m", module).summary();
    assert_eq!(summary.lines().count(), 1, "{summary}");
    assert!(summary.contains("would undo each other's work"), "{summary}");
}

#[test]
fn the_same_mistake_on_many_hosts_is_said_once() {
    let hosts: String = (0..50).map(|n| format!("  h{n}: {{ address: h{n}.example }}\n")).collect();
    let inventory =
        format!("hosts:\n{hosts}services: {{ n: {{ module: m, on: all }}, o: {{ module: m, on: all }} }}\n");
    let module = "version: 1\nsummary: x\nresources:\n  - file: { path: '/etc/{{ host.name }}', content: '{{ host.os }}x', mod: 1 }\n  - file: { path: '{{ host.name }}', content: x }\n";
    let summary = chapter(&inventory).module("m", module).summary();
    assert_eq!(summary.lines().count(), 2, "{summary}");
}

#[test]
fn when_and_for_each_have_real_types() {
    let module = "version: 1\nsummary: x\nparams: { list: { type: map of int } }\nresources:\n\
        \x20 - for_each: '{{ list }}'\n    when: '{{ item > 1 }}'\n    file: { path: '/etc/{{ key }}', content: '{{ item }}' }\n\
        \x20 - for_each: [a, '{{ service }}']\n    file: { path: '/etc/{{ item }}', content: '{{ key }}' }\n";
    let inventory = "hosts: { a: { address: a.example } }\nservices: { one: { module: m, on: a, params: { list: { x: 1, y: 2 } } } }\n";
    let module = module.replace("'{{ item }}' }", "'{{ item }}.' }").replace("'{{ key }}' }", "'{{ key }}.' }");
    assert_eq!(
        chapter(inventory).module("m", &module).summary(),
        "a (wave 0): one\n  file:/etc/y of one = 2.\n  file:/etc/a of one = 0.\n  file:/etc/one of one = 1.\n"
    );
    let wrong = module.replace("item > 1", "\"yes\"").replace("[a, '{{ service }}']", "'{{ service }}'");
    let summary = chapter(inventory).module("m", &wrong).summary();
    assert!(summary.contains("m.yaml:6:11: `when` must be true or false, not the text `yes`"), "{summary}");
    assert!(summary.contains("m.yaml:8:15: `for_each` must be a list or a map, not the text `one`"), "{summary}");
}

#[test]
fn files_come_from_the_repository_and_nothing_else() {
    let module = "version: 1\nsummary: x\nparams: { source: {} }\nresources:\n  - file: { path: /etc/x, source: '{{ source }}' }\n";
    let source = |path: &str| {
        let inventory = format!(
            "hosts: {{ a: {{ address: a.example }} }}\nservices: {{ one: {{ module: m, on: a, params: {{ source: {path} }} }} }}\n"
        );
        chapter(&inventory)
            .module("m", module)
            .file("files/x", "content")
            .file("files/link", "-> /etc/passwd")
            .summary()
    };
    assert!(source("files/x").contains("file:/etc/x of one = content"));
    for (path, words) in [
        ("files/link", "leads out of the repository"),
        ("../x", "not a path inside the repository"),
        ("/etc/passwd", "not a path inside the repository"),
        ("files/y", "there is no `files/y` in the repository"),
        ("files", "`files` is not a plain file"),
    ] {
        assert!(source(path).contains(words), "{path}: {}", source(path));
    }
}

#[test]
fn a_limit_to_a_service_keeps_what_must_react_to_it() {
    let web = "version: 1\nsummary: x\nresources:\n  - package: nginx\n  - service: { name: nginx, reload_on: [/srv/**] }\n  - service: { name: other, reload_on: [/opt/**] }\n";
    let inventory = "hosts: { a: { address: a.example } }\nservices: { web: { module: web, on: a }, note: { module: m, on: a } }\n";
    let note = NOTE.replace("/etc/", "/srv/");
    let chapter = chapter(inventory).module("web", web).module("m", &note).limit("service:note");
    assert_eq!(chapter.summary(), "a (wave 0): web note\n  service:nginx of web\n  file:/srv/note of note = hello\n");
    assert!(chapter.compile().0.is_some_and(|catalog| catalog.partial));
}

#[test]
fn three_hundred_hosts_with_ten_services_compile_quickly() {
    let mut inventory = "vars: { zone: UTC }\nhosts:\n".to_owned();
    for n in 0..300 {
        let _ = writeln!(inventory, "  h{n}: {{ address: h{n}.example }}");
    }
    inventory.push_str("services:\n");
    for n in 0..10 {
        let _ = writeln!(inventory, "  s{n}: {{ module: m, on: all, params: {{ zone: '{{{{ vars.zone }}}}' }} }}");
    }
    let module = "version: 1\nsummary: x\nparams: { zone: {}, title: { default: '{{ chapter.name }} {{ service }}' }, n: { type: int, default: 3 } }\nresources:\n  - for_each: [a, b, c]\n    file: { path: '/etc/{{ service }}/{{ item }}', template: m/x.j2 }\n  - directory: { path: '/etc/{{ service }}' }\n";
    let template = "{% for i in range(20) %}\nline {{ i }} of {{ title }} on {{ host.name }} {{ zone }} {{ item }}\n{% endfor %}\n";
    let chapter = chapter(&inventory).module("m", module).template("m/x.j2", template);
    let start = Instant::now();
    let (catalog, mistakes) = chapter.compile();
    let elapsed = start.elapsed();
    assert_eq!(mistakes.0, []);
    assert_eq!(catalog.map(|catalog| catalog.hosts.iter().map(|host| host.resources.len()).sum()), Some(12_000));
    // Without optimisation, on a busy machine; a second is the limit for the released program.
    assert!(elapsed < Duration::from_mins(2), "{elapsed:?}");
}
