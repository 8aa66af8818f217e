//! Findings in the formats that other programs read: JUnit for test results, SARIF and GitHub annotations for mistakes.
//! Pure: takes findings, gives text. Nothing that a finding quotes can be taken for markup.

pub mod annotations;
pub mod junit;
pub mod keys;
pub mod place;
pub mod sarif;
pub mod schemas;
