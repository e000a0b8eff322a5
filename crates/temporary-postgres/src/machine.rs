//! What the machine has: where `PostgreSQL`'s programs are, and who may run them, since the server refuses root.
//!
//! Never installs anything. See <https://www.postgresql.org/docs/current/app-initdb.html>.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A user and its group.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Owner {
    user: u32,
    group: u32,
}

/// The newest `PostgreSQL` of the machine.
#[derive(Debug)]
pub(crate) struct Machine {
    binaries: PathBuf,
    version: u32,
    /// Who runs the programs, where root may not.
    owner: Option<Owner>,
}

impl Machine {
    /// Looks where Debian puts the versions, then along `PATH`.
    pub fn look() -> Option<Self> {
        if !cfg!(unix) {
            return None; // the keeper is a shell
        }
        let versions = std::fs::read_dir("/usr/lib/postgresql").ok().into_iter().flatten().flatten();
        let installed = versions
            .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
            .filter(|(_, binaries): &(u32, PathBuf)| binaries.join("initdb").exists())
            .max();
        let (version, binaries) = installed.or_else(along_path)?;
        Some(Self { binaries, version, owner: owner() })
    }

    pub fn binary(&self, program: &str) -> PathBuf {
        self.binaries.join(program)
    }

    /// A program of `PostgreSQL`'s that sees nothing of the caller's own settings for it.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.binary(program));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("PG") {
                command.env_remove(name);
            }
        }
        command.env("LC_ALL", "C");
        self.run_as_owner(&mut command);
        command
    }

    /// A shell in a group of its own.
    pub fn shell(&self) -> Command {
        let mut command = Command::new("/bin/sh");
        self.run_as_owner(&mut command);
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        command
    }

    /// Gives a file or directory to whoever runs the programs, and to nobody else.
    pub fn own(&self, path: &Path) {
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = if path.is_dir() { 0o700 } else { 0o600 };
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        }
        #[cfg(unix)]
        if let Some(Owner { user, group }) = self.owner {
            std::os::unix::fs::chown(path, Some(user), Some(group))
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        }
        #[cfg(not(unix))]
        let _ = path;
    }

    /// A language whose order of letters is not that of their bytes, where `initdb` can be told one: what relies on byte order shall say so.
    pub fn locale(&self) -> &'static [&'static str] {
        if self.version >= 15 {
            &["--locale=C", "--locale-provider=icu", "--icu-locale=en"]
        } else {
            &["--locale=C"]
        }
    }

    fn run_as_owner(&self, command: &mut Command) {
        #[cfg(unix)]
        if let Some(Owner { user, group }) = self.owner {
            use std::os::unix::process::CommandExt as _;
            command.uid(user).gid(group);
        }
        #[cfg(not(unix))]
        let _ = command;
    }
}

fn along_path() -> Option<(u32, PathBuf)> {
    let path = std::env::var_os("PATH")?;
    let binaries = std::env::split_paths(&path).find(|directory| directory.join("initdb").exists())?;
    let output = Command::new(binaries.join("postgres")).arg("--version").output().ok()?;
    // `postgres (PostgreSQL) 17.2 (…)`
    let text = String::from_utf8(output.stdout).ok()?;
    let version = text.split_whitespace().nth(2)?.split(['.', 'b', 'r', 'd']).next()?.parse().ok()?;
    Some((version, binaries))
}

/// For root: the user that Debian's package makes, or nobody. For others: none but themselves.
fn owner() -> Option<Owner> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let own = std::fs::metadata("/proc/self").ok()?.uid();
        if own != 0 {
            return None;
        }
        let users = std::fs::read_to_string("/etc/passwd").ok()?;
        ["postgres", "nobody"].into_iter().find_map(|wanted| {
            let line = users.lines().find(|line| line.split(':').next() == Some(wanted))?;
            let mut numbers = line.split(':').skip(2).map(str::parse);
            Some(Owner { user: numbers.next()?.ok()?, group: numbers.next()?.ok()? })
        })
    }
    #[cfg(not(unix))]
    None
}
