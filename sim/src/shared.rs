//! What several threads change, one at a time.

use std::sync::{Mutex, MutexGuard};

#[cfg(finbox_tsan)]
use attempts::lock;
#[cfg(not(finbox_tsan))]
use waiting::lock;

/// A mutex whose value stays usable when a thread panicked with it: who joins that thread tells.
#[derive(Debug, Default)]
pub struct Shared<T>(Mutex<T>);

impl<T> Shared<T> {
    /// `value`, which nobody holds.
    pub const fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    /// Waits until nobody else holds the value, and holds it until the guard is dropped.
    pub fn lock(&self) -> MutexGuard<'_, T> {
        lock(&self.0)
    }
}

#[cfg(not(finbox_tsan))]
mod waiting {
    use std::sync::{Mutex, MutexGuard, PoisonError};

    pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
        mutex.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// ThreadSanitizer sees what is compiled with it: an attempt and a release, which are generic, and
/// not how the standard library waits.
#[cfg(finbox_tsan)]
mod attempts {
    use std::sync::{Mutex, MutexGuard};

    pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
        loop {
            if let Ok(guard) = mutex.try_lock() {
                return guard;
            }
            std::thread::yield_now();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Shared;
    use std::thread;

    #[test]
    fn a_panic_with_it_held_leaves_it_usable() {
        let shared = Shared::new(1);
        let panicked = thread::scope(|scope| {
            let holder = scope.spawn(|| {
                *shared.lock() += 1;
                let _held = shared.lock();
                panic!("with the value held");
            });
            holder.join().is_err()
        });
        assert!(panicked);
        assert_eq!(*shared.lock(), 2);
    }
}
