//! Tests on real Debian hosts: root, systemd-nspawn and the packages that `./script/test` installs.

mod hard;
mod harness;
