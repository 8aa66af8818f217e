//! `tcp` and `dns`: whether something listens, and whether a name leads here.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use serde::Deserialize;

use super::Verdict;
use crate::plan::diff::visible;

/// A port that takes connections from here.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tcp {
    pub port: u16,
    /// False: nothing may get through to it.
    #[serde(default = "super::declared::yes")]
    pub open: bool,
    /// What the other side says first.
    #[serde(default)]
    pub greets: Option<String>,
}

/// A name that leads to the host, by the DNS that this machine uses.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dns {
    pub name: String,
    /// Where it leads; the address of the host unless said.
    #[serde(default)]
    pub address: Option<String>,
}

const PATIENCE: Duration = Duration::from_secs(10);

/// A connection to the first of the host's addresses that takes one.
pub(super) fn connect(address: &str, port: u16) -> Result<TcpStream, String> {
    let mut why = format!("{address} leads nowhere");
    for target in resolved(address, port)? {
        match TcpStream::connect_timeout(&target, PATIENCE) {
            Ok(stream) => {
                let timeouts = stream.set_read_timeout(Some(PATIENCE)).and(stream.set_write_timeout(Some(PATIENCE)));
                return timeouts.map(|()| stream).map_err(|error| error.to_string());
            }
            Err(error) => why = format!("port {port} cannot be reached: {error}"),
        }
    }
    Err(why)
}

fn resolved(name: &str, port: u16) -> Result<Vec<SocketAddr>, String> {
    (name, port).to_socket_addrs().map(Iterator::collect).map_err(|error| format!("{name} has no address: {error}"))
}

pub(super) fn tcp(tcp: &Tcp, address: &str) -> Verdict {
    match (connect(address, tcp.port), tcp.open) {
        (Ok(_), false) => Verdict::Failed(format!("port {} can be reached", tcp.port)),
        (Err(_), false) => Verdict::Passed,
        (Err(why), true) => Verdict::Failed(why),
        (Ok(stream), true) => Verdict::of(tcp.greets.as_deref().map_or(Ok(()), |wanted| greeting(stream, wanted))),
    }
}

fn greeting(mut stream: TcpStream, wanted: &str) -> Result<(), String> {
    let mut heard = Vec::new();
    let mut buffer = [0_u8; 512];
    while heard.len() < 4096 && !String::from_utf8_lossy(&heard).contains(wanted) {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => heard.extend_from_slice(buffer.get(..count).unwrap_or_default()),
            Err(error) => return Err(format!("it says nothing that contains `{wanted}`: {error}")),
        }
    }
    let heard = String::from_utf8_lossy(&heard);
    if heard.contains(wanted) { Ok(()) } else { Err(format!("it says `{}`", visible(heard.trim()))) }
}

pub(super) fn dns(dns: &Dns, address: &str) -> Verdict {
    let addresses = |name: &str| -> Result<BTreeSet<IpAddr>, String> {
        Ok(resolved(name, 0)?.into_iter().map(|address| address.ip()).collect())
    };
    let wanted = dns.address.as_deref().unwrap_or(address);
    let result = addresses(&dns.name).and_then(|found| {
        let wanted_addresses = addresses(wanted)?;
        if found.is_disjoint(&wanted_addresses) {
            let found: Vec<String> = found.iter().map(ToString::to_string).collect();
            return Err(format!("it leads to {} instead of {wanted}", found.join(", ")));
        }
        Ok(())
    });
    Verdict::of(result)
}
