//! The figures, as SVG that takes its colours from the page.
//!
//! Plotters writes colours as attributes. Those used here stand for roles, not for colours: the page's style sheet replaces
//! them by its variables, which differ in light and dark.

use std::ops::Range;

use plotters::{
    coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter},
    prelude::*,
};

/// Lines of one contestant.
pub(crate) struct Series {
    /// Which of the page's series colours.
    pub(crate) color: usize,
    pub(crate) points: Vec<Point>,
}

/// A point with its range.
pub(crate) struct Point {
    pub(crate) x: f64,
    pub(crate) y: f64,
    /// From the lowest to the highest round.
    pub(crate) range: Option<(f64, f64)>,
    /// The generator was the limit: drawn hollow.
    pub(crate) hollow: bool,
}

/// An axis with ticks.
#[derive(Clone)]
pub(crate) struct Axis {
    pub(crate) title: String,
    /// Where the axis begins and ends.
    pub(crate) from: f64,
    pub(crate) to: f64,
    /// Positions and labels.
    pub(crate) ticks: Vec<(f64, String)>,
}

/// A bar with its label and value.
pub(crate) struct Bar {
    pub(crate) color: usize,
    pub(crate) name: String,
    pub(crate) value: f64,
    pub(crate) label: String,
}

/// What something was, and what it became.
pub(crate) struct Change {
    pub(crate) color: usize,
    pub(crate) name: String,
    /// A hollow dot.
    pub(crate) from: f64,
    /// A full one.
    pub(crate) to: f64,
    pub(crate) label: String,
}

/// How a figure of lines looks.
#[derive(Clone, Copy)]
pub(crate) struct Look {
    /// How wide it is drawn; the page scales it, and with it the text.
    pub(crate) width: u32,
    /// Points are marked.
    pub(crate) markers: bool,
}

/// Lines over two axes. `name` is for those who cannot see it.
pub(crate) fn lines(name: &str, x: &Axis, y: &Axis, series: &[Series], look: Look) -> String {
    let mut svg = String::new();
    // Drawing into a string cannot fail; a figure that is not there would be seen.
    let _ = draw_lines(&mut svg, x, y, series, look);
    finish(&svg, name)
}

/// Horizontal bars from zero.
pub(crate) fn bars(name: &str, bars: &[Bar]) -> String {
    let mut svg = String::new();
    let _ = draw_bars(&mut svg, bars);
    finish(&svg, name)
}

/// Lines from what was to what became, over a logarithmic axis whose positions are logarithms to base 10.
pub(crate) fn changes(name: &str, axis: &Axis, changes: &[Change]) -> String {
    let mut svg = String::new();
    let _ = draw_changes(&mut svg, axis, changes);
    finish(&svg, name)
}

type Drawn<'a> = Result<(), DrawingAreaErrorKind<<SVGBackend<'a> as DrawingBackend>::ErrorType>>;

fn draw_lines<'a>(svg: &'a mut String, x: &Axis, y: &Axis, series: &[Series], look: Look) -> Drawn<'a> {
    let root = SVGBackend::with_string(svg, (look.width, HEIGHT)).into_drawing_area();
    let mut chart = ChartBuilder::on(&root)
        .margin(12)
        .margin_right(44)
        .x_label_area_size(76)
        .y_label_area_size(128)
        .build_cartesian_2d(x.clone(), y.clone())?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .axis_style(GRID)
        .label_style((FONT, TEXT_SIZE, &INK))
        .axis_desc_style((FONT, TEXT_SIZE, &INK))
        .x_desc(&x.title)
        .y_desc(&y.title)
        .draw()?;
    for series in series {
        let color = role(series.color);
        let ranges = series.points.iter().filter_map(|point| Some((point.x, point.range?)));
        chart.draw_series(
            ranges.map(|(x, (low, high))| PathElement::new(vec![(x, low), (x, high)], color.mix(0.55).stroke_width(3))),
        )?;
        chart.draw_series(LineSeries::new(
            series.points.iter().map(|point| (point.x, point.y)),
            color.stroke_width(4),
        ))?;
        if look.markers {
            let filled = series.points.iter().map(|point| Circle::new((point.x, point.y), 8, color.filled()));
            chart.draw_series(filled)?;
            let hollow = series.points.iter().filter(|point| point.hollow);
            chart.draw_series(hollow.map(|point| Circle::new((point.x, point.y), 5, SURFACE.filled())))?;
        }
    }
    root.present()
}

