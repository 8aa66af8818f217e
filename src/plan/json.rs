//! A plan as the JSON of the contract: one object, `"format": 1`. Fields are only ever added.

use serde_json::{Value, json};

use super::applied::Gate;
use super::diff::{Remote, diff};
use super::fleet::{FleetPlan, HostEntry, Summary};
use super::origin::Origin;
use super::{Action, Change, HostPlan};
use crate::access::Finding;
use crate::backups::Remark;
use crate::inventory::Locale;
use crate::kinds::Risk;
use crate::observed::Pending;

pub fn json(plan: &FleetPlan, remote: Remote) -> Value {
    json!({
        "format": 1,
        "inventory": plan.inventory,
        "revision": plan.revision,
        "base": plan.base,
        "hosts": plan.hosts.iter().map(|entry| host(entry, remote)).collect::<Vec<_>>(),
        "summary": summary(&plan.summary()),
    })
}

fn host(entry: &HostEntry, remote: Remote) -> Value {
    match &entry.result {
        Ok(plan) => planned(&entry.host, plan, remote),
        Err(error) => json!({
            "host": entry.host,
            "status": if error.unreachable { "unreachable" } else { "failed" },
            "error": error.diagnostic.to_string(),
            "unchanged": 0,
            "changes": [],
            "unknown": [],
            "gates": [],
            "access": [],
            "backups": [],
            "kept": [],
            "pending": null,
        }),
    }
}

fn planned(host: &str, plan: &HostPlan, remote: Remote) -> Value {
    json!({
        "host": host,
        "status": "ok",
        "error": null,
        "unchanged": plan.unchanged,
        "changes": plan.changes.iter().map(|it| change(it, remote)).collect::<Vec<_>>(),
        "unknown": plan.unknown.iter().map(|it| json!({ "id": it.id.to_string(), "why": it.why })).collect::<Vec<_>>(),
        "gates": plan.gates.iter().map(gate).collect::<Vec<_>>(),
        "access": plan.access.iter().map(finding).collect::<Vec<_>>(),
        "backups": plan.backups.iter().map(backup).collect::<Vec<_>>(),
        "kept": plan.leavings.kept.iter().map(|it| json!({ "id": it.id.to_string(), "why": it.why.program() })).collect::<Vec<_>>(),
        "pending": plan.pending.as_ref().map(pending),
    })
}

fn backup(remark: &Remark) -> Value {
    let Remark { service, what, detail, remedy } = remark;
    json!({ "service": service, "what": what.word(), "detail": detail.program(), "remedy": remedy.program() })
}

fn gate(gate: &Gate) -> Value {
    let Gate { service, old, version, what } = gate;
    json!({ "service": service, "old": old, "version": version, "what": what.program() })
}

fn pending(pending: &Pending) -> Value {
    match pending {
        Pending::AtWork { holder } => json!({ "state": "at-work", "holder": holder, "why": null }),
        Pending::Waits { holder } => json!({ "state": "waits", "holder": holder, "why": null }),
        Pending::RolledBack { holder, why } => json!({ "state": "rolled-back", "holder": holder, "why": why }),
    }
}

fn finding(finding: &Finding) -> Value {
    let Finding { what, account, detail, file, remedy } = finding;
    json!({ "what": what.word(), "account": account, "detail": detail.program(), "file": file.program(), "remedy": remedy.program() })
}

pub fn change(change: &Change, remote: Remote) -> Value {
    let diff = diff(change, remote, Locale::En);
    json!({
        "id": change.id.to_string(),
        "service": change.services.join(","),
        "kind": change.id.kind,
        "action": word(change.action),
        "reason": change.reason.program(),
        "diff": (!diff.is_empty()).then_some(diff),
        "sensitive": change.sensitive,
        "deferred": change.deferred.is_some(),
        "risk": change.risk.iter().map(|risk| risk_word(*risk)).collect::<Vec<_>>(),
        "origin": change.origin.and_then(Origin::word),
    })
}

fn summary(summary: &Summary) -> Value {
    json!({
        "create": summary.create,
        "update": summary.update,
        "delete": summary.delete,
        "run": summary.run,
        "restart": summary.restart,
        "reload": summary.reload,
        "unchanged": summary.unchanged,
        "unknown": summary.unknown,
        "unreachable": summary.unreachable,
    })
}

pub fn word(action: Action) -> &'static str {
    match action {
        Action::Create => "create",
        Action::Update => "update",
        Action::Delete => "delete",
        Action::Run => "run",
        Action::Restart => "restart",
        Action::Reload => "reload",
    }
}

pub fn risk_word(risk: Risk) -> &'static str {
    match risk {
        Risk::Lockout => "lockout",
        Risk::Restart => "restart",
        Risk::Data => "data",
    }
}
