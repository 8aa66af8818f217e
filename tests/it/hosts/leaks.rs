//! Secrets on a real host: handed to commands on standard input, and never to be seen by others there.

use crate::support::{Chapter, Host, Watch};

const CANARY: &str = "canary-Zq8w3-of-the-chapter";

const MODULE: &str = "version: 1
summary: { en: For a test. }
secrets: { password: { rotate: manual }, shadow: { generate: { from: password, form: sha512crypt } } }
resources:
  - user: { name: robot, shell: /bin/sh }
  - user: { name: mail, password: \"{{ secrets.shadow }}\" }
  - command:
      name: set the password
      run: chpasswd
      stdin: \"robot:{{ secrets.password }}\\n\"
  - file: { path: /etc/robot.conf, content: \"password = {{ secrets.password }}\\n\", owner: robot, mode: '0400' }
";

const FAILS: &str = "  - command:
      name: fail aloud
      run: 'cat >&2; exit 1'
      stdin: 'tell {{ secrets.password }} and {{ secrets.password | b64encode }}'
";

/// One failure of each kind that has the value at hand, with what is said of it.
const FAILURES: &[(&str, i32, &str)] = &[
    (FAILS, 3, "tell ‹secret› and ‹secret›"),
    (
        "  - file: { path: /etc/robot.ini, content: 'a = {{ secrets.password }}', validate: 'cat %s >&2; exit 1' }\n",
        3,
        "the new content does not pass",
    ),
    ("  - user: { name: games, password: '{{ secrets.password }}' }\n", 3, "is no hash in the form of crypt(5)"),
    ("  - file: { path: /etc/robot.ini, content: '{{ secrets.password.nothing.there }}' }\n", 1, "nothing"),
    ("  - file: { path: /etc/robot.ini, content: '{{ secrets.password | int }}' }\n", 1, "error"),
    ("  - file: { path: '/etc/{{ secrets.password }}', content: x }\n", 1, "a secret cannot stand in `path`"),
];

#[test]
fn a_value_reaches_its_file_and_its_command_and_nothing_else() {
    let host = Host::new();
    let chapter = Chapter::new().host("web1", &host).file("modules/robot.yaml", MODULE);
    let chapter = chapter.maintainer().file("services.yaml", "services:\n  robot: { module: robot, on: all }\n");
    let _ = chapter.run_with(&["secrets", "set", "robot/password"], CANARY).success();
    let planned = chapter.plan().success().stdout_has("+password = ‹secret robot/password›");
    let _ = planned.never_says(CANARY);

    // the value, its base64, and the hash that is made of it
    let watch = Watch::on(&host, &["Zq8w3", "Y2FuYXJ5LVpxOHcz", "$6$"]);
    let _ = chapter.run(&["-vvv", "apply", "--yes"]).success().never_says(CANARY);
    watch.end(&host).never();

    assert_eq!(
        host.sh("stat -c '%U %a' /etc/robot.conf; cat /etc/robot.conf"),
        format!("robot 400\npassword = {CANARY}\n")
    );
    let hash = host.sh("sed -n 's/^robot:\\([^:]*\\):.*/\\1/p' /etc/shadow");
    assert!(hash.starts_with('$'), "the command read it: {hash}");
    let derived = host.sh("sed -n 's/^mail:\\([^:]*\\):.*/\\1/p' /etc/shadow");
    let (salt, _) = derived.strip_prefix("$6$").unwrap().rsplit_once('$').unwrap();
    let told = host.sh(&format!("echo '{CANARY}' | openssl passwd -6 -stdin -salt '{salt}'"));
    assert_eq!(told, derived, "the host's own tool knows the password by it");
    let _ = chapter.plan().success().no_changes();
    let _ = chapter.without_keys(&["plan"]).success().no_changes();
    let everywhere = "grep -rlF -e Zq8w3 -e Q2FuYXJ5 -e Y2FuYXJ5LVpxOHcz /etc /var /run /root /home /tmp /dev/shm 2>/dev/null | sort";
    assert_eq!(host.sh(&format!("{everywhere}; true")), "/etc/robot.conf\n");
    host.sh(&format!("echo {CANARY} >/var/tmp/planted"));
    assert_eq!(host.sh(&format!("{everywhere}; true")), "/etc/robot.conf\n/var/tmp/planted\n");
    host.sh("rm /var/tmp/planted");

    // a new value is set everywhere, and nothing keeps the old one; without a key the plan says what would be done
    let _ = chapter.run_with(&["secrets", "set", "robot/password"], "another-Zq8w3").success();
    let planned = chapter.plan().success().stdout_has("run command:set the password");
    let _ = planned.stdout_has("+password = ‹secret robot/password: changed›").never_says("Zq8w3");
    let _ = chapter.apply().success();
    assert_ne!(host.sh("sed -n 's/^robot:\\([^:]*\\):.*/\\1/p' /etc/shadow"), hash);
    assert_eq!(
        host.sh(&format!("grep -rlF {CANARY} /etc /var /run /root /home /tmp /dev/shm 2>/dev/null; true")),
        ""
    );
    let _ = chapter.plan().success().no_changes();

    // whatever fails, in whatever form it is said
    for (failing, status, said) in FAILURES {
        std::fs::write(chapter.path("modules/robot.yaml"), format!("{MODULE}{failing}")).unwrap();
        let _ = chapter.run(&["module", "update"]);
        let _ = chapter.run(&["-vvv", "apply", "--yes"]).status(*status).stderr_has(said).never_says("Zq8w3");
        let _ = chapter.run(&["apply", "--yes", "--format", "json"]).status(*status).never_says("Zq8w3");
        let code = i32::from(*status == 1);
        for format in ["text", "json", "markdown"] {
            let _ = chapter.run(&["-vvv", "plan", "--format", format]).status(code).never_says("Zq8w3");
        }
        let _ = chapter.run(&["validate"]).never_says("Zq8w3");
    }
    assert_eq!(host.sh(&format!("{everywhere}; true")), "/etc/robot.conf\n", "no failure left any behind");
    let here = |places: &[std::path::PathBuf]| {
        let output = std::process::Command::new("grep").args(["-rlF", "Zq8w3"]).args(places).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let places = [chapter.path(""), chapter.home(), chapter.home().with_file_name("tmp")];
    assert_eq!(here(&places), "", "nor on the operator's side");
    std::fs::write(chapter.home().join("planted"), "another-Zq8w3").unwrap();
    assert!(here(&places).ends_with("planted\n"));
}
