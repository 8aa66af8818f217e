//! What listens to the network against what services declare, and what stands before it.

use std::collections::BTreeSet;

use super::said::{Said, failing};
use super::{Audited, Expected, Verdict, by_module};
use crate::catalog::HostCatalog;

pub(super) fn audit(catalog: &HostCatalog, expected: &Expected, said: &Said) -> Vec<Audited> {
    let listeners =
        |id, title, protocol| Audited { id, title, verdict: listeners(catalog, expected, said, protocol) };
    vec![
        listeners("network.tcp", "only declared TCP ports listen", "tcp"),
        listeners("network.udp", "only declared UDP ports listen", "udp"),
        Audited {
            id: "network.firewall",
            title: "what no rule lets in is dropped",
            verdict: firewall(catalog, said).unwrap_or_else(|skip| skip),
        },
        Audited {
            id: "network.kernel",
            title: "the kernel refuses forged packets",
            verdict: kernel(catalog, said).unwrap_or_else(|skip| skip),
        },
    ]
}

/// A port is declared by an offer; sshd's own by the host.
fn listeners(catalog: &HostCatalog, expected: &Expected, said: &Said, protocol: &str) -> Verdict {
    let values = match said.all(protocol) {
        Ok(values) => values,
        Err(skip) => return skip,
    };
    let prefix = format!("{protocol} ");
    let declared =
        catalog.ports.iter().filter_map(|port| port.strip_prefix(&prefix)?.split(' ').next()?.parse().ok());
    let mut declared: BTreeSet<u16> = declared.collect();
    // above: sockets of programs that ask others
    let mut highest = u16::MAX;
    if protocol == "tcp" {
        declared.extend(&expected.ssh);
    } else {
        // clients of DHCP
        declared.extend([68, 546]);
        highest = said.some("ephemeral").first().and_then(|low| low.parse().ok()).unwrap_or(32_768);
    }
    let mut others = Vec::new();
    for value in values {
        let Ok(port) = value.parse::<u16>() else {
            return Verdict::Skip("not known: the host said no number".into());
        };
        if !declared.contains(&port) && (protocol == "tcp" || port < highest) {
            others.push(port.to_string());
        }
    }
    let option = if protocol == "tcp" { "-t" } else { "-u" };
    let remedy = format!(
        "`ss -lnp {option}` on the host says what it is: stop it, let it listen on 127.0.0.1, or declare its port (`offers: ports`)"
    );
    failing(others, &remedy)
}

fn firewall(catalog: &HostCatalog, said: &Said) -> Result<Verdict, Verdict> {
    let dropped: BTreeSet<&str> = said.all("input")?.iter().filter_map(|line| line.strip_suffix(" drop")).collect();
    let open: Vec<String> = [("ip", "IPv4"), ("ip6", "IPv6")]
        .iter()
        .filter(|(family, _)| !dropped.contains("inet") && !dropped.contains(family))
        .map(|(_, name)| format!("{name} is let in unless a rule forbids it"))
        .collect();
    Ok(failing(open, &by_module("firewall", catalog)))
}

fn kernel(catalog: &HostCatalog, said: &Said) -> Result<Verdict, Verdict> {
    let is_wrong = |line: &&String| {
        let (key, value) = line.split_once(' ').unwrap_or((line, ""));
        match key {
            "conf/all/accept_source_route" => value != "0",
            // 1: strictly; 2: an address must be reachable by some interface
            _ => !matches!(value, "1" | "2"),
        }
    };
    let wrong = said.all("sysctl")?.iter().filter(is_wrong);
    let named = |line: &String| format!("net.ipv4.{}", line.replace('/', ".").replacen(' ', " = ", 1));
    Ok(failing(wrong.map(named).collect(), &by_module("baseline", catalog)))
}
