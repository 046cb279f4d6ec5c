"""What the functions of an endpoint raise"""


class UnexpectedStatus(Exception):
    """A response has a status that the specification does not have, and Client.raise_on_unexpected_status is True"""

    def __init__(self, status_code: int, content: bytes):
        self.status_code = status_code
        self.content = content
        # The text leaves out the content: some servers repeat the request in it, credentials included.
        super().__init__(f"Unexpected status code: {status_code}, with {len(content)} bytes of content")

    def __reduce__(self) -> tuple[type["UnexpectedStatus"], tuple[int, bytes]]:
        return type(self), (self.status_code, self.content)


__all__ = ["UnexpectedStatus"]
