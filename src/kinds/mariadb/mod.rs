//! Users and databases of the `MariaDB` server of a host. One client a kind and look, whatever their number.
//!
//! The server never gets a password, only the hash that it would keep, on standard input. What has to be there first (the
//! package, the server) is decided during apply.

pub mod database;
pub mod user;
