//! Which ICC profiles go with a copy: those that say what red, green and blue are, and little else.

/// More than profiles of screens and cameras have; those of printers may be larger.
const MOST_BYTES: usize = 128 * 1024;

/// `profile`, if it is one of RGB (ICC.1:2022, 7.2: "RGB " at 16, "acsp" at 36) and its length is what it says.
pub(super) fn of_rgb(profile: Vec<u8>) -> Option<Vec<u8>> {
    let length = profile.first_chunk().map(|length| u32::from_be_bytes(*length))?;
    let is_profile = profile.len() <= MOST_BYTES
        && usize::try_from(length).is_ok_and(|length| length == profile.len())
        && profile.get(16..20) == Some(b"RGB ")
        && profile.get(36..40) == Some(b"acsp");
    is_profile.then_some(profile)
}
