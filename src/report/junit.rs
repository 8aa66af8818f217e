//! Results as JUnit XML, which forges show as tests. There is no standard: these are the elements and attributes that
//! Jenkins' `junit-10.xsd` and GitLab's documentation have in common.

use std::fmt::Write as _;

use crate::plan::diff::visible;

/// What belongs together: a host, a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suite {
    pub name: String,
    pub cases: Vec<Case>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    pub name: String,
    pub verdict: Verdict,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Passed,
    /// It is not as it should be; how.
    Failed(String),
    /// It could not be found out; why.
    Broken(String),
    /// It does not apply, or nobody could say; why.
    Skipped(String),
}

/// The whole document.
pub fn junit(name: &str, suites: &[Suite]) -> String {
    let count =
        |wanted: fn(&Verdict) -> bool, suite: &Suite| suite.cases.iter().filter(|case| wanted(&case.verdict)).count();
    let failed = |suite: &Suite| count(|verdict| matches!(verdict, Verdict::Failed(_)), suite);
    let broken = |suite: &Suite| count(|verdict| matches!(verdict, Verdict::Broken(_)), suite);
    let counts = |tests: usize, failures: usize, errors: usize| {
        format!("tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\"")
    };
    let sum = |of: &dyn Fn(&Suite) -> usize| suites.iter().map(of).sum::<usize>();
    let all = counts(sum(&|suite| suite.cases.len()), sum(&failed), sum(&broken));
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(xml, "<testsuites name=\"{}\" {all}>", escaped(name));
    for suite in suites {
        let counts = counts(suite.cases.len(), failed(suite), broken(suite));
        let _ = writeln!(xml, "  <testsuite name=\"{}\" {counts}>", escaped(&suite.name));
        for case in &suite.cases {
            let _ =
                write!(xml, "    <testcase classname=\"{}\" name=\"{}\"", escaped(&suite.name), escaped(&case.name));
            let (element, said) = match &case.verdict {
                Verdict::Passed => {
                    xml.push_str("/>\n");
                    continue;
                }
                Verdict::Failed(said) => ("failure", said),
                Verdict::Broken(said) => ("error", said),
                Verdict::Skipped(said) => ("skipped", said),
            };
            let first = escaped(said.lines().next().unwrap_or_default());
            let _ = writeln!(
                xml,
                ">\n      <{element} message=\"{first}\">{}</{element}>\n    </testcase>",
                escaped(said)
            );
        }
        xml.push_str("  </testsuite>\n");
    }
    xml.push_str("</testsuites>\n");
    xml
}

/// For text and attributes alike. Characters that XML 1.0 cannot hold in any form become pictures.
fn escaped(text: &str) -> String {
    visible(text)
        .chars()
        .map(|character| match character {
            '&' => "&amp;".to_owned(),
            '<' => "&lt;".to_owned(),
            '>' => "&gt;".to_owned(),
            '"' => "&quot;".to_owned(),
            '\'' => "&apos;".to_owned(),
            '\u{fffe}' | '\u{ffff}' => "\u{fffd}".to_owned(),
            _ => character.to_string(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suites_are_counted_and_nothing_breaks_out() {
        let case = |name: &str, verdict| Case { name: name.into(), verdict };
        let hostile = "\"/><x>&]]>\u{1b}[2J\u{0}\nmore";
        let suites = [
            Suite { name: "web1".into(), cases: vec![case("all", Verdict::Passed)] },
            Suite {
                name: "web2".into(),
                cases: vec![
                    case("file:/etc/a", Verdict::Failed(hostile.into())),
                    case("host", Verdict::Broken("gone".into())),
                ],
            },
        ];
        let quoted = "&quot;/&gt;&lt;x&gt;&amp;]]&gt;\u{241b}[2J\u{2400}";
        assert_eq!(
            junit("Öl & Korn", &suites),
            format!(
                r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="Öl &amp; Korn" tests="3" failures="1" errors="1">
  <testsuite name="web1" tests="1" failures="0" errors="0">
    <testcase classname="web1" name="all"/>
  </testsuite>
  <testsuite name="web2" tests="2" failures="1" errors="1">
    <testcase classname="web2" name="file:/etc/a">
      <failure message="{quoted}">{quoted}
more</failure>
    </testcase>
    <testcase classname="web2" name="host">
      <error message="gone">gone</error>
    </testcase>
  </testsuite>
</testsuites>
"#
            )
        );
    }
}
