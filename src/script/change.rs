//! The script of one change: the constant library, and calls in execution order. Takes a [`HostPlan`], gives the
//! script and the payloads that follow it on standard input. Nothing of the plan is decided here.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::archive::{Archive, Chunk};
use super::owning::{announced, found_out};
use super::{apply_functions, probe_functions, rollback_program};
use crate::catalog::{HostCatalog, HostReaction, Resource};
use crate::history::{About, begun};
use crate::kinds::{Argument, Call, Item, Site};
use crate::lifelines::Lifeline;
use crate::plan::{HostPlan, debt_name};
use crate::quoting::quote;
use crate::resource::digest;
use crate::secret::Sealed;

/// Payloads of at most this many bytes go to the private directory in memory, larger ones to the disk.
const SMALL: usize = 1 << 20;

/// Who changes what, as the host records it.
#[derive(Debug, Clone)]
pub struct Run {
    /// The inventory's id; hexadecimal.
    pub inventory: String,
    /// A name for this run that sorts by time.
    pub id: String,
    /// One line for people who find the lock taken: who, since when, which revision.
    pub holder: String,
    /// Seconds to wait for another run to end.
    pub lock_wait: u64,
    /// Seconds that a confirmation may take before the host undoes what may have locked everybody out.
    pub confirm_within: u64,
    /// The commit that is applied, for the host to remember once all of it is; `None`: none is known.
    pub revision: Option<String>,
    /// What the run's entry on the host says of who made it, and why.
    pub about: About,
}

/// Where Steward keeps its records on every host; below the root of the site.
pub const RECORDS: &str = "/var/lib/steward";

impl Run {
    /// The directory of this inventory's records at a site.
    pub fn records(&self, site: &Site) -> String {
        site.path(&format!("{RECORDS}/{}", self.inventory))
    }
}

/// What to send: the script first, then the payloads.
pub struct Upload {
    pub script: Vec<u8>,
    pub payloads: Vec<Chunk>,
    /// True if something in it may lock everybody out, so that the host may wait for a confirmation afterwards.
    pub guarded: bool,
}

/// The script that does what the plan says.
pub fn change(plan: &HostPlan, run: &Run) -> Upload {
    let catalog = &*plan.catalog;
    let reactions = catalog.reactions();
    let mut writer = Writer {
        plan,
        catalog,
        body: Vec::new(),
        small: Archive::default(),
        large: Archive::default(),
        places: BTreeMap::new(),
        guarded: false,
        confirm_with: None,
        potential: potential(plan, catalog, &reactions),
        reactions,
    };
    writer.write(run);
    writer.finish(run)
}

/// For each reaction, the steps that may owe it.
fn potential(plan: &HostPlan, catalog: &HostCatalog, reactions: &[HostReaction]) -> Vec<Vec<usize>> {
    let causes = |reaction: &HostReaction| {
        let owes =
            |step: &&usize| catalog.resources.get(**step).is_some_and(|resource| reaction.is_owed_by(resource));
        plan.steps.iter().filter(owes).copied().collect()
    };
    reactions.iter().map(causes).collect()
}

struct Writer<'a> {
    plan: &'a HostPlan,
    catalog: &'a HostCatalog,
    reactions: Vec<HostReaction>,
    potential: Vec<Vec<usize>>,
    body: Vec<u8>,
    small: Archive,
    large: Archive,
    /// Where a payload lies on the host, by digest: equal contents travel once.
    places: BTreeMap<String, String>,
    guarded: bool,
    /// Where the rollback's program lies on the host.
    confirm_with: Option<String>,
}

