//! Who has the lock of a host, as the host says. Pure.

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum State {
    #[default]
    Free,
    Held,
    /// Nobody has it, but somebody who is gone is still named.
    Left,
}

impl State {
    pub fn word(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Held => "held",
            Self::Left => "left",
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lock {
    pub state: State,
    pub holder: Option<Holder>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holder {
    /// Who, since when, which revision.
    pub who: String,
    /// The id of the run.
    pub run: String,
    pub process: Option<u32>,
    /// True if that very process lives, and not another of its number.
    pub alive: bool,
    /// What it is doing, by identity.
    pub step: Option<String>,
    /// Seconds since its log grew.
    pub silent: Option<u64>,
    /// Seconds since its operator was heard, if that is long ago.
    pub unheard: Option<u64>,
    /// True if it will begin no other step.
    pub stopping: bool,
}

/// Reads the section `lock`.
pub fn lock(answer: &[u8]) -> Lock {
    let text = String::from_utf8_lossy(answer);
    let mut lock = Lock::default();
    for line in text.lines() {
        let fields: Vec<&str> = line.split('|').collect();
        if let ["state", state] = fields[..] {
            lock.state = match state {
                "held" => State::Held,
                "left" => State::Left,
                _ => State::Free,
            };
        } else if let Some(who) = line.strip_prefix("holder|") {
            lock.holder = Some(Holder { who: who.chars().take(500).collect(), ..Holder::default() });
        } else if let Some(holder) = &mut lock.holder {
            match fields[..] {
                ["run", run] => run.clone_into(&mut holder.run),
                ["process", process, alive] => {
                    holder.process = process.parse().ok();
                    holder.alive = alive == "alive";
                }
                ["stopping", _] => holder.stopping = true,
                ["silent", seconds] => holder.silent = seconds.parse().ok(),
                ["quiet", seconds] => holder.unheard = seconds.parse().ok(),
                ["step", id] => {
                    let id = String::from_utf8_lossy(&crate::quoting::decode(id)).into_owned();
                    holder.step = Some(id).filter(|id| !id.is_empty());
                }
                _ => {}
            }
        }
    }
    lock
}