fn draw_bars<'a>(svg: &'a mut String, bars: &[Bar]) -> Drawn<'a> {
    let root = SVGBackend::with_string(svg, (WIDTH, bars.len() as u32 * BAR + 24)).into_drawing_area();
    let most = bars.iter().map(|bar| bar.value).fold(1.0, f64::max);
    let names = widest(bars.iter().map(|bar| bar.name.as_str()));
    let values = widest(bars.iter().map(|bar| bar.label.as_str()));
    let scale = f64::from((WIDTH as i32 - names - values).max(100)) / most;
    let text = (FONT, TEXT_SIZE, &INK).into_text_style(&root);
    for (index, bar) in bars.iter().enumerate() {
        let top = index as i32 * BAR as i32 + 12;
        let end = names + (bar.value.max(0.0) * scale).round().max(2.0) as i32;
        let middle = top + BAR as i32 / 2 - TEXT_SIZE / 2 - 4;
        root.draw(&Text::new(bar.name.clone(), (12, middle), text.clone()))?;
        root.draw(&Rectangle::new([(names, top + 6), (end, top + BAR as i32 - 12)], role(bar.color).filled()))?;
        root.draw(&Text::new(bar.label.clone(), (end + 12, middle), text.clone()))?;
    }
    root.present()
}

fn draw_changes<'a>(svg: &'a mut String, axis: &Axis, changes: &[Change]) -> Drawn<'a> {
    let bottom = changes.len() as i32 * BAR as i32 + 12;
    let root = SVGBackend::with_string(svg, (WIDTH, bottom as u32 + 60)).into_drawing_area();
    let left = widest(changes.iter().map(|it| it.name.as_str())) + 24;
    let right = WIDTH as i32 - widest(changes.iter().map(|it| it.label.as_str())) - 24;
    let place = |value: f64| axis.map(&value.max(1.0).log10(), (left, right));
    let text = (FONT, TEXT_SIZE, &INK).into_text_style(&root);
    for (value, label) in &axis.ticks {
        let x = axis.map(value, (left, right));
        root.draw(&PathElement::new([(x, 0), (x, bottom)], GRID.stroke_width(2)))?;
        let width = widest([label.as_str()]) - 24;
        root.draw(&Text::new(label.clone(), (x - width / 2, bottom + 16), text.clone()))?;
    }
    for (index, change) in changes.iter().enumerate() {
        let middle = index as i32 * BAR as i32 + BAR as i32 / 2 + 4;
        let (from, to) = (place(change.from), place(change.to));
        let color = role(change.color);
        root.draw(&Text::new(change.name.clone(), (12, middle - TEXT_SIZE / 2 - 2), text.clone()))?;
        root.draw(&PathElement::new([(from, middle), (to, middle)], color.stroke_width(5)))?;
        root.draw(&Circle::new((from, middle), 11, color.filled()))?;
        root.draw(&Circle::new((from, middle), 6, SURFACE.filled()))?;
        root.draw(&Circle::new((to, middle), 11, color.filled()))?;
        root.draw(&Text::new(change.label.clone(), (from.max(to) + 24, middle - TEXT_SIZE / 2 - 2), text.clone()))?;
    }
    root.present()
}

/// About as wide as the longest of `texts` is drawn, with a margin on both sides. Nobody knows the reader's font.
fn widest<'t>(texts: impl IntoIterator<Item = &'t str>) -> i32 {
    let longest = texts.into_iter().map(|text| text.chars().count()).max().unwrap_or(0);
    24 + longest as i32 * 15
}

