//! What a service is launched for.

/// Where a program is taken from and how its life is bound to the launcher's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// The pinned build, so that every machine tests the same. It ends when its value is dropped.
    Test,
    /// Whatever `PATH` has, else the pinned build. It is out of reach of the terminal's Ctrl-C, so that the launcher chooses the
    /// order in which things stop, and it does not outlive the *thread* that launched it, even when that is killed.
    Development,
}
