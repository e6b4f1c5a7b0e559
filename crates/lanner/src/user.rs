//! The name of the user who runs this command, for the history of changes.

/// The name of the user, from the environment or from the system; with the machine's name where nobody logged in, as in
/// containers and jobs, in which everybody is root.
pub(crate) fn name() -> String {
    let told = ["USER", "LOGNAME", "USERNAME"].iter().filter_map(|name| std::env::var(name).ok());
    told.map(|name| name.trim().to_owned()).find(|name| !name.is_empty()).unwrap_or_else(unnamed)
}

#[cfg(unix)]
fn unnamed() -> String {
    let uid = rustix::process::getuid().as_raw();
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let user = user_of(&passwd, uid).unwrap_or_else(|| format!("uid {uid}"));
    format!("{user}@{}", machine())
}

/// The name of this machine.
#[cfg(unix)]
pub(crate) fn machine() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// The name of this machine.
#[cfg(not(unix))]
pub(crate) fn machine() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_else(|_| "host".to_owned())
}

#[cfg(not(unix))]
fn unnamed() -> String {
    "command line".to_owned()
}

/// The name that `/etc/passwd` gives a number.
fn user_of(passwd: &str, uid: u32) -> Option<String> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_names() {
        let passwd = "root:x:0:0:root:/root:/bin/bash\nbroken\n:x:7::\nann:x:1000:1000::/home/ann:/bin/sh\n";
        for (uid, name) in [(0, Some("root")), (1000, Some("ann")), (7, None), (2000, None)] {
            assert_eq!(user_of(passwd, uid).as_deref(), name);
        }
    }

    #[test]
    fn somebody_is_always_named() {
        assert!(!name().is_empty());
        #[cfg(unix)]
        assert!(unnamed().contains('@'), "{}", unnamed());
    }
}
