//! Archives as strangers might make them.

use std::io::Write as _;

use super::*;

/// An entry of a tar as its bytes say, with no care of the library for names.
fn raw(archive: &mut tar::Builder<Vec<u8>>, kind: tar::EntryType, name: &[u8], link: &[u8], bytes: &[u8]) {
    let mut header = tar::Header::new_gnu();
    header.as_mut_bytes()[..name.len()].copy_from_slice(name);
    header.as_mut_bytes()[157..157 + link.len()].copy_from_slice(link);
    header.set_entry_type(kind);
    header.set_mode(0o6755);
    header.set_size(bytes.len() as u64);
    header.set_cksum();
    archive.append(&header, bytes).unwrap();
}

fn tarball(entries: &[(tar::EntryType, &[u8], &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (kind, name, link) in entries {
        raw(&mut archive, *kind, name, link, if kind.is_file() { b"content" } else { b"" });
    }
    archive.into_inner().unwrap()
}

const FILE: tar::EntryType = tar::EntryType::Regular;
const LINK: tar::EntryType = tar::EntryType::Symlink;

fn refused(entries: &[(tar::EntryType, &[u8], &[u8])]) -> String {
    unpack(&tarball(entries), "a.tar", 0).unwrap_err()
}

#[test]
fn a_name_that_leads_out_is_refused() {
    for name in [&b"../x"[..], b"/etc/passwd", b"a/../../x"] {
        let said = refused(&[(FILE, name, b"")]);
        assert!(said.contains("leads out"), "{said}");
    }
}

#[test]
fn a_link_that_leads_out_and_what_lies_behind_a_link_are_refused() {
    for target in [&b"/etc"[..], b"..", b"../x", b"a/../../x", b"", b"new\nline"] {
        assert!(refused(&[(LINK, b"l", target)]).contains("leads out"), "{target:?}");
    }
    assert!(refused(&[(LINK, b"l", b"d"), (FILE, b"l/x", b"")]).contains("behind a link"));
    // of two links, each would stay inside; one through the other does not
    assert!(refused(&[(LINK, b"a/b", b".."), (LINK, b"c", b"a/b/../..")]).contains("leads out"));
    let fine = unpack(&tarball(&[(LINK, b"a/b", b"../c"), (FILE, b"c", b"")]), "a.tar", 0).unwrap();
    assert_eq!(fine.get(Path::new("a/b")), Some(&Node::Link { target: "../c".into() }));
    assert_eq!(fine.get(Path::new("a")), Some(&Node::Directory));
}

#[test]
fn devices_pipes_and_strange_names_are_refused() {
    assert!(refused(&[(tar::EntryType::Fifo, b"x", b"")]).contains("a device or a pipe"));
    assert!(refused(&[(tar::EntryType::Char, b"x", b"")]).contains("a device or a pipe"));
    assert!(refused(&[(FILE, b"a\nb", b"")]).contains("control character"));
    assert!(refused(&[(tar::EntryType::Link, b"x", b"/etc/shadow")]).contains("leads out"));
    assert!(refused(&[(tar::EntryType::Link, b"x", b"y")]).contains("not in it"));
}

#[test]
fn what_is_packed_for_a_host_has_plain_modes_and_no_more_than_was_named() {
    let entries =
        unpack(&tarball(&[(FILE, b"app-1.0/run", b""), (FILE, b"app-1.0/lib/x", b"")]), "a.tar", 1).unwrap();
    assert_eq!(entries.keys().map(|path| path.display().to_string()).collect::<Vec<_>>(), ["lib", "lib/x", "run"]);
    let packed = pack(&entries).unwrap();
    let mut archive = tar::Archive::new(&packed[..]);
    let modes: Vec<u32> = archive.entries().unwrap().map(|it| it.unwrap().header().mode().unwrap()).collect();
    assert_eq!(modes, [0o755, 0o755, 0o755]);
    assert!(unpack(&tarball(&[(FILE, b"x", b"")]), "a.tar", 1).unwrap_err().contains("strip: 1"));
}

#[test]
fn a_zip_and_a_compressed_tar_hold_the_same() {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    zip.start_file("app/run", options.unix_permissions(0o755)).unwrap();
    zip.write_all(b"content").unwrap();
    zip.add_symlink("app/link", "run", options).unwrap();
    let zip = zip.finish().unwrap().into_inner();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&tarball(&[(FILE, b"app/run", b""), (LINK, b"app/link", b"run")])).unwrap();
    let gzip = gzip.finish().unwrap();
    let entries = unpack(&zip, "a.ZIP", 0).unwrap();
    assert_eq!(entries, unpack(&gzip, "a.tar.gz", 0).unwrap());
    assert_eq!(entries.get(Path::new("app/run")), Some(&Node::File { bytes: b"content".to_vec(), executable: true }));
    for cut in [1, gzip.len() / 2, gzip.len() - 9] {
        assert!(unpack(&gzip[..cut], "a.tgz", 0).is_err(), "{cut}");
    }
    assert!(unpack(&zip[..zip.len() / 2], "a.zip", 0).is_err());
}

#[test]
fn a_small_archive_that_unpacks_to_too_much_is_refused() {
    let mut found = Found { entries: Entries::new(), strip: 0, left: 10 };
    assert_eq!(found.read(&mut &[0; 10][..]).unwrap().len(), 10);
    assert!(found.read(&mut &[0; 1][..]).unwrap_err().contains("more than"));
}
