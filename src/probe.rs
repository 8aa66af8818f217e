//! Looking at a host: one exchange, nothing written. Takes a session and a catalog, gives what was observed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::access::Seen;
use crate::catalog::HostCatalog;
use crate::diag::Diagnostic;
use crate::exchange::nonce;
use crate::kinds::{Answer, Item};
use crate::observed::{Debt, Facts, Installed, Kept, Ledger, Look, Observed, Pending};
use crate::quoting::decode;
use crate::resource::{Observation, Want, digest};
use crate::script::frames::Answers;
use crate::script::{Settle, probe_program, reader as installed, request, settle_program};
use crate::transport::{Broken, Conversation, Input, Session, Sudo, privilege};

mod reader;

/// Asks the host for everything the catalog names. `records`: the directory of Steward's records there.
pub fn look(
    session: &mut dyn Session,
    catalog: &HostCatalog,
    records: &str,
    silence: Duration,
) -> Result<Observed, Broken> {
    looking(session, catalog, records, silence, None).map(|(_, observed)| observed)
}

/// The look after a change that may have locked everybody out. The same exchange confirms that change; gives what became
/// of it, in the words of `confirm` in `pending.sh`.
pub fn confirming_look(
    session: &mut dyn Session,
    catalog: &HostCatalog,
    records: &str,
    silence: Duration,
    settle: &Settle<'_>,
) -> Result<(String, Observed), Broken> {
    looking(session, catalog, records, silence, Some(settle))
}

fn looking(
    session: &mut dyn Session,
    catalog: &HostCatalog,
    records: &str,
    silence: Duration,
    settle: Option<&Settle<'_>>,
) -> Result<(String, Observed), Broken> {
    let sudo = session.login().sudo.clone();
    if matches!(sudo, Sudo::Reader) {
        return reader::look(session, catalog, records, silence).map(|observed| (String::new(), observed));
    }
    let nonce = nonce()?;
    let mut items: BTreeMap<&'static str, Vec<&dyn Item>> = BTreeMap::new();
    for resource in looked_at(catalog) {
        items.entry(resource.id.kind).or_default().push(&*resource.item);
    }
    let backed = if catalog.site.is_directory() { &[] } else { catalog.backed.as_slice() };
    let asked = request::Asked { access: catalog.bootstrap.is_some(), whole: !catalog.partial, backed };
    let request = request::request(&items, &catalog.site, records, asked, &nonce);
    let settle = settle.map(|settle| settle_program(settle, &nonce)).unwrap_or_default();
    let upload = privilege::with_input(&sudo, &nonce, (settle + &probe_program()).as_bytes(), &request);
    let mut talk = Looking { upload: Some(upload), answers: Answers::new(&nonce), printed: Vec::new() };
    session.exchange(&privilege::command(&sudo, &nonce), &mut talk, silence)?;
    answered(&talk, catalog)?;
    let look = Look { digest: digest(&talk.compared(&nonce)), nonce, request };
    let observed = observed(catalog, &talk.answers.sections, look);
    Ok((talk.answers.outcome.unwrap_or_default(), observed))
}

fn answered(talk: &Looking, catalog: &HostCatalog) -> Result<(), Broken> {
    if talk.answers.done {
        return Ok(());
    }
    let fact = format!("host {} answered with more than it was asked", catalog.host);
    Err(Broken::Ended(Box::new(Diagnostic::error(fact).remedy("look at what its login scripts print"))))
}

