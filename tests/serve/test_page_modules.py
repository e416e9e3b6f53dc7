"""Modules of the page by themselves, in the browser that runs them."""

import base64
import io

import numpy as np
import pytest
import tifffile
from PIL import Image
from skimage.measure import label

from page_in_chromium import CHROMIUM, Tab, chromium, serving
from serve.outlines import polygons

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason="no /usr/bin/chromium")

BASE64 = """async (blob) => {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}"""


@pytest.fixture(scope="module")
def tab():
    with serving() as server, chromium() as browser:
        made = Tab(browser, server.url)
        made.ready()
        yield made
        made.close()


def masks():
    rng = np.random.default_rng(7)
    for density in (0.15, 0.5, 0.85):
        labels = label(rng.random((14, 11)) < density, connectivity=2)
        yield from (labels == n for n in range(1, min(labels.max(), 6) + 1))
    ring = np.ones((5, 5), bool)
    ring[2, 2] = False
    yield ring
    yield np.eye(4, dtype=bool)


def as_mask(bits):
    return {
        "y": 3,
        "x": 2,
        "height": bits.shape[0],
        "width": bits.shape[1],
        "bits": bits.astype(int).ravel().tolist(),
    }


def cut(bits):
    rows, columns = np.nonzero(bits.any(1))[0], np.nonzero(bits.any(0))[0]
    return bits[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def test_a_mask_that_is_traced_and_filled_is_the_same_again(tab):
    for bits in map(cut, masks()):
        script = "(m, mask) => { const f = m.filled(m.traced(mask)); return {...f, bits: [...f.bits]}; }"
        assert tab.run("outlines.js", script, as_mask(bits)) == as_mask(bits)


def test_the_servers_outlines_fill_the_servers_pixels(tab):
    for bits in map(cut, masks()):
        rings = [ring.tolist() for ring in polygons(bits.astype(np.uint32))[0]]
        filled = tab.run(
            "outlines.js", "(m, rings) => { const f = m.filled(rings); return [...f.bits]; }", rings
        )
        assert filled == bits.astype(int).ravel().tolist()


def test_own_outlines_are_those_of_the_server(tab):
    for bits in map(cut, masks()):
        mine = tab.run("outlines.js", "(m, mask) => m.traced(mask)", {**as_mask(bits), "y": 0, "x": 0})
        theirs = polygons(bits.astype(np.uint32))[0]
        assert {frozenset(map(tuple, ring)) for ring in mine} == {
            frozenset(map(tuple, r.tolist())) for r in theirs
        }


def bodies(tab, drawn, new):
    """Put a drawn mask among drawn particles; return the labels, and how many gave way."""
    rows = drawn.split()
    height, width = len(rows), len(rows[0])
    letters = sorted(set("".join(rows)) - {"."})
    rings = [
        [r.tolist() for r in polygons(np.array([[c == x for c in row] for row in rows]).astype(np.uint32))[0]]
        for x in letters
    ]
    added = [
        r.tolist()
        for r in polygons(np.array([[c == "#" for c in row] for row in new.split()]).astype(np.uint32))[0]
    ]
    script = """(m, {rings, added, shape}) => {
      const made = (polygon) => m.particleOf({polygon, score: 1}, shape);
      const old = rings.map(made), labels = m.labelsOf(old, shape);
      const after = m.withAdded(old, labels, made(added), shape);
      return [[...m.labelsOf(after.particles, shape)], after.joined, after.added !== null];
    }"""
    shape = {"height": height, "width": width}
    labels, joined, taken = tab.run("particles.js", script, {"rings": rings, "added": added, "shape": shape})
    names = ".123456789"
    return (
        "\n".join("".join(names[labels[y * width + x]] for x in range(width)) for y in range(height)),
        joined,
        taken,
    )


def drawn(text):
    return "\n".join(text.split())


def test_a_new_particle_leaves_neighbours_their_pixels(tab):
    after = bodies(tab, "aaa.... aaa.... .......", "..####. ..####. .......")
    assert after == (drawn("111222. 111222. ......."), 0, True)


def test_pieces_that_a_new_particle_covers_become_one(tab):
    after = bodies(tab, "aa.bb.c aa.bb.c .......", "#####.. #####.. .......")
    assert after == (drawn("22222.1 22222.1 ......."), 2, True)


def test_a_particle_that_is_there_already_is_not_added(tab):
    assert bodies(tab, "aaa.. aaa.. .....", "###.. ###.. .....") == (drawn("111.. 111.. ....."), 0, False)


def test_a_table_with_more_than_65535_particles_fits_in_a_tiff(tab):
    script = f"""async (m) => {{
      const labels = Uint32Array.from({{length: 300 * 300}}, (_, n) => n);
      return ({BASE64})(m.tiff(labels, {{height: 300, width: 300}}, 0.123));
    }}"""
    read = tifffile.imread(io.BytesIO(base64.b64decode(tab.run("tiff.js", script))))
    assert read.dtype == np.uint32
    assert (read == np.arange(90_000).reshape(300, 300)).all()


def test_a_png_holds_all_numbers_of_16_bit(tab):
    script = f"""async (m) => {{
      const labels = Uint32Array.from({{length: 65536}}, (_, n) => (n * 7919) % 65536);
      return ({BASE64})(await m.png16(labels, {{height: 256, width: 256}}));
    }}"""
    read = np.array(Image.open(io.BytesIO(base64.b64decode(tab.run("png.js", script)))))
    assert (read == (np.arange(65536) * 7919 % 65536).reshape(256, 256)).all()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.01234, "0.012"),
        (1.2345, "1.23"),
        (12.345, "12.3"),
        (1234.5, "1235"),
        (0, "0"),
        (12345678, "1.23e+7"),
    ],
)
def test_numbers_have_three_digits_that_count(tab, value, text):
    assert tab.run("sizes.js", "(m, value) => m.digits(value)", value) == text


def test_bins_hold_every_value_once(tab):
    rng = np.random.default_rng(3)
    for values in (rng.lognormal(1, 0.4, 300), rng.random(2), [5.0], [5.0] * 9, rng.lognormal(-6, 0.2, 50)):
        script = """(m, values) => {
          const all = m.bins(values);
          return [all.edges, values.map((value) => m.binOf(value, all))];
        }"""
        edges, places = tab.run("sizes.js", script, list(values))
        assert 1 <= len(edges) - 1 <= 40
        for value, place in zip(values, places, strict=True):
            assert edges[place] * (1 - 1e-9) <= value <= edges[place + 1] * (1 + 1e-9)


def test_one_size_alone_is_a_bar_among_empty_ones(tab):
    edges = tab.run("sizes.js", "(m, values) => m.bins(values).edges", [8.17])
    assert len(edges) == 7
    assert edges[0] < 8 < 8.3 < edges[-1]
    assert min(tab.run("sizes.js", "(m, values) => m.bins(values).edges", [0.02])) >= 0
