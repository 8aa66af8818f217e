//! What apply changes is what plan said, and nothing else: random inventories and random drift on a real host, judged by
//! the events of the apply and, past Steward, by the files of the host before and after. A few rounds in the ordinary run;
//! `STEWARD_ROUNDS=200` does more, and `STEWARD_SEED=N` repeats those of one run.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::{Chapter, Host};

/// Paths that a round may declare or spoil; none is above another but for the directory of all.
const TOP: &str = "/etc/steward-rounds";
const PATHS: [&str; 10] = ["a1", "b2", "c3", "d4", "e5", "f6", "g7", "h8", "i9", "j0"];
/// What a change of an account or group may write.
const ACCOUNTS: [&str; 6] =
    ["/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow", "/etc/subuid", "/etc/subgid"];

/// xorshift64: the same seed gives the same rounds on every machine.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).unwrap()
    }
}

/// A resource of one path in one of the ways there are, or none. A path stays a file, a link or a directory: what somebody
/// replaced by something else is unknown to some kinds, and other tests are about that.
fn resource(path: &str, chance: &mut Chance) -> Option<String> {
    let mode = ["\"0644\"", "\"0600\"", "\"0750\""][chance.below(3)];
    let text = ["one", "two $(touch /etc/steward-rounds/ran)", "'three' \\\"3\\\"", "-four é"][chance.below(4)];
    let way = chance.below(6);
    let line = match path {
        _ if way == 0 => return None,
        "a1" | "b2" if way == 1 => format!("link: {{ path: {TOP}/{path}, state: absent }}"),
        "a1" | "b2" => {
            format!("link: {{ path: {TOP}/{path}, target: {} }}", ["/etc/motd", "../nowhere"][chance.below(2)])
        }
        "c3" => format!("directory: {{ path: {TOP}/{path}, mode: {mode} }}"),
        _ if way == 1 => format!("file: {{ path: {TOP}/{path}, state: absent }}"),
        _ if way == 2 => {
            format!("line: {{ path: {TOP}/{path}, line: \"key = {text}\", match: \"^key\", create: true }}")
        }
        _ if way == 3 => {
            format!("block: {{ path: {TOP}/{path}, name: ours, content: \"{text}\\n\", create: true }}")
        }
        _ => format!("file: {{ path: {TOP}/{path}, content: \"{text}\\n\", mode: {mode} }}"),
    };
    Some(format!("  - {line}\n"))
}

fn resources(chance: &mut Chance) -> String {
    let mut all = format!("  - directory: {{ path: {TOP} }}\n");
    all.extend(PATHS.iter().filter_map(|path| resource(path, chance)));
    for (index, name) in ["rounda", "roundb"].iter().enumerate() {
        match chance.below(3) {
            0 => {}
            1 => all.push_str(&format!("  - group: {{ name: {name} }}\n")),
            _ => all.push_str(&format!("  - user: {{ name: {name}, comment: C{} }}\n", chance.below(2) + index)),
        }
    }
    all
}

/// What somebody does to the host by hand.
fn spoiled(chance: &mut Chance) -> String {
    let mut script = String::new();
    for path in PATHS {
        let path = format!("{TOP}/{path}");
        script.push_str(&match chance.below(6) {
            0 => format!("[ -f {path} ] && [ ! -L {path} ] && echo by hand >> {path}; "),
            1 => format!("[ -e {path} ] && [ ! -L {path} ] && chmod 0711 {path}; "),
            2 => format!("[ -L {path} ] && ln -sfn /etc/hostname {path}; "),
            3 => format!("[ -e {path} ] && [ ! -L {path} ] && chown daemon {path}; "),
            _ => String::new(),
        });
    }
    script + "true"
}

