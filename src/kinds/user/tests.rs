use super::*;
use crate::kinds::bench::{Bench, Directory, SHELLS, assert_converged};
use crate::resource::Attribute;

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILNTdeNFrEMkor/kXX8y5UROTQGPH+kHDKCcQVYeyDVE";

/// To read declarations only.
fn nowhere() -> Bench<'static> {
    Bench::on(Site::default(), |_, _| Vec::new())
}

fn item(yaml: &str) -> Box<dyn Item> {
    nowhere().item("user", yaml)
}

fn observed(yaml: &str, answer: &str) -> Observation {
    let answer = Answer { bytes: answer.as_bytes().to_vec(), ..Answer::default() };
    UserKind.read(&[&*item(yaml)], &Site::default(), &answer).remove(0)
}

fn text(observation: &Observation, attribute: &str) -> String {
    match observation {
        Observation::Present(state) => match state.0.get(attribute) {
            Some(Attribute::Text(text)) => text.clone(),
            other => format!("{other:?}"),
        },
        other => format!("{other:?}"),
    }
}

const ACCOUNT: &str = "P:ana:1001:1001:Ana:/home/ana:/bin/bash\nS:ana:none:\nN:1001:ana\nM:ana:sudo\nM:ana:adm\nM:ana:ana\n\
                       Z\nS|41c0|ana|1001|ana|1001|4096|/home/ana\n";

fn with_keys(directory: &str, file: &str, lines: &str) -> String {
    format!(
        "{ACCOUNT}S|{directory}|ana|1001|ana|1001|4096|/home/ana/.ssh\n\
         S|{file}|/home/ana/.ssh/authorized_keys\nA|/home/ana/.ssh/authorized_keys2\n{lines}"
    )
}

#[test]
fn an_account_as_wanted_is_in_order_whatever_the_order_of_its_groups_and_keys() {
    let yaml = format!(
        "{{ name: ana, uid: 1001, group: ana, groups: [sudo, ana, adm], shell: /bin/bash, password: none, \
         authorized_keys: [\"{KEY} b\", \"{KEY} a\"] }}"
    );
    let lines = format!("K|/home/ana/.ssh/authorized_keys|{KEY} a\nK|/home/ana/.ssh/authorized_keys|{KEY} b\n");
    let answer = with_keys("41c0", "8180|ana|1001|ana|1001|200", &lines);
    assert_converged(&*item(&yaml), &observed(&yaml, &answer));
    assert_converged(&*item("{ name: ana, group: \"1001\" }"), &observed("{ name: ana, group: \"1001\" }", ACCOUNT));
}

#[test]
fn a_key_that_is_not_declared_is_shown_as_a_line() {
    let yaml = format!("{{ name: ana, authorized_keys: [\"{KEY} ana\"] }}");
    let lines = format!("K|/home/ana/.ssh/authorized_keys|{KEY} eve\nK|/home/ana/.ssh/authorized_keys|{KEY} ana\n");
    let seen = observed(&yaml, &with_keys("41c0", "8180|ana|1001|ana|1001|200", &lines));
    assert_eq!(text(&seen, "authorized_keys"), format!("{KEY} ana\n{KEY} eve"));
    let Want::Present(wanted) = item(&yaml).want() else { panic!() };
    assert_eq!(wanted.0["authorized_keys"], Attribute::Text(format!("{KEY} ana")));
}

#[test]
fn keys_that_others_can_write_or_that_are_elsewhere_are_not_in_order() {
    let yaml = "{ name: ana, authorized_keys: [] }";
    let access = |answer: &str| text(&observed(yaml, answer), "keys_access");
    assert_eq!(access(&with_keys("41c0", "8180|ana|1001|ana|1001|2", "")), "private");
    assert_eq!(access(&with_keys("41ff", "8180|ana|1001|ana|1001|2", "")), ".ssh is writable by others");
    assert_eq!(access(&with_keys("41c0", "81b6|ana|1001|ana|1001|2", "")), "authorized_keys is writable by others");
    assert_eq!(access(&with_keys("41c0", "8180|eve|1002|eve|1002|2", "")), "authorized_keys belongs to eve");
    let link = observed(yaml, &with_keys("41c0", "a1ff|ana|1001|ana|1001|2", ""));
    assert_eq!(text(&link, "authorized_keys"), "(authorized_keys: link, not read)");
    let giant = observed(yaml, &with_keys("41c0", "8180|ana|1001|ana|1001|70000", ""));
    assert_eq!(text(&giant, "authorized_keys"), "(authorized_keys: too large, not read)");
}

