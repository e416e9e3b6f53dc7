"""What cannot be is refused in one line, by a server that stays up."""

import io
import json
import re
import resource
import struct
import time
import zlib

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from serve.headers import Limits, check_header, kind_of
from serve.problems import Problem

POINTS = {"points": [[10, 10, 1]]}


def tiff(pixels, **how) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, pixels, **how)
    return file.getvalue()


def saved(picture, kind, **how) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **how)
    return file.getvalue()


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_of(width: int, height: int, *, depth: int = 8, data: bytes = b"") -> bytes:
    head = struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def jpeg_of(width: int, height: int) -> bytes:
    """Return a JPEG whose frame header says so."""
    whole = bytearray(saved(Image.new("L", (8, 8)), "jpeg"))
    at = whole.index(b"\xff\xc0") + 5
    whole[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(whole)


def tiff_of(width: int, height: int) -> bytes:
    """Return a TIFF whose directory says so."""
    whole = bytearray(tiff(np.zeros((16, 16), np.uint8)))
    (offset,) = struct.unpack_from("<I", whole, 4)
    (count,) = struct.unpack_from("<H", whole, offset)
    for entry in range(offset + 2, offset + 2 + 12 * count, 12):
        tag, _ = struct.unpack_from("<HH", whole, entry)
        if tag in (256, 257):
            struct.pack_into("<HHII", whole, entry, tag, 4, 1, width if tag == 256 else height)
    return bytes(whole)


def strip_of(compression: int, strip: bytes) -> bytes:
    """Return a TIFF whose directory says 64 x 64, with a strip of its own."""
    tags = [(256, 64), (257, 64), (258, 8), (259, compression), (262, 1), (273, 122), (277, 1), (278, 64)]
    tags.append((279, len(strip)))
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + entries + bytes(4) + strip


def deflated(size: int) -> bytes:
    packer = zlib.compressobj()
    return b"".join([*(packer.compress(bytes(2**20)) for _ in range(size // 2**20)), packer.flush()])


def stack_on_one_page() -> bytes:
    """Return a stack as ImageJ writes large ones: one directory for all frames."""
    frames = np.arange(3 * 32 * 32, dtype=np.uint8).reshape(3, 32, 32)
    return tiff(frames, imagej=True, metadata={"axes": "TYX"}, contiguous=True)


FRAMES = [Image.fromarray(np.full((32, 32), grey, np.uint8)) for grey in (10, 200)]
GREY = np.arange(64 * 64, dtype=np.uint8).reshape(64, 64)
CMYK = Image.new("CMYK", (32, 32))

IMAGES = {
    "nothing": (b"", 400, "0 bytes"),
    "text": (b"hello, world", 415, "no image"),
    "gif": (saved(FRAMES[0], "gif"), 415, "GIF"),
    "animated gif": (saved(FRAMES[0], "gif", save_all=True, append_images=FRAMES[1:]), 415, "GIF"),
    "animated png": (
        saved(FRAMES[0], "png", save_all=True, append_images=FRAMES[1:]),
        415,
        "animated.*/v1/track",
    ),
    "animated webp": (saved(FRAMES[0], "webp", save_all=True, append_images=FRAMES[1:]), 415, "WebP"),
    "stack": (tiff(np.zeros((3, 32, 32), np.uint8), photometric="minisblack"), 415, "3 pages.*/v1/track"),
    "stack on one page": (stack_on_one_page(), 415, "3 pages.*/v1/track"),
    "long stack": (tiff(np.zeros((40, 8, 8), np.uint8)), 415, "more than 32 pages"),
    "cmyk jpeg": (saved(CMYK, "jpeg"), 415, "CMYK"),
    "cmyk tiff": (saved(CMYK, "tiff"), 415, "CMYK"),
    "float tiff": (tiff(np.zeros((32, 32), np.float32)), 415, "float32.*8 or 16 bit"),
    "nan tiff": (tiff(np.full((32, 32), np.nan, np.float32)), 415, "float32"),
    "32-bit tiff": (tiff(np.zeros((32, 32), np.uint32)), 415, "uint32"),
    "complex tiff": (tiff(np.zeros((32, 32), np.complex64)), 415, "complex64"),
    "5 channels": (tiff(np.zeros((32, 32, 5), np.uint8), photometric="rgb"), 415, "5 channels"),
    "1-bit png": (png_of(32, 32, depth=1, data=bytes(5 * 32)), 415, "1 bit"),
    "truncated png": (bytes(imagecodecs.png_encode(GREY))[:-30], 422, "truncated"),
    "truncated in the header": (bytes(imagecodecs.png_encode(GREY))[:20], 422, "header is not whole"),
    "truncated jpeg": (saved(Image.fromarray(GREY), "jpeg")[:-200], 422, "truncated"),
    "jpeg of nothing": (b"\xff\xd8\xff", 422, "truncated"),
    "truncated tiff": (tiff(GREY)[:-100], 422, "truncated"),
    "tiff of nothing": (b"II*\0", 422, "truncated"),
    "tiff in a circle": (b"II*\0\x08\0\0\0" + b"\0\0\x08\0\0\0", 415, "pages"),
    "png of too little": (png_of(64, 64, data=b"1"), 422, "damaged|cannot be read"),
    "bomb": (png_of(60_000, 60_000, data=bytes(60_000)), 413, "60000 x 60000.*crop or bin"),
    "jpeg bomb": (jpeg_of(60_000, 60_000), 413, "60000 x 60000"),
    "tiff bomb": (tiff_of(60_000, 60_000), 413, "60000 x 60000"),
    "long and thin": (png_of(60_000, 1), 413, "1 x 60000"),
    "no pixels": (png_of(0, 0), 422, "0 x 0"),
    "a dot": (png_of(1, 1, data=b"\0\0"), 422, "at least 8"),
    "too many bytes": (bytes(5 * 2**20), 413, "4.0 MiB"),
    "many chunks": (
        b"\x89PNG\r\n\x1a\n" + png_of(32, 32)[8:33] + chunk(b"tEXt", b"") * 40_000,
        422,
        "32768 chunks",
    ),
    "jpeg of zeros": (b"\xff\xd8" + bytes(2**22 - 100_000), 422, "header is not whole"),
    "jpeg of fill bytes": (b"\xff" * 2 + b"\xd8" + b"\xff" * 2**21, 415, "no image"),
    "jpeg of nothing but fill bytes": (b"\xff\xd8" + b"\xff" * 2**21, 422, "header is not whole"),
    "jpeg of empty segments": (b"\xff\xd8" + b"\xff\xe0\0\x02" * 2**19, 422, "header is not whole"),
    "tiff of many tags": (
        b"II*\0\x08\0\0\0" + b"\xff\xff" + bytes(12 * 2**16),
        422,
        "65535 tags, at most 512",
    ),
    "tiff in many pieces": (
        b"II*\0\x08\0\0\0\x01\0" + struct.pack("<HHII", 273, 4, 10**6, 8) + bytes(4),
        422,
        "1000000 pieces",
    ),
    "many scans": (b"\xff\xd8\xff\xc0\x00\x0b\x08\x00\x40\x00\x40\x01" + b"\xff\xda" * 500, 422, "scans"),
}

CODECS = {
    "jpeg": 7,
    "old jpeg": 6,
    "lossy jpeg": 34892,
    "jpeg 2000": 34712,
    "jpeg xr": 34934,
    "jpeg xl": 50002,
    "webp": 50001,
    "png": 34933,
    "lerc": 34887,
    "lzma": 34925,
    "jetraw": 48124,
}
"""Those that say themselves how much they hold."""
LERC_BOMB = bytes(imagecodecs.lerc_encode(np.zeros((4096, 4096), np.uint8)))
BOMBS = {
    "lzw": (5, lambda: bytes(imagecodecs.lzw_encode(bytes(2**24)))),
    "deflate": (8, lambda: deflated(2**28)),
    "old deflate": (32946, lambda: deflated(2**28)),
    "packbits": (32773, lambda: b"\x81\0" * 2**20),
    "zstd": (50000, lambda: bytes(imagecodecs.zstd_encode(bytes(2**24))) * 16),
    "old zstd": (34926, lambda: bytes(imagecodecs.zstd_encode(bytes(2**24))) * 16),
}

FIELDS = {
    "unknown field": ({"color": "red"}, 400, "no field 'color'; known: model"),
    "unknown model": ({"model": "unet"}, 404, "no model 'unet'; known: champion"),
    "path for a model": ({"model": "../../etc/passwd"}, 404, "no model"),
    "url for a model": ({"model": "http://127.0.0.1:1/w"}, 404, "no model"),
    "model of another name": ({"model": "models:/other/1"}, 404, "no model"),
    "broken address": ({"model": "models:/a@b@c"}, 404, "no registered model"),
    "no size": ({"pixel_size_nm": "wide"}, 422, "pixel_size_nm = 'wide' cannot be"),
    "NaN size": ({"pixel_size_nm": "nan"}, 422, "finite"),
    "infinite size": ({"pixel_size_nm": "inf"}, 422, "cannot be"),
    "negative size": ({"pixel_size_nm": "-1"}, 422, "at least 1e-06"),
    "huge size": ({"pixel_size_nm": "1e300"}, 422, "at most 1e"),
    "no polarity": ({"polarity": "up"}, 422, "'auto', 'dark' or 'bright'"),
    "no outline": ({"outlines": "svg"}, 422, "'polygon', 'rle' or 'none'"),
    "prompts for a network without": (
        {"model": "threshold", "prompts": json.dumps(POINTS)},
        422,
        "takes no prompts",
    ),
    "10,000 prompts": (
        {"prompts": json.dumps({"points": [[1, 1, 1]] * 10_000})},
        422,
        "10000 prompts, at most 256",
    ),
    "NaN coordinate": ({"prompts": '{"points": [[NaN, 1, 1]]}'}, 400, "NaN is no number"),
    "infinite coordinate": ({"prompts": '{"points": [[1e999, 1, 1]]}'}, 422, "finite"),
    "huge coordinate": ({"prompts": '{"points": [[' + "9" * 400 + ", 1, 1]]}"}, 422, "prompts"),
    "endless coordinate": ({"prompts": '{"points": [[' + "9" * 5000 + ", 1, 1]]}"}, 400, "no JSON"),
    "point of two": ({"prompts": '{"points": [[1, 2]]}'}, 422, "prompts"),
    "point of a third kind": ({"prompts": '{"points": [[1, 2, 2]]}'}, 422, "0 or 1"),
    "box of three": ({"prompts": '{"boxes": [[1, 2, 3]]}'}, 422, "prompts"),
    "prompts that ask for nothing": ({"prompts": '{"points": [[1, 2, 0]]}'}, 422, "ask for nothing"),
    "no prompts": ({"prompts": "{}"}, 422, "ask for nothing"),
    "prompts of another kind": ({"prompts": "[]"}, 422, "prompts"),
    "deep prompts": ({"prompts": "[" * 100_000}, 400, "no JSON"),
    "half prompts": ({"prompts": '{"points": [[1,'}, 400, "no JSON"),
    "too long a field": ({"prompts": "1" * 300_000}, 400, "longer than"),
}

NAMES = ["../../etc/passwd", "/etc/passwd", "..\\..\\boot.ini", "a\x07.png", "x" * 300 + ".png", ".."]


def refused(answer, status: int, said: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["type"].startswith("urn:graticule:")
    assert "\n" not in problem["detail"]
    assert len(problem["detail"]) < 500
    assert re.search(said, problem["detail"]), problem["detail"]


@pytest.fixture(autouse=True)
def stays_up(client):
    yield
    assert client.get("/healthz").json()["status"] == "ok"


@pytest.mark.parametrize(("content", "status", "said"), IMAGES.values(), ids=IMAGES)
def test_an_image_that_cannot_be_is_refused(client, content, status, said):
    refused(client.post("/v1/segment", files={"image": ("a", content)}), status, said)
    raw = client.post("/v1/segment", content=content, headers={"content-type": "application/octet-stream"})
    refused(raw, status, said)


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
def test_a_tiff_whose_strips_say_themselves_how_large_they_are_is_refused(client, codec):
    bomb = strip_of(codec, LERC_BOMB)
    refused(client.post("/v1/segment", files={"image": ("a.tif", bomb)}), 415, "compressed by|cannot be read")


@pytest.mark.parametrize(("codec", "strip"), BOMBS.values(), ids=BOMBS)
def test_a_strip_that_holds_more_than_its_directory_says_takes_no_memory(client, codec, strip):
    bomb = strip_of(codec, strip())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answer = client.post("/v1/segment", files={"image": ("a.tif", bomb)})
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert answer.status_code in (200, 422), answer.text
    assert grown < 2**26


@pytest.mark.parametrize(
    "name", ["jpeg of zeros", "jpeg of nothing but fill bytes", "jpeg of empty segments", "many chunks"]
)
def test_a_small_body_buys_no_time(name):
    content = IMAGES[name][0]
    began = time.process_time()
    with pytest.raises(Problem):
        check_header(content, kind_of(content), Limits(pixels=2**20, edge=2048, least_edge=8))
    assert time.process_time() - began < 0.08


@pytest.mark.parametrize(("fields", "status", "said"), FIELDS.values(), ids=FIELDS)
def test_a_value_that_cannot_be_is_refused(client, png, fields, status, said):
    refused(client.post("/v1/segment", files={"image": ("a.png", png)}, data=fields), status, said)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_name_that_is_a_path_is_refused(client, png, name):
    boundary, quoted = "b", name.replace("\\", "\\\\")
    body = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="{quoted}"\r\n\r\n'.encode()
        + png
        + f"\r\n--{boundary}--\r\n".encode()
    )
    headers = {"content-type": f"multipart/form-data; boundary={boundary}"}
    refused(client.post("/v1/segment", content=body, headers=headers), 400, "file name|form cannot be read")


@pytest.mark.parametrize(
    ("kind", "status", "said"),
    [
        ("text/plain", 415, "no image"),
        ("application/json", 415, "no image"),
        ("image/jpeg", 415, "says image/jpeg, and the body is a png"),
        ("multipart/form-data", 400, "without a boundary"),
        ("multipart/form-data; boundary=x", 400, "form"),
        ("application/x-www-form-urlencoded", 415, "no image"),
    ],
)
def test_a_wrong_content_type_is_refused(client, png, kind, status, said):
    refused(client.post("/v1/segment", content=png, headers={"content-type": kind}), status, said)


def test_a_form_that_is_cut_off_is_refused(client, png):
    body = b'--b\r\nContent-Disposition: form-data; name="image"\r\n\r\n' + png
    headers = {"content-type": "multipart/form-data; boundary=b"}
    refused(client.post("/v1/segment", content=body, headers=headers), 400, "last boundary")


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"picture": ("a.png", b"1")}, "the file's part is 'image'"),
        ([("image", ("a", b"1")), ("image", ("b", b"1"))], "given twice"),
        ([(f"f{n}", (None, b"1")) for n in range(20)], "more than 16"),
    ],
)
def test_a_form_with_other_parts_is_refused(client, files, said):
    refused(client.post("/v1/segment", files=files), 400, said)


def test_a_form_without_the_image_is_refused(client):
    refused(client.post("/v1/segment", files={"model": (None, b"threshold")}), 400, "no part 'image'")


def test_what_is_given_twice_is_refused(client, png):
    how = {"files": {"image": ("a.png", png)}, "data": {"model": "threshold"}}
    refused(client.post("/v1/segment?model=threshold", **how), 400, "given twice")


def test_a_form_of_answer_that_is_not_offered_is_refused_before_the_image_is_read(client):
    refused(client.post("/v1/segment", content=b"", headers={"accept": "image/webp"}), 406, "image/webp")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/v1/segment", 405), ("GET", "/v1/nothing", 404), ("GET", "/v1/jobs/x", 404),
     ("DELETE", "/v1/jobs/x", 404), ("GET", "/v1/jobs/x/y", 404), ("GET", "/v1/examples/../easy.png", 404),
     ("GET", "/v1/examples/none.png", 404), ("GET", "/page/../settings.py", 404),
     ("GET", "/page/%2e%2e/api.py", 404)],
)  # fmt: skip
def test_what_is_not_there_is_a_problem_too(client, method, path, status):
    refused(client.request(method, path), status, "there|done|no ")