/// Translates the answers, kind by kind.
pub fn observed(catalog: &HostCatalog, sections: &BTreeMap<String, Answer>, look: Look) -> Observed {
    let (applied, ledger) = ledger(sections.get("ledger"));
    let mut resources = vec![Observation::Unknown("the host gave no answer".to_owned()); catalog.resources.len()];
    for kind in crate::kinds::ALL {
        let indices: Vec<usize> =
            (0..catalog.resources.len()).filter(|index| catalog.resources[*index].id.kind == kind.name()).collect();
        if catalog.site.is_directory() && !kind.works_in_directory() {
            for index in indices {
                resources[index] = Observation::Unknown("needs a whole host; this is a directory".to_owned());
            }
            continue;
        }
        let Some(answer) = sections.get(kind.name()) else { continue };
        let answer = &Answer { ledger: Arc::clone(&ledger), ..answer.clone() };
        let items: Vec<&dyn Item> = indices.iter().map(|index| &*catalog.resources[*index].item).collect();
        for (index, observation) in indices.into_iter().zip(kind.read(&items, &catalog.site, answer)) {
            resources[index] = observation;
        }
    }
    let facts = facts(sections.get("facts"));
    for (resource, seen) in catalog.resources.iter().zip(&mut resources) {
        let asks = catalog.support.get(&resource.id).filter(|_| resource.item.want() != Want::Absent);
        if let Some(why) = asks.and_then(|asks| asks.missing(facts.abilities.as_deref())) {
            *seen = Observation::Unknown(why);
        }
    }
    let access = catalog.bootstrap.is_some().then(|| Seen::read(sections.get("access")));
    Observed {
        resources,
        facts,
        debts: debts(sections.get("debts")),
        pending: pending(sections.get("debts")),
        interrupted: sections.get("debts").is_some_and(|answer| answer.text_lines().any(|line| line == "I")),
        applied,
        ledger,
        backups: crate::backups::read(sections.get("backups")),
        records: crate::ledger::read(sections.get("owned"), &catalog.site),
        access,
        reader: reader_key(sections.get("ledger")),
        look,
    }
}

fn looked_at(catalog: &HostCatalog) -> impl Iterator<Item = &crate::catalog::Resource> {
    let directory = catalog.site.is_directory();
    catalog.resources.iter().filter(move |resource| !directory || resource.kind.works_in_directory())
}

fn facts(answer: Option<&Answer>) -> Facts {
    let mut facts = Facts::default();
    for line in answer.iter().flat_map(|answer| answer.text_lines()) {
        match line.split_once('|') {
            Some(("os", os)) => os.clone_into(&mut facts.os),
            Some(("architecture", architecture)) => architecture.clone_into(&mut facts.architecture),
            Some(("uid", uid)) => facts.is_root = uid == "0",
            Some(("init", init)) => facts.has_systemd = init == "systemd",
            Some(("able", able)) => facts.abilities = Some(able.split_whitespace().map(str::to_owned).collect()),
            _ => {}
        }
    }
    facts
}

fn debts(answer: Option<&Answer>) -> Vec<Debt> {
    let debt = |line: &str| {
        let (name, reason) = line.strip_prefix("D|")?.split_once('|')?;
        Some(Debt { name: name.to_owned(), reason: reason.to_owned() })
    };
    answer.iter().flat_map(|answer| answer.text_lines()).filter_map(debt).collect()
}

/// Who is at work, a change that waits for its confirmation, or the last one that was rolled back.
fn pending(answer: Option<&Answer>) -> Option<Pending> {
    let read = |line: &str| match line.split('|').collect::<Vec<_>>()[..] {
        ["W", holder] => Some(Pending::AtWork { holder: holder.to_owned() }),
        ["P", holder] => Some(Pending::Waits { holder: holder.to_owned() }),
        ["B", _, holder, why] => Some(Pending::RolledBack { holder: holder.to_owned(), why: why.to_owned() }),
        _ => None,
    };
    answer.iter().flat_map(|answer| answer.text_lines()).find_map(read)
}

/// What is installed for reader keys, by its digests.
pub fn reader_key(answer: Option<&Answer>) -> Option<Installed> {
    let mut found = Installed::default();
    for line in answer.iter().flat_map(|answer| answer.text_lines()) {
        let Some((digest, file)) = line.strip_prefix("P|").and_then(|rest| rest.split_once('|')) else { continue };
        let place = match file {
            installed::PROGRAM => &mut found.program,
            installed::SUDOERS => &mut found.sudoers,
            installed::KEYS => &mut found.keys,
            file if file.ends_with("/readable") => &mut found.readable,
            _ => continue,
        };
        digest.clone_into(place);
    }
    (!found.program.is_empty()).then_some(found)
}

