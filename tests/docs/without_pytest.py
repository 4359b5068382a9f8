import unittest

from mock_june.testing import running_mock


class TestBackfill(unittest.TestCase):
    def setUp(self):
        self.june = self.enterContext(running_mock())

    def test_identify(self):
        self.june.client.identify(userId="1")
        self.june.assert_received("identify", userId="1")
