use serde_json::{Value, json};

use super::values::value;
use crate::diag::{Diagnostics, Source};
use crate::modules::read;

/// What a text becomes for a parameter that is declared like this.
fn typed(declaration: &str, text: &str) -> Result<Value, String> {
    let module = format!("version: 1\nsummary: x\nparams:\n  it: {declaration}\n");
    let mut mistakes = Diagnostics::default();
    let module = read("m", &Source::new("m.yaml", module), false, &mut mistakes).unwrap();
    assert_eq!(mistakes.0, []);
    value("it", &module.params["it"], text, "--param it").map_err(|wrong| wrong.0[0].to_string())
}

#[test]
fn a_text_becomes_what_its_parameter_takes() {
    let object = "{ type: object, fields: { a: { type: int }, b: { default: x } } }";
    for (declaration, text, expected) in [
        ("{ type: string }", "no", json!("no")),
        ("{ type: string }", "8", json!("8")),
        ("{ type: int }", "8", json!(8)),
        ("{ type: port }", "443", json!(443)),
        ("{ type: float }", "0.5", json!(0.5)),
        ("{ type: bool }", "yes", json!(true)),
        ("{ type: bool }", "false", json!(false)),
        ("{ type: list of string }", "a, b,c", json!(["a", "b", "c"])),
        ("{ type: list of port }", "[1, 2]", json!([1, 2])),
        ("{ type: list of port }", "1,2", json!([1, 2])),
        ("{ type: map of int }", "{ a: 1 }", json!({ "a": 1 })),
        // the default of `b` goes on following the module
        (object, "{ a: 1 }", json!({ "a": 1 })),
        ("{ type: int }", "{{ vars.n }}", json!("{{ vars.n }}")),
    ] {
        assert_eq!(typed(declaration, text), Ok(expected), "{declaration} {text}");
    }
}

#[test]
fn a_text_that_is_not_of_the_type_is_refused_at_its_place() {
    for (declaration, text, expected) in [
        (
            "{ type: port }",
            "70000",
            "--param it:1:1: `it` must be a port number from 1 to 65535, not the number 70000",
        ),
        ("{ type: int }", "many", "--param it:1:1: `it` must be a whole number, not the text `many`"),
        ("{ type: hostname }", "a b", "must be a host name"),
        ("{ type: bool }", "perhaps", "must be true or false"),
        ("{ type: list of int }", "1, x", "must be a whole number"),
        ("{ type: map of int }", "{ a: [", "--param it:1:"),
        ("{ one_of: [a, b] }", "c", "cannot be `c`"),
        ("{ type: path }", "../x", "an absolute path"),
    ] {
        let said = typed(declaration, text).unwrap_err();
        assert!(said.contains(expected), "{text}: {said}");
    }
}
