"""Embeddings over HTTP, against a server played by httpx's own transport."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import numpy as np
import pytest

from agentcore.memory.embedding import Embedder, EmbeddingRequestError, OpenAICompatibleEmbedder


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the seconds that would have been waited for."""
    waited: list[float] = []
    monkeypatch.setattr("time.sleep", waited.append)
    return waited


class Server:
    """Answers `/embeddings` with vectors that hold the text's length; can refuse first."""

    def __init__(self, *refusals: int, dimension: int = 3, retry_after: str = "") -> None:
        self.refusals, self.dimension = list(refusals), dimension
        self.headers = {"retry-after": retry_after} if retry_after else {}
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if self.refusals:
            return httpx.Response(self.refusals.pop(0), text="busy", headers=self.headers)
        texts = json.loads(request.content)["input"]
        data = [
            {"index": row, "embedding": [float(len(text)), *[1.0] * (self.dimension - 1)]}
            for row, text in enumerate(texts)
        ]
        return httpx.Response(200, json={"data": data[::-1]})


def embedder(server: Server, **options: object) -> OpenAICompatibleEmbedder:
    return OpenAICompatibleEmbedder(
        "small", "http://server/v1/", transport=httpx.MockTransport(server), **options
    )  # type: ignore[arg-type]


def test_vectors_in_order_and_normalised() -> None:
    """Texts go out in batches and vectors come back in the order of the texts, of length one."""
    server = Server()
    ours: Embedder = embedder(server, batch_size=2, api_key="secret")
    vectors = ours.embed(["a", "bb", "ccc"])
    expected = np.array([[n, 1, 1] for n in (1, 2, 3)], dtype=np.float32)
    assert np.allclose(vectors, expected / np.linalg.norm(expected, axis=1, keepdims=True))
    assert [len(json.loads(request.content)["input"]) for request in server.requests] == [2, 1]
    assert server.requests[0].url == "http://server/v1/embeddings"
    assert server.requests[0].headers["authorization"] == "Bearer secret"
    assert (ours.dimension, ours.name, ours.encode(["a"]).tokens) == (3, "small", None)


def test_passing_refusals_are_retried(pauses: list[float]) -> None:
    """A busy server is asked again after a growing pause; a wrong key is not."""
    server = Server(503, 429)
    assert embedder(server).embed(["a"]).shape == (1, 3)
    assert len(server.requests) == 3
    assert len(pauses) == 2 and 0.3 < pauses[0] <= 0.5 < pauses[1] <= 1.0
    server = Server(401, 200)
    with pytest.raises(EmbeddingRequestError, match="HTTP 401") as caught:
        embedder(server, api_key="secret").embed(["a"])
    assert caught.value.status == 401
    assert "secret" not in str(caught.value)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [
        '{"data": []}',
        '{"data": [{"index": 0}]}',
        '{"error": "x"}',
        '{"data": [{"index": 0, "embedding": [1e999, 1]}]}',
        "<html>",
    ],
)
def test_nonsense_is_an_error(answer: str) -> None:
    """An answer that is not one finite vector a text is refused."""
    transport = httpx.MockTransport(lambda request: httpx.Response(200, text=answer))
    with pytest.raises(EmbeddingRequestError):
        OpenAICompatibleEmbedder("small", "http://server", transport=transport).embed(["a"])


def test_wrong_dimension_and_no_server() -> None:
    """Vectors of another length than promised, and a server that is not there, are clear errors."""
    with pytest.raises(EmbeddingRequestError, match="set dimension="):
        embedder(Server(), dimension=5).embed(["a"])

    def absent(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    ours = OpenAICompatibleEmbedder("small", "http://server", transport=httpx.MockTransport(absent))
    with pytest.raises(EmbeddingRequestError, match="no answer"):
        ours.embed(["a"])


@pytest.mark.parametrize("is_date", [False, True])
def test_a_server_says_when_to_come_back(pauses: list[float], is_date: bool) -> None:
    """`Retry-After`, in seconds or as a date, is how long is waited for."""
    at = format_datetime(datetime.now(UTC) + timedelta(seconds=21), usegmt=True)
    server = Server(429, retry_after=at if is_date else "20")
    assert embedder(server).embed(["a"]).shape == (1, 3)
    assert pauses == [pytest.approx(20, abs=1.5)]


def test_nobody_waits_an_hour_for_a_server(pauses: list[float]) -> None:
    """A server that wants to be left alone for long is told of at once."""
    server = Server(429, retry_after="3600")
    with pytest.raises(EmbeddingRequestError, match="asked again in 3600 s"):
        embedder(server).embed(["a"])
    assert (len(server.requests), pauses) == (1, [])


@pytest.mark.parametrize("key", ["sk-secret\n", " sk-secret "])
def test_a_key_may_come_with_its_line_end(key: str) -> None:
    """A key as a mounted file holds it works, and no error repeats it."""
    server = Server()
    embedder(server, api_key=key).embed(["a"])
    assert server.requests[0].headers["authorization"] == "Bearer sk-secret"
    with pytest.raises(ValueError, match="copy it anew") as caught:
        embedder(server, api_key="sk-se\ncret")
    assert "cret" not in str(caught.value)


def test_a_server_that_repeats_the_key_is_not_quoted() -> None:
    """What a refusal says is shown without the key in it."""

    def refuse(request: httpx.Request) -> httpx.Response:
        return httpx.Response(401, text=f"wrong key: {request.headers['authorization']}")

    ours = OpenAICompatibleEmbedder(
        "small", "http://server", api_key="sk-secret", transport=httpx.MockTransport(refuse)
    )
    with pytest.raises(EmbeddingRequestError, match=r"Bearer \*\*\*") as caught:
        ours.embed(["a"])
    assert "sk-secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"base_url": "server:8000/v1"}, "begin with http"),
        ({"base_url": ""}, "begin with http"),
        ({"dimension": 0}, "dimension"),
    ],
)
def test_an_address_or_length_that_is_none_is_refused_at_once(
    option: dict[str, object], message: str
) -> None:
    """A mistake in the arguments is told when the embedder is made, not after three requests."""
    with pytest.raises(ValueError, match=message):
        OpenAICompatibleEmbedder("small", **option)  # type: ignore[arg-type]


def test_nothing_to_embed_asks_for_nothing() -> None:
    """No texts, no request, when the dimension is known."""
    server = Server()
    assert embedder(server, dimension=3).embed([]).shape == (0, 3)
    assert not server.requests
    with pytest.raises(ValueError, match="model"):
        OpenAICompatibleEmbedder("")
