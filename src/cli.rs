//! The command line: global options and one subcommand. Takes arguments, gives the exit code.

use std::path::PathBuf;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, Parser, Subcommand};

use crate::commands::{self, Context};
use crate::exit::Exit;
use crate::ui::{Color, Format, Ui};

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

/// Options that every command takes.
#[derive(Debug, Args)]
pub struct Global {
    /// The inventory: the current directory if it holds one, else its `inventories/` if that holds exactly one.
    #[arg(short, long, global = true, value_name = "DIR", env = "STEWARD_INVENTORY")]
    pub inventory: Option<PathBuf>,
    /// Only these: hosts, groups, `web*`, `service:NAME`, `!` excludes; separated by commas.
    #[arg(long, global = true, value_name = "PATTERN")]
    pub limit: Option<String>,
    /// For people, for programs, or for pull requests.
    #[arg(long, global = true, value_enum, default_value_t)]
    pub format: Format,
    #[arg(long, global = true, value_enum, default_value_t)]
    pub color: Color,
    /// Say more; twice: still more.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// At most so many hosts at a time.
    #[arg(long, global = true, value_name = "N", default_value_t = 16)]
    pub jobs: usize,
    /// A private key to log in with. May be repeated.
    #[arg(long, global = true, value_name = "FILE", env = "STEWARD_IDENTITY")]
    pub identity: Vec<PathBuf>,
    /// Log in as this user instead of your own account.
    #[arg(long, global = true, value_name = "NAME")]
    pub user: Option<String>,
    /// Ask once for the password that sudo wants on the hosts.
    #[arg(short = 'K', long, global = true)]
    pub ask_sudo_password: bool,
    /// Seconds that a host may take to answer a connection.
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 10)]
    pub connect_timeout: u64,
    /// Seconds that a host may say nothing before it is taken for frozen.
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 30)]
    pub silence_timeout: u64,
}

#[derive(Debug, Subcommand)]
enum Command {
    Init(commands::init::Init),
    Validate(commands::validate::Validate),
    Plan(commands::plan::Plan),
    Apply(commands::apply::Apply),
    Explain(commands::explain::Explain),
    Module(commands::module::Module),
    Schema(commands::schema::Schema),
    Completions(commands::completions::Completions),
}

/// Runs one command line.
pub fn run() -> Exit {
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
    let result = match cli.command {
        Command::Init(command) => command.run(&context),
        Command::Validate(command) => command.run(&context),
        Command::Plan(command) => command.run(&context),
        Command::Apply(command) => command.run(&context),
        Command::Explain(command) => command.run(&context),
        Command::Module(command) => command.run(&context),
        Command::Schema(command) => command.run(&context),
        Command::Completions(command) => command.run(&context),
    };
    result.unwrap_or_else(|mistakes| {
        ui.report(&mistakes);
        Exit::Error
    })
}

/// The command line itself, for completions.
pub fn definition() -> clap::Command {
    <Cli as clap::CommandFactory>::command()
}
