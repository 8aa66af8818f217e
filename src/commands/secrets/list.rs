//! `steward secrets list`

use serde_json::json;

use super::super::Context;
use super::Desk;
use crate::exit::Exit;
use crate::ui::Format;

pub(super) fn list(context: &Context, desk: &Desk) -> Exit {
    let rows: Vec<(String, bool, &str, usize, bool)> = desk
        .names()
        .iter()
        .map(|name| {
            let policy = desk.declaration(name).map_or("undeclared", |it| it.rotate.name());
            let readers = desk.readers(name).iter().filter(|reader| !reader.recipients.is_empty()).count();
            (name.to_string(), desk.store.header(name).is_some(), policy, readers, desk.store.has_previous(name))
        })
        .collect();
    if context.ui.format == Format::Json {
        let row = |(name, set, policy, readers, previous): &(String, bool, &str, usize, bool)| json!({ "name": name, "set": set, "rotate": policy, "readers": readers, "previous": previous });
        context.ui.json(&json!({ "format": 1, "secrets": rows.iter().map(row).collect::<Vec<_>>() }));
        return Exit::Success;
    }
    let width = rows.iter().map(|row| row.0.len()).max().unwrap_or(0);
    for (name, set, policy, readers, previous) in rows {
        let set = if set { "set" } else { "missing" };
        let previous = if previous { ", the previous value is kept" } else { "" };
        context.ui.data(&format!("{name:width$}  {set:7}  {policy:10}  {readers} readers{previous}\n"));
    }
    Exit::Success
}
