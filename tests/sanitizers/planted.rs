//! Planted bugs of memory, compiled by run.sh alone: a sanitizer that is silent about them is
//! blind.
//!
//! usage: planted overflow | leak

/// Reads one byte behind eight.
#[inline(never)]
fn overflow(bytes: &[u8]) -> u8 {
    // SAFETY: there is none. That is what AddressSanitizer must say.
    unsafe { bytes.as_ptr().add(bytes.len()).read_volatile() }
}

/// Forgets a thousand boxes.
#[inline(never)]
fn leak() {
    (0..1000_u64).for_each(|number| std::mem::forget(Box::new(std::hint::black_box(number))));
}

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("overflow") => println!("{}", overflow(&vec![7; 8])),
        Some("leak") => leak(),
        _ => panic!("which?"),
    }
}
