//! Mistakes as SARIF 2.1.0 (OASIS), which code scanning shows. Paths are relative to the repository's top.

use std::path::Path;

use serde_json::{Value, json};

use super::place::{Region, region};
use crate::diag::{Diagnostic, Diagnostics, Place, Severity};

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// The whole document. `here`: where the names of sources are relative to; `top`: the repository.
pub fn sarif(diagnostics: &Diagnostics, here: &Path, top: &Path) -> Value {
    let locate = |place: &Place| region(place, here, top);
    let results: Vec<Value> = diagnostics.0.iter().map(|diagnostic| result(diagnostic, &locate)).collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "Steward",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": [{ "id": "inventory", "shortDescription": { "text": "The inventory has a mistake." } }],
            } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn result(diagnostic: &Diagnostic, locate: &impl Fn(&Place) -> Option<Region>) -> Value {
    let mut text = diagnostic.fact.clone();
    if let Some(remedy) = &diagnostic.remedy {
        text.push_str(". ");
        text.push_str(remedy);
    }
    let place = diagnostic.place.as_ref();
    let region = place.and_then(locate);
    if let (Some(place), None) = (place, &region) {
        text = format!("{place}: {text}");
    }
    let mut result = json!({
        "ruleId": "inventory",
        "ruleIndex": 0,
        "level": if diagnostic.severity == Severity::Error { "error" } else { "warning" },
        "message": { "text": shown(&text) },
        "locations": region.iter().map(location).collect::<Vec<_>>(),
    });
    let related: Vec<Value> = diagnostic
        .related
        .iter()
        .filter_map(|(place, why)| {
            let mut location = location(&locate(place)?);
            location["message"] = json!({ "text": shown(why) });
            Some(location)
        })
        .collect();
    if !related.is_empty() {
        result["relatedLocations"] = related.into();
    }
    result
}

fn location(region: &Region) -> Value {
    json!({ "physicalLocation": {
        "artifactLocation": { "uri": uri(&region.path), "uriBaseId": "%SRCROOT%" },
        "region": {
            "startLine": region.line,
            "startColumn": region.column,
            "endLine": region.end_line,
            "endColumn": region.end_column,
        },
    } })
}

fn shown(text: &str) -> String {
    crate::plan::diff::visible(&super::keys::without_age_key(text))
}

/// A path as a relative reference (RFC 3986, 4.2).
fn uri(path: &str) -> String {
    let kept = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    let quoted: String = path
        .bytes()
        .map(|byte| if kept(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect();
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Source;

    #[test]
    fn a_mistake_has_a_level_a_place_and_a_second_place() {
        let source = Source::new("my inventory/ä:b.yaml", "hosts:\n  web1: { parms: 1 }\n");
        let mistake = Diagnostic::error("unknown key `parms`")
            .at(&Place::new(&source, 17..22))
            .related(&Place::new(&source, 0..5), "the section")
            .remedy("did you mean `params`?");
        let all = Diagnostics(vec![mistake, Diagnostic::warning("no place")]);
        let sarif = sarif(&all, Path::new("/repo"), Path::new("/repo"));
        let results = &sarif["runs"][0]["results"];
        let place = &results[0]["locations"][0]["physicalLocation"];
        assert_eq!(results[0]["message"]["text"], "unknown key `parms`. did you mean `params`?");
        assert_eq!(place["artifactLocation"]["uri"], "my%20inventory/%C3%A4%3Ab.yaml");
        assert_eq!(place["region"]["startColumn"], 11);
        assert_eq!(place["region"]["endColumn"], 16);
        assert_eq!(results[0]["relatedLocations"][0]["message"]["text"], "the section");
        assert_eq!((&results[1]["level"], &results[1]["locations"]), (&json!("warning"), &json!([])));
    }
}
