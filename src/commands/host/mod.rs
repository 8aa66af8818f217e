//! `steward host reader|facts`

use clap::{Args, Subcommand};

use super::{Context, Outcome};
use crate::diag::{Diagnostic, Diagnostics};

mod facts;
mod reader;

/// The servers themselves: what they are, and keys that may only look at them.
#[derive(Debug, Args)]
pub struct Host {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Reader(reader::Reader),
    Facts(facts::Facts),
}

impl Host {
    pub fn run(self, context: &Context) -> Outcome {
        let Self { command } = self;
        match command {
            Command::Reader(command) => command.run(context),
            Command::Facts(command) => command.run(context),
        }
    }
}

/// With the hosts that are named as the limit.
fn limited(context: &Context, hosts: &[String]) -> Result<Context, Diagnostics> {
    let mut global = context.global.clone();
    match (&global.limit, hosts) {
        (_, []) => {}
        (Some(_), _) => {
            return Err(Diagnostic::error("hosts are named twice: as words and by `--limit`")
                .remedy("use one of the two")
                .into());
        }
        (None, hosts) => global.limit = Some(hosts.join(",")),
    }
    if global.limit.as_deref().is_some_and(|limit| limit.contains("service:")) {
        return Err(Diagnostic::error("this is about whole hosts, not about services")
            .remedy("name hosts or groups")
            .into());
    }
    Ok(Context { ui: context.ui, global })
}
