//! The command line: global options and one subcommand. Takes arguments, gives the exit code.

use clap::builder::styling::{AnsiColor, Styles};
use clap::{CommandFactory, Parser, Subcommand};

use crate::commands::{self, Context, Global};
use crate::diag::Diagnostic;
use crate::exit::Exit;
use crate::ui::{Format, Ui};

/// Provisions a chapter's servers from a YAML inventory: deploy, review, hand on.
#[derive(Debug, Parser)]
#[command(name = "steward", version, styles = STYLES, disable_help_subcommand = true, subcommand_required = true, arg_required_else_help = true)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Yellow.on_default().bold())
    .usage(AnsiColor::Yellow.on_default().bold())
    .literal(AnsiColor::Green.on_default());

#[derive(Debug, Subcommand)]
enum Command {
    Init(commands::init::Init),
    Add(commands::add::Add),
    Validate(commands::validate::Validate),
    Plan(commands::plan::Plan),
    Review(commands::review::Review),
    Apply(commands::apply::Apply),
    Adopt(commands::adopt::Adopt),
    Drift(commands::drift::Drift),
    Verify(commands::verify::Verify),
    History(commands::history::History),
    Undo(commands::undo::Undo),
    Unlock(commands::unlock::Unlock),
    Backup(commands::backup::Backup),
    Audit(commands::audit::Audit),
    Explain(commands::explain::Explain),
    Module(commands::module::Module),
    People(commands::people::People),
    Host(commands::host::Host),
    Secrets(commands::secrets::Secrets),
    Schema(commands::schema::Schema),
    Ci(commands::ci::Ci),
    Completions(commands::completions::Completions),
}

/// Runs one command line.
pub fn run() -> Exit {
    crate::ui::panics::keep_secrets();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no mistakes; every mistake is exit code 1, where clap would say 2.
            let _ = error.print();
            return if error.use_stderr() { Exit::Error } else { Exit::Success };
        }
    };
    let ui = Ui::new(cli.global.format, cli.global.color, cli.global.verbose);
    let context = Context { ui, global: cli.global };
    let has_markdown = match &cli.command {
        Command::Plan(_) | Command::Review(_) | Command::Drift(_) => true,
        Command::Module(module) => module.has_markdown(),
        _ => false,
    };
    if ui.format == Format::Markdown && !has_markdown {
        let fact = Diagnostic::error(
            "this command has no Markdown form; `plan`, `review`, `drift` and `module test` have one",
        );
        ui.report(&fact.remedy("use `--format text` or `--format json`").into());
        return Exit::Error;
    }
    let result = match cli.command {
        Command::Init(command) => command.run(&context),
        Command::Add(command) => command.run(&context),
        Command::Validate(command) => command.run(&context),
        Command::Review(command) => command.run(&context),
        Command::Plan(command) => command.run(&context),
        Command::Apply(command) => command.run(&context),
        Command::Adopt(command) => command.run(&context),
        Command::Drift(command) => command.run(&context),
        Command::Verify(command) => command.run(&context),
        Command::History(command) => command.run(&context),
        Command::Undo(command) => command.run(&context),
        Command::Unlock(command) => command.run(&context),
        Command::Backup(command) => command.run(&context),
        Command::Audit(command) => command.run(&context),
        Command::Explain(command) => command.run(&context),
        Command::Module(command) => command.run(&context),
        Command::People(command) => command.run(&context),
        Command::Host(command) => command.run(&context),
        Command::Secrets(command) => command.run(&context),
        Command::Schema(command) => command.run(&context),
        Command::Ci(command) => command.run(&context),
        Command::Completions(command) => command.run(&context, <Cli as CommandFactory>::command()),
    };
    result.unwrap_or_else(|mistakes| {
        ui.report(&mistakes);
        Exit::Error
    })
}
