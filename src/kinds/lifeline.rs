//! Files that decide who can reach a host and become root there: a mistake in one of them may lock everybody out. Pure.

use super::Risk;
use crate::glob::touches;

/// What SSH, sudo, logins, the network and the firewall read, on Debian and its kin.
const FILES: &[&str] = &[
    "/etc/ssh/**",
    "/root/.ssh/**",
    "/home/*/.ssh/**",
    "/etc/sudoers",
    "/etc/sudoers.d/**",
    "/etc/doas.conf",
    "/etc/pam.d/**",
    "/etc/security/**",
    "/etc/passwd",
    "/etc/shadow",
    "/etc/group",
    "/etc/gshadow",
    "/etc/nsswitch.conf",
    "/etc/hosts.allow",
    "/etc/hosts.deny",
    "/etc/nftables.conf",
    "/etc/nftables.d/**",
    "/etc/iptables/**",
    "/etc/ufw/**",
    "/etc/firewalld/**",
    "/etc/network/**",
    "/etc/netplan/**",
    "/etc/systemd/network/**",
    "/etc/systemd/system/ssh.service.d/**",
    "/etc/systemd/system/ssh.socket.d/**",
    "/etc/NetworkManager/**",
    "/etc/fstab",
];

/// The risk of changing what is at this path.
pub(super) fn risks(path: Option<&str>) -> Vec<Risk> {
    let is_lifeline = path.is_some_and(|path| FILES.iter().any(|glob| touches(glob, path)));
    if is_lifeline { vec![Risk::Lockout] } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ssh_sudo_and_the_firewall_read_can_lock_everybody_out() {
        for path in [
            "/etc/ssh/sshd_config.d/10.conf",
            "/etc/sudoers.d/a",
            "/etc/nftables.conf",
            "/home/ana/.ssh/authorized_keys",
        ] {
            assert_eq!(risks(Some(path)), [Risk::Lockout], "{path}");
        }
        for path in ["/etc/motd", "/etc/sshd", "/var/www/etc/ssh/x", "/etc/nginx/nginx.conf"] {
            assert_eq!(risks(Some(path)), [], "{path}");
        }
        assert_eq!(risks(None), []);
    }
}
