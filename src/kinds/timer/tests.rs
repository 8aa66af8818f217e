use super::*;
use crate::kinds::bench::{Bench, assert_converged};

fn nowhere() -> Bench<'static> {
    Bench::on(Site::default(), |_, _| Vec::new())
}

const TIDY: &str = "{ name: tidy, command: \"echo \\\"100% $HOME it's \\\\\\\\n\\\"\\ntrue\", on_calendar: daily }";

fn observed(answer: &str) -> Observation {
    let item = nowhere().item("timer", TIDY);
    let answer = Answer { bytes: answer.as_bytes().to_vec(), ..Answer::default() };
    TimerKind.read(&[&*item], &Site::default(), &answer).remove(0)
}

fn texts(yaml: &str) -> (String, String) {
    let Want::Present(state) = nowhere().item("timer", yaml).want() else { panic!("absent") };
    let text = |name: &str| match &state.0[name] {
        crate::resource::Attribute::Content(content) => content.text().unwrap().to_owned(),
        crate::resource::Attribute::Text(text) => text.clone(),
    };
    (text("service"), text("timer"))
}

#[test]
fn a_command_is_one_word_that_systemd_does_not_read() {
    let (service, timer) = texts(TIDY);
    let line = "ExecStart=/bin/sh -c \"echo \\\"100%% $$HOME it's \\\\\\\\n\\\"\\ntrue\"\n";
    assert!(service.contains(line), "{service}");
    assert!(service.contains("Type=oneshot") && !service.contains("User="), "{service}");
    assert!(timer.contains("OnCalendar=daily\nPersistent=true\n"), "{timer}");
    let (service, timer) = texts("{ name: a, command: x, every: 15min, user: daemon, description: 5% \\ }");
    assert!(service.contains("User=daemon\n") && service.contains("Description=5%% /\n"), "{service}");
    assert!(timer.contains("OnActiveSec=15min\nOnUnitActiveSec=15min\n"), "{timer}");
}

fn whole() -> String {
    let item = nowhere().item("timer", TIDY);
    let asked: Vec<String> =
        item.ask(&Site::default()).into_iter().map(|field| String::from_utf8(field).unwrap()).collect();
    let [unit, service, service_path, timer, timer_path] = &asked[..] else { panic!("{asked:?}") };
    format!(
        "S|81a4|root|0|root|0|9|{service_path}\nS|81a4|root|0|root|0|9|{timer_path}\nH|{service}|{service_path}\n\
         H|{timer}|{timer_path}\nId={unit}\nNames={unit}\nLoadState=loaded\nActiveState=active\nSubState=waiting\n\
         UnitFileState=enabled\nNeedDaemonReload=no\n"
    )
}

#[test]
fn a_timer_with_its_own_units_that_waits_is_in_order() {
    assert_converged(&*nowhere().item("timer", TIDY), &observed(&whole()));
}

#[test]
fn a_timer_that_was_stopped_or_edited_is_not() {
    let running = |answer: &str| match observed(answer) {
        Observation::Present(state) => state.0,
        other => panic!("{other:?}"),
    };
    assert_eq!(running(&whole().replace("=active", "=inactive"))["running"], "no".into());
    assert_eq!(running(&whole().replace("=enabled", "=disabled"))["enabled"], "no".into());
    assert_eq!(running(&whole().replace("Reload=no", "Reload=yes"))["definition"], "changed on disk".into());
    let digest = whole().split_once("H|").unwrap().1[..64].to_owned();
    let edited = running(&whole().replace(&digest, &"0".repeat(64)));
    let Want::Present(wanted) = nowhere().item("timer", TIDY).want() else { panic!("absent") };
    assert_ne!(edited["service"], wanted.0["service"]);
}

#[test]
fn half_an_answer_says_nothing() {
    let whole = whole();
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    for missing in (0..lines.len()).filter(|index| lines[*index].starts_with(['S', 'H', 'L', 'A'])) {
        if lines[missing].starts_with("SubState") {
            continue;
        }
        let seen = observed(&[&lines[..missing], &lines[missing + 1..]].concat().concat());
        assert!(matches!(seen, Observation::Unknown(_)), "without {}: {seen:?}", lines[missing]);
    }
    let files = "A|/etc/systemd/system/tidy.service\nA|/etc/systemd/system/tidy.timer\n";
    let without = observed(&format!("{files}E|systemd does not run here\n"));
    assert_eq!(without, Observation::Unknown("systemd does not run here".into()));
    let gone = "Id=tidy.timer\nNames=tidy.timer\nLoadState=not-found\nActiveState=inactive\n";
    assert_eq!(observed(&format!("{files}{gone}")), Observation::Absent);
}

#[test]
fn the_mistakes_of_a_declaration_are_said() {
    let said = |yaml| nowhere().try_item("timer", yaml).unwrap_err();
    let all = said("{ name: a.timer, command: \" \", on_calendar: daily, every: \"1h\\n\", user: a b }");
    for fact in ["`a.timer` is not", "nothing to run", "both `on_calendar`", "`every` has more", "`a b` is not"] {
        assert!(all.contains(fact), "{fact}: {all}");
    }
    assert!(said("{ name: a, command: x }").contains("nothing says when"));
    assert!(nowhere().try_item("timer", "{ name: a, state: absent }").is_ok());
}
