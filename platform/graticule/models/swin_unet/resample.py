"""Change the resolution of a map of tokens: pixels to tokens, halve, double.

Letters: B images, H x W tokens, D channels.
"""

from jaxtyping import Float
from torch import Tensor, nn


class PatchEmbed(nn.Module):
    """Make one token of each ``patch`` x ``patch`` pixels."""

    def __init__(self, dim: int, *, patch: int) -> None:
        super().__init__()
        self.project = nn.Conv2d(3, dim, kernel_size=patch, stride=patch)
        self.norm = nn.LayerNorm(dim)

    def forward(self, images: Float[Tensor, "b 3 y x"]) -> Float[Tensor, "b h w d"]:
        """Return the tokens of images whose edges are multiples of the patch."""
        tokens: Tensor = self.norm(self.project(images).permute(0, 2, 3, 1))
        return tokens


class PatchMerge(nn.Module):
    """Halve the resolution: four neighbours become one token of twice the channels."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(4 * dim)
        self.reduce = nn.Linear(4 * dim, 2 * dim, bias=False)

    def forward(self, tokens: Float[Tensor, "b h w d"]) -> Float[Tensor, "b h/2 w/2 2*d"]:
        """Return a map of half the height and width; the neighbours are taken column by column."""
        batch, height, width, dim = tokens.shape
        cut = tokens.reshape(batch, height // 2, 2, width // 2, 2, dim)
        reduced: Tensor = self.reduce(self.norm(cut.permute(0, 1, 3, 4, 2, 5).flatten(3)))
        return reduced


class PatchExpand(nn.Module):
    """Double the resolution: each token becomes four of half the channels."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.expand = nn.Linear(dim, 2 * dim, bias=False)
        self.norm = nn.LayerNorm(dim // 2)

    def forward(self, tokens: Float[Tensor, "b h w d"]) -> Float[Tensor, "b 2*h 2*w d/2"]:
        """Return a map of twice the height and width."""
        batch, height, width, dim = tokens.shape
        fours = self.norm(self.expand(tokens).reshape(batch, height, width, 2, 2, dim // 2))
        return _laid_out(fours)


class PixelHead(nn.Module):
    """Turn each token into a square of pixels, and each pixel into ``out`` numbers.

    The published code lays the pixels out before the last two steps; as these treat every pixel
    alike, here only the few numbers of the result are moved.
    """

    def __init__(self, dim: int, *, patch: int, out: int) -> None:
        super().__init__()
        self.patch = patch
        self.expand = nn.Linear(dim, patch * patch * dim, bias=False)
        self.norm = nn.LayerNorm(dim)
        self.output = nn.Linear(dim, out, bias=False)

    def forward(self, tokens: Float[Tensor, "b h w d"]) -> Float[Tensor, "b c y x"]:
        """Return an image of ``patch`` times the height and width."""
        batch, height, width, dim = tokens.shape
        squares = self.expand(tokens).reshape(batch, height, width, self.patch, self.patch, dim)
        return _laid_out(self.output(self.norm(squares))).permute(0, 3, 1, 2).contiguous()


def _laid_out(squares: Float[Tensor, "b h w p p c"]) -> Float[Tensor, "b h*p w*p c"]:
    """Put the squares that the tokens of a map have become side by side."""
    batch, height, width, edge, _, channels = squares.shape
    return squares.transpose(2, 3).reshape(batch, height * edge, width * edge, channels)
