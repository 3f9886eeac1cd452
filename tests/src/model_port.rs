//! A port over plain memory: cores that a test advances by hand or a device thread drives.
//!
//! Guarantees what a chip guarantees, and panics where the scheduler breaks the protocol: a
//! doorbell rung over a token that was not taken, a payload staged under a running token, an
//! address dereferenced outside the memory, a refreshed line that the control CPU had written.
//! Counters stand one to a line. With [`Lines::Stale`] the control CPU sees a line as it was when
//! it was first read, until it is refreshed.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::SeqCst};

use finbox_scheduler::{
    Chip, Cond, CoreId, ENTRIES_OFFSET, ENTRY_BYTES, Launch, Port, SLAB_BYTES, Token,
};

pub use crate::wire::WireCondition;

/// First device address of the model's memory: above 32 bits, so that no address is truncated.
pub const BASE: u64 = 0x12_0000_0000;

const LINE: u64 = 64;
const LINE_WORDS: usize = 16;

/// How the control CPU sees device memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lines {
    /// Always current.
    Coherent,
    /// As of the first read, until refreshed.
    Stale,
    /// As `Stale`, and refreshing a counter does nothing: what a forgotten invalidate looks like.
    StaleCounters,
    /// As `Stale`, and refreshing a slab does nothing.
    StaleSlabs,
}

impl Lines {
    /// What `chip`'s target has.
    pub fn of(chip: &Chip) -> Self {
        match chip.target.coherent_dma {
            true => Self::Coherent,
            false => Self::Stale,
        }
    }
}

#[derive(Debug, Default)]
struct Payload([AtomicU64; Launch::WORDS]);

#[derive(Debug)]
struct ModelCore {
    cond: AtomicU32,
    dmb: AtomicU32,
    taken: AtomicU32,
    running: AtomicU32,
    payloads: [Payload; 2],
}

impl Default for ModelCore {
    fn default() -> Self {
        let idle = || AtomicU32::new(Token::IDLE.bits());
        Self {
            cond: AtomicU32::new(Cond::RESET.0),
            dmb: idle(),
            taken: idle(),
            running: idle(),
            payloads: Default::default(),
        }
    }
}

/// What the control CPU's cache holds.
#[derive(Debug)]
struct Cache {
    valid: Vec<AtomicBool>,
    dirty: Vec<AtomicBool>,
    words: Vec<AtomicU32>,
}

/// The machine.
#[derive(Debug)]
pub struct ModelPort {
    lines: Lines,
    cores: Vec<ModelCore>,
    memory: Vec<AtomicU32>,
    cache: Cache,
    base: u64,
    counters_at: u64,
    end: u64,
    clock: AtomicU64,
    incarnation: AtomicU32,
    refreshes: AtomicU64,
    loads: AtomicU64,
}

impl ModelPort {
    /// The cores and lanes of `chip`, their slabs, and `counters` counters.
    pub fn new(chip: &Chip, lines: Lines, counters: usize) -> Self {
        Self::at(BASE, chip, lines, counters)
    }

    /// As [`new`](Self::new), with the memory at `base`, a multiple of 64.
    pub fn at(base: u64, chip: &Chip, lines: Lines, counters: usize) -> Self {
        let slabs = chip.lanes() as u64 * 2 * SLAB_BYTES;
        let size_bytes = slabs + counters as u64 * LINE;
        let words = usize::try_from(size_bytes / 4).expect("a model's memory is small");
        let cells = || (0..words).map(|_| AtomicU32::new(0)).collect();
        let flags = |n: usize| (0..n).map(|_| AtomicBool::new(false)).collect();
        Self {
            lines,
            cores: chip.all().map(|_| ModelCore::default()).collect(),
            memory: cells(),
            cache: Cache {
                valid: flags(words / LINE_WORDS),
                dirty: flags(words / LINE_WORDS),
                words: cells(),
            },
            base,
            counters_at: base + slabs,
            end: base + size_bytes,
            clock: AtomicU64::new(0),
            incarnation: AtomicU32::new(0),
            refreshes: AtomicU64::new(0),
            loads: AtomicU64::new(0),
        }
    }

