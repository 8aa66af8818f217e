//! The host itself: units, clock, space, and files that others should not read or write.

use super::said::{Said, failing, none_of};
use super::{Audited, Expected, Verdict};

/// Seconds that a clock may be off: certificates, logs and one-time passwords still agree.
const CLOCK: i64 = 60;

/// KiB: what journald keeps at most, unless it is told otherwise (`SystemMaxUse=` in journald.conf(5)).
const JOURNAL: u64 = 4 << 20;

pub(super) fn audit(expected: &Expected, said: &Said) -> Vec<Audited> {
    let whole = |value: &str| Some(value.to_owned());
    let full = |line: &str| {
        let (percent, place) = line.split_once(' ')?;
        percent.parse::<u32>().map_or(true, |percent| percent > 90).then(|| format!("{place} is {percent} % full"))
    };
    let journal = |kib: &str| {
        let kib: u64 = kib.parse().ok()?;
        (kib > JOURNAL + JOURNAL / 10).then(|| format!("it has {} MiB", kib >> 10))
    };
    let certificate = |line: &str| {
        let (state, path) = line.split_once(' ')?;
        match state {
            "good" => None,
            "ends" => Some(format!("{path} ends within 14 days or has ended")),
            _ => Some(format!("{path} cannot be read")),
        }
    };
    let (free, closed) = ("make room: `du -xh / | sort -h | tail` shows what is large", "`chmod o-rwx` these files");
    vec![
        none_of(
            said,
            ("system.units", "no unit has failed"),
            "failed",
            whole,
            "`systemctl status UNIT` says why; `systemctl reset-failed` once it is mended",
        ),
        Audited { id: "system.clock", title: "the clock is right and kept right", verdict: clock(expected, said) },
        none_of(said, ("system.space", "no file system is nearly full"), "disk", full, free),
        none_of(said, ("system.inodes", "no file system is out of room for files"), "inodes", full, free),
        none_of(
            said,
            ("system.journal", "the journal keeps within bounds"),
            "journal",
            journal,
            "set `SystemMaxUse=` in /etc/systemd/journald.conf",
        ),
        none_of(
            said,
            ("files.writable", "nobody else writes into configuration and content"),
            "writable",
            whole,
            "`chmod o-w` these files, and see who made them so",
        ),
        none_of(said, ("files.keys", "no private key is readable to everybody"), "private", whole, closed),
        none_of(said, ("files.dumps", "no dump or password file is readable to everybody"), "dump", whole, closed),
        none_of(
            said,
            ("tls.certificates", "no certificate ends within 14 days"),
            "certificate",
            certificate,
            "renew it, and see why nothing did",
        ),
    ]
}

fn clock(expected: &Expected, said: &Said) -> Verdict {
    let Some(there) = said.some("clock").first().and_then(|seconds| seconds.parse::<i64>().ok()) else {
        return Verdict::Skip("not known: the host did not say".into());
    };
    let off = there - expected.now;
    if off.abs() > CLOCK {
        let direction = if off > 0 { "fast" } else { "slow" };
        return failing(
            vec![format!("it is {} seconds {direction}, by the clock here", off.abs())],
            "let systemd-timesyncd or chrony keep it: `timedatectl` on the host shows the state",
        );
    }
    match said.some("synchronised") {
        [.., last] if last == "container" => Verdict::Pass,
        [first] if first == "yes" => Verdict::Pass,
        [first] if first == "no" => failing(
            vec!["it is right now, but nothing keeps it so".into()],
            "install systemd-timesyncd or chrony: `timedatectl` on the host shows the state",
        ),
        _ => Verdict::Skip("it is right now; whether something keeps it so is not known".into()),
    }
}
