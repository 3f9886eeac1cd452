//! Lists of a task that are empty or short more often than not: a plan has them for each task.
//!
//! Guarantees: what they hold reads as a slice, and they are equal where their slices are. An empty
//! [`Seldom`] is a word; an [`After`] of up to [`NEAR`] tasks takes no memory elsewhere; clones of
//! a [`Common`] share what they hold. Called by whoever makes plans.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// How many tasks a list holds in place: as many as fit where a longer one is pointed at.
const NEAR: usize = 5;

/// A list that most tasks have nothing in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seldom<T>(Option<Box<All<T>>>);

/// All of it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct All<T>(Vec<T>);

impl<T> Seldom<T> {
    /// One with nothing in it.
    pub const fn new() -> Self {
        Self(None)
    }

    /// Appends `one`.
    pub fn push(&mut self, one: T) {
        let all = self.0.get_or_insert_with(|| Box::new(All(Vec::new())));
        all.0.push(one);
    }
}

impl<T> Default for Seldom<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> From<Vec<T>> for Seldom<T> {
    fn from(all: Vec<T>) -> Self {
        Self((!all.is_empty()).then(|| Box::new(All(all))))
    }
}

impl<T> FromIterator<T> for Seldom<T> {
    fn from_iter<I: IntoIterator<Item = T>>(all: I) -> Self {
        Vec::from_iter(all).into()
    }
}

impl<T> Extend<T> for Seldom<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, more: I) {
        more.into_iter().for_each(|one| self.push(one));
    }
}

impl<T> Deref for Seldom<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        self.0.as_ref().map_or(&[], |all| &all.0)
    }
}

impl<T> DerefMut for Seldom<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        self.0.as_mut().map_or(&mut [], |all| &mut all.0)
    }
}

impl<T> IntoIterator for Seldom<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.map_or_else(Vec::new, |all| all.0).into_iter()
    }
}

impl<'a, T> IntoIterator for &'a Seldom<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// A list that many tasks have alike: all clones of it are one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Common<T>(Option<Arc<[T]>>);

impl<T> Common<T> {
    /// One with nothing in it.
    pub const fn new() -> Self {
        Self(None)
    }
}

impl<T: Clone> Common<T> {
    /// Appends `one`, to a list that is then its own.
    pub fn push(&mut self, one: T) {
        self.extend([one]);
    }

    /// Leaves those for which `is_kept` says so.
    pub fn retain(&mut self, mut is_kept: impl FnMut(&T) -> bool) {
        let kept = self.iter().filter(|one| is_kept(one));
        *self = kept.cloned().collect();
    }

    /// What is in it, to be changed: it is then its own.
    pub fn make_mut(&mut self) -> &mut [T] {
        self.0.as_mut().map_or(&mut [], Arc::make_mut)
    }
}

impl<T> Default for Common<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> From<Vec<T>> for Common<T> {
    fn from(all: Vec<T>) -> Self {
        Self((!all.is_empty()).then(|| all.into()))
    }
}

impl<T> FromIterator<T> for Common<T> {
    fn from_iter<I: IntoIterator<Item = T>>(all: I) -> Self {
        Vec::from_iter(all).into()
    }
}

impl<T: Clone> Extend<T> for Common<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, more: I) {
        *self = self.iter().cloned().chain(more).collect();
    }
}

impl<T> Deref for Common<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        self.0.as_deref().unwrap_or(&[])
    }
}

impl<'a, T> IntoIterator for &'a Common<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// The tasks that one comes behind.
#[derive(Clone, Debug)]
pub struct After(Tasks);

#[derive(Clone, Debug)]
enum Tasks {
    Near { count: u8, tasks: [u32; NEAR] },
    Far(Box<[u32]>),
}

impl After {
    /// Nobody.
    pub const fn new() -> Self {
        let tasks = [0; NEAR];
        Self(Tasks::Near { count: 0, tasks })
    }
}

impl Default for After {
    fn default() -> Self {
        Self::new()
    }
}

impl FromIterator<u32> for After {
    fn from_iter<I: IntoIterator<Item = u32>>(all: I) -> Self {
        let (mut all, mut tasks, mut count) = (all.into_iter(), [0; NEAR], 0);
        for task in all.by_ref() {
            let Some(place) = tasks.get_mut(usize::from(count)) else {
                let all = tasks.into_iter().chain([task]).chain(all);
                return Self(Tasks::Far(all.collect()));
            };
            *place = task;
            count += 1;
        }
        Self(Tasks::Near { count, tasks })
    }
}

impl From<Vec<u32>> for After {
    fn from(all: Vec<u32>) -> Self {
        match all.len() {
            0..=NEAR => all.into_iter().collect(),
            _ => Self(Tasks::Far(all.into())),
        }
    }
}

impl Deref for After {
    type Target = [u32];

    fn deref(&self) -> &[u32] {
        match &self.0 {
            Tasks::Near { count, tasks } => &tasks[..usize::from(*count)],
            Tasks::Far(tasks) => tasks,
        }
    }
}

impl PartialEq for After {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for After {}

impl<'a> IntoIterator for &'a After {
    type Item = &'a u32;
    type IntoIter = std::slice::Iter<'a, u32>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::{After, Common, Seldom};

    #[test]
    fn lists_of_any_length_read_as_what_was_put_in() {
        for count in 0..12 {
            let all: Vec<u32> = (0..count).map(|task| task * 3 + 1).collect();
            let near: After = all.iter().copied().collect();
            assert_eq!((&*near, &near), (&all[..], &After::from(all.clone())));
            assert_eq!(near.into_iter().count(), all.len());
            let mut pushed = Seldom::new();
            pushed.extend(all.iter().copied());
            assert_eq!((&*pushed, &pushed), (&all[..], &Seldom::from(all.clone())));
            let mut common = Common::new();
            all.iter().for_each(|&one| common.push(one));
            assert_eq!((&*common, &common), (&all[..], &Common::from(all.clone())));
            assert_eq!(Vec::from_iter(pushed), all);
        }
    }

    #[test]
    fn clones_are_one_until_one_is_changed() {
        let one = Common::from(vec![1, 2]);
        let mut other = one.clone();
        assert!(std::ptr::eq(&*one, &*other));
        other.push(3);
        assert_eq!((&*one, &*other), (&[1, 2][..], &[1, 2, 3][..]));
    }

    #[test]
    fn a_list_takes_no_more_than_a_word_and_one_of_tasks_no_more_than_three() {
        assert_eq!(size_of::<Seldom<u64>>(), size_of::<usize>());
        assert_eq!(size_of::<After>(), 3 * size_of::<usize>());
    }
}
