//! The C ABI, called from Rust: what arrives, what is refused, and what callbacks may do.

mod callbacks;
mod chip;
mod command;
mod command_rig;
mod device;
mod device_events;
mod mailbox;
mod messages;
mod misuse;
mod plan;
mod plan_misuse;
mod plan_rig;
mod rig;
mod scheduler_callbacks;
mod scheduler_place;
mod scheduler_route;
mod scheduler_submit;
mod scheduler_threads;
mod scheduler_work;
mod threads;
mod work_ring;