/// Type, mode, owner, target and digest of everything that could be anybody's; not what Steward keeps for itself.
fn snapshot(host: &Host) -> BTreeMap<String, String> {
    let script = "cd / && find /etc /home /srv /opt /root /usr/local /var/spool/cron -xdev \\( -path /root/.ssh -o -path /home/admin \\) -prune -o -printf '%p\\t%y %m %u %g %l\\n'; \
                  find /etc /home /srv /opt /root /usr/local -xdev -type f -exec sha256sum {} + | sed 's/^\\([0-9a-f]*\\)  \\(.*\\)$/\\2\\t\\1/'";
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    for line in host.sh(script).lines() {
        let (path, about) = line.split_once('\t').unwrap();
        found.entry(path.to_owned()).or_default().push_str(about);
    }
    found
}

fn differing(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> BTreeSet<String> {
    before.keys().chain(after.keys()).filter(|path| before.get(*path) != after.get(*path)).cloned().collect()
}

/// The path that a change is about: the one of ours that its id names, or the directory of all.
fn path_of(id: &str) -> String {
    PATHS.iter().map(|path| format!("{TOP}/{path}")).find(|path| id.contains(path)).unwrap_or_else(|| TOP.to_owned())
}

/// One round: the host may be anything before, and is what the inventory says after.
fn round(host: &Host, seed: u64) {
    let mut chance = Chance(seed);
    chance.below(2);
    let told = format!("STEWARD_SEED={seed}");
    host.sh(&spoiled(&mut chance));
    let chapter = Chapter::new().host("web1", host).resources(&resources(&mut chance));
    let plan = chapter.run(&["plan", "--format", "json", "--show-remote"]).success().json();
    let entry = &plan["hosts"][0];
    assert_eq!(entry["unknown"].as_array().unwrap().len(), 0, "{told}: {entry}");
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let planned: BTreeSet<String> = entry["changes"].as_array().unwrap().iter().map(|it| text(&it["id"])).collect();
    let before = snapshot(host);
    // what an earlier round made goes, too
    let ran = chapter.run(&["apply", "--yes", "--format", "json", "--allow-deletions", "99"]);
    let events = ran.events();
    let after = snapshot(host);
    let changed: BTreeSet<String> =
        events.iter().filter(|it| it["event"] == "changed").map(|it| text(&it["id"])).collect();
    assert_eq!(changed, planned, "{told}: events and plan: {ran}");
    assert_eq!(ran.summary("web1")["status"], "converged", "{told}: {ran}");

    let is_account = |id: &&String| id.starts_with("user:") || id.starts_with("group:");
    let accounts = planned.iter().filter(is_account).count();
    let paths: BTreeSet<String> = planned.iter().filter(|id| !is_account(id)).map(|id| path_of(id)).collect();
    let mut touched = differing(&before, &after);
    if accounts > 0 {
        assert!(touched.iter().any(|path| ACCOUNTS.contains(&path.as_str())), "{told}: {touched:?}");
        let own = |path: &String| {
            ACCOUNTS.contains(&path.trim_end_matches('-'))
                || path == "/etc/.pwd.lock"
                || path.starts_with("/home/round")
        };
        touched.retain(|path| !own(path));
    }
    assert_eq!(touched, paths, "{told}: files and plan: {plan}");
    assert!(!touched.contains(&format!("{TOP}/ran")), "{told}: a value was run");
    let _ = chapter.run(&["plan", "--detailed-exitcode"]).success().no_changes();
}

#[test]
fn what_apply_changes_is_what_plan_said_and_nothing_else() {
    let number = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let host = Host::new();
    host.ssh("sudo true"); // a login leaves its own traces the first time
    for count in 0..number("STEWARD_ROUNDS").unwrap_or(2) {
        round(&host, number("STEWARD_SEED").unwrap_or(0x9e37_79b9 + count * 7919));
    }
}

#[test]
fn a_snapshot_sees_what_nobody_planned() {
    let host = Host::new();
    let before = snapshot(&host);
    host.sh("echo x > /etc/one; chmod 0600 /etc/motd; ln -s /x /srv/two; mkdir /home/three");
    let seen = differing(&before, &snapshot(&host));
    let expected = ["/etc/motd", "/etc/one", "/home/three", "/srv/two"].map(str::to_owned);
    assert_eq!(seen, BTreeSet::from(expected));
}
