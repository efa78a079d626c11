//! A ticket's code as a picture: SVG to be scaled, PNG for whoever cannot show one.

mod draw;
mod options;
#[cfg(test)]
mod tests;

use qrcode::QrCode;
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{self, ImageHrefResolver, Tree};

use draw::{Drawing, Grid};
pub use options::QrOptions;

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum QrError {
    #[error("the code cannot hold it: {0}")]
    Code(#[from] qrcode::types::QrError),
    #[error("the drawing cannot be read: {0}")]
    Drawing(#[from] usvg::Error),
    #[error("there is no room for the picture")]
    Pixels,
    #[error("the PNG cannot be written: {0}")]
    Png(Box<dyn std::error::Error + Send + Sync>),
}

/// Draws `payload` in units of one module, to be shown at any size.
pub fn svg(payload: &str, options: &QrOptions) -> Result<String, QrError> {
    let code = QrCode::with_error_correction_level(payload, options.ecc)?;
    let grid = Grid::of_modules(code.width(), options);
    Ok(Drawing::new(code, grid, options).to_string())
}

/// Paints `payload` on exactly `size` by `size` pixels, each module on as many as any other.
pub fn png(payload: &str, options: &QrOptions) -> Result<Vec<u8>, QrError> {
    let code = QrCode::with_error_correction_level(payload, options.ecc)?;
    let grid = Grid::of_pixels(code.width(), options);
    let svg = Drawing::new(code, grid, options).to_string();
    paint(&svg, options.size)?
        .encode_png()
        .map_err(|error| QrError::Png(error.into()))
}

fn paint(svg: &str, size: u16) -> Result<Pixmap, QrError> {
    let tree = Tree::from_str(svg, &closed())?;
    let mut pixels = Pixmap::new(size.into(), size.into()).ok_or(QrError::Pixels)?;
    resvg::render(&tree, Transform::identity(), &mut pixels.as_mut());
    Ok(pixels)
}

/// Options with which a drawing reaches nothing outside of itself.
fn closed() -> usvg::Options<'static> {
    usvg::Options {
        image_href_resolver: ImageHrefResolver {
            resolve_data: Box::new(|_, _, _| None),
            resolve_string: Box::new(|_, _| None),
        },
        ..usvg::Options::default()
    }
}
