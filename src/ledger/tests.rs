use proptest::prelude::*;

use super::*;

fn records(text: &str) -> Records {
    let answer = Answer { bytes: text.as_bytes().to_vec(), nonce: "ab12".into(), ..Answer::default() };
    read(Some(&answer), &Site::default())
}

fn q(kind: &str, answer: &str) -> String {
    format!("Q|{kind}|{}\n", STANDARD.encode(answer))
}

#[test]
fn what_is_left_is_read_with_what_is_there_of_it() {
    let records = records(&format!(
        "D|abc\nL|directory:/srv/x|wiki|d||made|abc\nL|file:/etc/b|wiki|-||none|\nL|file:/etc/a\\0174b|wiki|-||adopted|\n{}{}",
        q("file", "A|/etc/b\nS|81a4|root|0|root|0|1|/etc/a\\0174b\n"),
        q("directory", "U|/srv/x|no way\n")
    ));
    let seen: Vec<(String, bool, &Owned, bool)> = records
        .left
        .iter()
        .map(|it| (it.id.to_string(), it.data, &it.owned, it.seen == Observation::Absent))
        .collect();
    assert_eq!(records.left[0].seen, Observation::Unknown("no way".into()));
    assert_eq!(
        seen,
        [
            ("directory:/srv/x".into(), true, &Owned::Made("abc".into()), false),
            ("file:/etc/b".into(), false, &Owned::No, true),
            ("file:/etc/a|b".into(), false, &Owned::Adopted(String::new()), false),
        ]
    );
    assert_eq!(records.listed.as_deref(), Some("abc"));
}

#[test]
fn a_line_that_is_cut_or_forged_is_no_resource() {
    for line in [
        "L|file:/etc/a|wiki|-||made",
        "L|nothing:/etc/a|wiki|-||made|abc",
        "L|file|wiki|-||made|abc",
        "L|file:/etc/a|wiki|x||made|abc",
        "L|file:/etc/a|wiki|-||owned|abc",
        "L|file:/etc/a\\0377|wiki|-||made|abc",
        "M|file:/etc/a|wiki|-||made|abc",
        "L|file:/etc/a|wi\\0033[2Jki|-||made|abc",
        "L|file:/etc/a||-||made|abc",
    ] {
        assert!(records(line).left.is_empty(), "{line}");
    }
    let giant = format!("L|file:/{}|wiki|-||made|abc\n", "a".repeat(LONGEST));
    assert!(records(&giant).left.is_empty());
}

#[test]
fn records_of_more_than_anybody_declares_say_nothing() {
    let many: String = (0..=MOST + 5).map(|number| format!("L|file:/etc/{number}|wiki|-||made|abc\n")).collect();
    let records = records(&many);
    assert!(records.left.is_empty() && records.trouble.is_some());
}

#[test]
fn silence_is_not_an_empty_list() {
    assert!(read(None, &Site::default()).trouble.is_some());
    assert_eq!(records("U|/var/lib/steward/x/managed cannot be read\n").left.len(), 0);
    let left = records("L|file:/etc/a|wiki|-||made|abc\n").left;
    assert!(matches!(left[0].seen, Observation::Unknown(_)));
}

proptest! {
    #[test]
    fn no_answer_makes_it_panic(
        words in prop::collection::vec(
            prop_oneof![
                prop::sample::select(vec![
                    "L|", "B|", "N|", "C|", "Q|", "D|", "\n", "|", "file:/etc/x", "line:/etc/x#y", "made", "d", "4|#",
                    "block:/e#x", "Q|file|", "\\0", "\\0377", "user:root", "package:-", "Q|line|MHx5ZXN8",
                ]).prop_map(|word| word.as_bytes().to_vec()),
                prop::collection::vec(any::<u8>(), 0..40),
            ],
            0..60,
        ),
    ) {
        let answer = Answer { bytes: words.concat(), nonce: "ab12".into(), ..Answer::default() };
        for left in read(Some(&answer), &Site::default()).left {
            prop_assert!(kinds::named(left.id.kind).is_some());
        }
    }
}

/// What a host says in every shell, of records that are whole, cut and forged.
#[test]
fn every_shell_says_the_same_of_what_is_left() {
    use crate::kinds::bench::{Directory, NONCE, SHELLS};
    use crate::script::{probe_program, request};

    for shell in SHELLS {
        let directory = Directory::new();
        let bench = directory.bench(shell);
        let here = directory.root().display().to_string();
        let records = directory.at("/var/lib/steward/aa");
        std::fs::create_dir_all(directory.at("/var/lib/steward/bb")).unwrap();
        std::fs::create_dir_all(&records).unwrap();
        for name in ["left one", "left\ntwo", "declared"] {
            std::fs::write(directory.at("/etc").join(name), "x").unwrap();
        }
        let field = |text: &str| crate::quoting::encode(text.as_bytes());
        let file = |name: &str| {
            let ask = field(&format!("gone|{}", field(&format!("{here}/etc/{name}"))));
            format!("M|{}|wiki|-||{ask}\n", field(&format!("file:/etc/{name}")))
        };
        let mut managed = String::from("steward-managed 1|Ours\nM|file:/cut|wiki|-\n");
        for name in ["declared", "left one", "left\ntwo", "absent"] {
            managed.push_str(&file(name));
        }
        managed.push_str("M|ledger:x|wiki|-||whole\nM|owned:x|wiki|-||whole\n");
        std::fs::write(records.join("managed"), managed).unwrap();
        let ledger = "O|file:/etc/left one|begun|r1\nF|x|y\nO|file:/etc/left one|made|r1\nO|file:/etc/absent|made|r1\n\
                      O|file:/etc/left\\0012two|made|r1\nO|file:/etc/left\\0012two|gone\nO|file:/etc/decl";
        std::fs::write(records.join("ledger"), ledger).unwrap();
        let other = format!("steward-managed 1|Next Chapter\n{}", file("declared"));
        std::fs::write(directory.at("/var/lib/steward/bb/managed"), other).unwrap();
        let item = bench.item("file", "{ path: /etc/declared, content: x }");
        let items = BTreeMap::from([("file", vec![&*item])]);
        let asked = request::Asked { whole: true, ..request::Asked::default() };
        let request = request::request(&items, &bench.site, records.to_str().unwrap(), asked, NONCE);
        let before = bench.listing();
        let sections = bench.sections(&probe_program(), &request);
        assert_eq!(bench.listing(), before, "{shell:?}");
        let found = read(sections.get("owned"), &bench.site);
        let left: Vec<(&str, bool, bool)> = found
            .left
            .iter()
            .map(|it| (it.id.name.as_str(), it.owned != Owned::No, matches!(it.seen, Observation::Present(_))))
            .collect();
        let expected = [("/etc/left one", true, true), ("/etc/left\ntwo", false, true), ("/etc/absent", true, false)];
        assert_eq!(left, expected, "{shell:?}");
        assert_eq!(found.left[2].seen, Observation::Absent, "{shell:?}");
        assert!(found.unowned.contains("file:/etc/declared"), "{shell:?}");
        let other = Other { id: "bb".into(), name: "Next Chapter".into() };
        assert_eq!(found.others, BTreeMap::from([("file:/etc/declared".to_owned(), other)]), "{shell:?}");
        // a part of what is declared leaves nothing over
        let asked = request::Asked::default();
        let request = request::request(&items, &bench.site, records.to_str().unwrap(), asked, NONCE);
        let sections = bench.sections(&probe_program(), &request);
        assert!(read(sections.get("owned"), &bench.site).left.is_empty(), "{shell:?}");
    }
}
