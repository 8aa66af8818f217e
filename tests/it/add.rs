//! `steward add`: what options and answers become, what is refused, and that nothing else in the files changes.

use crate::support::{Chapter, at_terminal};

const CHAPTER: &str = "id: 5f0c1c0e8f6b4d4f9a7e2b1d3c5a6978\nchapter: { name: Test, domain: test.example }\n";
const HOSTS: &str = "hosts:\n  web1: { address: 192.0.2.1, os: debian-12, groups: [web] } # the old one\n  web2: { address: 192.0.2.2, os: debian-12 }\ngroups: { web: {} }\n";
const SERVICES: &str = "# What runs where.\nservices:\n  nginx:   # before the sites\n    module: nginx\n    on: web1\n\n  base: { module: apt, on: all } # everywhere\n\n# The end.\n";

fn chapter() -> Chapter {
    Chapter::new().file("chapter.yaml", CHAPTER).file("hosts.yaml", HOSTS).file("services.yaml", SERVICES)
}

fn services(chapter: &Chapter) -> String {
    std::fs::read_to_string(chapter.path("services.yaml")).unwrap()
}

#[test]
fn a_service_is_added_by_options_and_everything_else_stays() {
    let chapter = chapter();
    let ran = chapter.run(&[
        "add",
        "static-site",
        "--name",
        "website",
        "--on",
        "web1",
        "--param",
        "domain=www.test.example",
    ]);
    let ran = ran.success().stderr_has("website (static-site) is in services.yaml.\nNext:\n");
    let _ = ran.stderr_has("  steward module update  # records static-site\n").stderr_has("  steward plan");
    let expected = SERVICES.replace(
        "# everywhere\n",
        "# everywhere\n  website: { module: static-site, on: web1, params: { domain: www.test.example } }\n",
    );
    assert_eq!(services(&chapter), expected);
    let _ = chapter.run(&["module", "update"]).success();
    let _ = chapter.validate().success().stderr_has("2 hosts, 3 services");
}

#[test]
fn what_is_missing_is_named_with_its_help_and_nothing_is_written() {
    let chapter = chapter();
    let ran = chapter.run(&["add", "static-site", "--param", "sauce=x"]).status(1);
    let _ = ran
        .stderr_has("it is not said where `static-site` shall run. What it needs (nginx) is on web1.")
        .stderr_has("give `--on`, with one of: web1, web2, web")
        .stderr_has(
            "`static-site` asks for `domain` (hostname, such as www.chapter.example): Where the site answers.",
        )
        .stderr_has("give it: `--param domain=www.chapter.example`")
        .stderr_has("nothing asks for `--param sauce`")
        .stderr_has("did you mean `source`?");
    let spanish = chapter.run(&["--locale", "es", "add", "static-site", "--on", "web1"]).status(1);
    let _ = spanish.stderr_has("Dónde responde el sitio.");
    let _ = chapter
        .run(&["add", "static-site", "--on", "web1", "--param", "domain=a b"])
        .status(1)
        .stderr_has("--> --param domain:1:1")
        .stderr_has("`domain` must be a host name or address");
    for (arguments, said) in [
        (&["add", "static-sight", "--on", "web1"][..], "did you mean `static-site`?"),
        (&["add", "nginx", "--on", "web2"], "there is a service `nginx` already"),
        (&["add", "nginx", "--name", "other", "--on", "web3"], "there is no host or group `web3`"),
        (&["add", "nginx", "--name", "a b", "--on", "web2"], "a b"),
        (&["add", "nginx", "--name", "x", "--on", "web2", "--need", "y=z"], "nothing asks for `--need y`"),
        (&["add", "nginx", "--name", "x", "--on", "web2", "--param", "y"], "has no `=`"),
    ] {
        let _ = chapter.run(arguments).status(1).stderr_has(said);
    }
    assert_eq!(services(&chapter), SERVICES);
}

