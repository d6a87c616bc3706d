"""A small RTSP server (RFC 2326, RTP over the same TCP connection) in front of what ffmpeg sends.

It stands in for an IP camera: one client, one video track, played once.
"""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from pathlib import Path

_PATIENCE_S = 10.0


class RtspCamera:
    """Serves `seconds` of a moving test picture at `address`, live, to the first who asks."""

    def __init__(self, folder: Path, seconds: float) -> None:
        self._sdp = folder / "camera.sdp"
        self._packets = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._packets.bind(("127.0.0.1", 0))
        self._packets.settimeout(0.2)
        self._door = socket.create_server(("127.0.0.1", 0))
        self.address = f"rtsp://127.0.0.1:{self._door.getsockname()[1]}/door"
        to = f"rtp://127.0.0.1:{self._packets.getsockname()[1]}"
        source = ["-re", "-f", "lavfi", "-i", "testsrc=size=320x240:rate=20", "-t", str(seconds)]
        encoded = ["-c:v", "mpeg4", "-g", "5", "-flags", "+global_header"]
        self._ffmpeg = subprocess.Popen(
            ["ffmpeg", "-v", "error", *source, *encoded, "-f", "rtp", "-sdp_file", self._sdp, to],
            stdout=subprocess.DEVNULL,
        )
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        self._ffmpeg.kill()
        self._ffmpeg.wait()
        self._door.close()
        self._thread.join()
        self._packets.close()

    def _serve(self) -> None:
        self._door.settimeout(_PATIENCE_S)
        connection, _ = self._door.accept()
        with connection, connection.makefile("rb") as requests:
            for line in requests:
                method, headers = line.split()[0].decode(), {}
                while (header := requests.readline().decode().strip()) != "":
                    name, _, value = header.partition(": ")
                    headers[name.lower()] = value
                connection.sendall(self._answer(method, headers).encode())
                if method == "PLAY":
                    self._play(connection)
                    return

    def _answer(self, method: str, headers: dict[str, str]) -> str:
        if method == "SETUP" and "TCP" not in headers["transport"]:
            return f"RTSP/1.0 461 Unsupported transport\r\nCSeq: {headers['cseq']}\r\n\r\n"
        lines, body = ["RTSP/1.0 200 OK", f"CSeq: {headers['cseq']}"], ""
        if method == "OPTIONS":
            lines.append("Public: OPTIONS, DESCRIBE, SETUP, PLAY")
        if method == "DESCRIBE":
            body = self._description() + "a=control:track0\r\n"
            lines += ["Content-Type: application/sdp", f"Content-Length: {len(body)}"]
        if method == "SETUP":
            lines += ["Transport: RTP/AVP/TCP;unicast;interleaved=0-1", "Session: 1"]
        return "\r\n".join([*lines, "", body])

    def _description(self) -> str:
        until = time.monotonic() + _PATIENCE_S
        while not (self._sdp.exists() and "m=video" in self._sdp.read_text()):
            assert time.monotonic() < until, "ffmpeg described no stream"
            time.sleep(0.05)
        lines = self._sdp.read_text().splitlines()
        return "".join(f"{line}\r\n" for line in lines if line and not line.startswith("SDP:"))

    def _play(self, connection: socket.socket) -> None:
        """Until ffmpeg has ended and all it sent is passed on."""
        while True:
            try:
                packet = self._packets.recv(65536)
            except TimeoutError:
                if self._ffmpeg.poll() is not None:
                    return
                continue
            try:
                connection.sendall(b"$\0" + len(packet).to_bytes(2, "big") + packet)
            except OSError:  # the client has hung up
                return
