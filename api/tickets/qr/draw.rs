//! The code's modules as one SVG path.

use std::fmt;

use qrcode::{Color, QrCode};

use super::options::QrOptions;

/// Where the modules lie on a square canvas, all in whole units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    pub canvas: usize,
    /// From the canvas's edge to the first module.
    pub offset: usize,
    /// One module's side.
    pub module: usize,
}

impl Grid {
    /// One unit to a module, with exactly the margin asked for.
    pub fn of_modules(width: usize, options: &QrOptions) -> Self {
        let offset = usize::from(options.margin);
        Self {
            canvas: width + 2 * offset,
            offset,
            module: 1,
        }
    }

    /// One unit to a pixel. Readers fail on modules of unlike size, so every module gets the
    /// most whole pixels that fit beside the margin, and what is left widens the margin.
    ///
    /// On a canvas too small for that the margin is narrowed, so that a module keeps its one
    /// pixel. Only a code with more modules than the canvas has pixels is shrunk and unreadable.
    pub fn of_pixels(width: usize, options: &QrOptions) -> Self {
        let canvas = usize::from(options.size);
        let with_margin = Self::of_modules(width, options);
        let module = (canvas / with_margin.canvas).max(1);
        match canvas.checked_sub(width * module) {
            Some(rest) => Self {
                canvas,
                offset: rest / 2,
                module,
            },
            None => with_margin,
        }
    }
}

/// A code on its grid; shown, it is an SVG document.
pub struct Drawing<'a> {
    width: usize,
    modules: Vec<Color>,
    grid: Grid,
    options: &'a QrOptions,
}

impl<'a> Drawing<'a> {
    pub fn new(code: QrCode, grid: Grid, options: &'a QrOptions) -> Self {
        Self {
            width: code.width(),
            modules: code.into_colors(),
            grid,
            options,
        }
    }
}

impl fmt::Display for Drawing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Grid { canvas, .. } = self.grid;
        let QrOptions {
            size, dark, light, ..
        } = self.options;
        write!(
            f,
            r#"<svg xmlns="http://www.w3.org/2000/svg" width="{size}" height="{size}" "#
        )?;
        write!(
            f,
            r#"viewBox="0 0 {canvas} {canvas}" shape-rendering="crispEdges">"#
        )?;
        write!(
            f,
            r##"<rect width="{canvas}" height="{canvas}" fill="#{light}"/>"##
        )?;
        write!(f, r##"<path fill="#{dark}" d=""##)?;
        self.write_path(f)?;
        f.write_str("\"/></svg>")
    }
}

impl Drawing<'_> {
    /// Neighbours in a row that are dark become one rectangle.
    fn write_path(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Grid { offset, module, .. } = self.grid;
        let mut y = offset;
        for row in self.modules.chunks(self.width) {
            let mut x = offset;
            for run in row.chunk_by(|left, right| left == right) {
                let length = run.len() * module;
                if run.first() == Some(&Color::Dark) {
                    write!(f, "M{x} {y}h{length}v{module}h-{length}z")?;
                }
                x += length;
            }
            y += module;
        }
        Ok(())
    }
}
