//! What a host cannot do: a container, such as these hosts, cannot set the clock. That is said, and is neither done nor green.

use crate::support::{Chapter, Host};

const MODULE: &str = "version: 1
summary: { en: The time. }
resources:
  - file: { path: /etc/time.conf, content: \"pool a.example\\n\" }
    supported: { needs: [clock], because: the clock is that of the machine below }
  - file: { path: /etc/zone, content: \"UTC\\n\" }
    supported: { needs: [systemd] }
";

#[test]
fn what_a_host_cannot_do_is_never_done_never_green_and_keeps_nothing_else_from_being_done() {
    let host = Host::new();
    let chapter = Chapter::new().host("web1", &host).file("modules/time.yaml", MODULE);
    let chapter = chapter.maintainer().file("services.yaml", "services:\n  time: { module: time, on: all }\n");
    let said = "x file:/etc/time.conf is unsupported here: the host lacks setting the clock (CAP_SYS_TIME); the clock is that of";
    let plan = chapter.plan().success().stdout_has(said).stdout_has("Plan: 1 to create, 0 to update");
    let _ = plan.stdout_has("Attention: 1 resource is unsupported here.");
    let _ = chapter.apply().status(3).stderr_has("unsupported here");
    assert_eq!(host.sh("cat /etc/zone; test -e /etc/time.conf || echo none"), "UTC\nnone\n");
    // nothing is left to do, and still it is not as the inventory wants it
    let plan = chapter.plan().success().stdout_has(said);
    let _ =
        plan.stdout_has("No changes where the hosts could be read.\nAttention: 1 resource is unsupported here.\n");
    let _ = chapter.apply().status(3);
    let _ = chapter.run(&["drift"]).status(3).stdout_has("is unsupported here");
    let json = chapter.run(&["plan", "--format", "json"]).success().json();
    let why = json["hosts"][0]["unknown"][0]["why"].as_str().unwrap();
    assert!(why.starts_with("unsupported here: "), "{why}");
}
