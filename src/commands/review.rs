//! `steward review`

use clap::Args;
use serde_json::json;

use super::step::{self, Step};
use super::{Context, Outcome};
use crate::diag::{Diagnostic, Diagnostics};
use crate::exit::Exit;
use crate::inventory;
use crate::review::{self, Side, Which, fresh};
use crate::revision::{extracted, strangers_revision};
use crate::ui::Format;

/// Show what a change of the inventory means, from git alone: no host, no key and no secret is needed.
#[derive(Debug, Args)]
pub struct Review {
    /// The git revision to compare with.
    #[arg(long, value_name = "REV")]
    base: String,
    /// The git revision under review; the working tree as it is, if not given.
    #[arg(long, value_name = "REV")]
    head: Option<String>,
    /// Exit with 2 if anything would change.
    #[arg(long)]
    detailed_exitcode: bool,
    #[command(flatten)]
    step: Step,
}

impl Review {
    pub fn run(self, context: &Context) -> Outcome {
        let Self { base: base_rev, head: head_rev, detailed_exitcode, step } = self;
        let page = step.file()?;
        if context.global.limit.is_some() {
            let wrong = Diagnostic::error("a review is of the whole inventory");
            return Err(wrong.remedy("leave `--limit` out").into());
        }
        let dir = context.untouched_dir()?;
        let base = extracted(&dir, &base_rev)?;
        let head = head_rev.as_deref().map(|rev| extracted(&dir, rev)).transpose()?;
        let head_dir = head.as_ref().map_or(dir.as_path(), |head| head.dir.as_path());
        let (old, new) = std::thread::scope(|scope| {
            let old = scope.spawn(|| base.dir.exists().then(|| Side::read(&base.dir, Which::Base)).transpose());
            let new = Side::read(head_dir, Which::Head);
            (old.join().unwrap_or_else(|_| Err(Diagnostic::error("the base could not be compiled").into())), new)
        });
        let old = old.map_err(|mistakes| base.named(mistakes));
        let named = |mistakes| match &head {
            Some(head) => head.named(mistakes),
            None => mistakes,
        };
        let mut new = match new {
            Ok(new) => new,
            Err(mistakes) => {
                let head = inventory::load(head_dir).0;
                let locale = head.as_ref().map(|inventory| inventory.chapter.locale).unwrap_or_default();
                let locale = context.global.locale.unwrap_or(locale);
                let id = head.map(|inventory| inventory.id.value).unwrap_or_default();
                let mistakes = only_new(&old.err().unwrap_or_default(), named(mistakes));
                let document = review::broken(&id, &mistakes, locale).text();
                page.map_or(Ok(()), |page| step::add(&page, &document))?;
                return Ok(broken(context, &base.commit, &document, &mistakes));
            }
        };
        let mut old = old.map_err(|mut mistakes| {
            let wrong = Diagnostic::error("the base has mistakes of its own");
            mistakes.push(wrong.remedy("choose a base that is valid"));
            mistakes
        })?;
        new.complaints = named(std::mem::take(&mut new.complaints));
        if let Some(old) = &mut old {
            old.complaints = base.named(std::mem::take(&mut old.complaints));
        }
        let mut found = review::review(old.as_ref(), &new);
        found.base.clone_from(&base.commit);
        found.head = head.map(|head| head.commit).or_else(|| strangers_revision(&dir)).unwrap_or_default();
        let locale = context.locale(&new.inventory);
        match context.ui.format {
            Format::Text => {
                context.ui.data(&review::text(&found, context.ui.color, context.ui.verbose > 0, locale));
            }
            Format::Json => context.ui.json(&review::json(&found)),
            Format::Markdown => context.ui.data(&review::document(&found, locale).text()),
        }
        page.map_or(Ok(()), |page| step::add(&page, &review::document(&found, locale).text()))?;
        Ok(if detailed_exitcode && !found.is_empty() { Exit::Pending } else { Exit::Success })
    }
}

/// What head has of mistakes and base has not; all of them, if they are the same.
fn only_new(old: &Diagnostics, new: Diagnostics) -> Diagnostics {
    let only = fresh(old, &new);
    if only.has_errors() { only } else { new }
}

fn broken(context: &Context, base: &str, document: &str, mistakes: &Diagnostics) -> Exit {
    match context.ui.format {
        Format::Text => {}
        Format::Json => context.ui.json(&json!({
            "format": 1, "inventory": null, "base": base, "head": null, "hosts": [], "notes": [], "modules": [],
            "mistakes": crate::ui::report::json(mistakes), "summary": null,
        })),
        Format::Markdown => context.ui.data(document),
    }
    context.ui.report(mistakes);
    Exit::Error
}
