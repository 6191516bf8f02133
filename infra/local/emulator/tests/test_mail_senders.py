import unittest

from botocore.exceptions import ClientError

from . import emulator


class MailSenders(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        for domain in ("castkeep.example", "other.example"):
            emulator.shared().client("ses").verify_domain_identity(Domain=domain)
        cls.mail = emulator.shared().client("sesv2", emulator.shared().credentials([{
            "Effect": "Allow", "Action": "ses:SendEmail",
            "Resource": "arn:aws:ses:us-east-1:000000000000:identity/castkeep.example",
            "Condition": {"StringEquals": {"ses:FromAddress": "feeds@castkeep.example"}},
        }]))

    def send(self, sender):
        self.mail.send_email(
            FromEmailAddress=sender, Destination={"ToAddresses": ["ada@acme.example"]},
            Content={"Simple": {"Subject": {"Data": "Hello"}, "Body": {"Text": {"Data": "Hello."}}}})

    def test_mail_from_the_address_that_the_policy_names(self):
        self.send("feeds@castkeep.example")
        self.send("Feeds <feeds@castkeep.example>")

    def test_mail_from_another_address_is_refused(self):
        for other in ("owner@castkeep.example", "feeds@other.example"):
            with self.subTest(other), self.assertRaisesRegex(ClientError, "AccessDenied"):
                self.send(other)
