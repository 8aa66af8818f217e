use super::*;
use crate::kinds::bench::{Bench, Directory, SHELLS, assert_converged};

fn item(yaml: &str) -> Box<dyn Item> {
    Bench::on(Site::default(), |_, _| Vec::new()).item("sysctl", yaml)
}

fn observed(yaml: &str, answer: &str) -> Observation {
    let answer = Answer { bytes: answer.as_bytes().to_vec(), ..Answer::default() };
    SysctlKind.read(&[&*item(yaml)], &Site::default(), &answer).remove(0)
}

fn seen(value: &str, at_boot: &str) -> Observation {
    Observation::Present(State::new().with("value", value).with("at boot", at_boot))
}

const RANGE: &str = "{ key: net.ipv4.ip_local_port_range, value: \"32768   60000\" }";
const PATH: &str = "net/ipv4/ip_local_port_range";
const OWN: &str = "/etc/sysctl.d/60-steward-net.ipv4.ip_local_port_range.conf";

#[test]
fn blanks_between_numbers_do_not_count() {
    let answer = format!("V|{PATH}|32768\t60000\nF|{PATH}|{OWN}| 32768 60000\nZ\n");
    assert_converged(&*item(RANGE), &observed(RANGE, &answer));
}

#[test]
fn what_is_set_now_and_what_will_be_are_seen_apart() {
    assert_eq!(observed(RANGE, &format!("V|{PATH}|1\t2\nZ\n")), seen("1 2", "not set"));
    let later = "/etc/sysctl.d/99-local.conf";
    let answer = format!("V|{PATH}|32768\t60000\nF|{PATH}|{later}|1 2\nF|{PATH}|{OWN}|32768 60000\nZ\n");
    assert_eq!(observed(RANGE, &answer), seen("32768 60000", "1 2, by /etc/sysctl.d/99-local.conf"));
    let earlier = "/usr/lib/sysctl.d/50-default.conf";
    let answer = format!("V|{PATH}|32768\t60000\nF|{PATH}|{OWN}|32768 60000\nF|{PATH}|{earlier}|1 2\nZ\n");
    assert_converged(&*item(RANGE), &observed(RANGE, &answer));
}

#[test]
fn a_setting_that_the_kernel_lacks_is_absent_and_one_it_hides_is_unknown() {
    assert_eq!(observed(RANGE, &format!("A|{PATH}\nZ\n")), Observation::Absent);
    let hidden = Observation::Unknown("the kernel does not let it be read".into());
    assert_eq!(observed(RANGE, &format!("U|{PATH}\nZ\n")), hidden);
    for answer in ["", "Z\n", "V|net/ipv4\nZ\n", "V\nF\nF|||\nZ", "\u{0}|\nZ\n", &format!("V|{PATH}|1 2\n")] {
        assert!(matches!(observed(RANGE, answer), Observation::Unknown(_)), "{answer:?}");
    }
}

#[test]
fn only_stewards_own_file_counts_when_it_shall_go() {
    let gone = "{ key: net.ipv4.ip_local_port_range, state: absent }";
    let other = format!("V|{PATH}|1 2\nF|{PATH}|/etc/sysctl.d/99-local.conf|1 2\nZ\n");
    assert_eq!(observed(gone, &other), Observation::Absent);
    let own = format!("V|{PATH}|1 2\nF|{PATH}|{OWN}|1 2\nZ\n");
    assert!(matches!(observed(gone, &own), Observation::Present(_)));
}

#[test]
fn a_key_is_the_same_with_dots_and_with_slashes() {
    assert_eq!(path("net.ipv4.conf.eth0/1.rp_filter").as_deref(), Some("net/ipv4/conf/eth0.1/rp_filter"));
    assert_eq!(path("net/ipv4/conf/eth0.1/rp_filter").as_deref(), Some("net/ipv4/conf/eth0.1/rp_filter"));
    assert_eq!(item("{ key: net/ipv4/ip_forward, value: 1 }").name(), "net.ipv4.ip_forward");
    for key in ["", "x", "../x", "/etc/passwd", "net..x", "a.$(x)", "a.b\n", "a/b/../c", "net.ipv4.*"] {
        assert_eq!(path(key), None, "{key}");
    }
}

#[test]
fn what_this_machine_says_is_read_in_every_shell() {
    let directory = Directory::new();
    for shell in SHELLS {
        let bench = directory.host(shell);
        let items = ["{ key: kernel.pid_max, value: 1 }", "{ key: net.no.such, value: 1 }"]
            .map(|yaml| bench.item("sysctl", yaml));
        let seen = bench.probe("sysctl", &[&*items[0], &*items[1]]);
        let now = std::fs::read_to_string("/proc/sys/kernel/pid_max").unwrap();
        let Observation::Present(state) = &seen[0] else { panic!("{shell:?}: {seen:?}") };
        assert_eq!(state.0["value"], now.trim().into());
        assert_eq!(seen[1], Observation::Absent);
    }
}
