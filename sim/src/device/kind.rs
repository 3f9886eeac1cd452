//! Which core is what.

/// What a core computes with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CoreKind {
    /// Cube core.
    Aic,
    /// Vector core.
    Aiv,
    /// A lane of the host, behind the cores of the clusters.
    Host,
}

/// The kind of core `index` on a chip of which `cores` cores are used.
///
/// A cluster is [Aiv, Aic, Aiv], so that one core alone can run the demos.
pub const fn core_kind(index: u16, cores: u16) -> CoreKind {
    if index >= cores {
        CoreKind::Host
    } else if index % 3 == 1 {
        CoreKind::Aic
    } else {
        CoreKind::Aiv
    }
}

#[cfg(test)]
mod tests {
    use super::{CoreKind, core_kind};

    #[test]
    fn a_cluster_has_one_cube_and_two_vector_cores_and_the_host_comes_last() {
        use CoreKind::{Aic, Aiv, Host};
        let kinds: Vec<_> = (0..8).map(|index| core_kind(index, 6)).collect();
        assert_eq!(kinds, [Aiv, Aic, Aiv, Aiv, Aic, Aiv, Host, Host]);
    }
}
