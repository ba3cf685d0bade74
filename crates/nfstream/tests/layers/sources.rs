//! Source files of the engine, and the modules and files that they use.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// A source file without comments and without its tests.
pub(crate) struct Source {
    pub(crate) path: PathBuf,
    /// Its module, from the crate's root.
    pub(crate) module: Vec<String>,
    pub(crate) code: String,
}

impl Source {
    /// Returns the top-level module that the file belongs to.
    pub(crate) fn layer(&self) -> &str {
        self.module.first().map_or("lib", String::as_str)
    }

    /// Returns the number of modules from that one down to the file's.
    pub(crate) fn depth(&self) -> usize {
        self.module.len()
    }
}

/// Returns the sources of the engine, without those for tests alone.
pub(crate) fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    let for_tests = ["capture/samples.rs", "pipeline/model.rs", "pipeline/model/channel.rs"];
    files.retain(|file| !for_tests.iter().any(|path| file.ends_with(path)));
    let sources: Vec<_> = files
        .into_iter()
        .map(|path| {
            let inside = path.strip_prefix(&root).unwrap().with_extension("");
            let mut module: Vec<_> =
                inside.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
            if module.last().is_some_and(|last| last == "mod" || last == "lib") {
                module.pop();
            }
            let code = code(&fs::read_to_string(&path).unwrap());
            Source { path, module, code }
        })
        .collect();
    assert!(sources.len() > 80, "the sources have moved");
    sources
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            files.push(path);
        }
    }
}

