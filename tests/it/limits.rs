//! What modules say of their limits, as a volunteer meets it: parameters that never change, and versions that break something.

use crate::support::Chapter;

const CHAPTER: &str = "id: 00112233445566778899aabbccddeeff\nchapter: { name: Test, domain: test.example }\n";

const CHAT: &str = "version: 1
summary: { en: Chat. }
params: { server_name: { type: hostname, immutable: true }, title: { default: Chat } }
resources:
  - file: { path: /etc/chat.conf, content: \"name = {{ server_name }}\\ntitle = {{ title }}\\n\" }
";

fn services(params: &str) -> String {
    format!("services:\n  chat: {{ module: chat, on: web1, params: {{ {params} }} }}\n")
}

fn chat() -> Chapter {
    let chapter = Chapter::new().file("chapter.yaml", CHAPTER).local("web1").file("modules/chat.yaml", CHAT);
    let chapter = chapter.file("services.yaml", services("server_name: a.example"));
    let _ = chapter.apply().success();
    let _ = chapter.plan().success().no_changes();
    chapter
}

#[test]
fn a_parameter_that_can_never_change_is_refused_from_the_first_apply_on_and_what_else_changes_is_not() {
    let chapter = chat().file("services.yaml", services("server_name: a.example, title: Talk"));
    let _ = chapter.apply().success();
    let chapter = chapter.file("services.yaml", services("server_name: b.example, title: Talk"));
    let said = "`server_name` of `chat` was \"a.example\" when it was applied, and cannot become \"b.example\"";
    let plan = chapter.plan().status(3).stdout_has(said);
    let _ = plan.stdout_has("To move on purpose: declare a second service with the new value beside it");
    let _ = chapter.apply().status(3);
    assert!(std::fs::read_to_string(chapter.root("web1").join("etc/chat.conf")).unwrap().contains("a.example"));
    // on purpose: it goes, and comes anew
    let chapter = chapter.file("services.yaml", "services: {}\n");
    let _ = chapter.run(&["apply", "--yes", "--allow-deletions", "9"]).success();
    let chapter = chapter.file("services.yaml", services("server_name: b.example"));
    let _ = chapter.apply().success();
    assert!(std::fs::read_to_string(chapter.root("web1").join("etc/chat.conf")).unwrap().contains("b.example"));
}

#[test]
fn a_version_that_breaks_something_waits_until_somebody_agrees() {
    let three = CHAT.replace(
        "version: 1",
        "version: 3\nbreaking:\n  \"2\": { en: Old clients are turned away., es: Los clientes viejos ya no entran. }\n  \"3\": { en: Rooms lose their topics. }",
    );
    let three = three.replace("title = ", "heading = ");
    let chapter = chat().file("modules/chat.yaml", three);
    let _ = chapter.run(&["module", "update"]).success();
    let plan = chapter.plan().success();
    let plan = plan.stdout_has("! Upgrade  web1: chat: from version 1 to 2: Old clients are turned away.\n");
    let _ = plan.stdout_has("Plan: 0 to create, 1 to update");
    let spanish = chapter.run(&["plan", "--locale", "es"]).success();
    let _ = spanish.stdout_has("chat: de la versión 1 a la 2: Los clientes viejos ya no entran.");
    let refused =
        chapter.apply().status(1).stderr_has("host web1: chat: from version 1 to 3: Rooms lose their topics.");
    let _ = refused.stderr_has("`--accept-upgrade chat`");
    assert!(std::fs::read_to_string(chapter.root("web1").join("etc/chat.conf")).unwrap().contains("title = "));
    let _ =
        chapter.run(&["apply", "--yes", "--accept-upgrade", "chta"]).status(1).stderr_has("there is no such service");

    // agreed to in the inventory, for versions up to one
    let agreed = |version: &str| format!("{}    accept_upgrade: {version}\n", block());
    let chapter = chapter.file("services.yaml", agreed("2"));
    let _ = chapter.apply().status(1).stderr_has("from version 1 to 3").never_says("from version 1 to 2");
    let chapter = chapter.file("services.yaml", block());
    let _ = chapter.run(&["apply", "--yes", "--accept-upgrade", "chat"]).success();
    // once it is there, nothing asks again
    let _ = chapter.plan().success().no_changes();
    let _ = chapter.apply().success();
}

fn block() -> String {
    "services:\n  chat:\n    module: chat\n    on: web1\n    params: { server_name: a.example }\n".to_owned()
}

#[test]
fn a_review_says_what_will_be_refused_and_what_will_break() {
    let chapter = Chapter::new().file("chapter.yaml", CHAPTER).local("web1").file("modules/chat.yaml", CHAT);
    let chapter = chapter.file("services.yaml", services("server_name: a.example"));
    let _ = chapter.run(&["module", "update"]).success();
    chapter.commit();
    let two = CHAT.replace("version: 1", "version: 2\nbreaking: { \"2\": { en: Old clients are turned away. } }");
    let chapter = chapter.file("modules/chat.yaml", two).file("services.yaml", services("server_name: b.example"));
    let _ = chapter.run(&["module", "update"]).success();
    let review = chapter.run(&["review", "--base", "HEAD"]).success();
    let review = review.stdout_has("! Mistake");
    let review =
        review.stdout_has("`server_name` is \"a.example\" where it was applied, and cannot become \"b.example\"");
    let _ = review.stdout_has("! Upgrade  web1: chat: from version 1 to 2: Old clients are turned away.");
}
