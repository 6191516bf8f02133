//! Waits for a file's lock without keeping Ctrl-C waiting.

use std::{
    fs::{File, TryLockError},
    io,
    time::Duration,
};

const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// True once the file is locked, false where another process held the lock for all of `patience`.
pub(crate) async fn acquire(file: &File, patience: Duration) -> io::Result<bool> {
    let mut waited = Duration::ZERO;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if waited >= patience => return Ok(false),
            Err(TryLockError::WouldBlock) => tokio::time::sleep(LOOK_AGAIN).await,
        }
        waited += LOOK_AGAIN;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_lock_is_waited_for_and_then_given_up() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lock");
        let (first, second) = (File::create(&path).unwrap(), File::create(&path).unwrap());

        assert!(acquire(&first, Duration::ZERO).await.unwrap());
        assert!(!acquire(&second, LOOK_AGAIN).await.unwrap());
        drop(first);
        assert!(acquire(&second, Duration::ZERO).await.unwrap());
    }
}
