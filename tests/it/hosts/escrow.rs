//! A secret that software makes on a host comes into the store, and from there onto the next host.

use crate::support::{Chapter, Host};

const MODULE: &str = "version: 1
summary: { en: For a test. }
secrets: { signing_key: { escrow: /var/lib/app/signing.key, rotate: never } }
resources:
  - directory: /var/lib/app
  - file: { path: /var/lib/app/signing.key, content: '{{ secrets.signing_key }}' }
    when: \"{{ 'signing_key' in fetched }}\"
  - command:
      name: let the software make its key
      run: umask 077; (printf Zq8w3; head -c 32 /dev/urandom | base64; echo end) >/var/lib/app/signing.key
      creates: /var/lib/app/signing.key
";

#[test]
fn a_key_that_software_made_is_fetched_without_being_shown_and_restored_where_it_is_gone() {
    let host = Host::new();
    let chapter = Chapter::new().host("web1", &host).file("modules/app.yaml", MODULE).maintainer();
    let chapter = chapter.file("services.yaml", "services:\n  app: { module: app, on: all }\n");
    let fetch = ["-vvv", "secrets", "fetch"];
    let _ = chapter.run(&fetch).status(1).stderr_has("app/signing_key is not there yet");
    let _ = chapter.apply().success();
    let made = host.sh("cat /var/lib/app/signing.key");
    let _ = chapter.run(&["secrets", "check"]).status(1).stderr_has("app/signing_key was not fetched yet");
    let _ = chapter.plan().success().no_changes();

    let before = host.sh("find /var/lib /etc /run/steward* -newer /var/lib/app/signing.key -type f 2>/dev/null | grep -i steward; true");
    let _ = chapter.run(&fetch).success().never_says("Zq8w3").stderr_has("app/signing_key is set, readable by ana");
    let after = host.sh("find /var/lib /etc /run/steward* -newer /var/lib/app/signing.key -type f 2>/dev/null | grep -i steward; true");
    assert_eq!(before, after, "it writes nothing there");
    let _ = chapter.run(&["secrets", "get", "app/signing_key"]).success().stdout(&made);
    let _ = chapter.run(&["secrets", "check"]).success();
    let _ = chapter.run(&fetch).success().stderr_has("Every secret that is made on a host was fetched.");
    let _ = chapter.run(&["secrets", "fetch", "app/signing_key"]).success().stderr_has("is what it was");
    let _ = chapter.plan().success().no_changes();

    host.sh("rm -rf /var/lib/app /var/lib/steward");
    let _ = chapter.apply().success().never_says("Zq8w3");
    assert_eq!(host.sh("cat /var/lib/app/signing.key; stat -c %a /var/lib/app/signing.key"), format!("{made}600\n"));
    let _ = chapter.plan().success().no_changes();

    // what is no file, and what is too large, is no secret
    host.sh("rm /var/lib/app/signing.key; mkdir /var/lib/app/signing.key");
    let _ = chapter.run(&["secrets", "fetch", "app/signing_key"]).status(1).stderr_has("it is a directory");
    host.sh("rmdir /var/lib/app/signing.key; head -c 70000 /dev/zero >/var/lib/app/signing.key");
    let _ = chapter.run(&["secrets", "fetch", "app/signing_key"]).status(1).stderr_has("larger than 64 KiB");
    let _ = chapter.run(&["secrets", "get", "app/signing_key"]).success().stdout(&made);
}
