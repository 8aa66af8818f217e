//! The text of the two units; see systemd.service(5), systemd.timer(5) and systemd.syntax(7).

use super::Fields;

const HEAD: &str = "# Kept by Steward: what is changed here is put back.\n";

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
    // a backslash at the end of a line would join it with the next
    specifiers(fields.description.as_deref().unwrap_or(&fields.name)).replace('\\', "/")
}

fn specifiers(text: &str) -> String {
    text.replace('%', "%%")
}

/// One word of `ExecStart=`: neither systemd's quotes, escapes, specifiers nor variables mean anything in it.
fn quoted(text: &str) -> String {
    let mut word = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' => word.push_str("\\\""),
            '\\' => word.push_str("\\\\"),
            '\n' => word.push_str("\\n"),
            '%' => word.push_str("%%"),
            '$' => word.push_str("$$"),
            letter if letter.is_ascii_control() => word.push_str(&format!("\\x{:02x}", u32::from(letter))),
            letter => word.push(letter),
        }
    }
    word.push('"');
    word
}
