//! Accounts, keys and rights: what is there and nobody declared, by the same judgement that a plan shows.

use super::said::{Said, failing, none_of};
use super::{Audited, Expected, Verdict};
use crate::access::{Finding, What};

const POINTS: &[(&str, &str, What)] = &[
    ("accounts.root", "only root has the number of root", What::Uid0),
    ("accounts.declared", "only declared accounts can log in", What::Account),
    ("accounts.keys", "only declared keys log in", What::Key),
    ("accounts.rights", "only who is declared acts as root", What::Sudo),
    ("accounts.ways", "sshd knows no other ways in", What::Sshd),
];

pub(super) fn audit(expected: &Expected, said: &Said, findings: &[Finding]) -> Vec<Audited> {
    let of = |what: What| findings.iter().filter(move |finding| finding.what == what).collect::<Vec<_>>();
    let unknown = of(What::Unknown);
    let mut all: Vec<Audited> = POINTS
        .iter()
        .map(|(id, title, what)| Audited { id, title, verdict: verdict(&of(*what), &unknown) })
        .collect();
    all.push(Audited {
        id: "accounts.bootstrap",
        title: "the login of the hosting is closed",
        verdict: match of(What::Bootstrap)[..] {
            // somebody has to get in
            [finding, ..] if expected.maintainers < 2 => Verdict::Skip(format!(
                "{}: stays open until two maintainers have accounts of their own",
                finding.detail.program()
            )),
            ref found => verdict(found, &unknown),
        },
    });
    let point = ("accounts.empty-passwords", "no account has an empty password");
    let remedy = "`passwd --lock ACCOUNT` on the host";
    all.push(none_of(said, point, "empty_password", |account| Some(account.to_owned()), remedy));
    all
}

fn verdict(found: &[&Finding], unknown: &[&Finding]) -> Verdict {
    match (found.first(), unknown.first()) {
        (Some(first), _) => {
            let facts = found
                .iter()
                .map(|finding| format!("{} ({})", finding.detail.program(), finding.file.program()))
                .collect();
            failing(facts, first.remedy.program())
        }
        (None, Some(why)) => Verdict::Skip(format!("not known: {}: {}", why.file.program(), why.detail.program())),
        (None, None) => Verdict::Pass,
    }
}
