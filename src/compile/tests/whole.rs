//! Whole inventories: the example that comes with Steward, and texts that nobody would write.

use std::path::Path;

use super::*;
use crate::modules::lock;

#[test]
fn the_example_compiles_and_its_lock_is_up_to_date() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("inventories/example");
    let (inventory, mut mistakes) = load(&dir);
    let inventory = inventory.expect("it loads");
    let library = Library::load(&dir, &mut mistakes);
    mistakes.0.extend(lock::check(&inventory, &library).0);
    let selection = inventory.select(None).expect("it has hosts");
    let (catalog, more) = compile(&inventory, &library, &selection);
    mistakes.0.extend(more.0);
    assert_eq!(mistakes.0, []);
    let catalog = catalog.expect("it compiles");
    let host = &catalog.hosts[0];
    let order = names(&host.services);
    assert!(order.starts_with("apt firewall baseline "), "the platform comes first: {order}");
    let text = |id: &str| host.resources.iter().find(|of| of.id.to_string() == id).map(content).expect(id);
    let firewall = text("file:/etc/nftables.conf");
    for port in [22, 80, 443] {
        assert!(firewall.contains(&format!("tcp dport {port} accept")), "{firewall}");
    }
    assert!(firewall.contains("ct state established,related accept"), "the connection in use survives");
    assert!(text("file:/etc/timezone").contains("America/Los_Angeles"));
    assert!(text("file:/etc/nginx/sites-enabled/www.chapter.example.conf").contains("/var/www/www.chapter.example"));
    let ids: Vec<String> = host.resources.iter().map(|resource| resource.id.to_string()).collect();
    let position = |id: &str| ids.iter().position(|known| known == id).expect(id);
    assert!(position("service:nftables") < position("package:nginx"), "the firewall comes before what it guards");
}

#[test]
fn a_changed_port_and_a_directory_that_stands_for_a_host_are_respected() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let text = format!(
        "{HEAD}hosts: {{ a: {{ address: a.example, port: 2222, os: debian-13 }}, d: {{ address: local, root: {} }} }}\nservices: {{ base: {{ module: baseline, on: all }}, apt: {{ module: apt, on: all }}, firewall: {{ module: firewall, on: all }} }}\n",
        dir.path().display()
    );
    std::fs::write(dir.path().join("c.yaml"), text).expect("it is writable");
    let (inventory, mut mistakes) = load(dir.path());
    let inventory = inventory.expect("it loads");
    let library = Library::embedded(&mut mistakes);
    let (catalog, more) = compile(&inventory, &library, &inventory.select(None).expect("it has hosts"));
    let catalog = catalog.unwrap_or_else(|| panic!("{:?}", more.0));
    let file = |host: usize, id: &str| {
        catalog.hosts[host].resources.iter().find(|of| of.id.to_string() == id).map(content).expect(id)
    };
    let firewall = file(0, "file:/etc/nftables.conf");
    assert!(firewall.contains("tcp dport 22 accept") && firewall.contains("tcp dport 2222 accept"), "{firewall}");
    assert!(file(0, "file:/etc/apt/sources.list.d/steward.sources").contains("Suites: trixie trixie-updates"));
    assert!(catalog.hosts[1].resources.iter().all(|of| of.kind.works_in_directory()));
    let said: Vec<&str> = more.0.iter().map(|mistake| mistake.fact.as_str()).collect();
    assert!(said.len() == 1 && said[0].starts_with("a directory is not a running host: "), "{said:?}");
}

