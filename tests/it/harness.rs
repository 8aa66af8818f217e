//! The harness itself, as far as it needs no root: a harness that cannot fail proves nothing.

use std::time::{Duration, Instant};

use crate::support::{Chapter, Proxy, Sshd, answers};

#[test]
fn sshd_runs_commands_for_its_own_key_only() {
    let (one, other) = (Sshd::start(), Sshd::start());
    assert_eq!(one.ssh("echo $((6 * 7))").stdout, b"42\n");
    let stranger =
        crate::support::ssh(&other.key(), one.host_key(), "127.0.0.1", one.port(), one.user()).arg("true").output();
    assert_eq!(stranger.unwrap().status.code(), Some(255), "{}", one.log());
}

#[test]
fn sshd_takes_its_options() {
    let sshd = Sshd::with().config("ForceCommand echo forced").start();
    assert_eq!(sshd.ssh("echo asked").stdout, b"forced\n");
}

#[test]
fn sshd_gives_an_empty_home_unless_told_otherwise() {
    assert_eq!(Sshd::start().ssh("ls -A ~").stdout, b"");
    let noisy = Sshd::with().file(".bashrc", "echo Welcome").variable("WHO", "tester").start();
    assert_eq!(noisy.ssh("ls -A ~; echo $WHO").stdout, b"Welcome\n.bashrc\ntester\n");
}

#[test]
fn sshd_is_gone_with_its_test() {
    let port = Sshd::start().port();
    assert!(!answers(port));
}

#[test]
fn a_proxy_delays_both_ways() {
    let sshd = Sshd::start();
    let proxy = Proxy::new(sshd.address(), Duration::from_millis(200));
    let start = Instant::now();
    assert_eq!(sshd.ssh_through(proxy.port, "echo hello").stdout, b"hello\n");
    // Handshake, versions, key exchange, authentication and the command are at least five round trips.
    assert!(start.elapsed() > Duration::from_secs(1), "{:?}", start.elapsed());
    assert_eq!(proxy.connections(), 1);
}

#[test]
fn a_frozen_proxy_lets_nothing_through_and_tells_nobody() {
    let sshd = Sshd::start();
    let proxy = Proxy::new(sshd.address(), Duration::ZERO);
    proxy.freeze();
    let output = sshd.ssh_through(proxy.port, "echo hello"); // gives up by its own ConnectTimeout
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(255), &b""[..]));
    assert_eq!(proxy.connections(), 1);
}

#[test]
fn a_cut_proxy_breaks_what_runs() {
    let sshd = Sshd::start();
    let proxy = Proxy::new(sshd.address(), Duration::ZERO);
    let status = std::thread::scope(|scope| {
        let run = scope.spawn(|| sshd.ssh_through(proxy.port, "sleep 60").status);
        std::thread::sleep(Duration::from_millis(700));
        proxy.cut();
        run.join().unwrap()
    });
    assert_eq!(status.code(), Some(255));
}

#[test]
fn a_proxy_freezes_in_the_middle_of_an_answer() {
    let sshd = Sshd::start();
    let proxy = Proxy::new(sshd.address(), Duration::ZERO);
    proxy.freeze_after(100_000);
    std::thread::scope(|scope| {
        let run = scope.spawn(|| sshd.ssh_through(proxy.port, "head -c 1000000 /dev/zero").stdout.len());
        std::thread::sleep(Duration::from_secs(1));
        assert!(!run.is_finished());
        proxy.cut();
        let arrived = run.join().unwrap();
        assert!((50_000..=100_000).contains(&arrived), "{arrived}");
    });
}

#[test]
fn a_chapter_runs_the_real_binary_and_sees_how_it_ends() {
    let chapter = Chapter::new().file("chapter.yaml", "chapter: { name: Test, domain: test.example }\n");
    assert!(chapter.path("chapter.yaml").exists());
    let _ = chapter.run(&["--version"]).success();
}

#[test]
#[should_panic(expected = "expected exit status 1")]
fn a_wrong_expectation_fails() {
    let _ = Chapter::new().run(&["--version"]).status(1);
}