#[test]
fn only_an_account_that_lets_nobody_in_counts_as_absent() {
    let gone = "{ name: ana, state: absent }";
    let closed = "P:ana:1001:1001:Ana:/home/ana:/bin/bash\nS:ana:locked:1\nN:1001:ana\nZ\n\
                  S|41c0|ana|1001|ana|1001|4096|/home/ana\nA|/home/ana/.ssh\n";
    assert_eq!(observed(gone, closed), Observation::Absent);
    assert_eq!(observed(gone, "A:ana\nZ\n"), Observation::Absent);
    for (change, to) in [("locked:1", "locked:"), ("locked", "set"), ("Z", "M:ana:sudo\nZ")] {
        let open = closed.replacen(change, to, 1);
        assert!(matches!(observed(gone, &open), Observation::Present(_)), "{to}");
    }
    let keys = with_keys("41c0", "8180|ana|1001|ana|1001|2", &format!("K|/home/ana/.ssh/authorized_keys|{KEY}\n"));
    let keys = keys.replace("none:", "none:1").replace("M:ana:sudo\nM:ana:adm\n", "");
    assert!(matches!(observed(gone, &keys), Observation::Present(_)));
    assert_eq!(text(&observed("{ name: ana }", closed), "expires"), "1970-01-02");
}

#[test]
fn half_an_answer_says_nothing() {
    let whole = with_keys("41c0", "8180|ana|1001|ana|1001|2", "");
    let yaml = "{ name: ana, authorized_keys: [] }";
    assert!(matches!(observed(yaml, &whole), Observation::Present(_)));
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    for missing in (0..lines.len()).filter(|index| !lines[*index].starts_with(['M', 'N'])) {
        let seen = observed(yaml, &[&lines[..missing], &lines[missing + 1..]].concat().concat());
        assert!(matches!(seen, Observation::Unknown(_)), "without {}: {seen:?}", lines[missing]);
    }
    let why = Observation::Unknown("/etc/shadow cannot be read".into());
    assert_eq!(observed(yaml, "E:/etc/shadow cannot be read\n"), why);
    for answer in ["P:ana:x:y:::\nZ\n", "P:ana\nZ\n", "\u{0}\nZ", "S:ana:none:\nA\nZ\n", "K|\nK||\nZ\n"] {
        assert!(matches!(observed(yaml, answer), Observation::Unknown(_)), "{answer:?}");
    }
}

#[test]
fn a_missing_home_is_seen_but_the_systems_own_accounts_need_none() {
    let missing = ACCOUNT.replace("S|41c0|ana|1001|ana|1001|4096|", "A|");
    assert_eq!(text(&observed("{ name: ana }", &missing), "home_directory"), "missing");
    let daemon = "P:ana:33:33:www:/var/www:/x\nS:ana:none:\nN:33:ana\nZ\nA|/var/www\n";
    assert_converged(&*item("{ name: ana }"), &observed("{ name: ana }", daemon));
}

#[test]
fn the_mistakes_of_a_declaration_are_said() {
    let yaml = "{ name: a b, groups: [x:y], home: srv, comment: \"a:b\", expires: soon, authorized_keys: [x] }";
    let said = nowhere().try_item("user", yaml).unwrap_err();
    for fact in [
        "`a b` is not the name",
        "`x:y` is not",
        "`srv` is not a plain",
        "`comment` holds",
        "`expires` is",
        "`x` is not a public",
    ] {
        assert!(said.contains(fact), "{fact}: {said}");
    }
    let root = nowhere().try_item("user", "{ name: root, state: absent }").unwrap_err();
    assert!(root.contains("root cannot be absent"), "{root}");
}

#[test]
fn real_accounts_are_seen_in_every_shell_without_their_hashes() {
    for shell in SHELLS {
        let directory = Directory::new();
        let bench = directory.host(shell);
        let items = ["{ name: root, home: /root }", "{ name: no-such-user }"].map(|yaml| bench.item("user", yaml));
        let seen = bench.probe("user", &[&*items[0], &*items[1]]);
        // not every machine lets its shadow be read
        if std::fs::read("/etc/shadow").is_ok() {
            assert_eq!((text(&seen[0], "uid").as_str(), &seen[1]), ("0", &Observation::Absent), "{shell:?}");
        } else {
            assert!(matches!(seen[0], Observation::Unknown(_)));
        }
    }
}

#[test]
fn a_password_in_clear_is_refused() {
    let said = nowhere().try_item("user", "{ name: ana, password: swordfish }").unwrap_err();
    assert!(said.contains("cannot stand here in clear") && !said.contains("swordfish"), "{said}");
    let said = nowhere().try_item("postgres_role", "{ name: ana, password: swordfish }").unwrap_err();
    assert!(said.contains("cannot stand here in clear") && !said.contains("swordfish"), "{said}");
}
