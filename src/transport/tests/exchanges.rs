//! What an exchange carries, and how it ends.

use super::super::sshd::{Sshd, keygen, login};
use super::*;

#[test]
fn commands_run_one_after_the_other_over_one_connection() {
    let sshd = Sshd::with("MaxSessions 1");
    let mut session = session(&sshd.remote());
    for n in 0..20 {
        assert_eq!(run(session.as_mut(), &format!("echo {n}")).unwrap(), n.to_string());
    }
    assert_eq!((session.exchanges(), session.description().as_str()), (20, "ssh2"));
}

#[test]
fn a_slow_end_after_the_end_record_does_not_disturb_the_next_command() {
    let sshd = Sshd::with("MaxSessions 1");
    let mut session = session(&sshd.remote());
    let mut talk = Script::new(b"").until_text("done\n");
    let command = "echo done; sleep 1; dd if=/dev/zero bs=1M count=8 2>/dev/null";
    let (result, time) = timed(|| session.exchange(command, &mut talk, SILENCE));
    assert!(result.is_ok() && time < Duration::from_millis(700), "{result:?} after {time:?}");
    assert_eq!(run(session.as_mut(), "echo next").unwrap(), "next");
}

#[test]
fn both_directions_run_at_once_without_deadlock() {
    let sshd = Sshd::start();
    let mut session = session(&sshd.remote());
    let bytes: Vec<u8> = (0..64_u32 << 20).map(|n| (n % 251) as u8).collect();
    let mut talk = Script::new(&bytes).until(bytes.len());
    let (result, time) = timed(|| session.exchange("cat", &mut talk, SILENCE));
    result.unwrap();
    assert!(talk.output == bytes, "the same bytes");
    assert!(time < Duration::from_secs(20), "{time:?}");
    eprintln!("64 MiB there and back in {time:?}");
}

#[test]
fn much_on_standard_error_does_not_block_standard_output() {
    let sshd = Sshd::start();
    let mut session = session(&sshd.remote());
    let mut talk = Script::new(b"").until_text("done\n");
    session.exchange("dd if=/dev/zero bs=1M count=16 1>&2 2>/dev/null; echo done", &mut talk, SILENCE).unwrap();
    assert!(talk.errors.len() > 8 << 20, "the rest may come after `done`");
}

#[test]
fn a_command_that_ends_without_its_end_record_is_not_a_success() {
    let sshd = Sshd::start();
    let mut session = session(&sshd.remote());
    for (command, how) in [
        ("exit 0", "with exit status 0"),
        ("echo why >&2; exit 3", "with exit status 3, after saying `why`"),
        ("kill -9 $$", "killed by signal KILL"),
    ] {
        let mut talk = Script::new(b"").until_text("done\n");
        let result = session.exchange(command, &mut talk, SILENCE);
        let Err(Broken::Ended(diagnostic)) = result else { panic!("{command}: {result:?}") };
        assert_eq!(diagnostic.fact, format!("127.0.0.1: the command ended early, {how}"));
    }
    assert_eq!(run(session.as_mut(), "echo still here").unwrap(), "still here");
}

#[test]
fn a_sleeping_command_is_neither_cut_nor_hurried_by_keepalives() {
    let sshd = Sshd::start();
    let mut session = session(&sshd.remote());
    let mut talk = Script::new(b"").until_text("done\n").heartbeats();
    session.exchange("sleep 3; echo done", &mut talk, SILENCE).unwrap();
    assert!(talk.asked >= 3, "asked every second, {} times", talk.asked);
}

#[test]
fn a_slow_reader_is_not_taken_for_frozen_while_it_reads() {
    let sshd = Sshd::start();
    let mut session = session(&sshd.remote());
    let bytes = vec![b'x'; 24 << 20];
    let mut talk = Script::new(&bytes).until_text("done\n");
    let slow = "for i in 1 2 3 4 5 6 7 8; do dd bs=3145728 count=1 iflag=fullblock of=/dev/null 2>/dev/null; sleep 0.5; done; echo done";
    session.exchange(slow, &mut talk, Duration::from_secs(2)).unwrap();
}

#[test]
fn a_hundred_sessions_at_once_are_fine() {
    let sshd = Sshd::start();
    let remote = sshd.remote();
    let ((), time) = timed(|| {
        std::thread::scope(|scope| {
            let work = |n: usize| {
                let remote = &remote;
                move || assert_eq!(run(session(remote).as_mut(), &format!("echo {n}")).unwrap(), n.to_string())
            };
            let threads: Vec<_> = (0..100).map(|n| scope.spawn(work(n))).collect();
            for thread in threads {
                thread.join().unwrap();
            }
        });
    });
    eprintln!("100 sessions in {time:?}");
}

#[test]
fn the_bootstrap_login_serves_while_the_own_account_does_not_exist() {
    let sshd = Sshd::start();
    let own = sshd.remote().login;
    let remote = Remote { login: login("nobody-of-that-name"), fallback: Some(own.clone()), ..sshd.remote() };
    let mut session = session(&remote);
    assert_eq!(session.login().user, own.user);
    assert!(session.description().contains("(bootstrap login)"), "{}", session.description());
    assert_eq!(run(session.as_mut(), "echo in").unwrap(), "in");
    let refused = refusal(&Remote { fallback: None, ..remote });
    assert!(refused.fact.starts_with("127.0.0.1 does not let nobody-of-that-name in; offered: "), "{}", refused.fact);
}

#[test]
fn an_impatient_server_does_not_keep_the_bootstrap_login_out() {
    let sshd = Sshd::with("MaxAuthTries 2\nLogLevel QUIET");
    let own = sshd.remote().login;
    let mut identities = vec![sshd.path("client")];
    identities.extend((0..4).map(|n| keygen(sshd.dir.path(), &format!("other{n}"), "ed25519", "", &[])));
    let remote = Remote { login: login("nobody-of-that-name"), fallback: Some(own), identities, ..sshd.remote() };
    assert_eq!(run(session(&remote).as_mut(), "echo in").unwrap(), "in");
}
