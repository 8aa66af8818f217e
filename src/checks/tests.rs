use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::thread::JoinHandle;

use super::*;
use crate::diag::{Diagnostics, Source};
use crate::yaml;

fn read_all(text: &str) -> (Option<Check>, Diagnostics) {
    let mut mistakes = Diagnostics::default();
    let node = yaml::parse(&Source::new("x.yaml", text)).unwrap();
    (read(&node, "wiki", &mut mistakes), mistakes)
}

fn check(text: &str) -> Check {
    let (check, mistakes) = read_all(text);
    assert!(mistakes.0.is_empty(), "{mistakes:?}");
    check.unwrap()
}

/// Tries it once against what listens on loopback.
fn once(check: &Check) -> Verdict {
    let none = || Err(crate::transport::Broken::Ended(Box::new(crate::diag::Diagnostic::error("not here"))));
    let mut verified =
        verify(std::slice::from_ref(check), "127.0.0.1", Some(Duration::ZERO), Duration::ZERO, &mut None, none);
    verified.remove(0).verdict
}

/// Answers one connection: says the first line, then after each line it hears the next one.
fn server(lines: &'static [&'static str]) -> (u16, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let serve = move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut heard = Vec::new();
        for line in lines {
            if stream.write_all(line.as_bytes()).is_err() {
                break;
            }
            let mut word = String::new();
            if reader.read_line(&mut word).unwrap_or(0) == 0 {
                break;
            }
            heard.push(word.trim_end().to_owned());
        }
        heard
    };
    (port, std::thread::spawn(serve))
}

fn failed(verdict: Verdict) -> String {
    match verdict {
        Verdict::Failed(why) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_mistake_points_into_the_yaml() {
    let (_, mistakes) = read_all("http: { url: x, satus: 200 }");
    assert!(mistakes.0[0].fact.contains("satus"), "{mistakes:?}");
    assert!(read_all("{}").1.has_errors());
    assert!(read_all("{ tcp: { port: 1 }, http: { url: x } }").1.has_errors());
    assert!(read_all("tcp: { port: 70000 }").1.has_errors());
    let check = check("{ within: 5, tcp: { port: 8080 } }");
    assert_eq!((check.name.as_str(), check.within), ("tcp 8080", Duration::from_secs(5)));
}

#[test]
fn a_page_is_judged_by_all_that_was_said_of_it() {
    let answer = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nX-A: one\r\nx-a: two\r\nContent-Length: 12\r\nConnection: close\r\n\r\nHTTP/1.1 200";
    let ask = |fields: &str| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let serve = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut line = String::new();
            while reader.read_line(&mut line).unwrap() > 2 {
                line.clear();
            }
            stream.write_all(answer.as_bytes()).unwrap();
        });
        // any name leads to where the host is
        let verdict = once(&check(&format!("http: {{ url: \"http://wiki.example:{port}/\", {fields} }}")));
        serve.join().unwrap();
        verdict
    };
    assert_eq!(
        ask("contains: \"HTTP/1.1 200\", header: { X-a: two }, send: { \"A\\\"b\": \"x\\nurl = y\" }"),
        Verdict::Passed
    );
    assert_eq!(failed(ask("status: 404")), "status 200 instead of 404");
    assert_eq!(failed(ask("redirect: /x")), "status 200 instead of a redirect to /x");
    assert_eq!(failed(ask("contains: other")), "`other` does not stand in the answer");
    assert_eq!(failed(ask("lacks: HTTP")), "`HTTP` stands in the answer");
    assert_eq!(failed(ask("header: { x-b: \"\" }")), "no header x-b");
    assert_eq!(failed(ask("header: { x-a: three }")), "the header x-a lacks `three`");
}

#[test]
fn what_does_not_speak_http_or_does_not_answer_is_no_page() {
    let (port, serve) = server(&["hello\u{1b}[2J\n"]);
    let why = failed(once(&check(&format!("http: {{ url: \"http://a.example:{port}/\" }}"))));
    assert!(!why.contains('\u{1b}'), "{why:?}");
    serve.join().unwrap();
    assert!(failed(once(&check(&format!("http: {{ url: \"http://a.example:{port}/\" }}")))).contains("connect"));
    assert!(failed(once(&check("http: { url: \"file:///etc/passwd\" }"))).contains("rotocol"));
}

