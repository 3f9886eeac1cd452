//! Text that a library hands over: copied, limited and made printable.

use finbox_abi::finbox_text;

/// How much of a text is read, in bytes.
const LONGEST: usize = 4096;

/// A copy of a library's text: at most 4 KiB and no further than a 0; what is no UTF-8 becomes
/// U+FFFD, and a control character, as it could rewrite a terminal's line, a blank.
///
/// # Safety
/// Null, or readable for the text's length or up to a 0.
pub(super) unsafe fn copied(text: finbox_text) -> String {
    if text.bytes.is_null() {
        return String::new();
    }
    let mut bytes = Vec::new();
    for at in 0..text.length.min(LONGEST) {
        // SAFETY: inside the text by its length, and no 0 came before.
        let byte = unsafe { text.bytes.cast::<u8>().add(at) };
        // SAFETY: as above.
        match unsafe { byte.read() } {
            0 => break,
            byte => bytes.push(byte),
        }
    }
    let text = String::from_utf8_lossy(&bytes);
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().map(plain).collect::<String>().trim().into()
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, copied};
    use core::ptr;
    use finbox_abi::finbox_text;

    fn read(bytes: &[u8], length: usize) -> String {
        let bytes = bytes.as_ptr().cast();
        // SAFETY: every text of these tests is as long as it says, or ends with a 0.
        unsafe { copied(finbox_text { bytes, length }) }
    }

    #[test]
    fn null_is_no_text_whatever_its_length() {
        for length in [0, 1, usize::MAX] {
            let bytes = ptr::null();
            // SAFETY: null.
            assert_eq!(unsafe { copied(finbox_text { bytes, length }) }, "");
        }
    }

    #[test]
    fn a_text_that_lies_about_its_length_ends_at_its_0() {
        assert_eq!(read(b"no board\0", usize::MAX), "no board");
        assert_eq!(read(b"no board", 2), "no");
    }

    #[test]
    fn a_text_without_end_is_cut() {
        let long = vec![b'x'; 2 * LONGEST];
        assert_eq!(read(&long, long.len()).len(), LONGEST);
    }

    #[test]
    fn what_is_no_utf8_or_moves_the_cursor_is_replaced() {
        assert_eq!(read(b"a\xFFb", 3), "a\u{FFFD}b");
        assert_eq!(read(b"two\nlines\x1B[2J\n", 14), "two lines [2J");
    }
}
