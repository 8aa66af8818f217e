//! `offboarding/PERSON.yaml`: what has to happen after somebody left, and what was acknowledged. It lies in the repository,
//! for people to read and for `people offboard` to go by, and holds no secret.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::diag::{Diagnostic, Diagnostics, shown};
use crate::edit::Document;
use crate::inventory::Locale;
use crate::modules::root_of;
use crate::secret_declaration::Rotate;

/// The whole list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checklist {
    /// Of this layout; 1.
    pub format: u32,
    /// The key of the person in the inventory.
    pub person: String,
    pub name: String,
    /// The account that has to be closed.
    pub login: String,
    /// The day of leaving.
    pub since: String,
    /// Fingerprints and recipients that must open nothing any more.
    pub keys: Vec<String>,
    /// The hosts of that day.
    pub hosts: Vec<String>,
    /// Why git may know of more secrets than stand below.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap: Option<String>,
    /// Every secret that the person could ever read, by name.
    pub secrets: IndexMap<String, Known>,
    /// What no program can verify, by a short name.
    pub by_hand: IndexMap<String, Item>,
}

/// A secret that the person knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Known {
    pub read: Read,
    pub rotate: Rotate,
    /// Ids of the values that the person could read. Done when the store has another, and hosts use it.
    pub values: Vec<String>,
}

/// Until when the person could read a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Read {
    /// On the day of leaving.
    UntilTheEnd,
    /// Earlier, as git shows.
    Earlier,
}

/// Something that a person has to do, or to see done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    pub what: String,
    /// Who acknowledged it, and when.
    #[serde(default)]
    pub done: Option<String>,
}

/// What is the same whenever somebody leaves, in English and Spanish.
const ALWAYS: &[(&str, [&str; 2])] = &[
    (
        "forge",
        [
            "Take the person out of the chapter's git forge: members, deploy keys, access tokens; a reader key that they could copy (`readers` of `chapter`)",
            "Quitar a la persona de la forja git del capítulo: miembros, claves de despliegue, tokens de acceso; una clave de lectura que pudo copiar (`readers` de `chapter`)",
        ],
    ),
    (
        "registrar",
        [
            "Domain registrar and DNS: remove the login, change a shared password, check the contact address",
            "Registrador del dominio y DNS: quitar el acceso, cambiar la contraseña compartida, revisar el contacto",
        ],
    ),
    (
        "hosting",
        [
            "Hosting panels and their billing: remove the login, revoke API tokens, check recovery addresses",
            "Paneles de alojamiento y su facturación: quitar el acceso, revocar los tokens de API, revisar las direcciones de \
             recuperación",
        ],
    ),
    (
        "passwords",
        [
            "Passwords that were shared by hand (mail accounts, social media, the bank, the door): change them",
            "Contraseñas compartidas a mano (correo, redes sociales, el banco, la puerta): cambiarlas",
        ],
    ),
    (
        "chats",
        [
            "Group chats, mailing lists and calendars for volunteers: remove the person, or agree that they stay",
            "Chats de grupo, listas de correo y calendarios de voluntarios: quitar a la persona, o acordar que se queda",
        ],
    ),
];

/// One of two texts.
pub fn said<T: Copy>(locale: Locale, [english, spanish]: [T; 2]) -> T {
    match locale {
        Locale::En => english,
        Locale::Es => spanish,
    }
}

impl Checklist {
    /// The items that every leaving has.
    pub fn always(locale: Locale) -> IndexMap<String, Item> {
        let item = |(name, what): &(&str, [&str; 2])| {
            ((*name).to_owned(), Item { what: said(locale, *what).to_owned(), done: None })
        };
        ALWAYS.iter().map(item).collect()
    }

    /// As it stands in the repository.
    pub fn text(&self, locale: Locale) -> String {
        let value = serde_json::to_value(self).unwrap_or_default();
        let mut document = String::new();
        document
            .push_str(&said(locale, HEAD).replace("@name@", &one_line(&self.name)).replace("@person@", &self.person));
        match crate::edit::to_yaml(&value) {
            Some(body) => document + &body,
            None => document,
        }
    }

    /// Reads it; every mistake has its place.
    pub fn read(path: &Path) -> Result<Self, Diagnostics> {
        let document = document(path)?;
        let mut mistakes = Diagnostics::default();
        let checklist: Option<Self> = document.node().decode(&mut mistakes);
        match checklist {
            Some(checklist) if checklist.format == 1 && !mistakes.has_errors() => Ok(checklist),
            Some(checklist) if !mistakes.has_errors() => Err(Diagnostic::error(format!(
                "{} has the format {}, which this version does not know",
                shown(path),
                checklist.format
            ))
            .remedy("use the Steward that wrote it, or a later one")
            .into()),
            _ => Err(mistakes),
        }
    }

