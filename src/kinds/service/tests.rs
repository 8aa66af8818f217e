use super::*;
use crate::kinds::bench::{Applied, Bench, Directory, SHELLS, assert_converged};

/// To read declarations only.
fn nowhere() -> Bench<'static> {
    Bench::on(Site::default(), |_, _| Vec::new())
}

fn unit(load: &str, active: &str, file: &str) -> String {
    format!(
        "Id=nginx.service\nNames=nginx.service web.service\nLoadState={load}\nActiveState={active}\nSubState=x\n\
         UnitFileState={file}\nNeedDaemonReload=no\n"
    )
}

fn service(yaml: &str) -> Box<dyn Item> {
    nowhere().item("service", yaml)
}

fn observed(yaml: &str, answer: &str) -> Observation {
    let answer = Answer { bytes: answer.as_bytes().to_vec(), ..Answer::default() };
    ServiceKind.read(&[&*service(yaml)], &Site::default(), &answer).remove(0)
}

fn word(observation: &Observation, attribute: &str) -> String {
    match observation {
        Observation::Present(state) => match state.0.get(attribute) {
            Some(crate::resource::Attribute::Text(text)) => text.clone(),
            other => format!("{other:?}"),
        },
        other => format!("{other:?}"),
    }
}

#[test]
fn a_running_enabled_unit_is_in_order_under_any_of_its_names() {
    for name in ["nginx", "nginx.service", "web"] {
        let yaml = format!("{{ name: {name} }}");
        assert_converged(&*service(&yaml), &observed(&yaml, &unit("loaded", "active", "enabled")));
    }
}

#[test]
fn a_failed_unit_is_shown_as_failed() {
    let seen = observed("{ name: nginx }", &unit("loaded", "failed", "disabled"));
    assert_eq!((word(&seen, "running").as_str(), word(&seen, "enabled").as_str()), ("failed", "no"));
}

#[test]
fn a_unit_that_is_not_there_is_absent_only_if_it_is_wanted() {
    let gone = unit("not-found", "inactive", "");
    assert_eq!(observed("{ name: nginx }", &gone), Observation::Absent);
    let off = "{ name: nginx, enabled: false, running: false }";
    assert_converged(&*service(off), &observed(off, &gone));
}

#[test]
fn a_unit_that_others_start_cannot_be_wrong_about_being_enabled() {
    for enabled in ["true", "false"] {
        let yaml = format!("{{ name: nginx, enabled: {enabled} }}");
        assert_converged(&*service(&yaml), &observed(&yaml, &unit("loaded", "active", "static")));
    }
}

#[test]
fn a_masked_unit_differs_from_one_that_shall_run_and_is_as_one_that_shall_be_masked() {
    let masked = unit("masked", "inactive", "masked");
    assert_eq!(word(&observed("{ name: nginx }", &masked), "masked"), "yes");
    let yaml = "{ name: nginx, masked: true }";
    assert_converged(&*service(yaml), &observed(yaml, &masked));
}

#[test]
fn without_systemd_nothing_is_known() {
    let seen = observed("{ name: nginx }", "E|systemd does not run here\n");
    assert_eq!(seen, Observation::Unknown("systemd does not run here".into()));
    let whole = unit("loaded", "active", "enabled");
    for cut in 0..whole.find("ActiveState=").unwrap() {
        assert!(matches!(observed("{ name: nginx }", &whole[..cut]), Observation::Unknown(_)), "{cut}");
    }
}

#[test]
fn what_is_unmanaged_is_neither_wanted_nor_changed() {
    let item = service("{ name: nginx, enabled: unmanaged, running: unmanaged }");
    assert_eq!(item.want(), Want::Present(State::new().with("definition", "loaded")));
}

#[test]
fn the_mistakes_of_a_declaration_are_said() {
    let bench = nowhere();
    let said = |yaml| bench.try_item("service", yaml).unwrap_err();
    let mistakes = said("{ name: a b, reload_on: [etc/x], masked: true, running: true }");
    for fact in ["`a b` is not the name", "`etc/x` is not an absolute", "neither enabled nor running"] {
        assert!(mistakes.contains(fact), "{mistakes}");
    }
    assert!(said("{ name: a, validate: nginx -t }").contains("nothing to validate"));
    assert!(said("{ name: a, running: maybe }").contains("`true`, `false` or `unmanaged`"));
}

/// A systemctl that keeps the state of one unit in files.
const SYSTEMCTL: &str = r#"#!/bin/sh
here=${0%/*}
active=$(cat "$here/active" 2>/dev/null || echo inactive)
while :; do case $1 in --*) shift ;; *) break ;; esac; done
echo "$*" >>"$here/calls"
case $1 in
  show) printf 'Id=nginx.service\nLoadState=loaded\nActiveState=%s\nUnitFileState=enabled\nNeedDaemonReload=no\nCanReload=%s\nType=notify\n' \
    "$active" "$(cat "$here/reloads" 2>/dev/null || echo no)" ;;
  start | restart) if [ -e "$here/broken" ]; then echo failed >"$here/active"; exit 1; fi; echo active >"$here/active" ;;
  stop | reset-failed) rm -f "$here/active" ;;
  status) echo 'nginx: [emerg] no such directive' ;;
esac
"#;

#[test]
fn a_unit_that_does_not_start_shows_why() {
    for shell in SHELLS {
        let directory = Directory::new();
        directory.tool("systemctl", SYSTEMCTL);
        directory.tool("broken", "");
        let bench = directory.host(shell);
        let item = bench.item("service", "{ name: nginx }");
        let Applied::Failed(said) = bench.apply("service", &*item) else { panic!("it started") };
        assert!(said.contains("nginx.service could not be started"), "{said}");
        assert!(said.contains("no such directive"), "{said}");
    }
}

#[test]
fn a_unit_that_cannot_reload_is_restarted_and_one_that_does_not_run_is_left() {
    for shell in SHELLS {
        let directory = Directory::new();
        directory.tool("systemctl", SYSTEMCTL);
        let bench = directory.host(shell);
        let item = bench.item("service", "{ name: nginx, running: unmanaged, reload_on: [/etc/nginx/**] }");
        let reload = item.reactions().remove(0).call;
        assert_eq!(bench.call(&reload), Applied::Unchanged);
        directory.tool("active", "active\n");
        assert_eq!(bench.call(&reload), Applied::Changed);
        directory.tool("reloads", "yes\n");
        assert_eq!(bench.call(&reload), Applied::Changed);
        let calls = directory.read_tool("calls");
        let verbs: Vec<&str> = calls.lines().filter(|call| !call.starts_with("show")).collect();
        assert_eq!(verbs, ["restart -- nginx.service", "reload -- nginx.service"]);
    }
}
