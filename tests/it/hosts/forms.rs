//! Forms of passwords and public halves of keys, judged by other people's programs; also after somebody left, when the
//! passwords were made anew and all forms of them have to follow.

use crate::support::{Chapter, Host, keygen};

const MODULE: &str = "version: 1
summary: { en: For a test. }
secrets:
  password: { generate: { length: 24 }, rotate: auto }
  htpasswd: { generate: { from: password, form: htpasswd, user: ana } }
  bcrypt: { generate: { from: password, form: bcrypt } }
  argon2: { generate: { from: password, form: argon2 } }
  shadow: { generate: { from: password, form: sha512crypt } }
  tunnel: { generate: { wireguard: true }, rotate: auto }
resources:
  - file: { path: /root/password, content: '{{ secrets.password }}' }
  - file: { path: /root/htpasswd, content: \"{{ secrets.htpasswd }}\\n\" }
  - file: { path: /root/bcrypt, content: '{{ secrets.bcrypt }}' }
  - file: { path: /root/argon2, content: '{{ secrets.argon2 }}' }
  - file: { path: /root/shadow, content: '{{ secrets.shadow }}' }
  - file: { path: /root/tunnel, content: '{{ secrets.tunnel }}' }
";

/// Each prints one line: what the program says of the right password, then of another.
const JUDGES: &str = r#"
password=$(cat /root/password)
for try in "$password" "x$password"; do
  printf %s "$try" | htpasswd -iv /root/htpasswd ana >/dev/null 2>&1 && echo htpasswd
  TRY=$try python3 -c 'import bcrypt, os
if bcrypt.checkpw(os.environ["TRY"].encode(), open("/root/bcrypt", "rb").read()): print("bcrypt")'
  TRY=$try python3 -c 'import argon2, os
try: argon2.PasswordHasher().verify(open("/root/argon2").read(), os.environ["TRY"]); print("argon2")
except argon2.exceptions.VerifyMismatchError: pass'
  hash=$(cat /root/shadow) salt=${hash#?6?}
  [ "$(printf '%s\n' "$try" | openssl passwd -6 -stdin -salt "${salt%\$*}")" = "$hash" ] && echo shadow
  echo --
done
"#;

#[test]
fn other_programs_take_what_was_made_before_and_after_somebody_left() {
    let host = Host::new();
    host.sh("DEBIAN_FRONTEND=noninteractive; export DEBIAN_FRONTEND; apt-get -qq update && apt-get -qq install --no-install-recommends \
             apache2-utils python3-bcrypt python3-argon2 wireguard-tools openssl >/dev/null 2>&1");
    let chapter = Chapter::new().host("web1", &host).file("modules/app.yaml", MODULE).maintainer();
    let top = std::fs::read_to_string(chapter.path("chapter.yaml")).unwrap();
    let ssh = ["bea", "cem"].map(|name| keygen(&chapter.home().join(name)));
    let more = format!(
        "  bea: {{ name: Bea, role: maintainer, ssh: ['{}'] }}\n  cem: {{ name: Cem, role: operator, ssh: ['{}'] }}\n",
        ssh[0], ssh[1]
    );
    let top = top.replace("people: { ana: {", "people:\n  ana: {").replace("] } }\n", "] }\n") + &more;
    let chapter =
        chapter.file("chapter.yaml", top).file("services.yaml", "services:\n  app: { module: app, on: all }\n");
    let _ = chapter.run(&["secrets", "generate"]).success();
    let _ = chapter.run(&["secrets", "check"]).success();
    let mut passwords = Vec::new();
    for leaves in [false, true] {
        if leaves {
            let _ = chapter.run(&["people", "remove", "cem", "--yes"]).success();
            let _ = chapter.run(&["secrets", "check"]).success();
        }
        let _ = chapter.apply().success();
        assert_eq!(host.sh(JUDGES), "htpasswd\nbcrypt\nargon2\nshadow\n--\n--\n");
        let public = std::fs::read_to_string(chapter.path("secrets/app/tunnel.pub")).unwrap();
        assert_eq!(host.sh("wg pubkey </root/tunnel"), public);
        passwords.push(host.sh("cat /root/password /root/tunnel"));
    }
    assert_ne!(passwords[0], passwords[1]);
}
