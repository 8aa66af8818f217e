use super::*;
use crate::kinds::bench::{Applied, Bench, Directory, SHELLS, assert_converged};

fn nowhere() -> Bench<'static> {
    Bench::on(Site::default(), |_, _| Vec::new())
}

fn observed(yaml: &str, answer: &str) -> Observation {
    let item = nowhere().item("command", yaml);
    let answer = Answer { bytes: answer.as_bytes().to_vec(), ..Answer::default() };
    CommandKind.read(&[&*item], &Site::default(), &answer).remove(0)
}

const UNLESS: &str = "{ name: a|b, run: x, unless: \"true\", read_only: true }";

#[test]
fn a_guard_says_done_or_to_do_and_everything_else_is_unknown() {
    let done = Observation::Present(State::new().with("done", "yes"));
    assert_eq!(observed(UNLESS, "R|a\\0174b|0\n"), done);
    assert_eq!(observed(UNLESS, "R|a\\0174b|1\n"), Observation::Absent);
    for answer in ["R|a\\0174b|2\n", "R|a\\0174b|127\n", "R|a\\0174b|124\n", "", "R|a|0\n", "R|a\\0174b|\u{1}\n"] {
        assert!(matches!(observed(UNLESS, answer), Observation::Unknown(_)), "{answer:?}");
    }
    let creates = "{ name: a, run: x, creates: /x }";
    assert_eq!(observed(creates, "A|/x\n"), Observation::Absent);
    assert_eq!(observed(creates, "S|81a4|root|0|root|0|0|/x\n"), done);
    assert!(matches!(observed(creates, "U|/x|Permission denied\n"), Observation::Unknown(_)));
}

#[test]
fn a_guard_that_may_change_something_is_left_to_the_change() {
    assert!(matches!(observed("{ name: a, run: x, unless: y }", ""), Observation::Undecided(_)));
    let item = nowhere().item("command", "{ name: a, run: x, on_change: [/etc/x] }");
    assert_converged(&*item, &observed("{ name: a, run: x, on_change: [/etc/x] }", ""));
    assert_eq!(item.reactions().len(), 1);
}

#[test]
fn a_command_without_a_guard_is_refused_with_the_ways_to_guard_it() {
    let said = |yaml| nowhere().try_item("command", yaml).unwrap_err();
    let without = said("{ name: migrate, run: x }");
    assert!(without.contains("nothing says when `migrate` is done"), "{without}");
    assert!(
        without.contains("`creates: PATH`, `unless: COMMAND`, `on_change: [GLOB]` or `stdin: TEXT`"),
        "{without}"
    );
    let wrong = "{ name: a, run: [], creates: x, unless: y, on_change: [z], env: { a-b: c }, user: -u, timeout: 0 }";
    let all = said(wrong);
    for fact in
        ["nothing to run", "`x` is not", "both `creates`", "`z` is not", "`a-b` is not", "`-u` is not", "0 seconds"]
    {
        assert!(all.contains(fact), "{fact}: {all}");
    }
}

#[test]
fn a_command_runs_once_with_its_words_and_variables_as_data() {
    for shell in SHELLS {
        let directory = Directory::new();
        let bench = directory.host(shell);
        let made = directory.at("/made $(x)");
        let yaml = format!(
            "{{ name: \"it's $(x)|\", run: 'printf %s \"$A|$0\" >\"$OUT\"', creates: \"{0}\", \
             env: {{ A: \"$(reboot) '\\\"\\\\\", OUT: \"{0}\" }} }}",
            made.display()
        );
        let item = bench.item("command", &yaml);
        assert_eq!(bench.probe_one("command", &*item), Observation::Absent);
        assert_eq!(bench.apply("command", &*item), Applied::Changed);
        assert_eq!(std::fs::read_to_string(&made).unwrap(), "$(reboot) '\"\\|sh");
        assert_converged(&*item, &bench.probe_one("command", &*item));
        assert_eq!(bench.apply("command", &*item), Applied::Unchanged);
    }
}

#[test]
fn a_read_only_guard_runs_during_a_look_with_nothing_to_read() {
    for shell in SHELLS {
        let directory = Directory::new();
        let bench = directory.host(shell);
        let guard = |text: &str| {
            let yaml = format!("{{ name: a, run: x, unless: '{text}', read_only: true, env: {{ A: b c, D: e }} }}");
            bench.probe_one("command", &*bench.item("command", &yaml))
        };
        let done = Observation::Present(State::new().with("done", "yes"));
        assert_eq!(guard("test \"$A$D\" = \"b ce\""), done, "{shell:?}");
        assert_eq!(guard("! read line"), done);
        assert_eq!(guard("echo R\"|a|0\"; exit 1"), Observation::Absent);
        assert_eq!(guard("exit 3"), Observation::Unknown("`unless` ended with status 3".into()));
    }
}

#[test]
fn a_command_that_fails_or_leaves_its_guard_unmet_says_so() {
    for shell in SHELLS {
        let directory = Directory::new();
        let bench = directory.host(shell);
        let said = |yaml: &str| match bench.apply("command", &*bench.item("command", yaml)) {
            Applied::Failed(said) => said,
            other => panic!("{other:?}"),
        };
        let failing = said("{ name: a, run: [sh, -c, 'echo no room; exit 4'], creates: /nonexistent/x }");
        assert!(failing.contains("no room\nended with status 4"), "{failing}");
        let idle = said("{ name: a, run: 'true', creates: /nonexistent/x }");
        assert!(idle.contains("/nonexistent/x is not there"), "{idle}");
        let unclear = said("{ name: a, run: 'true', unless: exit 7 }");
        assert!(unclear.contains("`unless` ended with status 7"), "{unclear}");
        let slow = said("{ name: a, run: sleep 20, timeout: 1, creates: /nonexistent/x }");
        assert!(slow.contains("longer than 1 s"), "{slow}");
    }
}

#[test]
fn a_command_that_waits_for_a_change_is_not_run_as_a_step() {
    for shell in SHELLS {
        let directory = Directory::new();
        let bench = directory.host(shell);
        let ran = directory.at("/ran").display().to_string();
        let item = bench.item("command", &format!("{{ name: a, run: [touch, \"{ran}\"], on_change: [/etc/x] }}"));
        assert_eq!(bench.apply("command", &*item), Applied::Unchanged);
        assert!(!directory.at("/ran").exists());
        assert_eq!(bench.call(&item.reactions().remove(0).call), Applied::Changed);
        assert!(directory.at("/ran").exists());
    }
}
