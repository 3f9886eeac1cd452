//! A trace file as a stream of messages: optional gzip, then varint length and bytes, repeated.
//!
//! Guarantees: memory follows the bytes that are there, never a length that is claimed; every
//! error names the file and the offset of a length prefix in the decompressed stream.
//! Refuses files that are empty, cut short, not varint-framed, or that expand beyond reason.
//! Called by `read`.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;

use super::error::ImportError;

/// The longest message taken; real ones are a few kB, the metadata of some producers 30 kB.
const MAX_MESSAGE_BYTES: u64 = 16 << 20;

/// How far gzip may expand: deflate reaches 1030:1 on constant bytes, real traces 20:1.
const MAX_EXPANSION: u64 = 256;

/// Allowed beyond that, so that small files of repeated content pass.
const EXPANSION_FLOOR_BYTES: u64 = 16 << 20;

/// Bytes asked of the operating system at once.
const READ_BYTES: usize = 64 << 10;

/// The first bytes of a gzip file. No plain trace starts so: after a length of 31 would come
/// field 17 as a group, which the metadata message has not.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// The messages of one file, in order.
pub(super) struct Frames {
    file: PathBuf,
    input: Box<dyn BufRead>,
    /// How many bytes of the decompressed stream were taken.
    offset: u64,
    /// How many may be taken.
    limit: u64,
    buffer: Vec<u8>,
}

/// One message.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Frame<'a> {
    /// Of its length prefix, in the decompressed stream.
    pub(super) offset: u64,
    /// The message without its length prefix.
    pub(super) bytes: &'a [u8],
}

impl Frames {
    /// Opens a file, plain or gzip.
    pub(super) fn open(file: &Path) -> Result<Self, ImportError> {
        let unreadable = |source| ImportError::Unreadable {
            path: file.to_owned(),
            source,
        };
        let handle = File::open(file).map_err(unreadable)?;
        let metadata = handle.metadata().map_err(unreadable)?;
        if !metadata.is_file() {
            let source = io::Error::new(ErrorKind::InvalidInput, "not a regular file");
            return Err(unreadable(source));
        }
        let mut plain = BufReader::with_capacity(READ_BYTES, handle);
        if !plain
            .fill_buf()
            .map_err(unreadable)?
            .starts_with(&GZIP_MAGIC)
        {
            return Ok(Self::new(file.to_owned(), Box::new(plain), u64::MAX));
        }
        let unpacked = BufReader::new(MultiGzDecoder::new(plain));
        let limit = metadata.len().saturating_mul(MAX_EXPANSION);
        let limit = limit.saturating_add(EXPANSION_FLOOR_BYTES);
        Ok(Self::new(file.to_owned(), Box::new(unpacked), limit))
    }

    fn new(file: PathBuf, input: Box<dyn BufRead>, limit: u64) -> Self {
        Self {
            file,
            input,
            offset: 0,
            limit,
            buffer: Vec::new(),
        }
    }

