//! Proves to a server who we are: keys in the order of [`super::keys`], then a password if somebody can type one.
//! Secrets are asked for once per process; nothing else remembers them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use base64::Engine as _;
use secrecy::{ExposeSecret, SecretString};

use super::config::Settings;
use super::keys::{KeyFile, Offer, Offers};
use super::link::{Link, Trouble, code, says};
use super::{Asker, Broken};
use crate::diag::Diagnostic;

/// Why authentication failed.
pub(super) enum Refused {
    /// The connection broke or froze.
    Broken(Broken),
    /// The server wants none of what we have.
    Denied { diagnostic: Box<Diagnostic>, methods: String },
}

/// What a person may be asked for.
pub(super) struct Person<'a> {
    pub(super) ask: &'a dyn Asker,
    /// Not while another login is still to be tried, to which a key may open the door.
    pub(super) passwords: bool,
}

/// Authenticates as `settings.user`, or says what was offered and what the server would have taken.
pub(super) fn authenticate(
    link: &Link,
    settings: &Settings,
    offers: &Offers,
    person: &Person<'_>,
    limit: Duration,
) -> Result<(), Refused> {
    let login = Attempt { link, user: &settings.user, name: &settings.name, limit };
    let mut tried = Vec::new();
    for offer in &offers.list {
        let outcome = match offer {
            Offer::Agent { public } => login.agent(settings.agent.as_deref(), &public.blob),
            Offer::File(file) => login.file(file, person.ask),
        };
        match outcome {
            Ok(()) => return Ok(()),
            Err(trouble) => {
                // A server that loses patience after a few keys has answered: another login may be welcome.
                let impatient = !tried.is_empty() && !matches!(trouble, Trouble::Frozen);
                tried.push((offer.name(), is_locked(&trouble)));
                if trouble.is_broken_link() && impatient {
                    return Err(login.denied(tried, "it hung up after these".to_owned(), offers));
                }
                login.go_on(trouble)?;
            }
        }
    }
    let methods = match link.drive(login.deadline(), || link.session.auth_methods(login.user).map(str::to_owned)) {
        Ok(methods) => methods,
        Err(_) if link.session.authenticated() => return Ok(()),
        Err(Trouble::Failed(error)) if !tried.is_empty() => return Err(login.denied(tried, says(&error), offers)),
        Err(trouble) => return login.go_on(trouble).and_then(|why| Err(login.denied(tried, why, offers))),
    };
    let wants = |method: &str| methods.split(',').any(|offered| offered == method);
    let typed = person.passwords && (wants("password") || wants("keyboard-interactive"));
    if typed && login.password(wants("password"), settings, person.ask)? {
        return Ok(());
    }
    Err(login.denied(tried, methods, offers))
}

struct Attempt<'a> {
    link: &'a Link,
    user: &'a str,
    name: &'a str,
    limit: Duration,
}

