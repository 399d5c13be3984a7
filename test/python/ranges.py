"""Reads a Parquet file by its URL, one range after the other: a JSON line of its rows and of what was fetched."""

import io
import json
import sys
import urllib.request

import pyarrow.parquet as pq


class RemoteFile(io.RawIOBase):
    """A file of which only the bytes that are read are fetched."""

    def __init__(self, url):
        self.url, self.position, self.fetched = url, 0, 0
        with urllib.request.urlopen(urllib.request.Request(url, method="HEAD")) as answer:
            self.size, self.tag = int(answer.headers["content-length"]), answer.headers["etag"]

    def seekable(self):
        return True

    def readable(self):
        return True

    def tell(self):
        return self.position

    def seek(self, offset, whence=io.SEEK_SET):
        self.position = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self.position, io.SEEK_END: self.size}[whence]
        return self.position

    def read(self, size=-1):
        end = self.size if size is None or size < 0 else min(self.position + size, self.size)
        if end <= self.position:
            return b""
        wanted = {"range": f"bytes={self.position}-{end - 1}", "if-range": self.tag}
        with urllib.request.urlopen(urllib.request.Request(self.url, headers=wanted)) as answer:
            assert answer.status == 206, answer.status
            part = answer.read()
        assert len(part) == end - self.position
        self.position, self.fetched = end, self.fetched + len(part)
        return part


url, columns = sys.argv[1], sys.argv[2:]
remote = RemoteFile(url)
table = pq.ParquetFile(remote).read(columns=columns)
print(json.dumps({"rows": table.to_pylist(), "fetched": remote.fetched, "size": remote.size}))
