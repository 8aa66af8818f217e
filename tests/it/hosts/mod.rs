//! Tests on real Debian hosts: root, systemd-nspawn and the packages that `./script/test` installs.

mod access;
mod bad_days;
mod bad_packages;
mod campaign;
mod converge;
mod failing;
mod first_apply;
mod hard;
mod harness;
mod kinds;
mod laws;
mod leaks;
mod leaving;
mod many;
mod owed;
mod saved;
mod ways;