    /// Lets `ns` pass.
    pub fn pass_time(&self, ns: u64) {
        self.clock.fetch_add(ns, SeqCst);
    }

    /// Resets the device: whatever its cores do is gone.
    pub fn reset(&self) {
        self.incarnation.fetch_add(1, SeqCst);
        for it in &self.cores {
            for register in [&it.cond, &it.dmb, &it.taken, &it.running] {
                register.store(Token::IDLE.bits(), SeqCst);
            }
        }
    }

    /// Device address of counter `index`.
    pub fn counter(&self, index: usize) -> u64 {
        self.counters_at + index as u64 * LINE
    }

    /// First address behind everything the control CPU may read.
    pub const fn end(&self) -> u64 {
        self.end
    }

    /// Lines that were refreshed.
    pub fn refreshes(&self) -> u64 {
        self.refreshes.load(SeqCst)
    }

    /// Words that the control CPU read.
    pub fn loads(&self) -> u64 {
        self.loads.load(SeqCst)
    }

    /// An engine sets counter `index`.
    pub fn set_counter(&self, index: usize, value: u32) {
        self.memory[self.word(self.counter(index))].store(value, SeqCst);
    }

    /// An engine sets word `word` of line `index`, where up to 16 counters can be packed.
    pub fn poke_counter(&self, index: usize, word: usize, value: u32) {
        self.poke_u32(self.counter(index) + word as u64 * 4, value);
    }

    /// An engine adds to counter `index`.
    pub fn add_counter(&self, index: usize, by: u32) {
        self.memory[self.word(self.counter(index))].fetch_add(by, SeqCst);
    }

    /// Time passes.
    pub fn advance(&self, ns: u64) {
        self.clock.fetch_add(ns, SeqCst);
    }

    /// The device writes 4 bytes.
    pub fn poke_u32(&self, addr: u64, value: u32) {
        self.memory[self.word(addr)].store(value, SeqCst);
    }

    /// What stands in memory, whatever the control CPU's cache holds.
    pub fn peek_u32(&self, addr: u64) -> u32 {
        self.memory[self.word(addr)].load(SeqCst)
    }

    /// The SDMA engine completes all transfers up to `post`; its record is line `index`.
    pub fn complete_posts(&self, index: usize, post: u64) {
        self.poke(self.counter(index), post);
    }

    /// The SDMA engine notes that transfer `post` failed with `code`.
    pub fn fail_post(&self, index: usize, post: u64, code: u16) {
        let record = self.counter(index);
        let count = u64::from(self.peek_u32(record + 8));
        self.poke(record + 16 + count % 6 * 8, u64::from(code) << 48 | post);
        self.poke(record + 8, count + 1);
    }

    /// The URMA engine makes a completion queue of `entries` entries at line `index` and those
    /// behind it, whose next position is `start`.
    pub fn open_queue(&self, index: usize, entries: u32, start: u32) {
        let header = self.counter(index);
        self.poke(header, u64::from(entries));
        self.poke(header + 8, u64::from(start));
        for ahead in 0..entries {
            let position = start.wrapping_add(ahead);
            let at = header + 64 + u64::from(position % entries) * 16;
            let owner = (position / entries) & 1;
            self.poke(at, u64::from(owner));
        }
    }

    /// The URMA engine completes `position` of the queue at line `index`.
    pub fn complete_position(&self, index: usize, position: u32, status: u32) {
        let header = self.counter(index);
        let entries = self.peek_u32(header);
        let at = header + 64 + u64::from(position % entries) * 16;
        self.poke(at + 8, u64::from(position));
        self.poke_u32(at + 4, status);
        self.poke_u32(at, (position / entries + 1) & 1);
    }

    /// How far the control CPU says it has consumed the queue at line `index`.
    pub fn consumed(&self, index: usize) -> u32 {
        self.peek_u32(self.counter(index) + 8)
    }

