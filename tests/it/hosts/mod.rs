//! Tests on real Debian hosts: root, systemd-nspawn and the packages that `./script/test` installs.

mod access;
mod audit;
mod converge;
mod databases;
mod escrow;
mod exactly;
mod failing;
mod first_apply;
mod forms;
mod hard;
mod harness;
mod kinds;
mod laws;
mod leaks;
mod leaving;
mod lockout;
mod many;
mod owed;
mod reader;
mod retiring;
mod rotating;
mod saved;
mod undo;
mod verify;
mod ways;
