//! The text of the two units; see systemd.service(5), systemd.timer(5) and systemd.syntax(7).

use super::Fields;
use crate::kinds::unit_text::{HEAD, one_line, quoted, specifiers};

pub(super) fn service(fields: &Fields) -> String {
    let user = fields.user.as_ref().map(|user| format!("User={user}\n")).unwrap_or_default();
    format!(
        "{HEAD}[Unit]\nDescription={}\n\n[Service]\nType=oneshot\n{user}ExecStart=/bin/sh -c {}\n",
        description(fields),
        quoted(fields.command.as_deref().unwrap_or_default().trim_end()),
    )
}

pub(super) fn timer(fields: &Fields) -> String {
    let when = match (&fields.on_calendar, &fields.every) {
        (Some(calendar), _) => format!("OnCalendar={}\nPersistent={}\n", specifiers(calendar), fields.persistent),
        (None, every) => {
            let every = specifiers(every.as_deref().unwrap_or_default());
            format!("OnActiveSec={every}\nOnUnitActiveSec={every}\n")
        }
    };
    format!(
        "{HEAD}[Unit]\nDescription={}\n\n[Timer]\n{when}\n[Install]\nWantedBy=timers.target\n",
        description(fields)
    )
}

fn description(fields: &Fields) -> String {
    one_line(fields.description.as_deref().unwrap_or(&fields.name))
}
