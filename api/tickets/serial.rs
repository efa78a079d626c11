//! What a person reads out at the door: `TKT-7QX4-M2RK-8ZN`.

/// Crockford's base32: no I, L, O or U that an ear or eye could take for another.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// A serial that nobody can guess: 55 random bits.
pub fn draw() -> String {
    let letters: Vec<char> = crate::random::bytes::<11>()
        .iter()
        .filter_map(|byte| ALPHABET.get(usize::from(byte % 32)))
        .map(|letter| char::from(*letter))
        .collect();
    let groups: Vec<String> = letters.chunks(4).map(String::from_iter).collect();
    format!("TKT-{}", groups.join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_has_its_form_and_is_not_drawn_twice() {
        let serials: std::collections::HashSet<String> = (0..1_000).map(|_| draw()).collect();
        assert_eq!(serials.len(), 1_000);
        for serial in serials {
            let lengths: Vec<usize> = serial.split('-').map(str::len).collect();
            assert_eq!(lengths, [3, 4, 4, 3], "{serial}");
            let letters = serial.strip_prefix("TKT-").unwrap().replace('-', "");
            assert!(letters.bytes().all(|b| ALPHABET.contains(&b)), "{serial}");
        }
    }
}
