//! A TCP proxy on loopback that delays, freezes or cuts what passes: a bad network for tests and benchmarks, where
//! the kernel offers none. Uses std only, so that a benchmark can include this file too.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

pub(crate) struct Proxy {
    pub(crate) port: u16,
    network: Arc<Network>,
}

struct Network {
    /// Of a round trip; half of it each way.
    delay: Duration,
    frozen: AtomicBool,
    over: AtomicBool,
    /// How many bytes of the server's may pass before it freezes.
    allowance: AtomicUsize,
    /// How many bytes of the server's passed.
    passed: AtomicUsize,
    connections: AtomicUsize,
    sockets: Mutex<Vec<TcpStream>>,
}

impl Proxy {
    /// In front of `server`, with `delay` added to every round trip.
    pub(crate) fn new(server: SocketAddr, delay: Duration) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let network = Arc::new(Network {
            delay,
            frozen: AtomicBool::new(false),
            over: AtomicBool::new(false),
            allowance: AtomicUsize::new(usize::MAX),
            passed: AtomicUsize::new(0),
            connections: AtomicUsize::new(0),
            sockets: Mutex::new(Vec::new()),
        });
        let shared = Arc::clone(&network);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if shared.over.load(Ordering::SeqCst) {
                    return;
                }
                shared.connections.fetch_add(1, Ordering::SeqCst);
                let shared = Arc::clone(&shared);
                thread::spawn(move || {
                    thread::sleep(delay); // of TCP's own handshake
                    if let Ok(server) = TcpStream::connect(server) {
                        join(&shared, &client, &server);
                    }
                });
            }
        });
        Self { port, network }
    }

    /// Lets `bytes` of the server's pass on all connections together, then freezes both directions.
    #[allow(dead_code, reason = "not every user of this file needs it")]
    pub(crate) fn freeze_after(&self, bytes: usize) {
        self.network.allowance.store(bytes, Ordering::SeqCst);
        if bytes == 0 {
            self.network.frozen.store(true, Ordering::SeqCst);
        }
    }

    /// From now on nothing passes, and nobody is told.
    #[allow(dead_code, reason = "not every user of this file needs it")]
    pub(crate) fn freeze(&self) {
        self.network.frozen.store(true, Ordering::SeqCst);
    }

    /// Closes all connections, as a middle box does that restarts.
    #[allow(dead_code, reason = "not every user of this file needs it")]
    pub(crate) fn cut(&self) {
        for socket in self.network.sockets.lock().expect("sockets").drain(..) {
            let _ = socket.shutdown(Shutdown::Both);
        }
    }

    /// How many bytes of the server's passed.
    #[allow(dead_code, reason = "not every user of this file needs it")]
    pub(crate) fn passed(&self) -> usize {
        self.network.passed.load(Ordering::SeqCst)
    }

    /// How many connections were made through it.
    #[allow(dead_code, reason = "not every user of this file needs it")]
    pub(crate) fn connections(&self) -> usize {
        self.network.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.network.over.store(true, Ordering::SeqCst);
        for socket in self.network.sockets.lock().expect("sockets").drain(..) {
            let _ = socket.shutdown(Shutdown::Both);
        }
        // Wakes the thread that waits for connections.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

fn join(network: &Arc<Network>, client: &TcpStream, server: &TcpStream) {
    let mut sockets = network.sockets.lock().expect("sockets");
    for (from, to, counted) in [(client, server, false), (server, client, true)] {
        let (Ok(from), Ok(to)) = (from.try_clone(), to.try_clone()) else { return };
        let _ = to.set_nodelay(true);
        sockets.extend(from.try_clone());
        // Holds 16 MiB on its way, more than any window over such a delay.
        let (sender, receiver) = sync_channel(256);
        let delay = network.delay / 2;
        thread::spawn(move || receive(from, &sender, delay));
        let network = Arc::clone(network);
        thread::spawn(move || send(to, &receiver, &network, counted));
    }
}

fn receive(mut from: TcpStream, sender: &SyncSender<(Instant, Vec<u8>)>, delay: Duration) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if sender.send((Instant::now() + delay, buffer[..count].to_vec())).is_err() {
            return;
        }
    }
}

fn send(mut to: TcpStream, receiver: &Receiver<(Instant, Vec<u8>)>, network: &Network, counted: bool) {
    while let Ok((due, bytes)) = receiver.recv() {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let mut passing = bytes.as_slice();
        if counted && network.allowance.load(Ordering::SeqCst) != usize::MAX {
            let left = network.allowance.load(Ordering::SeqCst);
            passing = &passing[..left.min(passing.len())];
            network.allowance.fetch_sub(passing.len(), Ordering::SeqCst);
            if left <= bytes.len() {
                let _ = to.write_all(passing);
                network.frozen.store(true, Ordering::SeqCst);
            }
        }
        while network.frozen.load(Ordering::SeqCst) {
            if network.over.load(Ordering::SeqCst) {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        if to.write_all(passing).is_err() {
            break;
        }
        if counted {
            network.passed.fetch_add(passing.len(), Ordering::SeqCst);
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}
