//! Mistakes as GitHub's workflow commands, which put them beside the lines of a pull request. Forgejo and Gitea read
//! them, too. Escaped as GitHub's own toolkit does (`packages/core/src/command.ts`), so that no text can begin a command.

use std::path::Path;

use super::place::region;
use crate::diag::{Diagnostic, Diagnostics, Severity};

/// One line for each mistake. `here`: where the names of sources are relative to; `top`: the repository.
pub fn github(diagnostics: &Diagnostics, here: &Path, top: &Path) -> String {
    diagnostics.0.iter().map(|diagnostic| line(diagnostic, here, top)).collect()
}

fn line(diagnostic: &Diagnostic, here: &Path, top: &Path) -> String {
    let command = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let mut message = diagnostic.fact.clone();
    if let Some(remedy) = &diagnostic.remedy {
        message.push_str("\nhelp: ");
        message.push_str(remedy);
    }
    let place = diagnostic.place.as_ref();
    let Some(region) = place.and_then(|place| region(place, here, top)) else {
        let whence = place.map(|place| format!("{place}: ")).unwrap_or_default();
        return format!("::{command} title=Steward::{}\n", escaped(&(whence + &message)));
    };
    let file = escaped(&region.path).replace(':', "%3A").replace(',', "%2C");
    let (line, column, end_line) = (region.line, region.column, region.end_line);
    // GitHub ignores columns of a range over several lines, and wants its last one counted in
    let to = if end_line == line && region.end_column > column + 1 {
        format!(",endColumn={}", region.end_column - 1)
    } else {
        String::new()
    };
    format!("::{command} title=Steward,file={file},line={line},col={column}{to}::{}\n", escaped(&message))
}

fn escaped(text: &str) -> String {
    let text = super::keys::without_age_key(text);
    crate::plan::diff::visible(&text.replace('\r', "\u{240d}")).replace('%', "%25").replace('\n', "%0A")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::{Place, Source};

    fn said(diagnostic: Diagnostic) -> String {
        github(&Diagnostics(vec![diagnostic]), Path::new("/repo"), Path::new("/repo"))
    }

    #[test]
    fn a_mistake_stands_beside_its_line() {
        let source = Source::new("a,b:c.yaml", "hosts:\n  web1: { parms: 1 }\n");
        let place = Place::new(&source, 17..22);
        let mistake = Diagnostic::error("unknown key `parms`").at(&place).remedy("did you mean `params`?");
        assert_eq!(
            said(mistake),
            "::error title=Steward,file=a%2Cb%3Ac.yaml,line=2,col=11,endColumn=15::unknown key `parms`%0Ahelp: did you mean `params`?\n"
        );
        let embedded = Source::new("embedded:modules/nginx.yaml", "x");
        assert_eq!(
            said(Diagnostic::warning("odd").at(&Place::file(&embedded))),
            "::warning title=Steward::embedded:modules/nginx.yaml:1:1: odd\n"
        );
    }

    #[test]
    fn nothing_in_a_message_begins_a_command_or_shows_a_key() {
        let text = said(Diagnostic::error("a\n::set-env name=X::y\r\n::stop\u{1b}[0m 100% AGE-SECRET-KEY-1QQ"));
        assert_eq!(text.lines().count(), 1, "{text:?}");
        assert!(text.contains("100%25") && !text.contains('\r') && !text.contains('\u{1b}'), "{text:?}");
        assert!(!text.contains("1QQ"), "{text:?}");
    }
}
