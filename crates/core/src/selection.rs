//! What a build carries. One for a page that runs a certain model names, in the environment variable `HEADWATER_ONLY`, the
//! operations, layers and kernels that the model needs, separated by spaces (`cargo xtask build --for`); the compiler then
//! leaves the others out. `loss/` stands for every name that begins so. Any other build carries everything that its features allow.

const ONLY: Option<&str> = option_env!("HEADWATER_ONLY");

/// Whether the build carries what has this name.
pub const fn has(name: &str) -> bool {
    match ONLY {
        None => true,
        Some(list) => selects(list.as_bytes(), name.as_bytes()),
    }
}

/// Whether a list of words has this name, or the group that it is of.
const fn selects(list: &[u8], name: &[u8]) -> bool {
    let mut end = 0;
    while end < name.len() {
        end += 1;
        if name[end - 1] == b'/' && among(list, name.split_at(end).0) {
            return true;
        }
    }
    among(list, name)
}

/// Whether a list of words has this one.
const fn among(list: &[u8], word: &[u8]) -> bool {
    let mut start = 0;
    while start + word.len() <= list.len() {
        let end = start + word.len();
        let mut i = 0;
        while i < word.len() && list[start + i] == word[i] {
            i += 1;
        }
        if i == word.len() && (end == list.len() || list[end] == b' ') {
            return true;
        }
        while start < list.len() && list[start] != b' ' {
            start += 1;
        }
        start += 1;
    }
    false
}

/// Whether operations are recorded for gradients.
pub const GRADIENTS: bool = has("gradients");

/// The entries of a constant table, tuples that begin with a name, that the build carries.
#[macro_export]
macro_rules! selected {
    ($entry:ty, $all:expr) => {{
        const ALL: &[$entry] = $all;
        const COUNT: usize = {
            let (mut i, mut count) = (0, 0);
            while i < ALL.len() {
                count += $crate::selection::has(ALL[i].0) as usize;
                i += 1;
            }
            count
        };
        const SELECTED: &[$entry] = &{
            let mut selected = [ALL[0]; COUNT];
            let (mut i, mut count) = (0, 0);
            while i < ALL.len() {
                if $crate::selection::has(ALL[i].0) {
                    selected[count] = ALL[i];
                    count += 1;
                }
                i += 1;
            }
            selected
        };
        SELECTED
    }};
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_whole() {
        let among = |list: &str, word: &str| selects(list.as_bytes(), word.as_bytes());
        for word in ["add", "conv2d", "Dense"] {
            assert!(among("add conv2d Dense", word), "{word}");
        }
        for word in ["ad", "dd", "conv", "2d", "Dense ", "dense", "Densely"] {
            assert!(!among("add conv2d Dense", word), "{word}");
        }
        assert!(!among("", "add") && among("add", "add"));
        assert!(among("add loss/", "loss/hinge") && !among("add loss/", "metric/hinge") && !among("loss/mse", "loss/"));
    }

    #[test]
    fn a_build_for_no_model_has_everything() {
        const TABLE: &[(&str, u8)] = &[("a", 1), ("b", 2)];
        assert!(has("anything"));
        assert_eq!(crate::selected!((&str, u8), TABLE), TABLE);
    }
}
