"""Images in every form that is read, through the whole of the HTTP side."""

import asyncio
import io
import json

import imagecodecs
import numpy as np
import pytest
import tifffile
from fastapi.testclient import TestClient
from PIL import Image

from endpoint import SMALL
from serve.answers import About, encoded
from serve.api import build_api
from serve.bodies import Budget
from serve.contract import SegmentAnswer
from serve.deadline import Deadline
from serve.found import Asked, Labelled, Prompted
from serve.headers import Limits
from serve.inprocess import InProcess
from serve.measures import Measures
from serve.pictures import read_picture
from serve.problems import Problem
from threshold_answer import expected


def tiff(pixels, **how) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, pixels, **how)
    return file.getvalue()


def jpeg(pixels) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "jpeg", quality=100)
    return file.getvalue()


def labels_of(answer) -> np.ndarray:
    return imagecodecs.png_decode(answer.content)


def asked(client, content, **how):
    return client.post("/v1/segment", files={"image": ("a.png", content)}, **how)


@pytest.mark.parametrize(
    ("make", "media_type"),
    [
        (lambda f: bytes(imagecodecs.png_encode(f)), "image/png"),
        (lambda f: bytes(imagecodecs.png_encode(f.astype(np.uint16) * 257)), "image/png"),
        (lambda f: bytes(imagecodecs.png_encode(np.stack([f] * 3, -1))), "image/png"),
        (lambda f: bytes(imagecodecs.png_encode(np.stack([f] * 4, -1))), "image/png"),
        (lambda f: tiff(f), "image/tiff"),
        (lambda f: tiff(f.astype(np.uint16) * 257), "image/tiff"),
        (lambda f: tiff(f.astype(np.uint16) * 257, byteorder=">"), "image/tiff"),
        (lambda f: tiff(f, compression="zlib", tile=(64, 64)), "image/tiff"),
        (lambda f: tiff(f, bigtiff=True), "image/tiff"),
    ],
    ids=["png8", "png16", "rgb", "rgba", "tiff8", "tiff16", "big-endian", "deflate-tiled", "bigtiff"],
)
def test_the_labels_are_those_of_graticule_segment(client, frame, make, media_type):
    body = make(frame)
    headers = {"content-type": media_type, "accept": "image/png"}
    answer = client.post("/v1/segment", content=body, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "image/png"
    found = labels_of(answer)
    assert found.dtype == np.uint16
    assert np.array_equal(found, expected(frame))


def test_a_jpeg_is_read(client, frame):
    answer = asked(client, jpeg(frame))
    assert answer.status_code == 200
    assert answer.json()["instances"]


def test_json_png_and_tiff_tell_of_the_same_particles(client, png, frame):
    told = asked(client, png, data={"pixel_size_nm": "0.5"})
    answer = SegmentAnswer.model_validate(told.json())
    labels = expected(frame)
    assert (answer.height, answer.width, answer.model, answer.weights) == (
        *frame.shape,
        "threshold",
        "builtin",
    )
    for one in answer.instances:
        assert one.centroid_nm == tuple(place * 0.5 for place in one.centroid)
        assert one.box_nm == tuple(edge * 0.5 for edge in one.box)
        assert one.equivalent_diameter_nm == one.equivalent_diameter_px * 0.5
        assert one.area_nm2 == one.area_px * 0.25
    assert [one.id for one in answer.instances] == list(range(1, int(labels.max()) + 1))
    for one in answer.instances:
        own = labels == one.id
        y, x = np.nonzero(own)
        assert one.area_px == own.sum()
        assert one.box == (y.min(), x.min(), y.max() + 1, x.max() + 1)
        assert one.centroid == pytest.approx((y.mean(), x.mean()), abs=1e-3)
        assert 0 < one.score <= 1
    as_tiff = asked(client, png, headers={"accept": "image/tiff"}, data={"pixel_size_nm": "0.5"})
    assert np.array_equal(tifffile.imread(io.BytesIO(as_tiff.content)), labels)


def test_without_a_scale_there_are_no_nanometers(client, png):
    told = asked(client, png).json()
    assert told["pixel_size_nm"] is None
    assert not [name for name in told["instances"][0] if name.endswith(("_nm", "_nm2"))]


def test_the_scale_of_the_file_counts_unless_another_is_given(client, frame):
    imagej = tiff(frame, imagej=True, resolution=(2.0, 2.0), metadata={"unit": "nm"})
    assert asked(client, imagej).json()["pixel_size_nm"] == 0.5
    assert asked(client, imagej, data={"pixel_size_nm": "3"}).json()["pixel_size_nm"] == 3


def test_outlines_come_in_the_form_that_is_asked_for(client, png, frame):
    labels = expected(frame)
    rle = asked(client, png, data={"outlines": "rle"}).json()["instances"][0]
    counts = rle["rle"]["counts"]
    flat = np.repeat(np.arange(len(counts)) % 2, counts).astype(bool)
    assert np.array_equal(flat.reshape(frame.shape, order="F"), labels == 1)
    plain = asked(client, png, data={"outlines": "none"}).json()["instances"][0]
    assert not {"rle", "polygon"} & plain.keys()


@pytest.mark.parametrize(("accept", "mode"), [("image/jpeg", "RGB"), ("image/png;view=overlay", "RGB")])
def test_an_overlay_is_a_picture_of_the_images_size(client, png, frame, accept, mode):
    picture = Image.open(io.BytesIO(asked(client, png, headers={"accept": accept}).content))
    assert (picture.size, picture.mode) == (frame.shape[::-1], mode)
    painted = np.ptp(np.asarray(picture).astype(int), axis=2)
    labels = expected(frame)
    assert np.median(painted[labels > 0]) > 20, "bodies are coloured"
    assert np.median(painted[labels == 0]) < 3, "the rest is grey"


def test_options_may_stand_in_the_query(client, png):
    how = {"model": "threshold", "pixel_size_nm": 2, "polarity": "dark", "outlines": "none"}
    answer = client.post("/v1/segment", params=how, content=png, headers={"content-type": "image/png"})
    assert answer.json()["pixel_size_nm"] == 2


def test_an_image_without_contrast_has_no_particles_and_says_why(client):
    told = asked(client, bytes(imagecodecs.png_encode(np.full((64, 64), 7, np.uint8)))).json()
    assert told["instances"] == []
    assert "same value everywhere" in told["notes"][0]


def test_bright_particles_are_found_where_that_is_said(client, frame):
    negative = bytes(imagecodecs.png_encode(255 - frame))
    told = asked(client, negative, data={"polarity": "bright"}).json()
    assert told["polarity"] == "bright"
    assert len(told["instances"]) == expected(frame).max()


def test_examples_can_be_listed_fetched_and_segmented(client):
    listed = client.get("/v1/examples").json()
    assert {one["name"] for one in listed} == {"easy", "medium", "hard"}
    picture = client.get(listed[0]["url"])
    assert picture.headers["content-type"] == "image/png"
    assert json.loads(asked(client, picture.content).content)["height"] == listed[0]["height"]


class Backend(InProcess):
    """Takes its time to choose, finds the same two bodies for any prompt, and says how long it was given."""

    given: float = 0.0

    async def choose(self, name):
        await asyncio.sleep(0.2)
        return await super().choose(name)

    async def segment(self, pixels, key, **how):
        self.given = how["seconds"]
        return await super().segment(pixels, key, **how)

    async def prompted(self, digest, key, prompts, *, polarity, pixels, seconds):
        self.given, shape = seconds, (await pixels()).shape
        small, large = (
            Asked(mask=np.ones((edge, edge), bool), corner=(3, 3), score=edge / 10, prompt=f"point {edge}")
            for edge in (4, 8)
        )
        return Prompted(shape=shape, bodies=(small, large))


@pytest.fixture
def asking():
    measures = Measures()
    backend = Backend(SMALL, measures)
    with TestClient(build_api(SMALL, backend, token=None, measures=measures)) as client:
        client.backend = backend
        yield client


PROMPTED = {"prompts": json.dumps({"points": [[4, 4, 1]]})}


@pytest.mark.parametrize("fields", [{}, PROMPTED], ids=["whole", "prompted"])
def test_the_time_limit_is_one_for_all_steps(asking, png, fields):
    assert asked(asking, png, data=fields).status_code == 200
    assert 0 < asking.backend.given < SMALL.request_seconds - 0.2


def test_bodies_that_lie_under_others_are_named(asking, png):
    told = asked(asking, png, data=PROMPTED).json()
    assert [one["id"] for one in told["instances"]] == [1, 2]
    assert [note for note in told["notes"] if note.startswith("particles 1 lie under others")]
    image = asked(asking, png, data=PROMPTED, headers={"accept": "image/png"})
    assert set(np.unique(labels_of(image))) == {0, 2}
    assert (image.headers["graticule-instances"], image.headers["graticule-hidden"]) == ("2", "1")


def test_an_image_that_is_forgotten_meanwhile_is_answered_all_the_same(asking, png, monkeypatch):
    monkeypatch.setattr("serve.imaging._REMEMBERED", 0)
    assert asked(asking, png, data=PROMPTED).status_code == 200


@pytest.mark.parametrize("form", ["json", "overlay-png"])
def test_encoding_ends_when_nobody_waits(form):
    labels = np.ones((16, 16), np.uint32)
    found = Labelled(labels=labels, scores=np.ones(1, np.float32))
    about = About(model="threshold", weights="builtin", champion=False, pixel_size_nm=None)
    with Budget(2**30).share() as share, pytest.raises(Problem, match="no answer within"):
        encoded(found, about, form=form, pixels=labels, share=share, deadline=Deadline(0.0))


class Running(Deadline):
    """Is over after so many looks at it."""

    def __init__(self, looks: int) -> None:
        super().__init__()
        self._looks = looks

    def check(self) -> None:
        self._looks -= 1
        if self._looks < 0:
            raise self.problem()


def test_what_encoding_took_of_the_budget_is_given_back_once():
    labels = np.arange(1, 65, dtype=np.uint32).reshape(8, 8)
    found = Labelled(labels=labels, scores=np.ones(64, np.float32))
    about = About(model="threshold", weights="builtin", champion=False, pixel_size_nm=None)
    budget = Budget(2**30)
    with budget.share() as share, pytest.raises(Problem, match="no answer within") as told:
        encoded(found, about, form="json", pixels=None, share=share, deadline=Running(9))
    del told
    assert budget.held == 0


def test_memory_for_pixels_is_held_before_they_are_decoded():
    budget, content = Budget(2**20), bytes(imagecodecs.png_encode(np.zeros((512, 512, 4), np.uint16)))
    limits = Limits(pixels=2**24, edge=2048, least_edge=8)
    with budget.share() as other, budget.share() as share:
        other.take(1)
        with pytest.raises(Problem, match="too many images"):
            read_picture(content, limits, share)
        assert (share.held, budget.held) == (0, 1)
    with budget.share() as share:
        assert read_picture(content, limits, share).pixels.nbytes == share.held


def test_more_instances_than_fit_in_json_are_refused():
    labels = np.arange(1, 400 * 400 + 1, dtype=np.uint32).reshape(400, 400)
    found = Labelled(labels=labels, scores=np.ones(labels.size, np.float32))
    about = About(model="threshold", weights="builtin", champion=False, pixel_size_nm=None)
    with (
        Budget(2**30).share() as share,
        pytest.raises(Problem, match="160000 instances do not fit"),
    ):
        encoded(found, about, form="json", pixels=None, share=share, deadline=Deadline(60.0))
