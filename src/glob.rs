//! Absolute path globs: `*` and `?` within one component, `**` across components. Pure.

/// True if a change at `path`, or of anything below it, may be a change of something that `glob` names.
pub fn touches(glob: &str, path: &str) -> bool {
    matches(glob, path) || {
        // a tree or directory: does the glob name something below it?
        let below = format!("{path}/");
        let literal = glob.split(['*', '?']).next().unwrap_or_default();
        literal.starts_with(&below)
    }
}

/// True if `glob` names `path`.
pub fn matches(glob: &str, path: &str) -> bool {
    let glob: Vec<&str> = glob.split('/').collect();
    let path: Vec<&str> = path.split('/').collect();
    components(&glob, &path)
}

fn components(glob: &[&str], path: &[&str]) -> bool {
    match (glob.split_first(), path.split_first()) {
        (None, None) => true,
        (Some((&"**", rest)), _) => (0..=path.len()).any(|skipped| components(rest, &path[skipped..])),
        (Some((pattern, rest)), Some((name, below))) => {
            wildcard(pattern.as_bytes(), name.as_bytes()) && components(rest, below)
        }
        _ => false,
    }
}

/// `*` stands for any bytes, slashes too, and `?` for any one.
pub fn wildcard(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern.split_first(), name.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => (0..=name.len()).any(|skipped| wildcard(rest, &name[skipped..])),
        (Some((b'?', rest)), Some((_, others))) => wildcard(rest, others),
        (Some((letter, rest)), Some((other, others))) => letter == other && wildcard(rest, others),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_star_stays_within_a_component_and_two_do_not() {
        assert!(matches("/etc/nginx/**", "/etc/nginx/sites/a.conf"));
        assert!(matches("/etc/nginx/*.conf", "/etc/nginx/nginx.conf"));
        assert!(!matches("/etc/nginx/*.conf", "/etc/nginx/sites/a.conf"));
        assert!(matches("/etc/**/a.conf", "/etc/a.conf"));
        assert!(!matches("/etc/nginx/**", "/etc/nginxes"));
    }

    #[test]
    fn a_tree_above_what_a_glob_names_touches_it() {
        assert!(touches("/srv/site/conf/*.conf", "/srv/site"));
        assert!(!touches("/srv/sites/*.conf", "/srv/site"));
    }
}
