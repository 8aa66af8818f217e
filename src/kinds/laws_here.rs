//! The laws of `laws.rs` for every kind that makes sense in a directory, in every shell, on this machine; and what holds
//! for all kinds alike.

use proptest::prelude::*;
use steward::kinds::{Answer, Item};

use super::bench::{Directory, NONCE, SHELLS};
use super::laws::{hold, interrupted_it_converges, retiring_takes_away_what_was_made};

#[test]
fn every_example_obeys_the_laws_in_every_shell() {
    for shell in SHELLS {
        for kind in steward::kinds::ALL.iter().filter(|kind| kind.works_in_directory()) {
            let directory = Directory::new();
            hold(*kind, &directory.bench(shell));
        }
    }
}

#[test]
fn every_example_survives_being_killed_at_any_moment() {
    for kind in steward::kinds::ALL.iter().filter(|kind| kind.works_in_directory()) {
        let directory = Directory::new();
        let bench = directory.bench(SHELLS[0]);
        for example in kind.examples() {
            let item = bench.item(kind.name(), example);
            interrupted_it_converges(kind.name(), item.as_ref(), &bench, &|| directory.reset());
        }
    }
}

#[test]
fn what_was_made_is_taken_away_again_and_nothing_else() {
    for shell in SHELLS {
        for kind in steward::kinds::ALL.iter().filter(|kind| kind.works_in_directory()) {
            for example in kind.examples() {
                let directory = Directory::new();
                for path in ["/etc/hosts", "/etc/example.conf.bak", "/etc/motd.d"] {
                    std::fs::write(directory.at(path), "127.0.0.1 localhost\n").unwrap();
                }
                let bench = directory.bench(shell);
                let item = bench.item(kind.name(), example);
                retiring_takes_away_what_was_made(*kind, item.as_ref(), &bench);
            }
        }
    }
}

/// Words that answers are made of, so that noise gets past the first look.
fn noise() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        prop::sample::select(vec![
            "\n", "|", ":", "0|", "1|", "tree|", "there|", "yes|", "S|81a4|", "A|", "U|", "E|", "Id=", "="
        ])
        .prop_map(|word| word.as_bytes().to_vec()),
        Just(NONCE.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..60),
        "[a-zA-Z0-9+/]{0,40}=?".prop_map(String::into_bytes),
    ];
    prop::collection::vec(word, 0..40).prop_map(|words| words.concat())
}

#[test]
fn whatever_a_host_answers_each_item_gets_an_observation() {
    let directory = Directory::new();
    let bench = directory.bench(SHELLS[0]);
    for kind in steward::kinds::ALL {
        let items: Vec<_> = kind.examples().iter().map(|example| bench.item(kind.name(), example)).collect();
        let items: Vec<&dyn Item> = items.iter().map(|item| &**item).collect();
        proptest!(|(bytes in noise())| {
            let answer = Answer { bytes, nonce: NONCE.to_owned(), ..Answer::default() };
            prop_assert_eq!(kind.read(&items, &bench.site, &answer).len(), items.len());
        });
    }
}