#[test]
fn a_port_is_open_to_whom_its_offer_says_and_two_services_may_share_one_that_says_so() {
    let module =
        |offers: &str| format!("version: 1\nsummary: {{ en: x }}\noffers: {{ ports: [{offers}] }}\nresources: []\n");
    let dir = tempfile::tempdir().expect("a temporary directory");
    let write = |path: &str, text: String| {
        let path = dir.path().join(path);
        std::fs::create_dir_all(path.parent().expect("it has one")).expect("it is writable");
        std::fs::write(path, text).expect("it is writable");
    };
    write(
        "modules/one.yaml",
        module("{ port: 80, for: one }, { port: 9100, for: 'a \"quote\"', from: [192.0.2.0/24, '2001:db8::/32'] }"),
    );
    write("modules/other.yaml", module("{ port: 80, shared: true, for: other }"));
    write(
        "c.yaml",
        format!(
            "{HEAD}hosts: {{ a: {{ address: a.example }} }}\nservices: {{ f: {{ module: firewall, on: a, params: {{ ssh_from: [10.0.0.0/8] }} }}, one: {{ module: one, on: a }}, other: {{ module: other, on: a }} }}\n"
        ),
    );
    let (inventory, mut mistakes) = load(dir.path());
    let inventory = inventory.expect("it loads");
    let library = Library::load(dir.path(), &mut mistakes);
    let (catalog, more) = compile(&inventory, &library, &inventory.select(None).expect("it has hosts"));
    let catalog = catalog.unwrap_or_else(|| panic!("{:?}", more.0));
    let rules =
        catalog.hosts[0].resources.iter().find(|of| of.id.to_string() == "file:/etc/nftables.conf").map(content);
    let rules = rules.expect("there is a firewall").replace("\\n", "\n").replace('\\', "");
    let of = |port: &str| -> Vec<&str> {
        rules.lines().filter(|line| line.contains(&format!(" dport {port} "))).map(str::trim).collect()
    };
    assert_eq!(of("22"), ["ip saddr 10.0.0.0/8 tcp dport 22 accept comment \"ssh\""]);
    assert_eq!(
        of("9100"),
        [
            "ip saddr 192.0.2.0/24 tcp dport 9100 accept comment \"a 'quote'\"",
            "ip6 saddr 2001:db8::/32 tcp dport 9100 accept comment \"a 'quote'\""
        ]
    );
    assert_eq!(of("80").len(), 2);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    /// Values of every form where texts are expected, and references every which way.
    #[test]
    fn no_inventory_makes_compiling_panic(
        value in "(\\{\\{ (vars\\.[ab]|x|y|host|people|needs\\.m|item) \\}\\}|[a-z]{0,3}|\\[1, a\\]|\\{ a: b \\}|12|null|true)",
        other in "(\\{\\{ (vars\\.[ab]|x|y)\\.a \\}\\}|\\{\\{ x( \\+ y)? \\}\\}|\\{% if x|/etc/a)",
        need in "(\\{\\}|\\{ m: \\{ service: [st] \\} \\}|\\{ m: s \\}|\\{ m: 1 \\}|\\{ n: \\{\\} \\})",
        on in "(a|b|all|\\[a, b\\]|'!a')",
    ) {
        let quoted = |text: &str| if text.contains("{{") || text.contains("{%") { format!("'{text}'") } else { text.to_owned() };
        let (value, other) = (quoted(&value), quoted(&other));
        let inventory = format!(
            "vars: {{ a: {other}, b: {value} }}\nhosts: {{ a: {{ address: a.example }}, b: {{ address: b.example }} }}\nservices:\n  \
             s: {{ module: m, on: {on}, params: {{ x: {value}, y: {other} }}, needs: {need} }}\n  \
             t: {{ module: m, on: all, params: {{ x: {other}, y: b }} }}\n"
        );
        let module = format!(
            "version: 1\nsummary: x\nparams: {{ x: {{}}, y: {{ default: {value} }} }}\nneeds: {{ m: {{ optional: true, of: {other} }} }}\n\
             facts: {{ a: {value} }}\noffers: {{ ports: [{{ for_each: {value}, port: {other} }}] }}\ngathers: {{ ports: {{ fields: {{ port: {{ type: int }} }} }} }}\n\
             resources:\n  - when: {value}\n    file: {{ path: {other}, content: {value} }}\n"
        );
        let summary = chapter(&inventory).module("m", &module).summary();
        proptest::prop_assert!(!summary.is_empty());
    }
}
