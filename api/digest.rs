//! Bytes as text.

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads hexadecimal of either case; `None` when it is none.
pub fn read_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text
        .chars()
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    let pairs = digits.chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return None;
    }
    pairs
        .map(|pair| match pair {
            [high, low] => Some(high << 4 | low),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_reads_back_and_reads_whole_bytes_only() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(read_hex(&hex(&all)), Some(all));
        assert_eq!(read_hex("00fF"), Some(vec![0, 255]));
        for bad in ["0", "0g", "é", "+1"] {
            assert_eq!(read_hex(bad), None, "{bad}");
        }
    }
}
