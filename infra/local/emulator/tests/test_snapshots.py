import hashlib
import secrets
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from ministack.services import lambda_svc

# Importing it applies it.
from emulator import snapshots


class Snapshots(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.use(mock.patch.object(lambda_svc, "CODE_BLOB_DIR", folder.name))
        self.hashed = self.use(mock.patch.object(lambda_svc.hashlib, "sha256", wraps=hashlib.sha256))
        self.code = secrets.token_bytes(1000)
        self.blob = lambda_svc._write_code_blob(self.code)

    def use(self, patch):
        self.addCleanup(patch.stop)
        return patch.start()

    def path(self):
        return self.folder / f"{self.blob}.zip"

    def test_code_is_hashed_once(self):
        self.assertEqual(lambda_svc._write_code_blob(self.code), self.blob)
        self.assertEqual(self.hashed.call_count, 1)
        self.assertEqual(self.path().read_bytes(), self.code)

    def test_a_blob_that_was_lost_is_written_again(self):
        self.path().unlink()
        lambda_svc._write_code_blob(self.code)
        self.assertEqual(self.path().read_bytes(), self.code)

    def test_code_that_no_function_has_is_forgotten(self):
        lambda_svc._prune_orphan_code_blobs({self.blob})
        self.assertIn(id(self.code), snapshots.blobs)
        lambda_svc._prune_orphan_code_blobs(set())
        self.assertNotIn(id(self.code), snapshots.blobs)
        self.assertFalse(self.path().exists())
