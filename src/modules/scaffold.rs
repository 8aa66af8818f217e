//! The beginning of a new module: files that work as they are and say what to change.

use std::path::{Path, PathBuf};

use crate::diag::{Diagnostic, Result, shown};

/// Writes `modules/NAME.yaml` and `templates/NAME/NAME.conf.j2` into the chapter's repository; overwrites nothing.
pub fn new(root: &Path, name: &str) -> Result<Vec<PathBuf>> {
    let is_name = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.len() <= 63
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    if !is_name {
        return Err(Box::new(
            Diagnostic::error(format!("`{}` cannot be the name of a module", name.escape_debug()))
                .remedy("use lower-case letters, digits and dashes, beginning with a letter"),
        ));
    }
    let files = [
        (root.join("modules").join(format!("{name}.yaml")), MODULE.replace("NAME", name)),
        (root.join("templates").join(name).join(format!("{name}.conf.j2")), TEMPLATE.replace("NAME", name)),
    ];
    if let Some((path, _)) = files.iter().find(|(path, _)| path.symlink_metadata().is_ok()) {
        return Err(Box::new(
            Diagnostic::error(format!("{} exists already", shown(path))).remedy("choose another name"),
        ));
    }
    for (path, text) in &files {
        write(path, text).map_err(|error| {
            Box::new(
                Diagnostic::error(format!("cannot write {}: {error}", shown(path))).remedy("check its permissions"),
            )
        })?;
    }
    Ok(files.into_iter().map(|(path, _)| path).collect())
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory)?;
    }
    let mut file = std::fs::File::create_new(path)?;
    std::io::Write::write_all(&mut file, text.as_bytes())
}

const MODULE: &str = r#"# Count `version` up with every change that others should know of, then run `steward module update NAME`.
version: 1
summary: { en: One sentence that says what it is for. }
params:
  # Types: string, int, bool, float, hostname, domain, email, path, port, url, object, list of …, map of …
  title: { type: string, default: "{{ chapter.name }}", help: { en: What people see. } }
# Other services on the same host without which this one cannot work, and what it tells others:
# needs: { nginx: {} }
# offers: { ports: [{ port: 8080, protocol: tcp }] }
resources:
  - file: { path: /etc/NAME.conf, template: NAME/NAME.conf.j2 }
# What `steward module test NAME` deploys on a throw-away host, where defaults and examples do not say enough:
# test: { params: { title: A test } }
handoff:
  en: What the next volunteer must know.
"#;

const TEMPLATE: &str = "# Written by Steward.\ntitle = {{ title }}\n";