impl Writer<'_> {
    fn write(&mut self, run: &Run) {
        let request = self.payload(&Arc::from(&self.plan.look.request[..]));
        let look = self.plan.look.digest.clone();
        let records = self.records();
        let mut head = std::mem::take(&mut self.body);
        head.extend(records);
        for (number, causes) in self.potential.clone().into_iter().enumerate() {
            let owed = self.plan.owed.contains(&number);
            if !causes.is_empty() || owed {
                let name = self.debt(number);
                let reason = causes.first().and_then(|step| self.catalog.resources.get(*step));
                let reason = reason.map_or_else(|| name.clone(), |resource| format!("{} changed", resource.id));
                head.extend(line(&[b"debt", &quote(name.as_bytes()), &quote(reason.as_bytes())]));
            }
            if owed {
                head.extend(line(&[b"owe", number.to_string().as_bytes()]));
            }
        }
        head.extend_from_slice(b"debts_written\n");
        for service in 0..self.catalog.services.len() {
            self.service(service);
        }
        for number in 0..self.reactions.len() {
            if self.is_potential(number) {
                self.settle(number, true);
                let name = quote(self.debt(number).as_bytes());
                self.body.extend(line(&[b"cleared", number.to_string().as_bytes(), &name]));
            }
        }
        let entry = self.payload(&Arc::from(begun(self.plan, run).into_bytes()));
        head.extend(line(&[b"record", entry.as_bytes()]));
        let body = std::mem::take(&mut self.body);
        self.body = line(&[b"recheck", request.as_bytes(), look.as_bytes()]);
        if self.guarded {
            let program = self.payload(&Arc::from(rollback_program().into_bytes()));
            self.confirm_with = Some(program);
        }
        self.body.extend(head);
        self.body.extend(body);
    }

    /// What is managed, and what the look found out of who made it.
    fn records(&mut self) -> Vec<u8> {
        let leavings = &self.plan.leavings;
        if leavings.managed.is_empty() {
            return Vec::new();
        }
        let list = self.payload(&Arc::from(&leavings.managed[..]));
        let part: &[u8] = if self.catalog.partial { b"part" } else { b"whole" };
        let mut lines = line(&[b"records", list.as_bytes(), part]);
        lines.extend(found_out(self.plan));
        lines
    }

    fn service(&mut self, service: usize) {
        let needs = self.catalog.services.get(service).map(|entry| numbers(&entry.needs)).unwrap_or_default();
        self.body.extend(line(&[b"service", service.to_string().as_bytes(), &quote(needs.as_bytes())]));
        let first_owner = |step: usize| self.catalog.resources.get(step).and_then(|it| it.owners.first().copied());
        let steps: Vec<usize> =
            self.plan.steps.iter().copied().filter(|step| first_owner(*step) == Some(service)).collect();
        for group in neighbours(&steps, self.catalog) {
            self.group(&group);
        }
        for number in 0..self.reactions.len() {
            let declared_here = first_owner(self.reactions[number].resource) == Some(service);
            if declared_here && self.is_potential(number) {
                self.settle(number, false);
            }
        }
    }

    fn is_potential(&self, number: usize) -> bool {
        self.potential.get(number).is_some_and(|causes| !causes.is_empty()) || self.plan.owed.contains(&number)
    }

    /// Calls for neighbouring steps of one kind.
    fn group(&mut self, steps: &[usize]) {
        let resources: Vec<&Resource> = steps.iter().filter_map(|step| self.catalog.resources.get(*step)).collect();
        let Some(kind) = resources.first().map(|resource| resource.kind) else { return };
        let items: Vec<&dyn Item> = resources.iter().map(|resource| &*resource.item).collect();
        let mut next = 0;
        for call in kind.calls(&items, &self.catalog.site) {
            let end = steps.len().min(next + call.covers.max(1));
            self.step(&steps[next..end], &call);
            next = end;
        }
    }

    fn step(&mut self, steps: &[usize], call: &Call) {
        let mut owners: Vec<usize> = steps
            .iter()
            .filter_map(|step| self.catalog.resources.get(*step))
            .flat_map(|it| it.owners.clone())
            .collect();
        owners.sort_unstable();
        owners.dedup();
        let owes: Vec<usize> = (0..self.reactions.len())
            .filter(|number| self.potential[*number].iter().any(|cause| steps.contains(cause)))
            .collect();
        let own: Vec<usize> =
            (0..self.reactions.len()).filter(|number| steps.contains(&self.reactions[*number].resource)).collect();
        let words = [numbers(steps), numbers(&owners), numbers(&owes), numbers(&own)];
        let resources: Vec<&Resource> = steps.iter().filter_map(|step| self.catalog.resources.get(*step)).collect();
        self.body.extend(announced(self.plan, &resources));
        let mut text = b"step".to_vec();
        for word in words {
            text.push(b' ');
            text.extend(quote(word.as_bytes()));
        }
        let lifelines = steps.iter().filter_map(|step| self.catalog.resources.get(*step));
        self.guard(&mut text, &lifelines.flat_map(|it| it.item.lifelines()).collect::<Vec<_>>());
        self.call(&mut text, call);
    }

    fn settle(&mut self, number: usize, last: bool) {
        let declared = self.reactions[number].clone();
        let owner =
            self.catalog.resources.get(declared.resource).and_then(|it| it.owners.first().copied()).unwrap_or(0);
        let mut text = format!("settle {number} {owner} ").into_bytes();
        text.extend(quote(self.debt(number).as_bytes()));
        text.extend_from_slice(if last { b" last " } else { b" more " });
        text.extend(quote(declared.reaction.validate.as_deref().unwrap_or_default().as_bytes()));
        let resource = self.catalog.resources.get(declared.resource);
        self.guard(&mut text, &resource.map(|it| it.item.lifelines()).unwrap_or_default());
        self.call(&mut text, &declared.reaction.call);
    }

    /// Lets the host save what a call may close, before it. A directory that stands for a host locks nobody out.
    fn guard(&mut self, text: &mut Vec<u8>, lifelines: &[Lifeline]) {
        if lifelines.is_empty() || self.catalog.site.is_directory() {
            return;
        }
        self.guarded = true;
        let words = crate::lifelines::words(lifelines);
        text.extend(format!(" guarded {}", words.len()).into_bytes());
        for word in words {
            text.push(b' ');
            text.extend(quote(word.as_bytes()));
        }
    }

    fn call(&mut self, text: &mut Vec<u8>, call: &Call) {
        text.push(b' ');
        text.extend_from_slice(call.function.as_bytes());
        for argument in &call.arguments {
            text.push(b' ');
            match argument {
                Argument::Text(bytes) => text.extend(quote(bytes)),
                Argument::Payload(bytes) => text.extend(self.payload(bytes).into_bytes()),
                Argument::Secret(sealed) => text.extend(self.secret(sealed).into_bytes()),
                Argument::Carried(carried) => text.extend(self.payload(&carried.bytes()).into_bytes()),
            }
        }
        text.push(b'\n');
        self.body.append(text);
    }

    fn payload(&mut self, bytes: &Arc<[u8]>) -> String {
        let (small, large) = (&mut self.small, &mut self.large);
        let place = || {
            if bytes.len() <= SMALL {
                format!("\"$RUN/payload/{}\"", small.add(Chunk::Plain(Arc::clone(bytes))))
            } else {
                format!("\"$STAGE/{}\"", large.add(Chunk::Plain(Arc::clone(bytes))))
            }
        };
        self.places.entry(digest(bytes)).or_insert_with(place).clone()
    }

    /// Always in the private directory, whatever its size. `apply` has refused what cannot be read.
    fn secret(&mut self, sealed: &Sealed) -> String {
        let Ok(real) = &sealed.real else { return "/nonexistent".to_owned() };
        format!("\"$RUN/payload/{}\"", self.small.add(Chunk::Secret(Arc::clone(real))))
    }

    fn debt(&self, number: usize) -> String {
        let declared = &self.reactions[number];
        self.catalog
            .resources
            .get(declared.resource)
            .map(|resource| debt_name(declared, resource))
            .unwrap_or_default()
    }

    fn finish(self, run: &Run) -> Upload {
        let (small, large) = (self.small.finish(), self.large.finish());
        let size = |chunks: &[Chunk]| chunks.iter().map(|chunk| chunk.bytes().len()).sum::<usize>().to_string();
        let mut script = format!("{}{}", probe_functions(), apply_functions()).into_bytes();
        script.extend_from_slice(b"apply_main() {\n");
        script.extend(line(&[b"NONCE=", self.plan.look.nonce.as_bytes()]).into_iter().filter(|byte| *byte != b' '));
        script.extend(line(&[
            b"begin",
            &quote(self.catalog.site.path(RECORDS).as_bytes()),
            &quote(run.inventory.as_bytes()),
            &quote(run.id.as_bytes()),
            &quote(run.holder.as_bytes()),
            run.lock_wait.to_string().as_bytes(),
            &quote(run.revision.as_deref().unwrap_or_default().as_bytes()),
        ]));
        script.extend(line(&[b"receive", size(&small).as_bytes(), size(&large).as_bytes()]));
        if let Some(program) = &self.confirm_with {
            let seconds = run.confirm_within.to_string();
            script.extend(line(&[b"confirm_with", program.as_bytes(), seconds.as_bytes()]));
        }
        script.extend(self.body);
        script.extend_from_slice(b"finish done\n}\napply_main\n");
        Upload { script, payloads: small.into_iter().chain(large).collect(), guarded: self.guarded }
    }
}

/// Steps that one call of their kind may serve: of the same kind, owned alike, and with nothing run between them.
fn neighbours(steps: &[usize], catalog: &HostCatalog) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for &step in steps {
        let key = |step: usize| catalog.resources.get(step).map(|it| (it.kind.name(), &it.owners));
        match groups.last_mut().filter(|group| group.first().is_some_and(|first| key(*first) == key(step))) {
            Some(group) => group.push(step),
            None => groups.push(vec![step]),
        }
    }
    groups
}

fn numbers(indices: &[usize]) -> String {
    indices.iter().map(usize::to_string).collect::<Vec<_>>().join(" ")
}

pub(super) fn line(words: &[&[u8]]) -> Vec<u8> {
    let mut line = words.join(&b' ');
    line.push(b'\n');
    line
}
