//! The graphs: which earlier tasks each task waits for.

/// Tasks in the order of their submission.
pub(crate) struct Graph {
    /// The row's title.
    pub(crate) name: &'static str,
    offsets: Vec<usize>,
    producers: Vec<u32>,
}

impl Graph {
    fn of(name: &'static str, tasks: usize, producers: impl Fn(u32, &mut Vec<u32>)) -> Self {
        let mut graph = Self {
            name,
            offsets: vec![0],
            producers: Vec::new(),
        };
        let mut after = Vec::new();
        for task in 0..tasks {
            after.clear();
            producers(task as u32, &mut after);
            graph.producers.append(&mut after);
            graph.offsets.push(graph.producers.len());
        }
        graph
    }

    /// Nobody waits.
    pub(crate) fn independent(tasks: usize) -> Self {
        Self::of("independent", tasks, |_, _| {})
    }

    /// Each waits for the one before.
    pub(crate) fn chain(tasks: usize) -> Self {
        Self::of("chain", tasks, |task, after| {
            after.extend(task.checked_sub(1));
        })
    }

    /// One, then `width` behind it, then one behind all of these, which begins the next.
    pub(crate) fn diamonds(name: &'static str, width: u32, tasks: usize) -> Self {
        Self::of(name, tasks, |task, after| match task % (width + 1) {
            0 => after.extend(task.saturating_sub(width)..task),
            place => after.push(task - place),
        })
    }

    /// Two producers on average, among the 64 tasks before.
    pub(crate) fn random(tasks: usize) -> Self {
        Self::of("random, mean fan-in 2", tasks, |task, after| {
            let mut bits = u64::from(task).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let mut draw = |below: u32| {
                bits = (bits ^ bits >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                (bits >> 33) as u32 % below
            };
            let window = task.min(64);
            let count = draw(5).min(window);
            after.extend((0..count).map(|_| task - 1 - draw(window)));
            after.sort_unstable();
            after.dedup();
        })
    }

    /// How many there are.
    pub(crate) fn tasks(&self) -> usize {
        self.offsets.len() - 1
    }

    /// What `task` waits for.
    pub(crate) fn producers(&self, task: usize) -> &[u32] {
        &self.producers[self.offsets[task]..self.offsets[task + 1]]
    }

    /// Who waits for each task, as the offsets and the entries of a table.
    pub(crate) fn consumers(&self) -> (Vec<usize>, Vec<u32>) {
        let mut offsets = vec![0; self.tasks() + 1];
        self.producers
            .iter()
            .for_each(|&task| offsets[task as usize + 1] += 1);
        (0..self.tasks()).for_each(|task| offsets[task + 1] += offsets[task]);
        let mut next = offsets.clone();
        let mut entries = vec![0; self.producers.len()];
        for task in 0..self.tasks() {
            for &producer in self.producers(task) {
                entries[next[producer as usize]] = task as u32;
                next[producer as usize] += 1;
            }
        }
        (offsets, entries)
    }
}