impl Attempt<'_> {
    fn deadline(&self) -> Instant {
        Instant::now() + self.limit
    }

    /// Gives why this attempt failed, unless it makes no sense to try another.
    fn go_on(&self, trouble: Trouble) -> Result<String, Refused> {
        if !trouble.is_broken_link() {
            return Ok(trouble.says(self.limit));
        }
        let fact = format!("{} hung up while {} logged in: {}", self.name, self.user, trouble.says(self.limit));
        let diagnostic = Diagnostic::error(fact).remedy("look at the server's log (`journalctl -u ssh`)");
        Err(Refused::Broken(Broken::Unreachable(Box::new(diagnostic))))
    }

    fn agent(&self, socket: Option<&Path>, blob: &[u8]) -> Result<(), Trouble> {
        let mut agent = self.link.session.agent().map_err(Trouble::Failed)?;
        if let Some(socket) = socket {
            agent.set_identity_path(socket).map_err(Trouble::Failed)?;
        }
        self.link.drive(self.deadline(), || agent.connect())?;
        self.link.drive(self.deadline(), || agent.list_identities())?;
        let identities = agent.identities().map_err(Trouble::Failed)?;
        let identity = identities.iter().find(|identity| identity.blob() == blob);
        let identity = identity.ok_or_else(|| Trouble::Failed(ssh2::Error::unknown()))?;
        self.link.drive(self.deadline(), || agent.userauth(self.user, identity))
    }

    fn file(&self, file: &KeyFile, ask: &dyn Asker) -> Result<(), Trouble> {
        let subject = format!("passphrase of {}", file.path.display());
        let remembered = file.encrypted.then(|| remembered(&subject)).flatten();
        // Without its passphrase, an encrypted key still tells whether the server would take it: only then is it worth
        // a question.
        let mut outcome = self.sign(file, remembered.as_ref());
        for _ in 0..3 {
            match &outcome {
                Err(trouble) if file.encrypted && is_locked(trouble) => {
                    let Some(passphrase) = answer(&subject, "Passphrase of ", &file.path.display().to_string(), ask)
                    else {
                        break;
                    };
                    outcome = self.sign(file, Some(&passphrase));
                    if outcome.as_ref().is_err_and(is_locked) {
                        forget(&subject);
                    }
                }
                _ => break,
            }
        }
        outcome
    }

    fn sign(&self, file: &KeyFile, passphrase: Option<&SecretString>) -> Result<(), Trouble> {
        let engine = base64::engine::general_purpose::STANDARD;
        let plain = file.public.as_ref().map(|key| format!("{} {} x", key.kind, engine.encode(&key.blob)));
        let passphrase = passphrase.map_or("", ExposeSecret::expose_secret);
        let offer = |public: Option<&str>| {
            self.link.drive(self.deadline(), || {
                self.link.session.userauth_pubkey_memory(self.user, public, &file.text, Some(passphrase))
            })
        };
        match &file.certificate {
            Some(certificate) => match offer(Some(certificate)) {
                Err(trouble) if !is_locked(&trouble) && !trouble.is_broken_link() => offer(plain.as_deref()),
                outcome => outcome,
            },
            None => offer(plain.as_deref()),
        }
    }

    /// Whether a password opened the door.
    fn password(&self, plain: bool, settings: &Settings, ask: &dyn Asker) -> Result<bool, Refused> {
        let account = format!("{}@{}", self.user, settings.name);
        let subject = format!("password of {account}:{}", settings.port);
        let Some(password) = answer(&subject, "Password of ", &account, ask) else { return Ok(false) };
        let session = &self.link.session;
        let outcome = if plain {
            self.link.drive(self.deadline(), || session.userauth_password(self.user, password.expose_secret()))
        } else {
            let mut typist = Typist(&password);
            self.link.drive(self.deadline(), || session.userauth_keyboard_interactive(self.user, &mut typist))
        };
        match outcome {
            Ok(()) => Ok(true),
            Err(trouble) => {
                forget(&subject);
                self.go_on(trouble).map(|_| false)
            }
        }
    }

    fn denied(&self, tried: Vec<(String, bool)>, methods: String, offers: &Offers) -> Refused {
        let mut fact = format!("{} does not let {} in", self.name, self.user);
        let locked = tried.iter().filter(|(_, locked)| *locked);
        let locked: Vec<&str> = locked.map(|(name, _)| name.as_str()).collect();
        let tried: Vec<&str> = tried.iter().map(|(name, _)| name.as_str()).collect();
        fact += &match tried.as_slice() {
            [] => ": there was no key to offer".to_owned(),
            tried => format!("; offered: {}", tried.join(", ")),
        };
        if !offers.useless.is_empty() {
            fact += &format!("; not usable: {}", offers.useless.join(", "));
        }
        let remedy = if locked.is_empty() {
            format!(
                "put your public key into that account's authorized_keys, or name the right key with --identity or in \
                 ~/.ssh/config (the server takes: {methods})"
            )
        } else {
            format!("give the right passphrase of {}, or add the key to your agent with ssh-add", locked.join(", "))
        };
        Refused::Denied { diagnostic: Box::new(Diagnostic::error(fact).remedy(remedy)), methods }
    }
}

/// The key could not be read with this passphrase; the server was content so far.
fn is_locked(trouble: &Trouble) -> bool {
    trouble.code() == code::FILE || trouble.says(Duration::ZERO) == UNSIGNED
}

/// libssh2 gives the same code (-19) for a signature that could not be made and one that the server refused.
const UNSIGNED: &str = "Callback returned error";

struct Typist<'a>(&'a SecretString);

impl ssh2::KeyboardInteractivePrompt for Typist<'_> {
    fn prompt(&mut self, _user: &str, _instructions: &str, prompts: &[ssh2::Prompt<'_>]) -> Vec<String> {
        prompts.iter().map(|_| self.0.expose_secret().to_owned()).collect()
    }
}

/// What was answered in this process, by subject. Asking holds the lock, so that many connections ask once.
static ANSWERS: Mutex<BTreeMap<String, SecretString>> = Mutex::new(BTreeMap::new());

fn remembered(subject: &str) -> Option<SecretString> {
    ANSWERS.lock().ok()?.get(subject).cloned()
}

fn answer(subject: &str, question: &str, what: &str, ask: &dyn Asker) -> Option<SecretString> {
    let mut answers = ANSWERS.lock().ok()?;
    if let Some(known) = answers.get(subject) {
        return Some(known.clone());
    }
    let answer = ask.secret(&format!("{question}{what}:"))?;
    answers.insert(subject.to_owned(), answer.clone());
    Some(answer)
}

fn forget(subject: &str) {
    if let Ok(mut answers) = ANSWERS.lock() {
        answers.remove(subject);
    }
}
