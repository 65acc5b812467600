//! Ending what a test leaves behind. A hung browser outlives the test that started it, in a process group of its own; it
//! is found as a descendant of this process.

use std::time::Duration;

/// The kernel's name of a process.
type Id = i32;

/// From here on, processes whose parent ends become children of this one, so that none is out of sight.
pub fn adopt_orphans() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::set_child_subreaper(Some(rustix::process::getpid())) {
        println!("note: orphaned browsers will not be ended: {error}");
    }
}

/// Kills every process that this one has started, and those that they have. To be called between steps, when none is
/// wanted any more.
pub fn kill_all() {
    // A process may start another while they are being counted.
    for _ in 0..10 {
        let living = descendants(std::process::id() as Id, &processes());
        if living.is_empty() {
            return;
        }
        living.into_iter().for_each(kill);
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[cfg(unix)]
fn kill(id: Id) {
    use rustix::process::{kill_process, Pid, Signal};
    if let Some(id) = Pid::from_raw(id) {
        // It may have ended by itself.
        let _ = kill_process(id, Signal::KILL);
    }
}

#[cfg(not(unix))]
fn kill(_: Id) {}

/// Living processes and their parents, where the system shows them as files.
fn processes() -> Vec<(Id, Id)> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    entries.flatten().filter_map(|entry| parse(&std::fs::read_to_string(entry.path().join("stat")).ok()?)).collect()
}

/// `id (name) state parent ..`; the name may hold anything. Nothing for a process that has ended already.
fn parse(stat: &str) -> Option<(Id, Id)> {
    let (id, rest) = stat.split_once(" (")?;
    let (_, rest) = rest.rsplit_once(") ")?;
    let mut fields = rest.split(' ');
    let state = fields.next()?;
    let parent = fields.next()?.parse().ok()?;
    (state != "Z" && state != "X").then_some((id.parse().ok()?, parent))
}

fn descendants(root: Id, processes: &[(Id, Id)]) -> Vec<Id> {
    let mut found = vec![root];
    let mut next = 0;
    while next < found.len() {
        let parent = found[next];
        found.extend(processes.iter().filter(|(id, of)| *of == parent && *id != parent).map(|(id, _)| *id));
        next += 1;
    }
    found.split_off(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_does_not_confuse() {
        assert_eq!(parse("12 (a) b (c)) S 7 12 12 0"), Some((12, 7)));
        assert_eq!(parse("12 (gone) Z 7 12 12 0"), None);
        assert_eq!(parse("nonsense"), None);
    }

    #[test]
    fn descendants_are_found_through_generations() {
        let processes = [(1, 0), (5, 4), (4, 3), (3, 2), (2, 1), (9, 1)];
        let mut found = descendants(2, &processes);
        found.sort_unstable();
        assert_eq!(found, [3, 4, 5]);
    }
}