#[test]
fn a_mail_server_that_takes_everything_is_an_open_relay() {
    let open = &["220 mx\r\n", "250-mx\r\n250 STARTTLS\r\n", "250 ok\r\n", "250 ok\r\n", "221 bye\r\n"];
    let (port, serve) = server(open);
    let why = failed(once(&check(&format!("smtp: {{ port: {port}, starttls: true, refuses_relay: true }}"))));
    assert!(why.contains("open relay"), "{why}");
    assert!(!serve.join().unwrap().iter().any(|word| word.starts_with("DATA")));

    // a table that cannot be read is no refusal
    let (port, serve) = server(&["220 mx\r\n", "250 mx\r\n", "250 ok\r\n", "451 later\r\n", "221 bye\r\n"]);
    let why = failed(once(&check(&format!("smtp: {{ port: {port}, refuses_relay: true }}"))));
    assert!(why.contains("whether it relays cannot be told; it says `451 later`"), "{why}");
    drop(serve);

    let closed = &[
        "220 mx\r\n",
        "250 mx\r\n",
        "250 ok\r\n",
        "554 no\r\n",
        "250 ok\r\n",
        "250 ok\r\n",
        "250 ok\r\n",
        "221\r\n",
    ];
    let (port, serve) = server(closed);
    let text = format!("smtp: {{ port: {port}, refuses_relay: true, accepts: \"list@a.example\\r\\nDATA\" }}");
    assert_eq!(once(&check(&text)), Verdict::Passed);
    let heard = serve.join().unwrap();
    assert!(heard.contains(&"RCPT TO:<list@a.example  DATA>".to_owned()), "{heard:?}");
}

#[test]
fn a_port_is_open_or_closed_or_says_something() {
    let (port, serve) = server(&["SSH-2.0-x\r\n"]);
    assert_eq!(once(&check(&format!("tcp: {{ port: {port}, greets: SSH-2.0 }}"))), Verdict::Passed);
    serve.join().unwrap();
    assert_eq!(once(&check(&format!("tcp: {{ port: {port}, open: false }}"))), Verdict::Passed);
    assert!(failed(once(&check(&format!("tcp: {{ port: {port} }}")))).contains("cannot be reached"));
    assert_eq!(once(&check("dns: { name: localhost }")), Verdict::Passed);
    assert!(failed(once(&check("dns: { name: localhost, address: 192.0.2.1 }"))).contains("instead of 192.0.2.1"));
}

#[test]
fn what_the_host_cannot_be_asked_is_unknown() {
    assert_eq!(once(&check("unit: { name: nginx }")), Verdict::Unknown("not here".into()));
}

#[test]
fn answers_of_a_host_are_judged_and_odd_ones_never_pass() {
    let judge = |text: &str, said: &[&str]| match check(text).what {
        What::Inside(inside) => inside.judge(said),
        other => panic!("{other:?}"),
    };
    let unit = "unit: { name: nginx, enabled: true }";
    assert_eq!(judge(unit, &["active", "enabled"]), Verdict::Passed);
    assert_eq!(judge(unit, &["active", "disabled"]), Verdict::Failed("it is disabled".into()));
    assert_eq!(judge(unit, &["failed", "enabled"]), Verdict::Failed("it is failed".into()));
    let ports = "port_set: { open: [22, 80] }";
    assert_eq!(judge(ports, &["22 "]), Verdict::Passed);
    assert!(matches!(judge(ports, &["22 111 80 "]), Verdict::Failed(why) if why.contains("on 111 too")));
    let command = "command: { run: x, prints: \"a\\nb\" }";
    assert_eq!(judge(command, &["0", "a\\0012b\\0012"]), Verdict::Passed);
    assert!(matches!(judge(command, &["0", "c"]), Verdict::Failed(_)));
    assert!(matches!(judge(command, &["124", ""]), Verdict::Failed(_)));
    assert!(matches!(judge("sql: { engine: postgres, database: a, query: b }", &["1", "x"]), Verdict::Failed(_)));
    for text in [unit, ports, command] {
        for said in [&[][..], &["x"], &["x", "y", "z"]] {
            assert_ne!(judge(text, said), Verdict::Passed, "{text} {said:?}");
        }
    }
}

#[test]
fn what_did_not_pass_comes_first_and_nothing_breaks_out() {
    let verified = |name: &str, verdict| {
        let mut check = check("tcp: { port: 1 }");
        check.name = name.to_owned();
        Verified { check, verdict }
    };
    let checks = vec![verified("fine", Verdict::Passed), verified("bad", Verdict::Failed("a\nb\u{1b}".into()))];
    let hosts = [report::HostReport { host: "web1".into(), checks }];
    let table =
        "HOST  SERVICE  CHECK  RESULT\nweb1  wiki     bad    failed: a; b\u{241b}\nweb1  wiki     fine   passed\n";
    assert_eq!(report::table(&hosts), table);
    assert_eq!(report::summary(&hosts), "Checks: 1 passed, 1 failed, 0 unknown.\n");
    assert!(!report::passed(&hosts));
    assert_eq!(hosts[0].failures().len(), 1);
}
