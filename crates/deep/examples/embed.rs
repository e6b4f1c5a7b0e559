//! A detector in a program of yours: trained on usual rows, kept, and asked row by row.
//!
//! `cargo run -p lanner-deep --example embed`
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use lanner_deep::{Detector, Frame, Training};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Two days of rows, one a minute: the processor follows the requests.
    let load = |minute: u16| {
        50.0 + 30.0 * (f32::from(minute) / 60.0).sin() + f32::from(minute % 97 * 31 % 17) / 10.0
    };
    let columns = vec!["requests".to_owned(), "cpu".to_owned()];
    let usual =
        Frame::new(columns, (0..2_880).flat_map(|minute| [load(minute), 0.8 * load(minute)]).collect())?;
    let detector = Detector::train(&usual, &Training::default(), &mut |_| ())?;
    let detector = Detector::from_bytes(&detector.to_bytes())?; // as a file keeps it

    // Row by row; from minute 3000 on the processor works for nothing.
    let mut stream = detector.stream();
    for minute in 2_880..3_010 {
        let cpu = if minute < 3_000 { 0.8 * load(minute) } else { 95.0 };
        if let Some(score) = stream.push(&[load(minute), cpu]).filter(|score| score.value() > 1.0) {
            println!("minute {minute}: score {:.1}, by column {:.1?}", score.value(), stream.explain());
        }
    }
    Ok(())
}
