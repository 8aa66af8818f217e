//! Needs that carry a secret: who asks hands it to who provides, on whatever host, and both know it by its name only.

use super::*;
use crate::kinds::Site;
use crate::secret::{Secret, SecretName};

const STORE: &str = "version: 1\nsummary: x\n\
    takes: { database: { unique: true }, password: { optional: true }, locale: { default: C } }\n\
    facts: { user: \"{{ need.database }}\", password: \"{{ need.password }}\" }\nresources:\n\
    \x20 - for_each: \"{{ needed_by | unique(attribute='database') | list }}\"\n\
    \x20   postgres_role: { name: \"{{ item.database }}\", password: \"{{ item.password }}\" }\n";
const APP: &str = "version: 1\nsummary: x\nsecrets: { db: {} }\n\
    needs: { store: { database: \"{{ service }}\", password: \"{{ secrets.db }}\" } }\nresources:\n\
    \x20 - file: { path: \"/etc/{{ service }}\", content: \"{{ needs.store.user }}:{{ needs.store.password }}\" }\n";
const TWO: &str = "hosts: { a: { address: a.example }, b: { address: b.example } }\nservices:\n\
    \x20 db: { module: store, on: b }\n\x20 wiki: { module: app, on: a, needs: { store: db } }\n";

struct Known;

impl SecretSource for Known {
    fn value(&self, name: &SecretName) -> Result<Arc<Secret>, String> {
        Ok(Arc::new(Secret::new(format!("value of {}", name.name))))
    }

    fn value_id(&self, name: &SecretName) -> Option<String> {
        Some(format!("id-{}", name.name))
    }
}

/// The catalog with values, of this inventory.
fn with_values(inventory: &str) -> Catalog {
    let dir = tempfile::tempdir().expect("a temporary directory");
    std::fs::write(dir.path().join("c.yaml"), format!("{HEAD}{inventory}")).expect("it is writable");
    let (inventory, mut mistakes) = load(dir.path());
    let inventory = inventory.expect("the inventory loads");
    let library = Library::of(&[("store", STORE), ("app", APP)], &[], dir.path(), &mut mistakes);
    let selection = inventory.select(None).expect("the limit selects");
    let (catalog, more) = compile_with(&inventory, &library, &selection, Arc::new(Known));
    assert!(mistakes.0.is_empty() && more.0.is_empty(), "{mistakes:?} {more:?}");
    catalog.expect("it compiles")
}

#[test]
fn a_secret_goes_with_a_need_to_another_host_and_comes_back_as_a_fact() {
    let catalog = with_values(TWO);
    let resource = |host: &str, id: &str| {
        let host = catalog.hosts.iter().find(|it| it.host == host).expect("the host");
        host.resources.iter().find(|it| it.id.to_string() == id).expect("the resource").clone()
    };
    for it in [resource("b", "postgres_role:wiki"), resource("a", "file:/etc/wiki")] {
        let sealed = it.item.sealed().expect("it holds the secret");
        let uses: Vec<String> = sealed.uses.iter().map(ToString::to_string).collect();
        assert_eq!((uses.join(" "), sealed.ids_line()), ("wiki/db".into(), "wiki/db=id-db".into()), "{}", it.id);
        assert!(sealed.real.is_ok(), "{}", it.id);
        let call = format!("{:?}{:?}", it.item.call(&Site::default()), it.item.want());
        assert!(
            call.contains("‹secret wiki/db›") || call.contains("SCRAM") || call.contains("226, 128, 185"),
            "{call}"
        );
        assert!(!call.contains("value of"), "{call}");
    }
    let file = resource("a", "file:/etc/wiki");
    #[allow(clippy::disallowed_methods, reason = "it is the text of this test")]
    let real = file.item.sealed().and_then(|it| it.real.as_ref().ok()).map(|real| real.reveal().to_vec());
    assert_eq!(real, Some(b"wiki:value of db".to_vec()));
}

#[test]
fn without_any_value_the_same_is_known_by_its_placeholders() {
    let chapter = chapter(TWO).module("store", STORE).module("app", APP);
    assert_eq!(
        chapter.summary(),
        "a (wave 1): wiki\n  file:/etc/wiki of wiki = wiki:‹secret wiki/db›\nb (wave 0): db\n  \
         postgres_role:wiki of db = ‹secret wiki/db›\n"
    );
}

#[test]
fn two_services_never_share_by_accident_what_is_unique_but_the_hosts_of_one_do() {
    let inventory = "hosts: { a: { address: a.example }, b: { address: b.example } }\nservices:\n\
        \x20 db: { module: store, on: b }\n\x20 wiki: { module: app, on: [a, b], needs: { store: db } }\n";
    let twice = chapter(inventory).module("store", STORE).module("app", APP).summary();
    assert_eq!(twice.matches("postgres_role").count(), 1, "{twice}");
    let more = format!("{inventory}\x20 shop: {{ module: app, on: b, needs: {{ store: {{ database: wiki }} }} }}\n");
    let said = chapter(&more).module("store", STORE).module("app", APP).summary();
    assert!(said.starts_with("c.yaml:7:59: `wiki` and `shop` both want the `database` wiki; give one"), "{said}");
}

#[test]
fn what_a_need_says_is_checked_where_it_is_said() {
    let said = |need: &str| {
        let inventory = format!(
            "hosts: {{ a: {{ address: a.example }} }}\nservices:\n\x20 db: {{ module: store, on: a }}\n\
             \x20 wiki: {{ module: app, on: a, needs: {{ store: {need} }} }}\n"
        );
        chapter(&inventory).module("store", STORE).module("app", APP).summary()
    };
    let unknown = said("{ databse: x }");
    assert!(unknown.contains("6:49: `needs.store` has no field `databse`; did you mean `database`?"), "{unknown}");
    let wrong = said("{ locale: 3 }");
    assert!(wrong.contains("`needs.store.locale` must be text, not the number 3"), "{wrong}");
    let changed = said("{ password: \"{{ secrets.db | upper }}\" }");
    assert!(changed.contains("the secret wiki/db cannot be changed or compared here"), "{changed}");
    let shown = said("{ database: \"{{ secrets.db }}\" }");
    assert!(shown.contains("a secret cannot stand in `name` of a postgres_role"), "{shown}");
    let lacks = APP.replace("database: \"{{ service }}\", ", "");
    let bare = "hosts: { a: { address: a.example } }\nservices: { db: { module: store, on: a }, wiki: { module: app, on: a } }\n";
    let lacks = chapter(bare).module("store", STORE).module("app", &lacks).summary();
    assert!(lacks.contains("modules/app.yaml:4:10: `needs.store` lacks the field `database`"), "{lacks}");
}
