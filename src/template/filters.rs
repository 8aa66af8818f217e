//! What the template language has beyond minijinja's own filters, and the list of all for suggestions.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minijinja::{Environment, Error, ErrorKind, Value};

/// The filters that the module guide documents.
pub(super) const DOCUMENTED: &[&str] = &[
    "abs",
    "attr",
    "b64encode",
    "batch",
    "bool",
    "capitalize",
    "chain",
    "count",
    "default",
    "dictsort",
    "escape",
    "first",
    "flatten",
    "float",
    "format",
    "groupby",
    "indent",
    "int",
    "items",
    "join",
    "last",
    "length",
    "lines",
    "list",
    "lower",
    "map",
    "max",
    "min",
    "quote",
    "reject",
    "rejectattr",
    "replace",
    "reverse",
    "round",
    "safe",
    "select",
    "selectattr",
    "slice",
    "sort",
    "split",
    "string",
    "sum",
    "title",
    "to_yaml",
    "tojson",
    "trim",
    "unique",
    "upper",
    "zip",
];

pub(super) fn add(environment: &mut Environment<'_>) {
    environment.add_filter("quote", quote);
    environment.add_filter("to_yaml", to_yaml);
    environment.add_filter("flatten", flatten);
    environment.add_filter("b64encode", |text: String| STANDARD.encode(text));
}

/// One word of a POSIX shell, whatever it contains.
fn quote(text: Value) -> Result<String, Error> {
    let text = match text.as_str() {
        Some(text) => text.to_owned(),
        None if text.is_number() => text.to_string(),
        None => return Err(refusal("`quote` takes text or a number")),
    };
    shlex::try_quote(&text).map(Into::into).map_err(|_| refusal("`quote` cannot quote a NUL character"))
}

/// The items of all the lists in a list; what is missing (`none`) adds nothing.
fn flatten(lists: Value) -> Result<Vec<Value>, Error> {
    let mut all = Vec::new();
    for list in lists.try_iter()?.filter(|list| !list.is_none()) {
        all.extend(list.try_iter()?);
    }
    Ok(all)
}

/// The value as YAML 1.2, several lines where it is a list or map.
fn to_yaml(value: Value) -> Result<String, Error> {
    let json = serde_json::to_value(&value).map_err(|error| refusal(&error.to_string()))?;
    let text = serde_saphyr::to_string(&json).map_err(|error| refusal(&error.to_string()))?;
    Ok(text.trim_end_matches('\n').to_owned())
}

fn refusal(detail: &str) -> Error {
    Error::new(ErrorKind::InvalidOperation, detail.to_owned())
}
