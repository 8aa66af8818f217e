//! Roles and databases of the `PostgreSQL` server of a host. One `psql` a kind and look, whatever their number.
//!
//! The server never gets a password, only the verifier that it would keep, on standard input: neither its log nor its
//! statistics can tell one. What has to be there first (the package, the server) is decided during apply.

pub mod database;
pub mod role;
