//! A port that the device side keeps a hand on.

use finbox_scheduler::{CoreId, Launch, Port, Token};
use finbox_tests::model_port::ModelPort;

/// The model, lent to a unit while the test steps its cores.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shared<'a>(pub(crate) &'a ModelPort);

impl Port for Shared<'_> {
    fn load_cond(&self, core: CoreId) -> u32 {
        self.0.load_cond(core)
    }

    fn ring_doorbell(&self, core: CoreId, token: Token) {
        self.0.ring_doorbell(core, token);
    }

    fn stage_payload(&self, core: CoreId, token: Token, launch: &Launch) {
        self.0.stage_payload(core, token, launch);
    }

    fn slab_address(&self, core: CoreId, parity: usize) -> u64 {
        self.0.slab_address(core, parity)
    }

    fn refresh(&self, addr: u64, size_bytes: u64) {
        self.0.refresh(addr, size_bytes);
    }

    fn clean(&self, addr: u64, size_bytes: u64) {
        self.0.clean(addr, size_bytes);
    }

    fn can_read(&self, addr: u64, size_bytes: u64) -> bool {
        self.0.can_read(addr, size_bytes)
    }

    fn load_u32(&self, addr: u64) -> u32 {
        self.0.load_u32(addr)
    }

    fn load_u64(&self, addr: u64) -> u64 {
        self.0.load_u64(addr)
    }

    fn store_u64(&self, addr: u64, value: u64) {
        self.0.store_u64(addr, value);
    }

    fn now(&self) -> u64 {
        self.0.now()
    }
}
