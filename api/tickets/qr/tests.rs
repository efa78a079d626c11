use actix_web::test::TestRequest;
use proptest::prelude::*;
use qrcode::{EcLevel, QrCode};
use resvg::usvg::roxmltree;

use super::draw::Grid;
use super::{QrOptions, paint, png, svg};
use crate::error::{Code, Problem};
use crate::http::query::Query;

const LEVELS: [EcLevel; 4] = [EcLevel::L, EcLevel::M, EcLevel::Q, EcLevel::H];

/// As long as a ticket's: 110 bytes in base45 and the prefix, every character of the alphabet.
fn ticket() -> String {
    let alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
    let code: String = alphabet.chars().rev().cycle().take(165).collect();
    format!("TG1:{code}")
}

fn read(query: &str) -> Result<QrOptions, Problem> {
    let uri = format!("/qr.png?{query}");
    let mut query = Query::of(&TestRequest::with_uri(&uri).to_http_request());
    let options = QrOptions::read(&mut query);
    query.finish().map(|()| options)
}

fn options(size: u16, ecc: EcLevel, margin: u16) -> QrOptions {
    QrOptions {
        size,
        ecc,
        margin,
        ..QrOptions::default()
    }
}

/// What an independent reader finds in a picture, and the version and level it says it has.
fn scan(png: &[u8]) -> Option<(String, usize, u16)> {
    let picture = image::load_from_memory(png).unwrap().into_luma8();
    let side = usize::try_from(picture.width()).unwrap();
    let grey = |x: usize, y: usize| picture.as_raw()[y * side + x];
    let mut prepared = rqrr::PreparedImage::prepare_from_greyscale(side, side, grey);
    let grids = prepared.detect_grids();
    let (meta, text) = grids.first()?.decode().ok()?;
    Some((text, meta.version.0, meta.ecc_level))
}

// The picture -----------------------------------------------------------------

#[test]
fn a_ticket_is_read_back_from_every_picture() {
    let payload = ticket();
    for size in [64, 100, 200, 333, 512, 2048] {
        for ecc in LEVELS {
            for margin in [0, 4, 16] {
                let options = options(size, ecc, margin);
                let png = png(&payload, &options).unwrap();
                let picture = image::load_from_memory(&png).unwrap();
                assert_eq!(
                    (picture.width(), picture.height()),
                    (size.into(), size.into())
                );
                let text = scan(&png).map(|(text, ..)| text);
                assert_eq!(text.as_ref(), Some(&payload), "{options:?}");
            }
        }
    }
}

#[test]
fn a_ticket_fits_version_8() {
    for (ecc, most) in LEVELS.into_iter().zip([6, 8, 9, 10]) {
        let png = png(&ticket(), &options(400, ecc, 4)).unwrap();
        let (text, version, _) = scan(&png).unwrap();
        assert_eq!(text.len(), 169);
        assert!(version <= most, "version {version} at {ecc:?}");
    }
}

#[test]
fn modules_are_alike_and_the_margin_takes_the_rest() {
    let grid = |size, margin| {
        let Grid {
            canvas,
            offset,
            module,
        } = Grid::of_pixels(45, &options(size, EcLevel::M, margin));
        (canvas, offset, module)
    };
    assert_eq!(grid(200, 4), (200, 32, 3));
    assert_eq!(grid(212, 4), (212, 16, 4));
    assert_eq!(
        grid(64, 16),
        (64, 9, 1),
        "a margin that does not fit is narrowed"
    );
    assert_eq!(grid(64, 0), (64, 9, 1));
}

#[test]
fn a_code_of_more_modules_than_pixels_is_shrunk() {
    let payload = "A".repeat(1_800);
    let options = options(64, EcLevel::H, 4);
    let png = png(&payload, &options).unwrap();
    let picture = image::load_from_memory(&png).unwrap();
    assert_eq!((picture.width(), picture.height()), (64, 64));
    assert!(
        super::png(&"A".repeat(1_853), &options).is_err(),
        "no code holds that"
    );
}

#[test]
fn the_png_shows_the_svg() {
    let options = read("size=212&dark=123&light=fed").unwrap();
    let drawn = paint(&svg(&ticket(), &options).unwrap(), options.size).unwrap();
    let png = image::load_from_memory(&png(&ticket(), &options).unwrap()).unwrap();
    assert_eq!(png.into_rgba8().into_raw(), drawn.data());
}

// The drawing -----------------------------------------------------------------