    /// The text with an item acknowledged, all else as it was.
    pub fn acknowledged(path: &Path, item: &str, note: &str) -> Result<String, Diagnostics> {
        let checklist = Self::read(path)?;
        if !checklist.by_hand.contains_key(item) {
            return Err(Diagnostic::error(format!("the checklist has no item `{}`", item.escape_debug()))
                .suggest(item, checklist.by_hand.keys().map(String::as_str))
                .into());
        }
        let mut document = document(path)?;
        document.put(&["by_hand", item, "done"], &note.into())?;
        Ok(document.text().to_owned())
    }
}

fn document(path: &Path) -> Result<Document, Diagnostics> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Diagnostic::error(format!("cannot read {}: {error}", shown(path)))
            .remedy("`steward people remove` writes it; restore it from git if it was there")
    })?;
    Document::new(&shown(path), &text)
}

fn one_line(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

/// Where the checklist of a person lies. A name that would lead elsewhere is refused.
pub fn path(inventory: &Path, person: &str) -> Result<PathBuf, Diagnostics> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if person.is_empty() || person.starts_with('.') || !person.chars().all(plain) {
        return Err(Diagnostic::error(format!("`{}` cannot be the name of a checklist", person.escape_debug()))
            .remedy("rename the person in the inventory: letters, digits, - and _")
            .into());
    }
    Ok(root_of(inventory).join("offboarding").join(format!("{person}.yaml")))
}

/// Replaces the file in one step.
pub fn write(path: &Path, text: &str) -> Result<(), Diagnostics> {
    let written = || -> std::io::Result<()> {
        let mut file = tempfile::Builder::new()
            .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
            .tempfile_in(path.parent().unwrap_or(Path::new(".")))?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    };
    written().map_err(|error| {
        Diagnostic::error(format!("cannot write {}: {error}", shown(path)))
            .remedy("check permissions and space")
            .into()
    })
}

const HEAD: [&str; 2] = [
    "\
# @name@ left. This list holds no secret; keep it in git.
#   steward people offboard @person@ --status      what is still open
#   steward people offboard @person@ --ack ITEM    something under `by_hand` was done
",
    "\
# @name@ se fue. Esta lista no contiene secretos; guárdala en git.
#   steward people offboard @person@ --status      lo que queda pendiente
#   steward people offboard @person@ --ack ITEM    algo de `by_hand` está hecho
",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn checklist() -> Checklist {
        let known = Known { read: Read::Earlier, rotate: Rotate::Never, values: vec!["00ff".into(), "123".into()] };
        Checklist {
            format: 1,
            person: "ana".into(),
            name: "Ana # \"no\"\n".into(),
            login: "ana".into(),
            since: "2026-11-24".into(),
            keys: vec!["SHA256:abc ssh-ed25519".into()],
            hosts: vec!["web1".into()],
            gap: None,
            secrets: [("wiki/admin".to_owned(), known)].into_iter().collect(),
            by_hand: Checklist::always(Locale::En),
        }
    }

    #[test]
    fn what_was_written_reads_back_and_an_acknowledgement_changes_one_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ana.yaml");
        let text = checklist().text(Locale::Es);
        std::fs::write(&path, &text).unwrap();
        assert_eq!(Checklist::read(&path).unwrap(), checklist());
        assert!(text.contains("se fue. Esta lista") && checklist().text(Locale::En).contains(" left. This list"));
        let (english, spanish) = (Checklist::always(Locale::En), Checklist::always(Locale::Es));
        assert!(english.keys().eq(spanish.keys()), "items are acknowledged by the same names");
        let acknowledged = Checklist::acknowledged(&path, "forge", "bea, 2026-11-25").unwrap();
        let changed: Vec<&str> = acknowledged.lines().filter(|line| !text.lines().any(|it| it == *line)).collect();
        assert_eq!(changed, ["    done: \"bea, 2026-11-25\""]);
        assert_eq!(acknowledged.lines().count(), text.lines().count());
        std::fs::write(&path, acknowledged).unwrap();
        assert_eq!(Checklist::read(&path).unwrap().by_hand["forge"].done.as_deref(), Some("bea, 2026-11-25"));
    }

    #[test]
    fn an_item_that_is_none_is_refused_with_a_suggestion() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ana.yaml");
        std::fs::write(&path, checklist().text(Locale::Es)).unwrap();
        let refusal = Checklist::acknowledged(&path, "forg", "x").unwrap_err();
        assert_eq!(refusal.0[0].to_string(), "the checklist has no item `forg`; did you mean `forge`?");
    }
}
