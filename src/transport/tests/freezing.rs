//! Servers that freeze, die or never answer: always a report in time, never a hang, never a success.

use std::net::{Ipv4Addr, TcpListener};

use rustix::process::Signal;

use super::super::proxy::Proxy;
use super::super::sshd::Sshd;
use super::*;

const LIMIT: Duration = Duration::from_secs(1);

fn impatient(sshd: &Sshd, port: u16) -> Remote {
    let mut remote = sshd.remote_by(port);
    (remote.timeouts.connect, remote.timeouts.silence) = (LIMIT, LIMIT);
    remote
}

/// Connects and runs one command, all with the limit.
fn whole(remote: &Remote) -> Result<(), Broken> {
    let mut session = connect(remote)?;
    let mut talk = Script::new(b"").until_text("done\n").heartbeats();
    session.exchange("echo said; sleep 0.3; echo done", &mut talk, LIMIT)
}

#[test]
fn wherever_a_server_freezes_it_is_reported_in_time() {
    let sshd = Sshd::start();
    let whole_length = 6000;
    let reports: Vec<_> = std::thread::scope(|scope| {
        let freeze = |bytes: usize| {
            let sshd = &sshd;
            move || {
                let proxy = Proxy::new(sshd.address(), Duration::ZERO);
                proxy.freeze_after(bytes);
                (bytes, timed(|| whole(&impatient(sshd, proxy.port))))
            }
        };
        let threads: Vec<_> = (0..whole_length).step_by(75).map(|bytes| scope.spawn(freeze(bytes))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let mut kinds = std::collections::BTreeSet::new();
    for (bytes, (result, time)) in reports {
        kinds.insert(match &result {
            Ok(()) => "success",
            Err(Broken::Unreachable(_)) => "unreachable",
            Err(Broken::Lost(_)) => "lost",
            Err(Broken::Ended(_)) => "ended",
        });
        // The handshake, authentication, the channel and the command have the limit each; the machine may be busy.
        assert!(time < LIMIT * 4, "frozen after {bytes} bytes: {result:?} after {time:?}");
        assert!(result.is_err() || bytes > 2500, "frozen after {bytes} bytes, and yet a success");
    }
    assert!(kinds.contains("unreachable") && kinds.contains("lost"), "freezing reached all phases: {kinds:?}");
}

#[test]
fn a_port_that_accepts_and_says_nothing_is_reported_in_time() {
    let sshd = Sshd::start();
    let mute = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let (refused, time) = timed(|| refusal(&impatient(&sshd, mute.local_addr().unwrap().port())));
    assert_eq!(refused.fact, "127.0.0.1 cannot be reached: no SSH handshake: no answer for 1 s");
    assert!(time < LIMIT * 2, "{time:?}");
}

#[test]
fn a_closed_port_is_reported_at_once() {
    let sshd = Sshd::start();
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let (refused, time) = timed(|| refusal(&impatient(&sshd, port)));
    assert!(refused.fact.contains("Connection refused"), "{}", refused.fact);
    assert!(time < LIMIT, "{time:?}");
}

/// Starts a command, does something to the connection while it runs, and gives what came of it.
fn disturbed(disturb: impl FnOnce(&Sshd, &Proxy) + Send, say: &[u8]) -> (Result<(), Broken>, Duration, Duration) {
    let sshd = Sshd::start();
    let proxy = Proxy::new(sshd.address(), Duration::ZERO);
    let mut session = session(&impatient(&sshd, proxy.port));
    let mut talk = Script::new(say).until_text("done\n");
    if say.is_empty() {
        talk = talk.heartbeats();
    }
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(300));
            disturb(&sshd, &proxy);
        });
        let (result, time) =
            timed(|| session.exchange("echo said; sleep 8; cat >/dev/null; echo done", &mut talk, LIMIT));
        let ((), drop_time) = timed(|| drop(session));
        (result, time, drop_time)
    })
}

#[test]
fn a_connection_that_breaks_while_a_command_runs_is_lost_in_time() {
    type Disturb = fn(&Sshd, &Proxy);
    let upload = vec![b'x'; 16 << 20];
    let cases: [(&str, Disturb, &[u8]); 5] = [
        ("the server's process stops", |sshd, _| sshd.signal(Signal::STOP), b""),
        ("the server's process is killed", |sshd, _| sshd.signal(Signal::KILL), b""),
        ("the network freezes", |_, proxy| proxy.freeze(), b""),
        ("the network is cut", |_, proxy| proxy.cut(), b""),
        ("the network freezes during an upload", |_, proxy| proxy.freeze(), &upload),
    ];
    for (what, disturb, say) in cases {
        let (result, time, drop_time) = disturbed(disturb, say);
        let Err(Broken::Lost(diagnostic)) = result else { panic!("{what}: {result:?}") };
        assert!(diagnostic.fact.contains("127.0.0.1"), "{what}: {}", diagnostic.fact);
        assert!(time < LIMIT * 3, "{what}: {time:?}");
        assert!(drop_time < Duration::from_millis(200), "{what}: dropping took {drop_time:?}");
    }
}

#[test]
fn a_dead_session_says_so_again_when_used_again() {
    let sshd = Sshd::start();
    let mut session = session(&impatient(&sshd, sshd.port));
    sshd.signal(Signal::KILL);
    for _ in 0..2 {
        let result = run(session.as_mut(), "true");
        assert!(matches!(result, Err(Broken::Lost(_))), "{result:?}");
    }
}