impl Axis {
    /// From zero to a little above `most`, with round ticks.
    pub(crate) fn linear(title: &str, most: f64, label: impl Fn(f64) -> String) -> Self {
        let rough = most.max(1e-9) / 5.0;
        let power = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|step| step * power).into_iter().find(|step| *step >= rough);
        let step = step.unwrap_or(rough);
        let count = (most / step).ceil().max(1.0) as usize;
        let ticks = (0..=count).map(|number| number as f64 * step).map(|at| (at, label(at))).collect();
        Axis { title: title.into(), from: 0.0, to: count as f64 * step, ticks }
    }

    /// Powers of ten around `least..most`; positions are logarithms to base 10.
    pub(crate) fn logarithmic(title: &str, least: f64, most: f64, label: impl Fn(f64) -> String) -> Self {
        let (from, to) = (least.max(1e-9).log10(), most.max(1e-9).log10());
        let (from, to) = ((from - 0.05).min(to - 0.5), to + 0.05);
        let between = if to - from > 2.0 { &[1.0][..] } else { &[1.0, 2.0, 5.0][..] };
        let decades = from.floor() as i32..=to.ceil() as i32;
        let values = decades.flat_map(|decade| between.iter().map(move |step| step * 10f64.powi(decade)));
        let ticks = values.map(|value| (value.log10(), label(value))).filter(|tick| (from..=to).contains(&tick.0));
        Axis { title: title.into(), from, to, ticks: ticks.collect() }
    }
}

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (from, to): (i32, i32)) -> i32 {
        from + (f64::from(to - from) * (value - self.from) / (self.to - self.from)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _hint: Hint) -> Vec<f64> {
        self.ticks.iter().map(|tick| tick.0).collect()
    }

    fn range(&self) -> Range<f64> {
        self.from..self.to
    }
}

impl ValueFormatter<f64> for Axis {
    fn format_ext(&self, value: &f64) -> String {
        let tick = self.ticks.iter().find(|tick| (tick.0 - value).abs() < 1e-9);
        tick.map_or(String::new(), |tick| tick.1.clone())
    }
}

/// Makes the drawing scale with the page, and say what it is. Within HTML it needs no name space.
fn finish(svg: &str, name: &str) -> String {
    let body = svg.split_once("viewBox=").map_or("", |(_, rest)| rest);
    let body = body.replacen(" xmlns=\"http://www.w3.org/2000/svg\"", "", 1);
    format!("<svg role=\"img\" aria-label=\"{name}\" viewBox={body}")
}

fn role(color: usize) -> RGBColor {
    RGBColor(SERIES, 0, color as u8)
}

/// The style sheet's part that gives roles their colours: variables `--ink`, `--grid`, `--surface`, `--series-N`.
pub(crate) fn style(series: usize) -> String {
    let rule = |RGBColor(red, green, blue): RGBColor, variable: &str| {
        let color = format!("#{red:02X}{green:02X}{blue:02X}");
        format!(
            "svg [fill=\"{color}\"] {{ fill: var({variable}) }}\nsvg [stroke=\"{color}\"] {{ stroke: var({variable}) }}\n"
        )
    };
    let all = (0..series).map(|color| rule(role(color), &format!("--series-{color}")));
    all.chain([rule(INK, "--ink"), rule(GRID, "--grid"), rule(SURFACE, "--surface")]).collect()
}

/// Twice the size at which it is shown, because plotters counts in whole pixels.
const WIDTH: u32 = 1120;
const HEIGHT: u32 = 720;
const BAR: u32 = 60;
const TEXT_SIZE: i32 = 28;
const FONT: &str = "sans-serif";

/// Stands for the page's series colours, whose number is the blue part.
const SERIES: u8 = 0xa0;
const INK: RGBColor = RGBColor(0xb0, 0, 0);
const GRID: RGBColor = RGBColor(0xb0, 0, 1);
const SURFACE: RGBColor = RGBColor(0xb0, 0, 2);
