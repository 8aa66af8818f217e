//! A small forge on loopback: the comments of one pull request, in pages, for whoever has the token.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

pub(crate) const TOKEN: &str = "secret-token";

pub(crate) struct Forge {
    port: u16,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    comments: Vec<Value>,
    requests: Vec<String>,
    /// Answers everything with this status, these headers and this body.
    refusal: Option<(u16, String, String)>,
}

impl Forge {
    /// With these comments, `(author, text)`.
    pub(crate) fn start(comments: &[(&str, &str)]) -> Forge {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut state = State::default();
        for (author, text) in comments {
            add(&mut state, author, text);
        }
        let state = Arc::new(Mutex::new(state));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || listener.incoming().flatten().for_each(|stream| serve(stream, &shared)));
        Forge { port, state }
    }

    pub(crate) fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn refuse(&self, status: u16, headers: &str, body: &str) {
        self.state.lock().unwrap().refusal = Some((status, headers.to_owned(), body.to_owned()));
    }

    /// The texts of all comments.
    pub(crate) fn comments(&self) -> Vec<String> {
        let state = self.state.lock().unwrap();
        state.comments.iter().map(|comment| comment["body"].as_str().unwrap().to_owned()).collect()
    }

    /// Method and path of everything that was asked.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.state.lock().unwrap().requests.clone()
    }
}

fn add(state: &mut State, author: &str, text: &str) -> Value {
    let user = json!({ "login": author, "username": author, "type": "User" });
    let comment = json!({ "id": state.comments.len() + 101, "body": text, "user": user, "author": user });
    state.comments.push(comment.clone());
    comment
}

fn serve(stream: TcpStream, state: &Mutex<State>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 || line.trim().is_empty() {
            break;
        }
        lines.push(line.trim().to_owned());
    }
    let Some(first) = lines.first() else { return };
    let header = |name: &str| {
        lines.iter().find_map(|line| {
            let (known, value) = line.split_once(": ")?;
            known.eq_ignore_ascii_case(name).then(|| value.to_owned())
        })
    };
    let mut body = vec![0; header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0)];
    reader.read_exact(&mut body).unwrap();
    let mut words = first.split(' ');
    let (method, path) = (words.next().unwrap(), words.next().unwrap());
    let mut state = state.lock().unwrap();
    state.requests.push(format!("{method} {path}"));
    let knows =
        ["authorization", "private-token"].iter().filter_map(|name| header(name)).any(|it| it.ends_with(TOKEN));
    let (status, headers, answer) = match state.refusal.clone() {
        Some(refusal) => refusal,
        None if !knows => (401, String::new(), json!({ "message": "Bad credentials" }).to_string()),
        None => {
            let answer = answer(&mut state, method, path, &serde_json::from_slice(&body).unwrap_or_default());
            (200, String::new(), answer.to_string())
        }
    };
    let length = answer.len();
    let _ = (&stream).write_all(
        format!("HTTP/1.1 {status} X\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{answer}")
            .as_bytes(),
    );
}

fn answer(state: &mut State, method: &str, path: &str, body: &Value) -> Value {
    let text = body["body"].as_str().unwrap_or_default();
    match method {
        "GET" if path == "/user" => json!({ "login": "steward-bot" }),
        "GET" => {
            let number = |name: &str| {
                let value = path.split(['?', '&']).find_map(|part| part.strip_prefix(&format!("{name}=")));
                value.and_then(|value| value.parse::<usize>().ok()).unwrap()
            };
            let (page, limit) = (number("page"), number("per_page"));
            state.comments.iter().skip((page - 1) * limit).take(limit).cloned().collect()
        }
        "POST" => add(state, "steward-bot", text),
        _ => {
            let id = path.rsplit('/').next().and_then(|id| id.parse::<u64>().ok()).unwrap();
            let found = state.comments.iter_mut().find(|comment| comment["id"] == id).unwrap();
            found["body"] = text.into();
            found.clone()
        }
    }
}
