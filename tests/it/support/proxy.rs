//! A bad network: a TCP proxy on loopback that delays, freezes and cuts what passes through it. Takes the address behind
//! it; gives a port. The benchmarks' `delay` program is this file too.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

pub struct Proxy {
    port: u16,
    line: Arc<Line>,
}

struct Line {
    /// One way; a round trip is twice that.
    delay: Duration,
    frozen: AtomicBool,
    /// Freeze by itself once so many bytes have come back from the server.
    freeze_after: AtomicU64,
    cut: AtomicBool,
    answered: AtomicU64,
    connections: AtomicUsize,
    open: Mutex<Vec<TcpStream>>,
}

impl Proxy {
    pub fn to(target: SocketAddr, round_trip: Duration) -> Proxy {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port on loopback");
        let port = listener.local_addr().expect("a bound socket").port();
        let line = Arc::new(Line {
            delay: round_trip / 2,
            frozen: AtomicBool::new(false),
            freeze_after: AtomicU64::new(u64::MAX),
            cut: AtomicBool::new(false),
            answered: AtomicU64::new(0),
            connections: AtomicUsize::new(0),
            open: Mutex::new(Vec::new()),
        });
        let accepting = Arc::clone(&line);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if accepting.cut.load(Ordering::SeqCst) {
                    return;
                }
                accepting.connections.fetch_add(1, Ordering::SeqCst);
                let line = Arc::clone(&accepting);
                thread::spawn(move || {
                    thread::sleep(round_trip); // of the handshake
                    let Ok(server) = TcpStream::connect(target) else { return };
                    carry(&client, &server, &line, false);
                    carry(&server, &client, &line, true);
                    line.open.lock().expect("no thread panics holding it").extend([client, server]);
                });
            }
        });
        Proxy { port, line }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// From now on nothing passes and nothing is closed: a host that hangs, a network that swallows packets.
    pub fn freeze(&self) {
        self.line.frozen.store(true, Ordering::SeqCst);
    }

    /// Freezes as soon as the server has answered so many bytes from now on.
    pub fn freeze_after(&self, bytes: u64) {
        self.line.freeze_after.store(self.line.answered.load(Ordering::SeqCst) + bytes, Ordering::SeqCst);
    }

    pub fn thaw(&self) {
        self.line.freeze_after.store(u64::MAX, Ordering::SeqCst);
        self.line.frozen.store(false, Ordering::SeqCst);
    }

    /// Closes every connection and refuses each later one.
    pub fn cut(&self) {
        self.line.cut.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)); // wakes the listener, which then ends
        for stream in self.line.open.lock().expect("no thread panics holding it").drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Connections made through it so far.
    pub fn connections(&self) -> usize {
        self.line.connections.load(Ordering::SeqCst)
    }

    /// Bytes that came back from the server so far.
    pub fn answered(&self) -> u64 {
        self.line.answered.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.cut();
    }
}

/// One direction: a thread reads and stamps, another writes when the stamp is due.
fn carry(from: &TcpStream, to: &TcpStream, line: &Arc<Line>, answers: bool) {
    let (mut from, mut to) = (from.try_clone().expect("a socket"), to.try_clone().expect("a socket"));
    let _ = (from.set_nodelay(true), to.set_nodelay(true));
    let (send, receive) = mpsc::sync_channel::<(Instant, Vec<u8>)>(4096);
    let reading = Arc::clone(line);
    thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            if answers {
                let total = reading.answered.fetch_add(count as u64, Ordering::SeqCst) + count as u64;
                if total >= reading.freeze_after.load(Ordering::SeqCst) {
                    reading.frozen.store(true, Ordering::SeqCst);
                }
            }
            if send.send((Instant::now() + reading.delay, buffer[..count].to_vec())).is_err() {
                break;
            }
        }
    });
    let writing = Arc::clone(line);
    thread::spawn(move || {
        for (due, bytes) in receive {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            while writing.frozen.load(Ordering::SeqCst) && !writing.cut.load(Ordering::SeqCst) {
                thread::sleep(Duration::from_millis(5));
            }
            if to.write_all(&bytes).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    });
}
