//! Where a host is: a DNS name or an IP address, or this very machine.

use std::fmt;
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::Deserialize;

use super::names::host_name_mistake;

/// A name or IP address, or `local`. Never empty, never with spaces or a leading dash.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
pub struct Address(String);

impl Address {
    /// True for the machine that runs Steward.
    pub fn is_local(&self) -> bool {
        self.0 == "local"
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Address {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let zone_free = text.split_once('%').map_or(text.as_str(), |(address, _)| address);
        if zone_free.parse::<IpAddr>().is_ok() {
            return if text.chars().all(|c| c.is_ascii_alphanumeric() || ".:%-_".contains(c)) {
                Ok(Self(text))
            } else {
                Err(format!("`{}` is not an address\ngive a host name or an IP address", text.escape_debug()))
            };
        }
        match host_name_mistake(&text) {
            None => Ok(Self(text)),
            Some(why) => {
                let remedy = if text.contains('@') {
                    "give the login as `user:`"
                } else if text.contains(':') {
                    "give the port as `port:`"
                } else {
                    "give a host name or an IP address"
                };
                Err(format!("`{}` is not an address: {why}\n{remedy}", text.escape_debug()))
            }
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_are_accepted() {
        for good in
            ["web1.chapter.example", "203.0.113.10", "2001:db8::1", "fe80::1%eth0", "local", "a", "münchen.example"]
        {
            assert_eq!(Address::try_from(good.to_owned()).as_ref().map(Address::as_str), Ok(good));
        }
    }

    #[test]
    fn what_ssh_could_take_for_something_else_is_refused() {
        for bad in [
            "",
            "-oProxyCommand=x",
            "a b",
            "a\n",
            "web1:22",
            "ana@web1",
            "a..b",
            "a/b",
            "$(x)",
            "::1%$(x)",
            "a\u{1b}[2J",
        ] {
            let refusal = Address::try_from(bad.to_owned()).expect_err(bad);
            assert!(!refusal.contains('\u{1b}'));
        }
    }
}