#[test]
fn an_unmet_need_is_refused_or_added_too() {
    let chapter = chapter();
    let site = ["add", "static-site", "--on", "web2", "--param", "domain=w.test.example"];
    let refused = chapter.run(&site).status(1).stderr_has("Nothing was written");
    let _ = refused.stderr_has("place `nginx` on web2, too");
    assert_eq!(services(&chapter), SERVICES);
    let arguments =
        [&site[..], &["--with-needs", "--param", "nginx.client_max_body_size=1m", "--format", "json"]].concat();
    let ran = chapter.run(&arguments).success();
    assert_eq!(crate::schemas::fits(&chapter, "add", ran.text()), Ok(()));
    let json = ran.json();
    let added: Vec<_> = json["added"].as_array().unwrap().iter().map(|it| it["service"].as_str().unwrap()).collect();
    assert_eq!(added, ["nginx-2", "static-site"], "{json}");
    assert_eq!(json["added"][0]["params"]["client_max_body_size"], "1m");
    assert_eq!(json["written"], serde_json::json!(["services.yaml"]));
    assert!(
        services(&chapter).starts_with(SERVICES.strip_suffix("\n# The end.\n").unwrap()),
        "{}",
        services(&chapter)
    );
    let _ = chapter.run(&["module", "update"]).success();
    let _ = chapter.validate().success();
}

#[test]
fn a_need_may_be_met_from_elsewhere_and_a_secret_is_named() {
    let keeper = "version: 1\nsummary: { en: A store. }\nfacts: { place: \"{{ host.name }}\" }\nresources: []\n";
    let app = "version: 1\nsummary: { en: An app. }\nparams:\n  server_name: { type: domain, immutable: true, help: For good. }\n  size: { type: int, one_of: [1, 2] }\nneeds: { keeper: {} }\n\
        secrets:\n  token: { help: { en: From the provider. } }\n  password: { generate: { length: 24 } }\n\
        resources: [{ file: { path: /etc/app, content: \"{{ needs.keeper.place }} {{ size }} {{ server_name }}\" } }]\n";
    let chapter = chapter()
        .file("modules/keeper.yaml", keeper)
        .file("modules/app.yaml", app)
        .file("services.yaml", "services:\n  store: { module: keeper, on: web1 }\n");
    let command = chapter.command(&["add", "app"]);
    let (status, screen) = at_terminal(
        &command,
        &[
            ("Where does it run (web1, web2, web)? What it needs (keeper) is on web1. [web1]", "web3"),
            ("there is no host or group `web3`", "web2"),
            ("For good.", "short"),
            ("must be a domain", "app.test.example"),
            ("size (one of 1, 2)", "2"),
            ("there is store. Which one shall it use", "store"),
        ],
    );
    assert_eq!(status, Some(0), "{screen}");
    assert!(screen.contains("server_name (domain, cannot be changed later)"), "{screen}");
    for next in
        ["secrets generate", "makes app/password", "secrets set app/token", "From the provider.", "module update"]
    {
        assert!(screen.contains(next), "{next}: {screen}");
    }
    assert_eq!(
        services(&chapter),
        "services:\n  store: { module: keeper, on: web1 }\n  app: { module: app, on: web2, params: { server_name: app.test.example, size: 2 }, needs: { keeper: { service: store } } }\n"
    );
}

#[test]
fn somebody_who_says_yes_gets_what_is_needed_too() {
    let chapter = chapter().file("services.yaml", "services: {}\n");
    let command = chapter.command(&["add", "static-site", "--on", "web", "--param", "domain=w.test.example"]);
    let (status, screen) = at_terminal(&command, &[("which is not on web1 yet. Add it too?", "y")]);
    assert_eq!(status, Some(0), "{screen}");
    let text = services(&chapter);
    assert!(text.find("nginx").unwrap() < text.find("static-site").unwrap(), "{text}");
}

#[test]
fn the_style_of_the_file_is_kept_and_the_first_service_finds_its_place() {
    for (before, after) in [
        ("services: {}\n", "services:\n  base:\n    module: apt\n    on: all\n"),
        ("services:\n", "services:\n  base:\n    module: apt\n    on: all\n"),
        (
            "services:\n    # wide\n    web:\n        module: nginx\n        on: web1\n",
            "services:\n    # wide\n    web:\n        module: nginx\n        on: web1\n    base:\n",
        ),
    ] {
        let chapter = chapter().file("services.yaml", before);
        let _ = chapter.run(&["add", "apt", "--name", "base", "--on", "all"]).success();
        assert!(services(&chapter).starts_with(after), "{}", services(&chapter));
        let _ = chapter.run(&["module", "update"]).success();
        let _ = chapter.validate().success();
    }
    // no file has the section yet: beside the hosts
    let chapter = Chapter::new().file("chapter.yaml", CHAPTER).file("hosts.yaml", HOSTS);
    let _ = chapter.run(&["add", "apt", "--on", "all"]).success().stderr_has("is in hosts.yaml.");
}
