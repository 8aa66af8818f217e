//! A command at a terminal of its own, by script(1) of util-linux, with somebody who answers its questions.

use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Runs `command`; each answer is typed when its question is on the screen. Gives the exit status and the screen.
pub(crate) fn at_terminal(command: &Command, answers: &[(&str, &str)]) -> (Option<i32>, String) {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let line = words.map(|word| format!("'{}'", word.to_str().unwrap().replace('\'', r"'\''"))).collect::<Vec<_>>();
    let mut script = Command::new("script");
    script.args(["--quiet", "--return", "--command", &line.join(" "), "/dev/null"]).env_clear();
    script.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    script.current_dir(command.get_current_dir().unwrap()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = script.spawn().expect("script is in bsdutils");
    let (mut keyboard, mut output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let screen = Arc::new(Mutex::new(String::new()));
    let seen = Arc::clone(&screen);
    let reader = std::thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(count @ 1..) = output.read(&mut bytes) {
            seen.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..count]));
        }
    });
    let start = Instant::now();
    let mut asked = 0;
    for (question, answer) in answers {
        loop {
            let text = screen.lock().unwrap();
            if let Some(at) = text[asked..].find(question) {
                asked += at + question.len();
                break;
            }
            let over = child.try_wait().unwrap().is_some() || start.elapsed() > Duration::from_secs(30);
            assert!(!over, "nobody asked {question:?}: {text}");
            drop(text);
            std::thread::sleep(Duration::from_millis(10));
        }
        // the question comes before the terminal is told not to show the answer
        std::thread::sleep(Duration::from_millis(200));
        keyboard.write_all(format!("{answer}\n").as_bytes()).unwrap();
    }
    let status = child.wait().unwrap();
    drop(keyboard);
    reader.join().unwrap();
    let text = screen.lock().unwrap().clone();
    (status.code(), text)
}
