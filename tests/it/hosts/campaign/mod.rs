//! The fault campaign: applies of about 60 resources are interrupted at random points, and after each accident one plain
//! `apply` must make the host what it should be, with every reaction that was owed done and no trace left.
//!
//! A sample in the ordinary run; `STEWARD_FAULTS=300` for the whole. A failure says the seed of its round, and
//! `STEWARD_SEED=N STEWARD_FAULTS=1` repeats that round as far as the machine allows.

mod world;

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use crate::support::{Chapter, Host, Proxy, wait_for};

const WORKERS: usize = 4;
/// Steps and reactions that an apply of one generation reports.
const STEPS: u64 = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    OperatorKilled,
    ShellKilled,
    ConnectionCut,
    LinkFrozen,
    PowerCut,
}

const FAULTS: [Fault; 5] =
    [Fault::OperatorKilled, Fault::ShellKilled, Fault::ConnectionCut, Fault::LinkFrozen, Fault::PowerCut];

/// Xorshift: enough for choosing, and the same everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().and_then(|text| text.parse().ok())
}

#[test]
fn interrupted_at_any_point_one_apply_mends_everything() {
    let wanted = usize::try_from(number("STEWARD_FAULTS").unwrap_or(20)).unwrap();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos();
    let seed = number("STEWARD_SEED").unwrap_or(u64::try_from(now % 1_000_000_000).unwrap());
    let started = AtomicUsize::new(0);
    let begun = Instant::now();
    let failures: Vec<String> = std::thread::scope(|scope| {
        let started = &started;
        let work = |worker| scope.spawn(move || Worker::new(Host::new(), worker).all(wanted, seed, started));
        let working: Vec<_> = (0..wanted.min(WORKERS)).map(work).collect();
        working.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    let failed = failures.len();
    eprintln!(
        "Interruptions: {wanted} tried, {} converged, {failed} failed, in {} s (STEWARD_SEED={seed}).",
        wanted - failed,
        begun.elapsed().as_secs()
    );
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

/// One host and the chapter that is applied to it again and again.
struct Worker {
    host: Host,
    /// Only taken while it is changed.
    chapter: Option<Chapter>,
    proxy: Proxy,
    generation: u64,
}

impl Worker {
    fn new(host: Host, number: usize) -> Self {
        let proxy = proxy(&host);
        let chapter = world::chapter(&host, &proxy);
        let mut worker = Self { host, chapter: Some(chapter), proxy, generation: 0 };
        worker.next_generation();
        let _ = worker.chapter().apply().success();
        assert_eq!(world::wrong(&worker.host, worker.generation), Vec::<String>::new());
        if number == 0 {
            world::plant(&worker.host);
        }
        worker
    }

    fn chapter(&self) -> &Chapter {
        self.chapter.as_ref().unwrap()
    }

    fn next_generation(&mut self) {
        self.generation += 1;
        self.chapter = self.chapter.take().map(|chapter| world::of(chapter, self.generation));
    }

    #[allow(clippy::print_stderr, reason = "how far it is, for whoever waits for hundreds")]
    fn all(mut self, wanted: usize, seed: u64, started: &AtomicUsize) -> Vec<String> {
        let mut failures = Vec::new();
        loop {
            let round = started.fetch_add(1, Ordering::SeqCst);
            if round >= wanted {
                return failures;
            }
            let seed = seed + u64::try_from(round).unwrap();
            // whatever accident comes around, each gets its share
            let fault = FAULTS[usize::try_from(seed).unwrap() % FAULTS.len()];
            let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
            let (when, wrong) = self.round(fault, &mut random);
            eprintln!("{round}: {fault:?} {when}: {}", if wrong.is_empty() { "converged" } else { "failed" });
            if !wrong.is_empty() {
                failures.push(format!("STEWARD_SEED={seed}, {fault:?} {when}:\n{}", wrong.join("\n")));
                self.host.reset();
                self.reconnect();
                let _ = self.chapter().apply().success();
            }
        }
    }

    /// One interruption and what is wrong after one plain apply. An apply that was too quick for it does not count.
    fn round(&mut self, fault: Fault, random: &mut Random) -> (String, Vec<String>) {
        loop {
            self.next_generation();
            let most = if random.below(4) == 0 { 400 } else { 15 };
            let (step, more) = (random.below(STEPS), random.below(most));
            let when = format!("after {step} steps and {more} ms");
            let mut running = Running::start(self.chapter());
            if !running.reaches(usize::try_from(step).unwrap()) {
                running.child.wait().unwrap();
                continue;
            }
            std::thread::sleep(Duration::from_millis(more));
            let interrupted = running.child.try_wait().unwrap().is_none();
            let noticed = self.happens(fault, &mut running.child, random);
            let code = running.child.wait().unwrap().code();
            let mut wrong = self.mended();
            if !noticed {
                wrong.push("the operator's side waits for ever".to_owned());
            }
            if !interrupted {
                continue;
            }
            if code == Some(0) && fault != Fault::LinkFrozen && running.steps() < usize::try_from(step).unwrap() {
                wrong.push("the interrupted apply called itself a success".to_owned());
            }
            return (when, wrong);
        }
    }

    /// False if the operator's side did not notice that nobody answers it any more.
    fn happens(&mut self, fault: Fault, operator: &mut Child, random: &mut Random) -> bool {
        match fault {
            Fault::OperatorKilled => operator.kill().unwrap(),
            // it holds the lock, and no child of it does
            Fault::ShellKilled => drop(self.host.try_sh(
                "for p in /proc/[0-9]*; do case $(readlink $p/fd/9) in /var/lib/steward/lock) kill -9 ${p#/proc/};; esac; done",
            )),
            Fault::ConnectionCut => self.proxy.cut(),
            Fault::LinkFrozen => {
                self.proxy.freeze();
                // most people do not wait until it gives up
                if random.below(8) > 0 {
                    std::thread::sleep(Duration::from_millis(random.below(1500)));
                    operator.kill().unwrap();
                }
            }
            // back soon, as it must be for its operator to learn what became of what waited for a confirmation
            Fault::PowerCut => {
                self.host.kill();
                std::thread::sleep(Duration::from_millis(random.below(3000)));
                self.host.boot();
            }
        }
        // its silence, the deadline of a confirmation, and what it grants a host to come back
        let given_up = Instant::now() + Duration::from_mins(4);
        while operator.try_wait().unwrap().is_none() && Instant::now() < given_up {
            std::thread::sleep(Duration::from_millis(10));
        }
        let noticed = operator.try_wait().unwrap().is_some();
        operator.kill().unwrap();
        if matches!(fault, Fault::ConnectionCut | Fault::LinkFrozen) {
            self.proxy.cut();
            self.reconnect();
        }
        noticed
    }

    fn reconnect(&mut self) {
        self.proxy = proxy(&self.host);
        self.chapter = self.chapter.take().map(|chapter| world::reached(chapter, &self.host, &self.proxy));
    }

    /// One plain apply, and what is wrong after it.
    fn mended(&self) -> Vec<String> {
        let applied = self.chapter().run(&["apply", "--yes", "--format", "json"]);
        if applied.code() != Some(0) {
            return vec![applied.to_string()];
        }
        let mut wrong = world::wrong(&self.host, self.generation);
        let planned = self.chapter().run(&["plan", "--detailed-exitcode"]);
        if planned.code() != Some(0) {
            wrong.push(planned.to_string());
        }
        wrong
    }
}

fn proxy(host: &Host) -> Proxy {
    Proxy::new(SocketAddr::new(host.address.parse().unwrap(), 22), Duration::ZERO)
}

/// An apply that tells how far it is.
struct Running {
    child: Child,
    steps: Arc<AtomicUsize>,
}

impl Running {
    fn start(chapter: &Chapter) -> Self {
        let quick = ["--silence-timeout", "12", "--confirm-timeout", "10"];
        let mut command = chapter.command(&[&["apply", "--yes", "--format", "json"][..], &quick].concat());
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let (lines, steps) = (BufReader::new(child.stdout.take().unwrap()).lines(), Arc::new(AtomicUsize::new(0)));
        let counted = Arc::clone(&steps);
        std::thread::spawn(move || {
            lines.map_while(Result::ok).for_each(|_| {
                counted.fetch_add(1, Ordering::SeqCst);
            });
        });
        Self { child, steps }
    }

    fn steps(&self) -> usize {
        self.steps.load(Ordering::SeqCst)
    }

    /// Waits until so many steps are done. False if it ended before.
    fn reaches(&mut self, step: usize) -> bool {
        let mut running = true;
        wait_for("the apply goes on", Duration::from_mins(2), || {
            running = self.child.try_wait().unwrap().is_none();
            !running || self.steps() >= step
        });
        running
    }
}
