//! The options that every command takes.

use std::path::PathBuf;

use clap::Args;

use crate::inventory::Locale;
use crate::ui::{Color, Format};

/// Options that every command takes.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// The inventory: the current directory if it holds one, else its `inventories/` if that holds exactly one.
    #[arg(short, long, global = true, value_name = "DIR", env = "STEWARD_INVENTORY")]
    pub inventory: Option<PathBuf>,
    /// Only these: hosts, groups, `web*`, `service:NAME`, `!` excludes; separated by commas.
    #[arg(long, global = true, value_name = "PATTERN")]
    pub limit: Option<String>,
    /// For people or for programs.
    #[arg(long, global = true, value_enum, default_value_t)]
    pub format: Format,
    /// Whether to colour what is shown; `auto` does at a terminal, unless `NO_COLOR` is set.
    #[arg(long, global = true, value_enum, default_value_t)]
    pub color: Color,
    /// The language of plans, reviews, drift, lists and of what modules say, for people; the chapter's own unless given.
    #[arg(long, global = true, value_enum)]
    pub locale: Option<Locale>,
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
    /// Look with a reader key; given by the commands that can.
    #[arg(skip)]
    pub reader: bool,
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
