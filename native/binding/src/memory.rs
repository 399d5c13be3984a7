//! The allocator, and how it is told to give the system what is free: by itself it does so only when it is asked for more.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

unsafe extern "C" {
    /// The crate declares it only with a feature that needs another crate.
    fn mi_collect(force: bool);
}

pub fn give_back() {
    // SAFETY: any thread may call it at any time.
    unsafe { mi_collect(true) };
}
