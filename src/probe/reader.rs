//! A look by a reader key: one exchange with the program that is installed on the host (`script/reader.sh`). What that does
//! not answer is unknown, never absent, and what it withholds is compared only where that is sure to be right.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Looking, answered, observed};
use crate::access::Seen;
use crate::catalog::HostCatalog;
use crate::diag::Diagnostic;
use crate::exchange::nonce;
use crate::kinds::Answer;
use crate::ledger::Records;
use crate::observed::{Look, Observed};
use crate::resource::{Attribute, Observation, State};
use crate::script::frames::Answers;
use crate::script::reader;
use crate::texts;
use crate::transport::{Broken, Session};

/// Asks for everything the catalog names. `records`: the directory of Steward's records there.
pub(super) fn look(
    session: &mut dyn Session,
    catalog: &HostCatalog,
    records: &str,
    silence: Duration,
) -> Result<Observed, Broken> {
    let nonce = nonce()?;
    let inventory = records.rsplit('/').next().unwrap_or_default();
    let (request, lines) = reader::request(catalog, inventory, &nonce);
    let mut talk = Looking { upload: Some(request), answers: Answers::new(&nonce), printed: Vec::new() };
    // the host runs its own program, whatever it is told to run
    session.exchange("steward-reader", &mut talk, silence).map_err(|broken| explained(broken, catalog))?;
    answered(&talk, catalog)?;
    let said = Said::read(talk.answers.sections.get("reader"));
    if let Some(why) = said.refusal(catalog) {
        return Err(Broken::Ended(Box::new(why)));
    }
    Ok(translated(catalog, &talk.answers.sections, &lines, &said))
}

/// What the section `reader` says.
#[derive(Debug, Default)]
struct Said {
    other_version: Option<String>,
    closed: Option<String>,
    /// True if the host is known to have been as this very catalog wants it.
    same: Option<bool>,
    refused: Vec<usize>,
}

impl Said {
    fn read(answer: Option<&Answer>) -> Self {
        let mut said = Self::default();
        for (word, rest) in
            answer.iter().flat_map(|answer| answer.text_lines()).filter_map(|line| line.split_once('|'))
        {
            match word {
                "program" => said.other_version = Some(rest.escape_debug().to_string()),
                "closed" => said.closed = Some(rest.escape_debug().to_string()),
                "readable" => said.same = Some(rest == "same"),
                "refused" => said.refused.extend(rest.parse::<usize>()),
                _ => {}
            }
        }
        said
    }

    fn refusal(&self, catalog: &HostCatalog) -> Option<Diagnostic> {
        let host = &catalog.host;
        if let Some(version) = &self.other_version {
            let fact = format!("the program for reader keys on host {host} is of another Steward ({version})");
            return Some(Diagnostic::error(fact).remedy(format!(
                "use that version here, or let an operator run `steward apply` (or `steward host reader {host}`) with this one"
            )));
        }
        let why = match (&self.closed, self.same) {
            (None, Some(_)) => return None,
            (Some(why), _) => why.as_str(),
            (None, None) => "its program said nothing that makes sense",
        };
        let fact = format!("host {host} answers no reader key: {why}");
        Some(
            Diagnostic::error(fact)
                .remedy(format!("let an operator run `steward apply`, then `steward host reader {host}`")),
        )
    }
}

const REFUSED: &str = "a reader key is told nothing of it: it was not applied as it is here";
const CHANGED: &str =
    "it was changed on the host, and in the inventory since the last complete apply: a reader key cannot compare";

fn translated(catalog: &HostCatalog, sections: &BTreeMap<String, Answer>, lines: &[usize], said: &Said) -> Observed {
    let refused: Vec<usize> = said.refused.iter().filter_map(|line| lines.get(*line).copied()).collect();
    let is_asked = |index: usize| lines.contains(&index) && !refused.contains(&index);
    let asked: Vec<usize> = (0..catalog.resources.len()).filter(|index| is_asked(*index)).collect();
    let resources = asked.iter().filter_map(|index| catalog.resources.get(*index).cloned()).collect();
    let part = HostCatalog { resources, bootstrap: None, ..catalog.clone() };
    let mut seen = observed(&part, sections, Look::default());
    let mut all = vec![Observation::Unknown(REFUSED.to_owned()); catalog.resources.len()];
    for (index, observation) in asked.into_iter().zip(std::mem::take(&mut seen.resources)) {
        let unsure =
            matches!(&observation, Observation::Present(state) if is_withheld(state)) && said.same != Some(true);
        if let Some(place) = all.get_mut(index) {
            *place = if unsure { Observation::Unknown(CHANGED.to_owned()) } else { observation };
        }
    }
    let untold = (texts::reader_accounts(), texts::reader_untold_accounts());
    let removed = (texts::reader_left(), texts::reader_untold_left());
    let access = catalog.bootstrap.is_some().then(|| Seen { unknown: vec![untold, removed], ..Seen::default() });
    // it is not told what else is managed, so nothing follows from that
    Observed { resources: all, access, records: Records::default(), ..seen }
}

/// True if the host has content that it does not tell.
fn is_withheld(state: &State) -> bool {
    let zeros = "0".repeat(64);
    state.0.values().any(|value| match value {
        Attribute::Content(content) => content.digest == zeros,
        Attribute::Text(text) => text.contains("(withheld)") || text.contains(&zeros),
    })
}

fn explained(broken: Broken, catalog: &HostCatalog) -> Broken {
    let remedy =
        format!("let an operator run `steward host reader {}`, and name the key by `--identity`", catalog.host);
    match broken {
        Broken::Unreachable(diagnostic) if diagnostic.fact.contains("does not let") => {
            Broken::Unreachable(Box::new(diagnostic.remedy(remedy)))
        }
        Broken::Ended(diagnostic) => Broken::Ended(Box::new(diagnostic.remedy(remedy))),
        other => other,
    }
}

#[cfg(test)]
mod tests;