#[test]
fn the_svg_is_one_path_on_one_ground() {
    let options = read("size=300&ecc=q&margin=2&dark=06c&light=FFFFEE").unwrap();
    let svg = svg(&ticket(), &options).unwrap();
    let document = roxmltree::Document::parse(&svg).unwrap();
    let root = document.root_element();
    assert_eq!(root.attribute("width"), Some("300"));
    assert_eq!(root.attribute("height"), Some("300"));
    assert_eq!(root.attribute("viewBox"), Some("0 0 57 57"));
    let shapes: Vec<_> = root
        .children()
        .map(|shape| (shape.tag_name().name(), shape.attribute("fill").unwrap()))
        .collect();
    assert_eq!(shapes, [("rect", "#ffffee"), ("path", "#0066cc")]);
    assert_eq!(svg.matches('#').count(), 2, "there is no other colour");
}

#[test]
fn the_path_holds_the_dark_modules_and_no_other() {
    let code = QrCode::with_error_correction_level(ticket(), EcLevel::M).unwrap();
    let svg = svg(&ticket(), &options(200, EcLevel::M, 0)).unwrap();
    let path = svg.split("d=\"").nth(1).unwrap().split('"').next().unwrap();
    let mut seen = vec![qrcode::Color::Light; code.width() * code.width()];
    for run in path.split_terminator('z') {
        let (at, rest) = run.strip_prefix('M').unwrap().split_once('h').unwrap();
        let (x, y) = at.split_once(' ').unwrap();
        let (x, y): (usize, usize) = (x.parse().unwrap(), y.parse().unwrap());
        let (length, back) = rest.split_once('v').unwrap();
        assert_eq!(back, format!("1h-{length}"));
        let start = y * code.width() + x;
        seen[start..start + length.parse::<usize>().unwrap()].fill(qrcode::Color::Dark);
    }
    assert_eq!(seen, code.to_colors());
}

// The parameters --------------------------------------------------------------

#[test]
fn parameters_have_defaults_and_edges() {
    assert_eq!(read("").unwrap(), QrOptions::default());
    assert_eq!(read("").unwrap().tag(), "200-M-4-000000-ffffff");
    let least = read("size=64&ecc=l&margin=0&dark=fff&light=000").unwrap();
    assert_eq!(least.tag(), "64-L-0-ffffff-000000");
    let most = read("size=2048&ecc=H&margin=16&dark=AbCdEf&light=a1b").unwrap();
    assert_eq!(most.tag(), "2048-H-16-abcdef-aa11bb");
}

#[test]
fn every_wrong_parameter_is_told() {
    let problem = read("size=63&ecc=X&margin=17&dark=%23fff&light=red").unwrap_err();
    assert_eq!(problem.code, Code::QrParametersInvalid);
    let names: Vec<_> = problem.faults.iter().map(|f| f.pointer.as_str()).collect();
    assert_eq!(names, ["size", "ecc", "margin", "dark", "light"]);
}

#[test]
fn no_other_text_is_a_parameter() {
    let wrong = [
        "size=2049",
        "size=",
        "size=2e2",
        "size=-200",
        "size=65736",
        "size=200.0",
        "margin=-1",
        "margin=4px",
        "margin=",
        "ecc=",
        "ecc=LL",
        "ecc=high",
        "dark=",
        "dark=ff",
        "dark=ffff",
        "dark=fffffff",
        "dark=ggg",
        "dark=%2Bff",
        "dark=%2B0ff00",
        "dark=%22/%3E",
        "dark=%C3%A9f",
        "dark=%E2%82%AC",
        "light=%EF%BC%91%EF%BC%91",
        "light=url(x)",
    ];
    for query in wrong {
        let problem = read(query).map(|options| options.tag()).unwrap_err();
        assert_eq!(problem.code, Code::QrParametersInvalid, "{query}");
    }
    assert_eq!(read("colour=fff").unwrap_err().code, Code::UnknownParameter);
    assert_eq!(read("size=1&x=1").unwrap_err().code, Code::ValidationFailed);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_code_is_read_back(
        payload in "[0-9A-Z $%*+./:-]{1,250}",
        // The largest of these codes has 73 modules, and two margins of 16.
        size in 320_u16..=600,
        ecc in prop::sample::select(LEVELS.to_vec()),
        margin in 0_u16..=16,
    ) {
        let options = options(size, ecc, margin);
        let found = scan(&png(&payload, &options).unwrap());
        prop_assert_eq!(found.map(|(text, ..)| text), Some(payload));
    }

    #[test]
    fn tags_differ_when_options_do(
        sizes in (64_u16..=2048, 64_u16..=2048),
        margins in (0_u16..=16, 0_u16..=16),
        darks in ("[0-9a-f]{6}", "[0-9a-f]{6}"),
        lights in ("[0-9a-f]{3}", "[0-9a-f]{3}"),
    ) {
        let made = |size, margin, dark: &str, light: &str| {
            read(&format!("size={size}&margin={margin}&dark={dark}&light={light}")).unwrap()
        };
        let one = made(sizes.0, margins.0, &darks.0, &lights.0);
        let other = made(sizes.1, margins.1, &darks.1, &lights.1);
        prop_assert_eq!(one == other, one.tag() == other.tag());
    }
}