    /// The next message; `None` at the end of the file.
    pub(super) fn next(&mut self) -> Result<Option<Frame<'_>>, ImportError> {
        let offset = self.offset;
        let Some(length) = self.length(offset)? else {
            return Ok(None);
        };
        let wanted = length.min(MAX_MESSAGE_BYTES);
        self.buffer.clear();
        let taken = (&mut self.input).take(wanted).read_to_end(&mut self.buffer);
        let taken = taken.map_err(|source| self.broken(offset, source))? as u64;
        self.offset = self.offset.saturating_add(taken);
        let file = || self.file.clone();
        if taken < wanted {
            return Err(ImportError::Truncated {
                file: file(),
                offset,
                needed: length,
                left: taken,
            });
        }
        if length > wanted {
            let limit = MAX_MESSAGE_BYTES;
            return Err(ImportError::MessageTooLong {
                file: file(),
                offset,
                length,
                limit,
            });
        }
        if self.offset > self.limit {
            return Err(ImportError::ExpandsTooFar {
                file: file(),
                limit: self.limit,
            });
        }
        Ok(Some(Frame {
            offset,
            bytes: &self.buffer,
        }))
    }

    /// Reads a length prefix; `None` where the file ends before it.
    fn length(&mut self, offset: u64) -> Result<Option<u64>, ImportError> {
        let mut length = 0_u64;
        for index in 0..10_u32 {
            let Some(byte) = self.byte(offset)? else {
                return match index {
                    0 => Ok(None),
                    _ => Err(ImportError::Truncated {
                        file: self.file.clone(),
                        offset,
                        needed: 0,
                        left: 0,
                    }),
                };
            };
            let bits = u64::from(byte & 0x7f);
            if index == 9 && bits > 1 {
                break;
            }
            length |= bits << (7 * index);
            if byte < 0x80 {
                return Ok(Some(length));
            }
        }
        Err(ImportError::MalformedLength {
            file: self.file.clone(),
            offset,
        })
    }

    fn byte(&mut self, offset: u64) -> Result<Option<u8>, ImportError> {
        let byte = loop {
            match self.input.fill_buf() {
                Ok(bytes) => break bytes.first().copied(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(source) => return Err(self.broken(offset, source)),
            }
        };
        if byte.is_some() {
            self.input.consume(1);
            self.offset = self.offset.saturating_add(1);
        }
        Ok(byte)
    }

    /// A read that failed: of the decompressor, or of the file itself.
    fn broken(&self, offset: u64, source: io::Error) -> ImportError {
        let file = self.file.clone();
        if source.raw_os_error().is_some() {
            ImportError::Unreadable { path: file, source }
        } else {
            ImportError::Gzip {
                file,
                offset,
                source,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(bytes: &'static [u8], limit: u64) -> Frames {
        Frames::new(PathBuf::from("a.et"), Box::new(bytes), limit)
    }

    fn error(bytes: &'static [u8]) -> ImportError {
        let mut frames = frames(bytes, u64::MAX);
        loop {
            match frames.next() {
                Ok(Some(_)) => {}
                Ok(None) => panic!("the stream ended without an error"),
                Err(error) => return error,
            }
        }
    }

    #[test]
    fn messages_come_with_the_offset_of_their_length() {
        let mut frames = frames(b"\x00\x02ab\x01c", u64::MAX);
        assert_eq!(
            frames.next().unwrap(),
            Some(Frame {
                offset: 0,
                bytes: b""
            })
        );
        assert_eq!(
            frames.next().unwrap(),
            Some(Frame {
                offset: 1,
                bytes: b"ab"
            })
        );
        assert_eq!(
            frames.next().unwrap(),
            Some(Frame {
                offset: 4,
                bytes: b"c"
            })
        );
        assert_eq!(frames.next().unwrap(), None);
    }

    #[test]
    fn a_cut_message_says_what_is_left() {
        let error = error(b"\x01x\x05ab");
        assert!(matches!(
            error,
            ImportError::Truncated {
                offset: 2,
                needed: 5,
                left: 2,
                ..
            }
        ));
    }

    #[test]
    fn a_cut_length_is_truncation_too() {
        assert!(matches!(
            error(b"\x01x\x80"),
            ImportError::Truncated { offset: 2, .. }
        ));
    }

    #[test]
    fn a_huge_claim_costs_no_memory() {
        let mut frames = frames(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01ab", u64::MAX);
        let error = frames.next().unwrap_err();
        assert!(matches!(
            error,
            ImportError::Truncated {
                needed: u64::MAX,
                left: 2,
                ..
            }
        ));
        assert!(frames.buffer.capacity() < 1 << 16);
    }

    #[test]
    fn a_length_beyond_64_bits_is_malformed() {
        let eleven = b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
        assert!(matches!(
            error(eleven),
            ImportError::MalformedLength { offset: 0, .. }
        ));
        let high = b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02";
        assert!(matches!(
            error(high),
            ImportError::MalformedLength { offset: 0, .. }
        ));
    }

    #[test]
    fn a_stream_that_grows_beyond_its_limit_is_refused() {
        let mut frames = frames(b"\x02ab\x02ab", 4);
        assert!(frames.next().is_ok());
        assert!(matches!(
            frames.next(),
            Err(ImportError::ExpandsTooFar { limit: 4, .. })
        ));
    }
}
