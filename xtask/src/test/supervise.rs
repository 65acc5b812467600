//! Runs a test program: shows and counts its output, and ends it, with all it has started, when its time is up.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::descendants;
use super::tally::Tally;
use crate::process;

/// Runs `command` for at most `limit`.
///
/// # Errors
/// Where it cannot be started; a failing test is no error but counted.
pub fn run(command: &mut Command, limit: Duration) -> Result<Tally> {
    let text = process::describe(command);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start `{text}`"))?;
    let readers = [child.stdout.take().map(show), child.stderr.take().map(show)];
    let end = Instant::now() + limit;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break Some(status);
        }
        if Instant::now() >= end {
            break None;
        }
        thread::sleep(Duration::from_millis(20));
    };
    // Also after a normal end: the output is over only when nothing holds the pipes any more.
    descendants::kill_all();
    if status.is_none() {
        let _ = child.kill();
        let _ = child.wait();
    }
    let counted = readers.into_iter().flatten().map(|reader| reader.join().unwrap_or_default());
    let tally = Tally::of_program(counted.fold(Tally::default(), Tally::plus), status.is_some_and(|s| s.success()));
    match status {
        None => println!("error: `{text}` was still running after {} s and was ended", limit.as_secs()),
        Some(status) if !status.success() => println!("error: `{text}` failed ({status})"),
        Some(_) => {}
    }
    Ok(tally)
}

/// Passes lines on to the terminal and counts what they report.
fn show(pipe: impl Read + Send + 'static) -> JoinHandle<Tally> {
    thread::spawn(move || {
        let mut tally = Tally::default();
        let mut pipe = BufReader::new(pipe);
        let mut line = Vec::new();
        while pipe.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
            // The terminal may be gone; the count is wanted still.
            let _ = std::io::stdout().lock().write_all(&line);
            if let Some(found) = Tally::of_line(&String::from_utf8_lossy(&line)) {
                tally = tally.plus(found);
            }
            line.clear();
        }
        tally
    })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_hung_program_is_ended_with_what_it_has_started() {
        // The second sleep leaves the process group and holds the pipe, as a hung browser does.
        let mut hung = process::command("sh", std::path::Path::new("."));
        hung.args(["-c", "echo '# pass 2'; setsid sleep 30 & sleep 30"]);
        let start = Instant::now();
        let tally = run(&mut hung, Duration::from_millis(300)).unwrap();
        assert_eq!(tally, Tally { passed: 2, failed: 1 });
        assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    }
}
