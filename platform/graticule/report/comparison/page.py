"""The comparison's page: one HTML file that asks nothing of the network.

Text of the user's making (names of data, weights, settings) is escaped here and in the tables.
"""

from collections.abc import Iterable, Mapping
from html import escape

from graticule.report.comparison.masks import HIT, MISSED, TOO_MUCH
from graticule.report.comparison.paper import LABELS_FOLLOW_A_THRESHOLD
from graticule.report.comparison.table import is_of_the_paper, paper_table_html, table_html
from graticule.report.comparison.values import Comparison, Dataset
from graticule.report.html import comparison_header, comparison_page, method, notes, settings

Pictures = Mapping[str, str]
"""Name of a figure -> a data URI."""
LOSS, SCORES, MASKS = "figure-3-loss", "figure-4-scores", "figure-5-masks"


def page_html(comparison: Comparison, pictures: Pictures, *, champion: str | None) -> str:
    """Return the whole page as text.

    Args:
        comparison: What to show.
        pictures: :data:`LOSS`, :data:`SCORES` and ``figure-5-masks-1`` …, those that there are.
        champion: Name of the winning entrant.
    """
    body = [_header(comparison), _verdict(comparison), *_overall(comparison, champion)]
    for number, data in enumerate(comparison.datasets, 1):
        body += _dataset(data, pictures.get(f"{MASKS}-{number}"), comparison.memory, champion)
    body += [
        *_curves(comparison, pictures),
        _paper(comparison),
        method(_METHOD),
        settings(comparison.settings, _FILES),
    ]
    return comparison_page("Comparison", body)


def _header(comparison: Comparison) -> str:
    names = ", ".join(data.name for data in comparison.datasets)
    images = sum(data.images for data in comparison.datasets)
    entrants = len(comparison.datasets[0].rows) if comparison.datasets else 0
    facts = f"{entrants} segmenters on {images} image{'s' * (images != 1)} of {names}"
    return comparison_header("Segmenters compared", facts, comparison.machine, comparison.notes)


def _verdict(comparison: Comparison) -> str:
    return (
        f'<section class="verdict"><p><b>{escape(comparison.verdict)}</b></p>'
        f'<p class="rule">{escape(comparison.rule)}</p></section>'
    )


def _overall(comparison: Comparison, champion: str | None) -> Iterable[str]:
    if comparison.overall:
        table = table_html(comparison.overall, memory=comparison.memory, champion=champion)
        yield (
            f"<section><h2>All data sets</h2>{table}"
            '<p class="small">Means of the data sets\' means, each set counting the same; a metric is the'
            " mean over the sets that have it.</p></section>"
        )


def _dataset(data: Dataset, masks: str | None, memory: str, champion: str | None) -> Iterable[str]:
    kind = {
        data.images: "touching particles have labels of their own",
        0: "touching particles share a label, so instances cannot be judged",
    }.get(data.parted, f"touching particles have labels of their own in {data.parted} of them")
    table = table_html(data.rows, memory=memory, champion=champion)
    yield f"<section><h2>{escape(data.name)}</h2>{notes(data.notes)}{table}"
    yield f'<p class="small">{data.images} image{"s" * (data.images != 1)}; {escape(kind)}.</p>'
    if masks is not None:
        titles = " and ".join(_in_words(panel.title) for panel in data.panels)
        legend = "".join(
            f'<i class="swatch" style="background:rgb{colour}"></i>{word}'
            for word, colour in (("right", HIT), ("missed", MISSED), ("too much", TOO_MUCH))
        )
        yield (
            f'<figure class="sheet"><img src="{masks}" alt="Masks of all segmenters side by side">'
            f"<figcaption>Masks side by side (Figure 5 of the paper): {escape(titles)}.<br>{legend}"
            "</figcaption></figure>"
        )
    yield "</section>"


def _curves(comparison: Comparison, pictures: Pictures) -> Iterable[str]:
    if LOSS not in pictures and SCORES not in pictures:
        return
    ours = "" if comparison.curves else " None of the entrants comes with the history of its training."
    shown = "".join(
        f'<figure class="sheet curves"><img src="{pictures[name]}" alt="{alt}">'
        f"<figcaption>{caption}</figcaption></figure>"
        for name, alt, caption in (
            (
                LOSS,
                "Loss by epoch",
                f"Losses (Figure 3 of the paper). Each network has a loss of its own.{ours}",
            ),
            (
                SCORES,
                "IoU and Dice by epoch",
                "IoU and Dice on images held out, by epoch (Figure 4 of the paper).",
            ),
        )
        if name in pictures
    )
    yield f"<section><h2>Training</h2>{shown}</section>"


def _paper(comparison: Comparison) -> str:
    here = any(is_of_the_paper(data.name) for data in comparison.datasets)
    beside = (
        "Ours is measured on the images named em4/test above, on the machine named above; the paper's on 600"
        " images and a GPU that it does not name."
        if here
        else "None of the data sets above is the paper's (em4/test), so none of ours stands beside it."
    )
    return (
        "<section><h2>Beside the paper</h2>"
        f'<p class="small">Duan et al. 2024, doi 10.69761/HDTA8338. {escape(beside)}</p>'
        f"{paper_table_html(comparison)}"
        f'<p class="small">{escape(LABELS_FOLLOW_A_THRESHOLD)}</p></section>'
    )


_METHOD = (
    "Each image is segmented as graticule segment does: options are fitted to the data set without its labels"
    " (image by image where sizes differ), and the image is seen whole.",
    "★ marks the winner, bold the best value of each metric.",
    "Intervals (small, grey) are 95 % percentile bootstraps over images. The last line of a cell is the"
    " difference to threshold, image by image; green or red where its interval leaves out 0.",
    "AP50 = TP / (TP + FP + FN) at mask IoU 0.5, mean over images; PQ: panoptic quality; boundary F1 within"
    " 2 px; count error: mean size of predicted minus true number of particles.",
    "Metrics of instances are left out (–) where the truth does not part touching particles: their labels"
    " would be connected components, which nobody was asked to find.",
    "Images/s and Mpx/s are medians over images after one that does not count, reading and scoring left out;"
    " on Ray over 12 images of each data set, while nothing else of the comparison runs.",
    "Memory is the highest while segmenting above what data and libraries held, in a process of its own for"
    " each entrant.",
)


_FILES = (
    'All figures: <a href="table.csv">table.csv</a> <a href="comparison.json">comparison.json</a>;'
    " drawings for print are in figures/."
)


def _in_words(title: str) -> str:
    name, _, why = title.partition("\n")
    return f"{name} ({why})" if why else name
