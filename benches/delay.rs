//! A network that is far away: `delay ADDRESS:PORT MILLISECONDS` prints a port on loopback that leads there with so much
//! added to every round trip, until its standard input ends. For `benches/run`, since not every kernel has netem.

#[allow(clippy::expect_used, reason = "it serves tests above all, where a panic is what fails them")]
#[path = "../tests/it/support/proxy.rs"]
mod proxy;

use std::error::Error;
use std::io::{Write, stdin, stdout};
use std::time::Duration;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [target, delay] = words.as_slice() else { return Err("usage: delay ADDRESS:PORT MILLISECONDS".into()) };
    let proxy = proxy::Proxy::new(target.parse()?, Duration::from_millis(delay.parse()?));
    writeln!(stdout(), "{}", proxy.port)?;
    std::io::copy(&mut stdin(), &mut std::io::sink())?;
    Ok(())
}