/// Removes comments, and the tests at the end of a file.
fn code(text: &str) -> String {
    let body = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let lines = body.lines().map(|line| line.split("//").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

/// Returns the paths in `code` with braces expanded: those of its `use` declarations, and others
/// that begin with `crate`, `super` or one of `children`.
pub(crate) fn paths(code: &str, children: &[String]) -> Vec<NamedPath> {
    let mut found = Vec::new();
    let mut rest = code;
    while let Some(place) = rest.find("use ") {
        let (before, behind) = rest.split_at(place);
        let line = before.rsplit('\n').next().unwrap_or_default().trim();
        let Some(end) = behind.find(';') else { break };
        if line.is_empty() || line.starts_with("pub") {
            let reexport = line.starts_with("pub");
            let tree = behind["use ".len()..end].replace(" as ", "=");
            let tree = tree.split_whitespace().collect::<String>();
            for (segments, name) in expand(&tree) {
                found.push(NamedPath { segments, name, reexport });
            }
        }
        rest = &behind["use ".len()..];
    }
    let starts = children.iter().map(String::as_str).chain(["crate", "super", "self"]);
    for start in starts {
        let start = format!("{start}::");
        for (place, _) in code.match_indices(&start) {
            let inside = code[..place]
                .chars()
                .next_back()
                .is_some_and(|letter| letter.is_alphanumeric() || letter == '_' || letter == ':');
            let line = code[..place].rsplit('\n').next().unwrap_or_default().trim_start();
            if inside
                || line.starts_with("use ")
                || line.starts_with("pub") && line.contains("use ")
            {
                continue;
            }
            let path = code[place..].split(|letter: char| {
                !(letter.is_alphanumeric() || letter == '_' || letter == ':')
            });
            let segments = path.take(1).flat_map(|path| path.split("::")).map(str::to_owned);
            let segments: Vec<_> = segments.filter(|segment| !segment.is_empty()).collect();
            let name = segments.last().cloned().unwrap_or_default();
            found.push(NamedPath { segments, name, reexport: false });
        }
    }
    found
}

/// A path in the code of a file.
pub(crate) struct NamedPath {
    pub(crate) segments: Vec<String>,
    /// The name that the path has in the file.
    pub(crate) name: String,
    /// Whether the file only re-exports it.
    pub(crate) reexport: bool,
}

/// Expands the tree of a `use` declaration to paths and their names.
fn expand(tree: &str) -> Vec<(Vec<String>, String)> {
    let Some((head, list)) = tree.split_once('{') else {
        let (path, name) = tree.split_once('=').unwrap_or((tree, ""));
        let segments: Vec<_> = path.split("::").map(str::to_owned).collect();
        let last = segments.last().cloned().unwrap_or_default();
        return vec![(segments, if name.is_empty() { last } else { name.to_owned() })];
    };
    let list = list.strip_suffix('}').unwrap_or(list);
    let head: Vec<_> = head.split("::").filter(|s| !s.is_empty()).map(str::to_owned).collect();
    let mut items = vec![String::new()];
    let mut depth = 0;
    for letter in list.chars() {
        match letter {
            ',' if depth == 0 => items.push(String::new()),
            _ => {
                depth += i32::from(letter == '{') - i32::from(letter == '}');
                items.last_mut().unwrap().push(letter);
            }
        }
    }
    let items = items.iter().filter(|item| !item.is_empty()).flat_map(|item| expand(item));
    items
        .map(|(mut path, mut name)| {
            if path == ["self"] {
                path.clear();
                name = head.last().cloned().unwrap_or_default();
            }
            ([head.clone(), path].concat(), name)
        })
        .collect()
}

/// Returns, for each file, the files that it uses. A re-export counts as a use of the defining file
/// by the file that names it.
pub(crate) fn uses(sources: &[Source]) -> BTreeMap<&Path, BTreeSet<&Path>> {
    let modules: BTreeMap<&[String], &Source> =
        sources.iter().map(|source| (source.module.as_slice(), source)).collect();
    let children = |module: &[String]| -> Vec<String> {
        let inside = modules.keys().filter(|key| key.len() == module.len() + 1);
        inside.filter(|key| key.starts_with(module)).map(|key| key[module.len()].clone()).collect()
    };
    let named: BTreeMap<&[String], Vec<NamedPath>> = sources
        .iter()
        .map(|source| (source.module.as_slice(), paths(&source.code, &children(&source.module))))
        .collect();
    let mut uses = BTreeMap::new();
    for source in sources {
        let mut used = BTreeSet::new();
        for path in &named[source.module.as_slice()] {
            if !path.reexport
                && let Some(target) = resolve(&source.module, &path.segments, &modules, &named, 0)
                && target.path != source.path
            {
                used.insert(target.path.as_path());
            }
        }
        uses.insert(source.path.as_path(), used);
    }
    uses
}

/// Returns the file that defines `segments` as named in the file of `module`; `None` for other
/// crates.
fn resolve<'a>(
    module: &[String],
    segments: &[String],
    modules: &BTreeMap<&[String], &'a Source>,
    named: &BTreeMap<&[String], Vec<NamedPath>>,
    depth: usize,
) -> Option<&'a Source> {
    assert!(depth < 20, "{segments:?} in {module:?} is passed on in a circle");
    let mut at: Vec<String> = module.to_vec();
    let mut rest = segments;
    let mut anchored = false;
    while let Some((first, others)) = rest.split_first() {
        match first.as_str() {
            "crate" => at.clear(),
            "super" => drop(at.pop()),
            "self" => {}
            _ => break,
        }
        (anchored, rest) = (true, others);
    }
    while let Some((first, others)) = rest.split_first() {
        let child = [at.as_slice(), std::slice::from_ref(first)].concat();
        if !modules.contains_key(child.as_slice()) {
            break;
        }
        (anchored, at, rest) = (true, child, others);
    }
    if !anchored {
        return None;
    }
    let file = modules.get(at.as_slice())?;
    let Some(name) = rest.first() else { return Some(file) };
    let passed_on = named[at.as_slice()]
        .iter()
        .find(|path| path.reexport && (path.name == *name || path.name == "*"));
    match passed_on {
        Some(path) => resolve(&at, &path.segments, modules, named, depth + 1),
        None => Some(file),
    }
}

/// Returns the circles of `uses`: files that all use each other, directly or through others.
pub(crate) fn circles<'a>(uses: &BTreeMap<&'a Path, BTreeSet<&'a Path>>) -> Vec<Vec<&'a Path>> {
    let reach = |start: &'a Path| {
        let mut reached = BTreeSet::new();
        let mut open = vec![start];
        while let Some(file) = open.pop() {
            for &next in uses.get(file).into_iter().flatten() {
                if reached.insert(next) {
                    open.push(next);
                }
            }
        }
        reached
    };
    let reached: BTreeMap<_, _> = uses.keys().map(|&file| (file, reach(file))).collect();
    let mut circles = BTreeSet::new();
    for (&file, from_here) in &reached {
        if from_here.contains(file) {
            let back = |other: &&&Path| reached[**other].contains(file);
            circles.insert(from_here.iter().filter(back).copied().collect::<Vec<_>>());
        }
    }
    circles.into_iter().collect()
}
