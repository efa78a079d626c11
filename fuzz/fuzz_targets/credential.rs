//! Whatever a camera reads, the decoder neither panics nor believes it: no bytes here are signed.
//! `cargo +nightly fuzz run credential`

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tollgate::bench::{Credential, SeedKey, TicketKeys};

static KEYS: LazyLock<TicketKeys> = LazyLock::new(|| {
    // Its number is 0, which the fuzzer finds.
    let seed = SeedKey { kid: "0".to_owned(), seed: [7; 32] };
    TicketKeys::new(&[seed]).expect("one key is enough")
});

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let texts = [
        text.to_string(),
        format!("TG1:{text}"),
        format!("TG1:{}", base45::encode(bytes)),
    ];
    for text in texts {
        assert!(Credential::read(&text, &KEYS).is_err(), "{text}");
    }
});
