//! What modules say of their limits: classes of data, what a host must be able to do, parameters that never change, versions
//! that break something.

use super::*;
use crate::inventory::Locale;

const KEEPER: &str = "version: 1\nsummary: x\ngathers:\n  backups:\n    fields:\n      paths: { type: list of path, default: [] }\n      postgres: { type: string, optional: true }\n      consistent: { type: bool, default: false }\n";
const SITES: &str =
    "version: 1\nsummary: x\ngathers: { sites: { fields: { domain: { type: hostname }, root: { type: path } } } }\n";

/// A wiki with these lines in its module, on a host where somebody keeps backups and somebody shows sites.
fn wiki(lines: &str) -> Vec<String> {
    let module = format!("version: 1\nsummary: x\n{lines}");
    let services = "services:\n  keep: { module: keep, on: web1 }\n  web: { module: web, on: web1 }\n  wiki: { module: wiki, on: web1 }\n";
    let inventory = format!("hosts: {{ web1: {{ address: 192.0.2.1 }} }}\n{services}");
    let chapter = chapter(&inventory).module("wiki", &module).module("keep", KEEPER).module("web", SITES);
    chapter.compile().1.0.iter().map(ToString::to_string).collect()
}

#[test]
fn private_data_that_nobody_backs_up_is_a_mistake() {
    let directory =
        "resources:\n  - directory: { path: /var/lib/wiki, mode: '0750' }\n    data: { class: personal }\n";
    let said = wiki(directory);
    assert!(
        said[0].contains("`wiki` keeps personal data in `directory:/var/lib/wiki`, and nothing backs it up"),
        "{said:?}"
    );
    assert!(said[0].contains("steward add backup"), "{said:?}");
    let offers = |path: &str| format!("offers: {{ backups: [{{ paths: [{path}], consistent: true }}] }}\n");
    assert_eq!(wiki(&(offers("/var/lib") + directory)), Vec::<String>::new());
    assert_eq!(wiki(&(offers("/var/lib/wiki") + directory)), Vec::<String>::new());
    assert_eq!(wiki(&(offers("/var/lib/wik") + directory)).len(), 1);
    // what can be made again needs none, and what everybody may see is no secret
    assert_eq!(wiki(&directory.replace("personal", "personal, backup: false")), Vec::<String>::new());
    assert_eq!(wiki(&directory.replace("personal", "public").replace("0750", "0755")), Vec::<String>::new());
}

#[test]
fn a_service_without_files_of_its_own_says_its_class_as_a_whole() {
    let said = wiki("data: { class: sensitive }\n");
    assert!(said[0].contains("`wiki` keeps sensitive data, and nothing backs it up"), "{said:?}");
    let dumped = "data: { class: sensitive }\noffers: { backups: [{ postgres: wiki }] }\n";
    assert_eq!(wiki(dumped), Vec::<String>::new());
    let services = "hosts: { web1: { address: 192.0.2.1 } }\nservices: { wiki: { module: wiki, on: web1 } }\n";
    let module = format!("version: 1\nsummary: x\n{dumped}");
    let (_, mistakes) = chapter(services).module("wiki", &module).compile();
    assert!(mistakes.0[0].to_string().contains("nothing backs it up"), "an offer that nobody takes saves nothing");
    let trial = services.replace("on: web1 }", "on: web1, backup: false }");
    assert!(chapter(&trial).module("wiki", &module).compile().1.0.is_empty(), "what is only tried may be lost");
}

#[test]
fn private_data_is_neither_readable_by_everybody_nor_below_a_site() {
    let saved = "offers: { backups: [{ paths: [/srv], consistent: true }], sites: [{ domain: a.example, root: /srv/www }] }\n";
    let file = |path: &str, mode: &str, more: &str| {
        let file = format!("file: {{ path: {path}, content: x{mode} }}\n    data: {{ class: internal }}\n");
        wiki(&format!("{saved}resources:\n{more}  - {file}"))
    };
    let said = file("/srv/members", ", mode: '0644'", "");
    assert!(said[0].contains("its mode 0644 lets everybody in"), "{said:?}");
    assert!(file("/srv/members", "", "")[0].contains("its mode 0644 lets everybody in"));
    assert_eq!(file("/srv/members", ", mode: '0640'", ""), Vec::<String>::new());
    // a directory above that lets nobody through is enough
    let closed = "  - directory: { path: /srv/closed, mode: '0700' }\n";
    assert_eq!(file("/srv/closed/members", "", closed), Vec::<String>::new());
    let said = file("/srv/www/members", ", mode: '0640'", "");
    assert!(said[0].contains("below /srv/www, which the site of `wiki` shows to everybody"), "{said:?}");
}

#[test]
fn words_that_mean_nothing_are_mistakes() {
    let said = wiki("data: { class: secret }\n");
    assert!(said[0].contains("`secret` is no class of data"), "{said:?}");
    let said = wiki("supported: { needs: [clok] }\n");
    assert!(said[0].contains("`clok` is no ability of a host") && said[0].contains("clock"), "{said:?}");
    assert!(wiki("supported: { because: x }\n")[0].contains("asks for nothing"));
    assert!(wiki("breaking: { '2': x }\n")[0].contains("`2` is no version of this module"));
}

#[test]
fn a_host_is_told_what_to_remember_and_what_is_asked_of_it() {
    let module = "version: 3\nsummary: x\nbreaking: { '3': { en: Plugins stop., es: Se detienen. } }\nparams: { name: { immutable: true }, title: { default: T } }\nsupported: { needs: [clock] }\nresources:\n  - file: { path: /etc/a, content: x }\n    supported: { when: \"{{ host.arch == 'x86_64' }}\", because: { en: Only there., es: Solo ahí. } }\n";
    let services = "hosts: { web1: { address: 192.0.2.1, arch: aarch64 } }\nservices: { chat: { module: chat, on: web1, params: { name: a.example }, accept_upgrade: 2 } }\n";
    let (catalog, mistakes) = chapter(services).module("chat", module).compile();
    assert_eq!(mistakes.0, []);
    let host = &catalog.unwrap().hosts[0];
    let state = &host.services[0].state;
    assert_eq!((state.version, state.accepted), (3, 2));
    assert_eq!(state.fixed, BTreeMap::from([("name".to_owned(), "\"a.example\"".to_owned())]));
    assert_eq!(state.breaking[&3].text(Locale::Es), "Se detienen.");
    let support = &host.support[&host.resources[0].id];
    assert!(support.never && support.abilities == ["clock"] && support.because == "Only there.");
}

#[test]
fn who_uses_a_certificate_and_is_not_told_of_a_new_one_is_refused() {
    let tls = "version: 1\nsummary: x\ntakes:\n  domain: { type: hostname, optional: true, with: [reload] }\n  reload: { optional: true }\nfacts: { key: \"/etc/{{ need.domain or '' }}\" }\n";
    let said = |need: &str| {
        let voice = format!("version: 1\nsummary: x\nneeds: {{ tls: {{ {need} }} }}\n");
        let services = "hosts: { web1: { address: 192.0.2.1 } }\nservices: { tls: { module: tls, on: web1 }, voice: { module: voice, on: web1 } }\n";
        let (_, mistakes) = chapter(services).module("voice", &voice).module("tls", tls).compile();
        mistakes.0.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let refused = said("domain: voice.example");
    assert!(
        refused[0].contains("gives `domain`, and no `reload`") && refused[0].contains("add `reload:`"),
        "{refused:?}"
    );
    assert_eq!(said("domain: voice.example, reload: mumble-server"), Vec::<String>::new());
    assert_eq!(said(""), Vec::<String>::new());
}
