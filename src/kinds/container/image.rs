//! Names of images: whole and pinned, as Podman wants them.

/// `NAME@sha256:…` without the tag that may stand between; `None` if it is no such name.
pub(super) fn pinned(image: &str) -> Option<String> {
    let (name, digest) = image.split_once("@sha256:")?;
    let is_digest = digest.len() == 64 && digest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let (registry, path) = name.split_once('/')?;
    // without a registry, Podman would look in several, and anybody could answer
    let is_registry = registry == "localhost" || registry.contains(['.', ':']);
    let (repository, tag) = match path.rsplit_once(':') {
        Some((repository, tag)) => (repository, Some(tag)),
        None => (path, None),
    };
    let is_word = |text: &str, more: &str| {
        !text.is_empty()
            && text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
            && !text.starts_with(['-', '.'])
    };
    let good = is_registry
        && is_word(registry, "._-:")
        && repository.split('/').all(|part| is_word(part, "._-") && !part.chars().any(|c| c.is_ascii_uppercase()))
        && tag.is_none_or(|tag| is_word(tag, "._-"));
    (is_digest && good).then(|| format!("{registry}/{repository}@sha256:{digest}"))
}

#[cfg(test)]
mod tests {
    use super::pinned;

    #[test]
    fn an_image_has_a_registry_and_a_digest_and_may_have_a_tag() {
        let digest = "0123456789abcdef".repeat(4);
        let with = |name: &str| pinned(&format!("{name}@sha256:{digest}"));
        let good = format!("docker.io/library/redis@sha256:{digest}");
        assert_eq!(with("docker.io/library/redis"), Some(good.clone()));
        assert_eq!(with("docker.io/library/redis:7.2-alpine"), Some(good));
        assert!(with("localhost:5000/pad").is_some() && with("localhost/pad:1").is_some());
        for bad in [
            "redis",
            "library/redis",
            "docker.io/",
            "docker.io/a//b",
            "docker.io/A",
            "-x.io/a",
            "docker.io/a:b:c",
            "docker.io/../a",
            "docker.io/a b",
        ] {
            assert_eq!(with(bad), None, "{bad}");
        }
        assert_eq!(pinned("docker.io/library/redis:7"), None);
        assert_eq!(pinned(&format!("docker.io/a@sha256:{}", &digest[1..])), None);
        assert_eq!(pinned(&format!("docker.io/a@sha256:{}", digest.to_uppercase())), None);
    }
}
