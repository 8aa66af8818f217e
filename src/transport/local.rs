//! This machine as a host: commands run by `sh -c`, without SSH. Exchanges are counted as over SSH, so that what is
//! measured here holds there.

use std::process::Command;
use std::time::Duration;

use super::child::{Stop, converse};
use super::{Broken, Conversation, Login, Session};

pub(super) struct Local {
    login: Login,
    exchanges: usize,
}

impl Local {
    pub(super) fn new(login: Login) -> Self {
        Self { login, exchanges: 0 }
    }
}

impl Session for Local {
    fn exchange(&mut self, command: &str, talk: &mut dyn Conversation, silence: Duration) -> Result<(), Broken> {
        self.exchanges += 1;
        let mut sh = Command::new("sh");
        sh.arg("-c").arg(command);
        // Not killed when it is silent: like over SSH, it notices that nobody listens and ends after its step.
        converse("local", &mut sh, talk, silence, false).map_err(|stop| match stop {
            Stop::Ended(broken, _) | Stop::Broken(broken) => broken,
        })
    }

    fn login(&self) -> &Login {
        &self.login
    }

    fn exchanges(&self) -> usize {
        self.exchanges
    }

    fn description(&self) -> String {
        "local".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Sudo;
    use super::super::script::Script;
    use super::*;

    const SILENCE: Duration = Duration::from_secs(10);

    fn local() -> Local {
        Local::new(Login { user: None, sudo: Sudo::None })
    }

    #[test]
    fn both_directions_run_at_once_without_deadlock() {
        let bytes = vec![b'x'; 64 << 20];
        let mut talk = Script::new(&bytes).until(64 << 20);
        let mut local = local();
        local.exchange("cat", &mut talk, SILENCE).unwrap();
        assert_eq!((talk.output.len(), local.exchanges()), (64 << 20, 1));
    }

    #[test]
    fn much_on_standard_error_does_not_block_standard_output() {
        let mut talk = Script::new(b"").until_text("done\n");
        let command = "dd if=/dev/zero bs=1M count=16 1>&2 2>/dev/null; echo done";
        local().exchange(command, &mut talk, SILENCE).unwrap();
        assert!(talk.errors.len() >= 16 << 20);
    }

    #[test]
    fn a_command_that_ends_without_its_end_record_is_not_a_success() {
        for (command, how) in [
            ("exit 0", "with exit status 0"),
            ("echo why >&2; exit 3", "with exit status 3, after saying `why`"),
            ("kill -9 $$", "killed by signal 9"),
            ("sleep 5 & echo gone >&2; exit 4", "with exit status 4, after saying `gone`"),
        ] {
            let mut talk = Script::new(b"").until_text("done\n");
            let result = local().exchange(command, &mut talk, SILENCE);
            let Err(Broken::Ended(diagnostic)) = result else { panic!("{command}: {result:?}") };
            assert_eq!(diagnostic.fact, format!("local: the command ended early, {how}"));
        }
    }

    #[test]
    fn silence_is_reported_in_time_even_while_we_send_heartbeats() {
        let mut talk = Script::new(b"").until_text("done\n").heartbeats();
        let begin = std::time::Instant::now();
        let result = local().exchange("sleep 20", &mut talk, Duration::from_millis(1500));
        assert!(matches!(result, Err(Broken::Lost(_))), "{result:?}");
        assert!(begin.elapsed() < Duration::from_secs(3), "{:?}", begin.elapsed());
        assert!(talk.asked >= 2, "asked for heartbeats every second");
    }

    #[test]
    fn the_end_record_ends_the_exchange_whatever_the_command_does_then() {
        let mut talk = Script::new(b"").until_text("done\n");
        let begin = std::time::Instant::now();
        local().exchange("echo done; exit 5", &mut talk, SILENCE).unwrap();
        assert!(begin.elapsed() < Duration::from_secs(1));
    }
}
