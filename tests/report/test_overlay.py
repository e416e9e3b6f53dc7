import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from graticule.report.findings import gather
from graticule.report.overlay import MOST_FRAMES, playback_of
from graticule.report.palette import colours_of
from graticule.report.pen import Units, outline, scale_bar
from graticule.report.view import view_of


@given(frames=st.integers(1, 200_000))
def test_a_movie_of_any_length_shows_at_most_1500_frames_at_2_to_25_per_second(frames):
    playback = playback_of(frames)
    assert 1 <= len(playback.places) <= MOST_FRAMES
    assert 2 <= playback.fps <= 25
    assert 0 < playback.seconds(playback.places[-1]) < len(playback.places) / playback.fps


@given(scale=st.floats(0.1, 8), pixel=st.floats(1e-3, 500), width=st.integers(64, 1080))
def test_scale_bars_are_at_most_a_quarter_wide_and_of_the_stated_length(scale, pixel, width):
    length, legend = scale_bar(width, scale=scale, units=Units(length="nm", per_px=pixel, time="s"))
    number, unit = legend.split()
    nm = float(number) * (1000 if unit == "µm" else 1)
    assert length <= width / 4 + 1
    assert abs(nm / pixel * scale - length) <= 0.5 + 1e-3 * length


def test_without_calibration_the_bar_is_in_pixels():
    assert scale_bar(400, scale=2.0, units=Units(length="px", per_px=1.0, time="frame")) == (100, "50 px")


@given(track=st.integers(1, 2**32 - 2))
def test_tracks_that_follow_each_other_differ_in_colour(track):
    one, next_one = colours_of(np.array([track, track + 1]))
    assert abs(one.astype(int) - next_one).max() > 60


def test_outlines_lie_inside_the_body_also_between_touching_ones():
    labels = np.zeros((7, 8), np.uint32)
    labels[1:6, 1:4], labels[1:6, 4:7] = 1, 2
    edge = outline(labels)
    assert not edge[labels == 0].any()
    assert edge[3].tolist() == [False, True, False, True, True, False, True, False]


def test_coordinates_land_on_the_same_spot_at_every_size(discs):
    view = view_of(discs)
    assert view.zoom == 6
    _, _, labels = next(view.frames([0]))
    findings = gather(discs)
    for row in range(9):
        where = np.array([findings.particles[name][row] for name in ("y_px", "x_px")])
        y, x = view.at(where).round().astype(int)
        assert labels[y, x] == findings.particles["track"][row]


def test_contrast_is_one_for_the_whole_movie(discs):
    view = view_of(discs)
    image = discs.read_image(0, 2)
    assert view.grey(image[0])[image[0] >= view.high].min() == 255
    assert view.grey(image[1])[image[1] <= view.low].max() == 0
