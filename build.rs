//! New modules and templates are built in, too: the compiler only knows of those that were there before.

fn main() {
    for directory in ["modules", "templates"] {
        println!("cargo::rerun-if-changed={directory}");
    }
}
