//! What modules may offer to be saved, needs that must be met on another host, and public halves of keys.

use super::*;
use crate::catalog::Backed;

const HOSTS: &str = "hosts:\n  web1: { address: 192.0.2.1 }\n  box: { address: 192.0.2.2 }\n";
const KEEPER: &str = "version: 1\nsummary: x\ngathers:\n  backups:\n    fields:\n      paths: { type: list of path, default: [] }\n      postgres: { type: string, optional: true }\n      mariadb: { type: string, optional: true }\n      stop: { type: list of string, default: [] }\n      before: { type: string, optional: true }\n      consistent: { type: bool, default: false }\n      drill_days: { type: int, default: 30 }\n";

fn offering(offer: &str) -> (Option<Catalog>, Diagnostics) {
    let module = format!("version: 3\nsummary: x\noffers: {{ backups: [{offer}] }}\n");
    let inventory = format!("{HOSTS}services: {{ wiki: {{ module: wiki, on: web1 }} }}\n");
    chapter(&inventory).module("wiki", &module).compile()
}

#[test]
fn files_that_may_change_while_they_are_read_are_refused_whether_or_not_anybody_saves_them() {
    for refused in
        ["{ paths: [/srv/wiki] }", "{ paths: [/srv/wiki], consistent: false }", "{ paths: [/a], stop: [] }"]
    {
        let said = offering(refused).1.0[0].to_string();
        assert!(said.contains("the backup of `wiki` reads files that may change meanwhile"), "{refused}: {said}");
    }
    let said = offering("{ drill_days: 3 }").1.0[0].to_string();
    assert!(said.contains("names nothing to save"), "{said}");
    for taken in [
        "{ paths: [/srv/wiki], consistent: true }",
        "{ paths: [/srv/wiki], stop: [wiki] }",
        "{ paths: [/srv/wiki], before: export }",
        "{ postgres: wiki }",
        "{ paths: [/srv/wiki], mariadb: wiki }",
    ] {
        assert_eq!(offering(taken).1.0, [], "{taken}");
    }
}

#[test]
fn a_host_knows_what_is_saved_by_whom_and_the_shortest_time_until_a_drill() {
    let wiki = "version: 3\nsummary: x\noffers: { backups: [{ postgres: a, drill_days: 7 }, { postgres: b }] }\n";
    let services = "services:\n  wiki: { module: wiki, on: [web1, box] }\n  keep: { module: keep, on: web1 }\n";
    let inventory = format!("{HOSTS}{services}");
    let (catalog, mistakes) = chapter(&inventory).module("wiki", wiki).module("keep", KEEPER).compile();
    assert_eq!(mistakes.0, []);
    let backed: Vec<_> = catalog.unwrap().hosts.iter().map(|host| host.backed.clone()).collect();
    let of =
        |keeper: Option<&str>| vec![Backed { service: "wiki".into(), keeper: keeper.map(Into::into), drill_days: 7 }];
    assert_eq!(backed, [of(Some("keep")), of(None)]);
}

const TARGET: &str = "version: 1\nsummary: x\nfacts: { at: \"{{ host.name }}\" }\n";
const CLIENT: &str = "version: 1\nsummary: x\nneeds: { target: { module: target, elsewhere: true } }\nresources:\n  - file: { path: /etc/x, content: \"{{ needs.target.at }}\" }\n";

fn placed(services: &str) -> String {
    let inventory = format!("{HOSTS}services:\n  client: {{ module: client, on: web1{services}");
    chapter(&inventory).module("target", TARGET).module("client", CLIENT).summary()
}

#[test]
fn a_need_elsewhere_is_met_on_another_host_only() {
    for (services, expected) in [
        (" }\n  vault: { module: target, on: box }\n", "file:/etc/x of client = box"),
        (" }\n  vault: { module: target, on: all }\n", "file:/etc/x of client = box"),
        (", needs: { target: vault } }\n  vault: { module: target, on: all }\n", "file:/etc/x of client = box"),
        (
            " }\n  vault: { module: target, on: web1 }\n",
            "needs a service of module `target` on another host than `web1`",
        ),
        (", needs: { target: vault } }\n  vault: { module: target, on: web1 }\n", "`vault` is on `web1` itself"),
    ] {
        let said = placed(services);
        assert!(said.contains(expected), "{services}: {said}");
    }
}
