//! Takes from this process all that reading a hostile file does not need.
//!
//! Meant for a child process that has the file as its standard input: what takes the child over through a hole in a parser can
//! read that file, answer on standard output, use up its limits, and nothing else.

/// What a confined process may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Address space in bytes, with all that is mapped already. A Rust process that is handed no memory aborts.
    pub memory_bytes: u64,
    /// Seconds of processor time, with those already used. Time spent waiting is for the parent to watch.
    pub cpu_seconds: u64,
    /// How long a file that it writes to may become, in bytes. A pipe has no such limit.
    pub written_bytes: u64,
}

/// The process is not confined, or only in part. It must not touch the file.
#[derive(Debug, thiserror::Error)]
pub enum ConfineError {
    /// The kernel refused a limit, such as one above what the process may ask for.
    #[error("cannot limit what the process may use")]
    Limit(#[source] std::io::Error),
    /// The kernel refused the filter, or has none.
    #[error("cannot limit what the process may ask the kernel for")]
    Filter(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Only Linux can do this.
    #[error("processes can be confined on Linux only")]
    Unsupported,
}

/// Confines this process, all of its threads, for as long as it lives. Nothing undoes it.
///
/// From here on it can read, write and seek in files that are open, use memory, ask for time and randomness, and exit. The
/// kernel answers everything else with EPERM: opening a file, a socket, another process or thread, a signal to others, memory
/// that can be executed. EPERM instead of a kill, because the C library tries a newer call first and has another to fall back
/// on. Only whether a path exists, and its metadata, can still be asked.
///
/// Files that are open stay open. Above the limit of memory an allocation fails, which aborts; above that of time the process
/// is ended by SIGXCPU, or a second later by SIGKILL; above that of a file's length by SIGXFSZ. There is no core dump.
///
/// # Errors
/// When the kernel refuses. The process is then not safe to use on the file.
pub fn confine(limits: &Limits) -> Result<(), ConfineError> {
    #[cfg(target_os = "linux")]
    return linux::confine(limits);
    #[cfg(not(target_os = "linux"))]
    return {
        let _ = limits;
        Err(ConfineError::Unsupported)
    };
}

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::BTreeMap;

    use rustix::process::{Resource, Rlimit, setrlimit};
    use seccompiler::{
        BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
        SeccompRule, TargetArch,
    };

    use super::{ConfineError, Limits};

    /// Descriptors: the three standard ones and copies of them.
    const MOST_OPEN_FILES: u64 = 16;

    pub(super) fn confine(limits: &Limits) -> Result<(), ConfineError> {
        let filter = filter().map_err(|error| ConfineError::Filter(error.into()))?;

        for (resource, soft, hard) in [
            (Resource::Core, 0, 0),
            (Resource::Nofile, MOST_OPEN_FILES, MOST_OPEN_FILES),
            (Resource::Fsize, limits.written_bytes, limits.written_bytes),
            (Resource::Cpu, limits.cpu_seconds, limits.cpu_seconds.saturating_add(1)),
            (Resource::As, limits.memory_bytes, limits.memory_bytes),
        ] {
            setrlimit(resource, Rlimit { current: Some(soft), maximum: Some(hard) })
                .map_err(|error| ConfineError::Limit(error.into()))?;
        }

        // Also sets that no program started from here gains privileges.
        seccompiler::apply_filter_all_threads(&filter).map_err(|error| ConfineError::Filter(error.into()))
    }

    fn filter() -> Result<BpfProgram, seccompiler::BackendError> {
        const ALWAYS: [i64; 30] = [
            // Files that are open.
            libc::SYS_read,
            libc::SYS_readv,
            libc::SYS_pread64,
            libc::SYS_preadv,
            libc::SYS_write,
            libc::SYS_writev,
            libc::SYS_pwrite64,
            libc::SYS_lseek,
            libc::SYS_fstat,
            libc::SYS_close,
            // Memory.
            libc::SYS_brk,
            libc::SYS_munmap,
            libc::SYS_mremap,
            libc::SYS_madvise,
            // Locks between threads that are there.
            libc::SYS_futex,
            libc::SYS_sched_yield,
            // Time and randomness.
            libc::SYS_clock_gettime,
            libc::SYS_clock_getres,
            libc::SYS_gettimeofday,
            libc::SYS_getrandom,
            // Itself: signal handlers of its own, an end.
            libc::SYS_getpid,
            libc::SYS_gettid,
            libc::SYS_rt_sigaction,
            libc::SYS_rt_sigprocmask,
            libc::SYS_rt_sigreturn,
            libc::SYS_sigaltstack,
            libc::SYS_restart_syscall,
            libc::SYS_set_robust_list,
            libc::SYS_exit,
            libc::SYS_exit_group,
        ];

        let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
            ALWAYS.into_iter().map(|call| (call, vec![])).collect();
        let not_executable = without_bits(2, libc::PROT_EXEC)?;
        rules.insert(libc::SYS_mmap, vec![not_executable.clone()]);
        rules.insert(libc::SYS_mprotect, vec![not_executable]);
        // Aborting is a signal to oneself.
        rules.insert(libc::SYS_tgkill, vec![equal(0, std::process::id())?]);
        rules.insert(
            libc::SYS_fcntl,
            [libc::F_DUPFD_CLOEXEC, libc::F_GETFD, libc::F_GETFL]
                .into_iter()
                .map(|command| equal(1, command.cast_unsigned()))
                .collect::<Result<_, _>>()?,
        );
        // How the length of a file that is open is asked for.
        let of_descriptor = libc::AT_EMPTY_PATH.cast_unsigned();
        rules.insert(libc::SYS_newfstatat, vec![equal(3, of_descriptor)?]);
        rules.insert(libc::SYS_statx, vec![equal(2, of_descriptor)?]);

        let refused = SeccompAction::Errno(libc::EPERM.cast_unsigned());
        let architecture = TargetArch::try_from(std::env::consts::ARCH)?;
        SeccompFilter::new(rules, refused, SeccompAction::Allow, architecture)?.try_into()
    }

    fn equal(argument: u8, value: u32) -> Result<SeccompRule, seccompiler::BackendError> {
        condition(argument, SeccompCmpOp::Eq, value.into())
    }

    fn without_bits(argument: u8, bits: i32) -> Result<SeccompRule, seccompiler::BackendError> {
        condition(argument, SeccompCmpOp::MaskedEq(bits.cast_unsigned().into()), 0)
    }

    fn condition(
        argument: u8,
        operator: SeccompCmpOp,
        value: u64,
    ) -> Result<SeccompRule, seccompiler::BackendError> {
        SeccompRule::new(vec![SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value)?])
    }
}