/// What the host remembers. A line that is not whole says nothing.
fn ledger(answer: Option<&Answer>) -> (Option<String>, Arc<Ledger>) {
    let (mut applied, mut ledger) = (None, Ledger::default());
    for line in answer.iter().flat_map(|answer| answer.text_lines()) {
        let fields: Vec<&str> = line.split('|').collect();
        match fields[..] {
            ["R", revision] => applied = Some(revision.to_owned()).filter(|revision| !revision.is_empty()),
            ["S", id, stamp, ids] => {
                let ids = ids.split(' ').filter_map(|pair| pair.split_once('='));
                let ids = ids.map(|(name, id)| (name.to_owned(), id.to_owned())).collect();
                ledger
                    .0
                    .insert(String::from_utf8_lossy(&decode(id)).into_owned(), Kept { stamp: stamp.to_owned(), ids });
            }
            _ => {}
        }
    }
    (applied, Arc::new(ledger))
}

/// What the host is must be what the inventory says it is; templates were rendered for that.
pub fn verify_facts(catalog: &HostCatalog, facts: &Facts) -> Result<(), Box<Diagnostic>> {
    let contradicts =
        |declared: &Option<String>, found: &str| declared.as_deref().is_some_and(|declared| declared != found);
    let (what, declared, found) = if contradicts(&catalog.os, &facts.os) {
        ("os", &catalog.os, &facts.os)
    } else if contradicts(&catalog.architecture, &facts.architecture) {
        ("arch", &catalog.architecture, &facts.architecture)
    } else {
        return Ok(());
    };
    let declared = declared.as_deref().unwrap_or_default();
    let fact = format!("host {} is declared `{what}: {declared}`, but it is `{found}`", catalog.host);
    Err(Box::new(
        Diagnostic::error(fact)
            .remedy(format!("correct `{what}` of the host in the inventory, and review what that changes")),
    ))
}

struct Looking {
    upload: Option<Vec<u8>>,
    answers: Answers,
    printed: Vec<u8>,
}

impl Looking {
    /// What must be the same when it comes to changing it: what the program printed, without the noise of login scripts
    /// before it, and without the debts, which come and go with what others do here, and without who can get in and how
    /// backups went, which no change goes by (`recheck` in `apply.sh`).
    fn compared(&self, nonce: &str) -> Vec<u8> {
        let position = |text: String| self.printed.windows(text.len()).position(|window| window == text.as_bytes());
        let start = position(format!("\n@{nonce} begin"));
        let end = position(format!("\n@{nonce} done\n")).map(|end| end + format!("\n@{nonce} done\n").len());
        let (Some(start), Some(end)) = (start, end) else { return Vec::new() };
        let mut left_out = None;
        let mut compared = Vec::new();
        for line in self.printed.get(start..end).unwrap_or_default().split_inclusive(|byte| *byte == b'\n') {
            let is = |word: &str, section: &str| line == format!("@{nonce} {word} {section}\n").as_bytes();
            left_out =
                left_out.or_else(|| ["debts", "access", "backups"].into_iter().find(|section| is("begin", section)));
            match left_out {
                None => compared.extend_from_slice(line),
                Some(section) if is("end", section) => left_out = None,
                Some(_) => {}
            }
        }
        compared
    }
}

impl Conversation for Looking {
    fn input(&mut self) -> Input {
        self.upload.take().map_or(Input::End, Input::Bytes)
    }

    fn output(&mut self, bytes: &[u8]) {
        self.answers.feed(bytes);
        if !self.answers.is_too_much() {
            self.printed.extend_from_slice(bytes);
        }
    }

    fn errors(&mut self, _bytes: &[u8]) {}

    fn finished(&self) -> bool {
        self.answers.done || self.answers.is_too_much()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_and_goes_by_itself_does_not_make_a_plan_stale() {
        let compared = |debts: &str, access: &str, file: &str| {
            let section = |name: &str, text: &str| format!("\n@ab12 begin {name}\n{text}\n@ab12 end {name}\n");
            let sections = section("debts", debts) + &section("access", access) + &section("file", file);
            let printed = format!("Welcome\n{sections}\n@ab12 done\n").into_bytes();
            Looking { upload: None, answers: Answers::new("ab12"), printed }.compared("ab12")
        };
        let before = compared("", "P|root|0", "A|/etc/x");
        assert_eq!(compared("D|reload.nginx|x", "@ab12 end debts\nP|eve|0", "A|/etc/x"), before);
        assert_ne!(compared("", "P|root|0", "A|/etc/y"), before);
        assert!(before.starts_with(b"\n\n\n@ab12 begin file\n"), "{}", String::from_utf8_lossy(&before));
    }
}
