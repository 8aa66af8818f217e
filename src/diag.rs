//! What went wrong, where, and what to do about it.
//!
//! Every stage returns its mistakes as [`Diagnostic`]s and goes on as far as it can, so that a person sees all
//! of them at once. Nothing here prints: `ui::report` renders what this module collects.

use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// A text that diagnostics can point into: an inventory file, a module, a template.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// How people should see the file: relative to where they stand, or `embedded:modules/x.yaml`.
    pub name: String,
    pub text: String,
}

impl Source {
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self { name: name.into(), text: text.into() })
    }
}

/// A range of bytes in a [`Source`].
#[derive(Clone, PartialEq, Eq)]
pub struct Place {
    pub source: Arc<Source>,
    pub span: Range<usize>,
}

impl Place {
    pub fn new(source: &Arc<Source>, span: Range<usize>) -> Self {
        Self { source: Arc::clone(source), span }
    }

    /// The whole file, for mistakes that have no better place.
    pub fn file(source: &Arc<Source>) -> Self {
        Self::new(source, 0..0)
    }

    /// Line and column, both from 1; columns count characters.
    pub fn line_column(&self) -> (usize, usize) {
        let end = (0..=self.span.start.min(self.source.text.len()))
            .rev()
            .find(|&at| self.source.text.is_char_boundary(at))
            .unwrap_or(0);
        let before = self.source.text.get(..end).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        (line, column)
    }
}

/// `file:line:column`, as editors understand it.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column) = self.line_column();
        write!(f, "{}:{line}:{column}", self.source.name)
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Error,
    Warning,
}

/// One mistake: place, fact, remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    pub severity: Severity,
    /// What is the case, as one sentence without a final period.
    pub fact: String,
    pub place: Option<Place>,
    /// A second place that matters, with why: "first declared here".
    pub related: Vec<(Place, String)>,
    /// What to do about it, as an imperative sentence.
    pub remedy: Option<String>,
}

impl Diagnostic {
    pub fn error(fact: impl Into<String>) -> Self {
        Self { severity: Severity::Error, fact: fact.into(), place: None, related: Vec::new(), remedy: None }
    }

    pub fn warning(fact: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(fact) }
    }

    #[must_use]
    pub fn at(mut self, place: &Place) -> Self {
        self.place = Some(place.clone());
        self
    }

    #[must_use]
    pub fn related(mut self, place: &Place, why: impl Into<String>) -> Self {
        self.related.push((place.clone(), why.into()));
        self
    }

    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// Adds "did you mean `x`?" when one of `known` is close to what was written, else lists what there is.
    #[must_use]
    pub fn suggest<'a>(self, written: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let known: Vec<&str> = known.into_iter().collect();
        match closest(written, &known) {
            Some(near) => self.remedy(format!("did you mean `{near}`?")),
            None if known.is_empty() => self,
            None if known.len() <= 20 => self.remedy(format!("known here: {}", known.join(", "))),
            None => self,
        }
    }
}

/// For one-line messages: `file:line:column: fact; remedy`.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        f.write_str(&self.fact)?;
        if let Some(remedy) = &self.remedy {
            write!(f, "; {remedy}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostic {}

/// The usual result of what can fail once. Boxed, since a diagnostic is large and rare.
pub type Result<T> = std::result::Result<T, Box<Diagnostic>>;

/// Mistakes that are kept at least; of more, only the first ones.
const MANY: usize = 1_000;

/// All mistakes of a stage, in the order they were found.
#[derive(Debug, Default, Clone)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl Diagnostics {
    pub fn push(&mut self, diagnostic: Diagnostic) {
        // nobody reads more, and a stranger's inventory may have any number
        if self.0.len() >= MANY && self.has_errors() {
            return;
        }
        if !self.0.contains(&diagnostic) {
            self.0.push(diagnostic);
        }
    }

    /// Keeps the value, or keeps the mistake and goes on without it.
    pub fn keep<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|mistake| self.push(*mistake)).ok()
    }

    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }
}

/// The nearest of `known`, if it is near enough to be what was meant.
pub fn closest<'a>(written: &str, known: &[&'a str]) -> Option<&'a str> {
    let letters = written.chars().count();
    // Something of what was written must remain: of one letter, every other letter is one step away.
    let near = |distance: usize, candidate: &str| {
        distance < letters && distance <= 1 + candidate.chars().count().max(letters) / 4
    };
    known
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(written, candidate), *candidate))
        .filter(|(distance, candidate)| near(*distance, candidate))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// A path as messages show it: relative to the working directory when it lies below it.
pub fn shown(path: &Path) -> String {
    let relative = std::env::current_dir().ok().and_then(|cwd| path.strip_prefix(cwd).ok().map(Path::to_path_buf));
    relative.as_deref().unwrap_or(path).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_counts_lines_and_characters_from_one() {
        let source = Source::new("a.yaml", "eins: 1\nzwölf: 12\n");
        let place = Place::new(&source, 8 + "zwölf: ".len()..8 + "zwölf: 12".len());
        assert_eq!(place.to_string(), "a.yaml:2:8");
        assert_eq!(Place::new(&source, 999..999).line_column(), (3, 1));
    }

    #[test]
    fn a_near_miss_is_suggested_and_a_far_one_is_not() {
        assert_eq!(closest("parms", &["params", "on"]), Some("params"));
        assert_eq!(closest("parmas", &["params", "on"]), Some("params"));
        assert_eq!(closest("colour", &["params", "on"]), None);
        assert_eq!(closest("d", &["a", "b"]), None);
        assert_eq!(closest("on", &["on"]), Some("on"));
    }
}
