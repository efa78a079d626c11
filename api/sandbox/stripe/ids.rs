//! Ids as Stripe's: a prefix, then letters and digits that nobody can guess.

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// An id of so many letters and digits, at most 64.
pub fn new(prefix: &str, length: usize) -> String {
    let random = crate::random::bytes::<64>();
    let letters = random.iter().take(length).filter_map(|byte| {
        let index = usize::from(*byte).checked_rem(ALPHABET.len())?;
        ALPHABET.get(index).copied().map(char::from)
    });
    prefix.chars().chain(letters).collect()
}
