//! Reads a QR code out of a picture, as a scanner does.

use resvg::{tiny_skia, usvg};

/// White room around a code, whatever it brings itself.
const ROOM: usize = 24;

/// What a scanner sees.
#[derive(Debug, PartialEq, Eq)]
pub struct Seen {
    pub text: String,
    /// From 1 to 40: how many modules there are.
    pub version: usize,
    /// How much of it may be lost.
    pub ecc: char,
}

/// The one code of a PNG.
pub fn read_png(bytes: &[u8]) -> Seen {
    let picture = image::load_from_memory(bytes).unwrap().to_luma8();
    let (width, height) = picture.dimensions();
    scan(width, height, |x, y| picture.get_pixel(x, y).0[0])
}

/// The one code of an SVG, drawn at twice its size.
pub fn read_svg(bytes: &[u8]) -> Seen {
    let svg = std::str::from_utf8(bytes).unwrap();
    let tree = usvg::Tree::from_str(svg, &usvg::Options::default()).unwrap();
    let size = tree.size().to_int_size();
    let (width, height) = (2 * size.width(), 2 * size.height());
    let mut drawn = tiny_skia::Pixmap::new(width, height).unwrap();
    drawn.fill(tiny_skia::Color::WHITE);
    let twice = tiny_skia::Transform::from_scale(2.0, 2.0);
    resvg::render(&tree, twice, &mut drawn.as_mut());
    scan(width, height, |x, y| drawn.pixel(x, y).unwrap().green())
}

/// The one code of a picture in either format.
pub fn read(bytes: &[u8]) -> Seen {
    if bytes.starts_with(b"\x89PNG") {
        read_png(bytes)
    } else {
        read_svg(bytes)
    }
}

fn scan(width: u32, height: u32, luma: impl Fn(u32, u32) -> u8) -> Seen {
    let with_room = |length: u32| usize::try_from(length).unwrap() + 2 * ROOM;
    let inside = |at: usize, length: u32| {
        let at = u32::try_from(at.checked_sub(ROOM)?).unwrap();
        (at < length).then_some(at)
    };
    let pixel = |x: usize, y: usize| match (inside(x, width), inside(y, height)) {
        (Some(x), Some(y)) => luma(x, y),
        _ => 255,
    };
    let (width_with_room, height_with_room) = (with_room(width), with_room(height));
    let mut prepared =
        rqrr::PreparedImage::prepare_from_greyscale(width_with_room, height_with_room, pixel);
    let found = prepared.detect_grids();
    assert_eq!(found.len(), 1, "so many codes in the picture");
    let (meta, text) = found[0].decode().unwrap();
    Seen {
        text,
        version: meta.version.0,
        // As the standard numbers them.
        ecc: match meta.ecc_level {
            0 => 'M',
            1 => 'L',
            2 => 'H',
            _ => 'Q',
        },
    }
}
