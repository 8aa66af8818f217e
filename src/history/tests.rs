//! Entries as hosts send them, true and false.

use super::{Ended, State, entries, entry, is_id, list, lock, one};

const ENTRY: &str = "\
run 1 20260102T030405Z-7
by ana
from ana@laptop
at 2026-01-02T03:04:05Z
of 0123456789abcdef+dirty
plan 0 update web file:/etc/a b
plan 1 run web command:migrate
plan 2 check web file:/etc/c
plan r0 reload web service:nginx
plan r1 reload web service:idle
before fedcba9876543210
began 100
kept 0.1
left 0.1 file 12ab
step 0 changed
step 1 failed 7
step 2 skipped
reaction 0 owed
over done
ended 103
";

#[test]
fn a_run_is_read_with_what_it_did_and_how_it_ended() {
    let run = entry(ENTRY.as_bytes(), None).unwrap();
    assert_eq!((run.ended, run.took, run.planned, run.changed, run.failed), (Ended::Failed, Some(3), 5, 1, 1));
    assert_eq!(
        run.steps.iter().map(|step| step.id.as_str()).collect::<Vec<_>>(),
        ["file:/etc/a b", "command:migrate", "file:/etc/c", "service:nginx"]
    );
    let text = one("web1", &run);
    let wanted = "\
web1  20260102T030405Z-7: failed after 3 s; the next apply goes on
  by ana from ana@laptop, 2026-01-02T03:04:05Z
  revision 0123456789ab+dirty, before it fedcba987654
  update file:/etc/a b  [web]: changed
  run command:migrate  [web]: failed
  check file:/etc/c  [web]: skipped
  reload service:nginx  [web]: owed
";
    assert_eq!(text, wanted);
}

#[test]
fn a_run_without_an_end_was_cut_off_unless_it_is_at_work() {
    let half = ENTRY.split("step 1").next().unwrap();
    assert_eq!(entry(half.as_bytes(), None).unwrap().ended, Ended::Cut);
    assert_eq!(entry(half.as_bytes(), Some("20260102T030405Z-7")).unwrap().ended, Ended::Running);
    assert!(one("h", &entry(half.as_bytes(), None).unwrap()).contains("run command:migrate  [web]: not reached\n"));
}

#[test]
fn the_second_round_of_a_run_adds_to_the_first() {
    let twice = format!(
        "{ENTRY}run 1 other\nplan 1 run web command:migrate\nstep 0 unchanged\nstep 1 changed\nover done\nended 110\n"
    );
    let run = entry(twice.as_bytes(), None).unwrap();
    assert_eq!((run.id.as_str(), run.changed, run.failed, run.took), ("20260102T030405Z-7", 2, 0, Some(10)));
}

#[test]
fn a_run_that_was_rolled_back_is_so_however_it_ended() {
    for before in ["", "over done\nended 110\n"] {
        let run =
            entry(format!("{}{before}over rolled-back\n", ENTRY.split("over").next().unwrap()).as_bytes(), None);
        assert_eq!(run.unwrap().ended, Ended::RolledBack);
    }
}

#[test]
fn a_list_passes_over_what_is_no_run() {
    let answer = "E|3|2|0|0|run 1 20260102T030405Z-7|by ana|of abc|over done|began 1|ended 2\nE|x\nnoise\nE|1|1|1|1|run 1 ../../x|by eve\n";
    let runs = entries(answer.as_bytes(), None);
    assert_eq!(runs.len(), 1);
    assert_eq!((runs[0].changed, runs[0].ended), (2, Ended::Done));
    let hostile = "E|1|1|0|0|run 1 a|by \x1b[2Jeve|over done\n";
    assert!(!list("h", &entries(hostile.as_bytes(), None)).contains('\x1b'));
    assert!(!is_id("../x") && !is_id("") && is_id("20260102T030405Z-7"));
}

#[test]
fn who_has_the_lock_is_read_with_what_it_is_doing() {
    let answer = "state|held\nholder|ana since now, revision x|y\nrun|20260102T030405Z-7\nprocess|42|alive\nquiet|35\nstopping|\nsilent|40\nstep|package:nginx\n";
    let lock = lock(answer.as_bytes());
    let holder = lock.holder.unwrap();
    assert_eq!(lock.state, State::Held);
    assert_eq!((holder.process, holder.alive, holder.stopping), (Some(42), true, true));
    assert_eq!((holder.step.as_deref(), holder.unheard, holder.silent), (Some("package:nginx"), Some(35), Some(40)));
    assert_eq!(holder.who, "ana since now, revision x|y");
    assert_eq!(super::lock(b"\xff\nstate|nonsense\n"), super::Lock::default());
}

proptest::proptest! {
    #[test]
    fn nothing_that_a_host_says_makes_it_panic(answer in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
        let _ = (entry(&answer, None), entries(&answer, None), lock(&answer));
    }

    #[test]
    fn no_line_of_an_entry_makes_it_panic(lines in "((run 1|plan|step|reaction|over|began|ended|E\\|1\\|2\\|3\\|4\\|run) [0-9a-z |\\\\]{0,9}\n){0,6}") {
        let _ = (entry(lines.as_bytes(), None), entries(lines.as_bytes(), None));
    }
}
