//! Any bytes as a folder of traces, one a rank, with a side file of process groups.

use std::fs;

use tempfile::TempDir;

use crate::bytes::Bytes;
use crate::trace::import;

/// Choice of edges, number of ranks, then length (two bytes) and bytes of each rank's file; the
/// rest is the side file, which is there unless it is empty.
pub(crate) fn target(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let (choice, ranks) = (bytes.u8(), bytes.below(4) + 1);
    let folder = TempDir::new().expect("a folder for temporary files");
    for rank in 0..ranks {
        let length = usize::from(bytes.u8()) | usize::from(bytes.u8()) << 8;
        let file = folder.path().join(format!("a.{rank}.et"));
        fs::write(file, bytes.take(length)).expect("a file in it");
    }
    if !bytes.is_empty() {
        let side_file = folder.path().join("a.json");
        fs::write(side_file, bytes.take(usize::MAX)).expect("a file in it");
    }
    import(folder.path(), choice);
}