    /// The core, if it runs nothing and has a new token, takes it (ACK) and says what it is to run.
    pub fn start(&self, core: CoreId) -> Option<(Token, Launch)> {
        let it = &self.cores[core.index()];
        let token = Token::from_bits(it.dmb.load(SeqCst));
        let runs = it.running.load(SeqCst) != Token::IDLE.bits();
        if runs || token == Token::IDLE || it.taken.load(SeqCst) == token.bits() {
            return None;
        }
        it.running.store(token.bits(), SeqCst);
        it.taken.store(token.bits(), SeqCst);
        it.cond.store(Cond::ack(token).0, SeqCst);
        let payload = &it.payloads[token.parity()].0;
        let launch = Launch::from_words(payload.each_ref().map(|word| word.load(SeqCst)));
        Some((token, launch))
    }

    /// The running core leaves `conditions` in its slab.
    pub fn defer(&self, core: CoreId, conditions: &[WireCondition]) {
        let slab = self.slab_address(core, self.running(core).parity());
        for (index, condition) in (0..).zip(conditions) {
            let base = slab + ENTRIES_OFFSET + index * ENTRY_BYTES;
            self.poke(base, condition.addr);
            self.poke(base + 8, condition.cookie);
            let engine = u64::from(condition.engine) << 32;
            self.poke(base + 16, u64::from(condition.expected) | engine);
            #[expect(clippy::cast_sign_loss, reason = "a wire field")]
            self.poke(base + 24, u64::from(condition.completion as u32));
        }
        let count = u32::try_from(conditions.len()).expect("a few");
        self.poke(slab, u64::from(count));
    }

    /// The running core writes count and error of its slab.
    pub fn write_slab_header(&self, core: CoreId, count: u32, error: i32) {
        let slab = self.slab_address(core, self.running(core).parity());
        #[expect(clippy::cast_sign_loss, reason = "a wire field")]
        self.poke(slab, u64::from(count) | u64::from(error as u32) << 32);
    }

    /// The running core says FIN.
    pub fn finish(&self, core: CoreId) {
        let it = &self.cores[core.index()];
        let token = self.running(core);
        it.running.store(Token::IDLE.bits(), SeqCst);
        it.cond.store(Cond::fin(token).0, SeqCst);
    }

    /// Whether `core` runs nothing.
    pub fn is_idle(&self, core: CoreId) -> bool {
        self.cores[core.index()].running.load(SeqCst) == Token::IDLE.bits()
    }

    /// The token that `core` runs.
    ///
    /// # Panics
    /// If it runs none.
    pub fn running(&self, core: CoreId) -> Token {
        assert!(!self.is_idle(core), "{core:?} runs nothing");
        Token::from_bits(self.cores[core.index()].running.load(SeqCst))
    }

    /// Puts anything into COND.
    pub fn set_cond(&self, core: CoreId, cond: u32) {
        self.cores[core.index()].cond.store(cond, SeqCst);
    }

    /// What stands in COND.
    pub fn cond(&self, core: CoreId) -> u32 {
        self.cores[core.index()].cond.load(SeqCst)
    }

    /// What stands in the doorbell register.
    pub fn doorbell(&self, core: CoreId) -> Token {
        Token::from_bits(self.cores[core.index()].dmb.load(SeqCst))
    }

    fn word(&self, addr: u64) -> usize {
        assert!(
            addr >= self.base && addr < self.end && addr.is_multiple_of(4),
            "{addr:#x} was dereferenced"
        );
        usize::try_from((addr - self.base) / 4).expect("below the end")
    }

    /// The device writes 8 bytes, wherever it likes.
    pub fn poke(&self, addr: u64, value: u64) {
        let word = self.word(addr);
        let [low, high] = halves(value);
        self.memory[word].store(low, SeqCst);
        self.memory[word + 1].store(high, SeqCst);
    }

    /// The control CPU reads 4 bytes through its cache.
    fn load(&self, word: usize) -> u32 {
        self.loads.fetch_add(1, SeqCst);
        if self.lines == Lines::Coherent {
            return self.memory[word].load(SeqCst);
        }
        self.fill(word / LINE_WORDS);
        self.cache.words[word].load(SeqCst)
    }

    fn fill(&self, line: usize) {
        if self.cache.valid[line].load(SeqCst) {
            return;
        }
        self.copy(line, &self.memory, &self.cache.words);
        self.cache.valid[line].store(true, SeqCst);
    }

