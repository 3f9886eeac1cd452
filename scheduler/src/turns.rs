//! In which order the lines of one priority are served.
//!
//! Mixed tasks before others; but a line whose front does not fit and must gather cores goes before
//! all that began to gather later or need not. So whoever gathers is first at last, and what it
//! holds back nobody takes.

use crate::spec::Shape;

/// Lines that need cores, in the order they are served when none gathers.
const SERVED: [Shape; 4] = [Shape::Mix, Shape::Aic, Shape::Aiv, Shape::Host];

/// The order: those that gather, the one that began first in front, then the others.
#[derive(Debug)]
pub(crate) struct Turns {
    order: [Shape; SERVED.len()],
    gathering: usize,
}

impl Default for Turns {
    fn default() -> Self {
        Self {
            order: SERVED,
            gathering: 0,
        }
    }
}

impl Turns {
    /// Who is served when.
    #[inline]
    pub(crate) const fn order(&self) -> [Shape; SERVED.len()] {
        self.order
    }

    /// The front of the line of `shape` does not fit and gathers cores.
    pub(crate) fn gathers(&mut self, shape: Shape) {
        if !self.order[..self.gathering].contains(&shape) {
            self.rebuild(Some(shape), |_| true);
        }
    }

    /// The front of the line of `shape` fitted, or is gone.
    #[inline]
    pub(crate) fn served(&mut self, shape: Shape) {
        if self.gathering > 0 && self.order[..self.gathering].contains(&shape) {
            self.rebuild(None, |gathers| gathers != shape);
        }
    }

    fn rebuild(&mut self, new: Option<Shape>, stays: impl Fn(Shape) -> bool) {
        let (before, mut order, mut count) = (self.order, SERVED, 0);
        let old = before[..self.gathering].iter().copied();
        for shape in old.filter(|&shape| stays(shape)).chain(new) {
            order[count] = shape;
            count += 1;
        }
        self.gathering = count;
        let gathers = order;
        let others = SERVED
            .into_iter()
            .filter(|shape| !gathers[..count].contains(shape));
        for (place, shape) in order[count..].iter_mut().zip(others) {
            *place = shape;
        }
        self.order = order;
    }
}

#[cfg(test)]
mod tests {
    use super::Turns;
    use crate::spec::Shape::{Aic, Aiv, Host, Mix};

    #[test]
    fn whoever_gathers_longest_goes_first_and_served_ones_fall_back() {
        let mut turns = Turns::default();
        assert_eq!(turns.order(), [Mix, Aic, Aiv, Host]);
        turns.gathers(Aiv);
        turns.gathers(Mix);
        turns.gathers(Aiv);
        assert_eq!(turns.order(), [Aiv, Mix, Aic, Host]);
        turns.served(Aiv);
        turns.gathers(Aiv);
        assert_eq!(turns.order(), [Mix, Aiv, Aic, Host]);
        turns.served(Mix);
        turns.served(Aic);
        turns.served(Aiv);
        assert_eq!(turns.order(), [Mix, Aic, Aiv, Host]);
    }
}
