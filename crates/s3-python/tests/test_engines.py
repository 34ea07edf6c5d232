"""What clients share: a proxy counts requests in flight."""

import concurrent.futures
import contextlib
import socket
import threading
import time

import pytest

from mfs3 import S3


class Proxy:
    """A proxy that counts the requests in flight, and delays responses so that they overlap."""

    def __init__(self, endpoint):
        host, port = endpoint.removeprefix("http://").rstrip("/").split(":")
        self._server = host, int(port)
        self._lock = threading.Lock()
        self._waiting = set()
        #: The most requests that waited for their responses at one moment.
        self.most = 0
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.url = "http://127.0.0.1:%d" % self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self._listener.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, server = self._listener.accept()[0], socket.create_connection(self._server)
                threading.Thread(target=self._requests, args=(client, server), daemon=True).start()
                threading.Thread(target=self._responses, args=(server, client), daemon=True).start()

    def _requests(self, client, server):
        with contextlib.suppress(OSError), server:
            while data := client.recv(1 << 20):
                with self._lock:
                    self._waiting.add(client)
                    self.most = max(self.most, len(self._waiting))
                server.sendall(data)

    def _responses(self, server, client):
        with contextlib.suppress(OSError), client:
            while data := server.recv(1 << 20):
                time.sleep(0.01)
                with self._lock:
                    self._waiting.discard(client)
                client.sendall(data)


@pytest.fixture
def proxy(server, monkeypatch):
    started = Proxy(server)
    monkeypatch.setenv("AWS_ENDPOINT_URL", started.url)
    yield started
    started.close()


def test_clients_share_the_limit_of_one_engine(proxy, root, monkeypatch):
    """The datastore of Metaflow makes a client per call: together they send as many requests as one."""
    monkeypatch.setenv("METAFLOW_S3_WORKER_COUNT", "6")
    keys = [str(number) for number in range(100)]

    def read(_):
        with S3(s3root=root) as s3:
            return [one.text for one in s3.get_many(keys)]

    with S3(s3root=root) as s3:
        s3.put_many([(key, key) for key in keys])
        assert proxy.most > 3
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            assert list(pool.map(read, range(4))) == [keys] * 4
    assert proxy.most <= 6
