//! What several threads change, one at a time.

use std::sync::{Mutex, MutexGuard, PoisonError};

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
        // ThreadSanitizer sees what is compiled with it: not the standard library's way of waiting,
        // but both the attempt and the release, which are generic.
        while cfg!(finbox_tsan) {
            match self.0.try_lock() {
                Ok(guard) => return guard,
                Err(_) => std::thread::yield_now(),
            }
        }
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