    fn copy(&self, line: usize, from: &[AtomicU32], to: &[AtomicU32]) {
        for word in line * LINE_WORDS..(line + 1) * LINE_WORDS {
            to[word].store(from[word].load(SeqCst), SeqCst);
        }
    }

    fn lines_of(&self, addr: u64, size_bytes: u64) -> core::ops::RangeInclusive<usize> {
        let first = self.word(addr & !3) / LINE_WORDS;
        first..=self.word((addr + size_bytes - 1) & !3) / LINE_WORDS
    }
}

fn halves(value: u64) -> [u32; 2] {
    #[expect(clippy::cast_possible_truncation, reason = "the two halves")]
    [value as u32, (value >> 32) as u32]
}

impl Port for ModelPort {
    fn load_cond(&self, core: CoreId) -> u32 {
        self.cond(core)
    }

    fn ring_doorbell(&self, core: CoreId, token: Token) {
        let it = &self.cores[core.index()];
        // Looked at first: the core may take the new token the moment it is rung.
        let taken = it.taken.load(SeqCst);
        let before = it.dmb.swap(token.bits(), SeqCst);
        assert_eq!(
            before, taken,
            "a doorbell was rung over a token that the core had not taken"
        );
    }

    fn stage_payload(&self, core: CoreId, token: Token, launch: &Launch) {
        let it = &self.cores[core.index()];
        let running = Token::from_bits(it.running.load(SeqCst));
        assert!(
            running == Token::IDLE || running.parity() != token.parity(),
            "a payload was staged under a running token"
        );
        let payload = &it.payloads[token.parity()];
        for (word, value) in payload.0.iter().zip(launch.to_words()) {
            word.store(value, SeqCst);
        }
    }

    fn slab_address(&self, core: CoreId, parity: usize) -> u64 {
        self.base + (core.index() * 2 + parity) as u64 * SLAB_BYTES
    }

    fn refresh(&self, addr: u64, size_bytes: u64) {
        let ignored = match self.lines {
            Lines::Coherent => true,
            Lines::Stale => false,
            Lines::StaleCounters => addr >= self.counters_at,
            Lines::StaleSlabs => addr < self.counters_at,
        };
        for line in self.lines_of(addr, size_bytes) {
            self.refreshes.fetch_add(1, SeqCst);
            if !ignored {
                let dirty = self.cache.dirty[line].load(SeqCst);
                assert!(
                    !dirty,
                    "a line the control CPU wrote was refreshed uncleaned"
                );
                self.cache.valid[line].store(false, SeqCst);
            }
        }
    }

    fn clean(&self, addr: u64, size_bytes: u64) {
        for line in self.lines_of(addr, size_bytes) {
            if self.cache.dirty[line].swap(false, SeqCst) {
                self.copy(line, &self.cache.words, &self.memory);
            }
        }
    }

    fn can_read(&self, addr: u64, size_bytes: u64) -> bool {
        let end = addr.checked_add(size_bytes);
        addr >= self.counters_at && end.is_some_and(|end| end <= self.end)
    }

    fn load_u32(&self, addr: u64) -> u32 {
        self.load(self.word(addr))
    }

    fn load_u64(&self, addr: u64) -> u64 {
        assert_eq!(addr % 8, 0, "{addr:#x} is no aligned word");
        let word = self.word(addr);
        u64::from(self.load(word)) | u64::from(self.load(word + 1)) << 32
    }

    fn store_u64(&self, addr: u64, value: u64) {
        if self.lines == Lines::Coherent {
            self.poke(addr, value);
            return;
        }
        let word = self.word(addr);
        let line = word / LINE_WORDS;
        self.fill(line);
        let [low, high] = halves(value);
        self.cache.words[word].store(low, SeqCst);
        self.cache.words[word + 1].store(high, SeqCst);
        self.cache.dirty[line].store(true, SeqCst);
    }

    fn incarnation(&self) -> u32 {
        self.incarnation.load(SeqCst)
    }

    fn now(&self) -> u64 {
        self.clock.fetch_add(1, SeqCst)
    }
}
