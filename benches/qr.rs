//! How many pictures of a ticket one thread draws in a second, ours beside the bare libraries.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::float_arithmetic,
    clippy::disallowed_methods,
    reason = "a measurement reads the clock and prints what it found"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use qrcode::{EcLevel, QrCode};
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree};
use tollgate::bench::{QrOptions, png, svg};

const SPAN: Duration = Duration::from_secs(2);

/// As long as a ticket's code: 110 bytes in base45 and the prefix.
fn payload() -> String {
    let alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
    let code: String = alphabet.chars().rev().cycle().take(165).collect();
    format!("TG1:{code}")
}

fn paint(svg: &str, size: u32) -> Pixmap {
    let tree = Tree::from_str(svg, &Options::default()).unwrap();
    let mut pixels = Pixmap::new(size, size).unwrap();
    resvg::render(&tree, Transform::identity(), &mut pixels.as_mut());
    pixels
}

/// Runs `work` for a while and prints how often it was done in a second.
fn measure<T>(name: &str, mut work: impl FnMut() -> T) {
    for _ in 0..3 {
        black_box(work());
    }
    let begin = Instant::now();
    let mut done = 0_u32;
    while begin.elapsed() < SPAN {
        black_box(work());
        done += 1;
    }
    let each = begin.elapsed() / done;
    let rate = each.as_secs_f64().recip();
    println!(
        "{name:<44} {rate:>10.0} /s {:>12.1} µs",
        each.as_secs_f64() * 1e6
    );
}

fn main() {
    let payload = payload();
    println!("a ticket's code, one thread");
    measure("qrcode alone: the modules", || {
        QrCode::with_error_correction_level(&payload, EcLevel::M).unwrap()
    });
    let plain = QrOptions::default();
    measure("ours: SVG", || svg(&payload, &plain).unwrap());
    for size in [64, 200, 512, 2048] {
        let options = QrOptions::of_size(size);
        let drawn = svg(&payload, &options).unwrap();
        let side = u32::from(size);
        let bytes = png(&payload, &options).unwrap().len();
        println!("{size} pixels, a PNG of {bytes} bytes");
        measure("  resvg alone: the SVG to pixels", || paint(&drawn, side));
        measure("  resvg alone: the SVG to a PNG", || {
            paint(&drawn, side).encode_png().unwrap()
        });
        measure("  ours: PNG", || png(&payload, &options).unwrap());
    }
}
