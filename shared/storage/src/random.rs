//! The operating system's randomness.

use ring::rand::{SecureRandom, SystemRandom};
use tenant_context::id::Randomness;

/// Randomness of the operating system.
#[derive(Debug, Clone)]
pub struct SystemRandomness(SystemRandom);

impl SystemRandomness {
    /// Opens it; costs nothing.
    pub fn new() -> Self {
        Self(SystemRandom::new())
    }
}

impl Default for SystemRandomness {
    fn default() -> Self {
        Self::new()
    }
}

impl Randomness for SystemRandomness {
    fn fill(&self, bytes: &mut [u8]) {
        // getrandom(2) with a valid buffer does not fail once the system has booted; going on with predictable ids would be worse.
        if self.0.fill(bytes).is_err() {
            std::process::abort();
        }
    }
}
