import pickle

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import nn

from graticule.core.errors import ConfigError, InputError
from graticule.core.segmenter import Patch
from graticule.evaluation.instances import score_instances
from graticule.models.yolo import YoloConfig, YoloSeg
from graticule.models.yolo.network import YoloOutput
from graticule.models.yolo.options import YoloOptions
from graticule.models.yolo.segmenter import Yolo
from graticule.tiling import segment_frames

SURE, UNSURE = 4.0, -8.0


class Oracle(nn.Module):
    """Knows dark discs when it sees them: a box and a mask for each, by grey level."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(20.0))

    def forward(self, images: torch.Tensor) -> YoloOutput:
        batch, _, height, width = images.shape
        cells = height * width // 64 + height * width // 256 + height * width // 1024
        predictions = torch.zeros(batch, 37, cells)
        predictions[:, 4] = UNSURE
        prototypes = torch.zeros(batch, 32, height // 4, width // 4)
        prototypes[:, 0] = nn.functional.avg_pool2d(self.gain * (0.5 - images[:, 0]), 4)
        for image, prediction in zip(images, predictions, strict=True):
            for y, x in ndimage.find_objects(ndimage.label(image[0].numpy() < 0.5)[0]):
                cell = ((y.start + y.stop) // 16) * (width // 8) + (x.start + x.stop) // 16
                prediction[:6, cell] = torch.tensor([x.start, y.start, x.stop, y.stop, SURE, 1.0])
        return YoloOutput(predictions, prototypes)


def discs(*shape: int, pitch: int = 40, seed: int = 0) -> np.ndarray:
    """Draw frames of dark discs, apart from each other."""
    generator = np.random.default_rng(seed)
    frames = np.full(shape, 200.0)
    rows, columns = np.indices(shape[1:])
    for frame in frames:
        for y in range(pitch // 2, shape[1], pitch):
            for x in range(pitch // 2, shape[2], pitch):
                at = generator.integers(-6, 7, 2)
                frame[np.hypot(rows - y - at[0], columns - x - at[1]) < generator.uniform(5, 11)] = 50
    return np.round(frames + generator.normal(0, 2, shape)).astype(np.uint8)


def segmenter(view_px=512, probability=0.5, **options) -> Yolo:
    """Return one that magnifies nothing, unless told so; the level is the grey level at which discs end."""
    return Yolo(YoloOptions(device="cpu", view_px=view_px, probability=probability, **options), Oracle())


def everything(frames: np.ndarray) -> Patch:
    return Patch(pixels=frames, trusted=(slice(0, frames.shape[1]), slice(0, frames.shape[2])))


def segment(made: Yolo, frames: np.ndarray):
    return made.segment(everything(frames), [made.measure(frame) for frame in frames])


def test_each_particle_is_found_and_drawn():
    frames = discs(2, 200, 240)
    answer = segment(segmenter(), frames)
    for frame, labels, foreground in zip(frames, answer.labels, answer.foreground, strict=True):
        dark = frame < 125
        assert labels.max() == ndimage.label(dark)[1] == 30
        assert np.count_nonzero((labels > 0) != dark) < 0.1 * np.count_nonzero(dark)
        assert ((foreground > 0.5) == (labels > 0)).mean() > 0.999


def test_labels_do_not_depend_on_the_tiling():
    frames, made = discs(1, 330, 300), segmenter()
    whole = segment_frames(made, frames, tile=512)
    for tile in (64, 96, 160):
        assert np.array_equal(segment_frames(made, frames, tile=tile), whole)


def test_magnified_labels_hardly_depend_on_the_tiling():
    frames, made = discs(1, 330, 300), segmenter(view_px="auto")
    whole = segment_frames(made, frames, tile=512)[0].astype(int)
    for tile in (64, 96, 160):
        tiled = segment_frames(made, frames, tile=tile)[0].astype(int)
        alike = score_instances(tiled, whole)
        assert alike.f1 == 1
        assert alike.mean_matched_iou > 0.95


def test_labels_depend_neither_on_the_other_frames_nor_their_order_nor_the_batch(network):
    frames = discs(3, 96, 128)
    sure = {"confidence": 1e-3, "device": "cpu"}
    together = segment(Yolo(YoloOptions(**sure), network), frames)
    turned = segment(Yolo(YoloOptions(**sure, batch=2), network), frames[::-1])
    assert np.array_equal(together.labels, turned.labels[::-1])
    assert np.array_equal(together.foreground, turned.foreground[::-1])
    assert np.array_equal(
        together.labels[1:2], segment(Yolo(YoloOptions(**sure), network), frames[1:2]).labels
    )


def test_outside_the_trusted_box_nothing_is_said_and_ids_are_compact():
    frames, made = discs(1, 200, 200), segmenter()
    patch = Patch(pixels=frames, trusted=(slice(50, 150), slice(40, 200)))
    answer = made.segment(patch, [made.measure(frames[0])])
    outside = np.ones((200, 200), bool)
    outside[patch.trusted] = False
    assert not answer.labels[0][outside].any()
    assert not answer.foreground[0][outside].any()
    assert np.array_equal(np.unique(answer.labels), np.arange(answer.labels.max() + 1))


def test_a_patch_too_large_for_one_look_is_segmented_alike():
    frames, made = discs(1, 96, 2200), segmenter()
    large = segment(made, frames)
    left = segment(made, frames[:, :, :1600])
    assert large.labels.max() == 2 * 55
    assert np.array_equal(large.labels[0, :, :1500] > 0, left.labels[0, :, :1500] > 0)
    assert np.array_equal(large.foreground[0, :, :1500], left.foreground[0, :, :1500])


def test_small_frames_can_be_enlarged_to_the_native_size():
    frames = discs(1, 128, 128)
    plain, enlarged = segment(segmenter(), frames), segment(segmenter(view_px=128), frames)
    dark = frames[0] < 125
    wrong = [np.count_nonzero((answer.labels[0] > 0) != dark) for answer in (plain, enlarged)]
    assert enlarged.labels.max() == 9
    assert wrong[1] < wrong[0]


def test_bright_particles_are_found_where_told_so():
    frames = discs(1, 96, 96)
    bright = segment(segmenter(polarity="bright"), 255 - frames)
    assert np.array_equal(bright.labels, segment(segmenter(), frames).labels)


def test_particles_below_the_least_diameter_are_dropped_unless_a_window_cuts_them():
    frames, made = discs(1, 120, 120), segmenter(min_diameter_px=100.0)
    assert segment(made, frames).labels.max() == 0
    cut = made.segment(Patch(pixels=frames, trusted=(slice(0, 60), slice(0, 120))), [made.measure(frames[0])])
    assert cut.labels.max() == 3
    assert (np.unique(cut.labels[0, 59]) > 0).sum() == 3


def test_touching_particles_are_joined_where_told_so(network):
    frames = discs(1, 64, 64)
    options = {"device": "cpu", "confidence": 1e-4, "overlap": 0.9, "probability": 0.3}
    joined = segment(Yolo(YoloOptions(**options, split=False), network), frames).labels[0]
    assert np.array_equal(joined, ndimage.label(joined > 0, np.ones((3, 3)))[0])


BAD = {
    "uint16": discs(1, 70, 90).astype(np.uint16) * 200,
    "float64": discs(1, 70, 90) / 255,
    "smaller than native": discs(1, 33, 41),
    "a pixel wide": discs(1, 90, 1),
    "a pixel high": discs(1, 1, 90),
    "a single pixel": np.zeros((1, 1, 1), np.uint8),
    "black": np.zeros((1, 70, 90), np.uint8),
    "all equal": np.full((1, 70, 90), 0.3),
    "NaN": np.where(discs(1, 70, 90) < 125, np.nan, 1.0),
}


@pytest.mark.parametrize("frames", BAD.values(), ids=BAD)
@pytest.mark.parametrize("view_px", ["auto", 40])
def test_bad_input_gives_a_result(network, frames, view_px):
    answer = segment(Yolo(YoloOptions(confidence=1e-3, view_px=view_px, device="cpu"), network), frames)
    assert answer.labels.shape == frames.shape
    assert np.isfinite(answer.foreground).all()
    if not np.isfinite(frames).all() or np.ptp(frames) == 0:
        assert not answer.labels.any()


def test_weights_gone_astray_are_an_error_in_one_line():
    network = Oracle()
    network.gain.data.fill_(torch.nan)
    with pytest.raises(InputError, match="NaN"):
        segment(Yolo(YoloOptions(device="cpu"), network), discs(1, 64, 64))


def test_it_pickles_small_and_loads_nothing_until_it_segments(network):
    made = Yolo(YoloOptions(weights="nowhere.safetensors"), network)
    assert len(pickle.dumps(made)) < 2000
    again = pickle.loads(pickle.dumps(made))
    assert (again.name, again.margin, again.context, again.native_size) == ("yolov8n-seg", 64, 55, 512)
    with pytest.raises(InputError, match=r"nowhere\.safetensors"):
        segment(again, discs(1, 64, 64))


def test_weights_from_a_file_segment_like_the_network_they_were_saved_from(network, tmp_path):
    from graticule.models.weights import save_weights

    save_weights(tmp_path / "own.safetensors", "yolov8n-seg", YoloConfig(), network)
    frames = discs(1, 96, 96)
    given = Yolo(YoloOptions(confidence=1e-3, device="cpu"), network)
    options = Yolo.adapted(
        YoloOptions(confidence=1e-3, device="cpu", weights=str(tmp_path / "own.safetensors")), list(frames)
    )
    assert (options.view_px, options.polarity, len(options.weights_sha256)) == (240, "dark", 64)
    loaded = Yolo(options.model_copy(update={"view_px": "auto", "min_diameter_px": "auto"}))
    assert np.array_equal(segment(given, frames).foreground, segment(loaded, frames).foreground)
    assert isinstance(loaded.network, YoloSeg)


def test_a_device_that_is_not_there_is_an_error_in_one_line():
    with pytest.raises(ConfigError, match="no device 'cuda:77'"):
        segment(Yolo(YoloOptions(device="cuda:77"), Oracle()), discs(1, 64, 64))
