//! Which file of settings is used, and the settings that come of it and of the command line.

use casefile::{
    config::Document,
    error::{Error, Result},
};
use std::{
    env, fs,
    io::Read as _,
    path::{Path, PathBuf},
};

/// The longest file of settings, in bytes.
const MOST_SETTINGS: u64 = 1 << 20;

/// The file of a working directory.
const FILE: &str = "casefile.toml";

/// The variable that names the file.
const VARIABLE: &str = "CASEFILE_CONFIG";

/// The file that is used, and who says so.
#[derive(Debug)]
pub(super) struct Found {
    path: PathBuf,
    /// `--config`, the variable, or nobody: it was where it is looked for.
    named_by: Option<&'static str>,
}

impl Found {
    /// The first there is of: the file named, that of the variable, that of the working directory, that of the user.
    pub(super) fn first(named: Option<&Path>) -> Option<Self> {
        let of_variable = || env::var_os(VARIABLE).filter(|it| !it.is_empty()).map(PathBuf::from);
        if let Some(path) = named {
            return Some(Self { path: path.to_owned(), named_by: Some("--config") });
        }
        if let Some(path) = of_variable() {
            return Some(Self { path, named_by: Some(VARIABLE) });
        }
        let here = Some(PathBuf::from(FILE));
        here.into_iter().chain(of_user()).find(|it| it.exists()).map(|path| Self { path, named_by: None })
    }

    /// What it says.
    pub(super) fn document(&self) -> Result<Document> {
        let named = self.named_by.map_or(String::new(), |it| format!("{it} "));
        let wrong = |it: &dyn std::fmt::Display| Error::Usage(format!("{named}{}: {it}", self.path.display()));
        let mut bytes = Vec::new();
        let file = fs::File::open(&self.path).map_err(|it| wrong(&it))?;
        file.take(MOST_SETTINGS + 1).read_to_end(&mut bytes).map_err(|it| wrong(&it))?;
        if bytes.len() as u64 > MOST_SETTINGS {
            return Err(wrong(&format!("longer than {MOST_SETTINGS} bytes: no file of settings")));
        }
        let text = String::from_utf8(bytes).map_err(|it| wrong(&format!("byte {} is not UTF-8", it.utf8_error().valid_up_to())))?;
        Document::read(&text, &self.name())
    }

    /// What it is called.
    pub(super) fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// Says which file is used, where nobody named it.
    pub(super) fn tell(&self) {
        if self.named_by.is_none() {
            super::complain(&format!("settings of {}", self.name()));
        }
    }
}

/// `$XDG_CONFIG_HOME/casefile/config.toml`, by default in `~/.config`.
fn of_user() -> Option<PathBuf> {
    let absolute = |name: &str| env::var_os(name).map(PathBuf::from).filter(|it| it.is_absolute());
    let folder = absolute("XDG_CONFIG_HOME").or_else(|| absolute("HOME").map(|it| it.join(".config")));
    folder.map(|it| it.join("casefile").join("config.toml"))
}

/// The settings of the file that is used, if there is one, and of `--set`.
pub(super) fn document(named: Option<&Path>, set: &[String]) -> Result<(Option<Found>, Document)> {
    let found = Found::first(named);
    let mut document = found.as_ref().map(Found::document).transpose()?.unwrap_or_default();
    for assignment in set {
        document.set(assignment)?;
    }
    Ok((found, document))
}
