"""Bars of the lab's comparison with ggml: for each device and variant our estimated cycles over ggml's."""

ROW, LEFT, WIDTH, WANTED = 22, 190, 480, 0.8


def svg(pairs, compilers):
    """pairs: (text, ratio, matrix share of our issue slots)."""
    most = max([1.0] + [ratio for _, ratio, _ in pairs])
    height = ROW * (len(pairs) + 3)

    def x_of(ratio):
        return LEFT + WIDTH * ratio / most

    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 130}" height="{height}" font-family="sans-serif" font-size="12">',
             '<rect width="100%" height="100%" fill="white"/>',
             f'<text x="8" y="{ROW - 6}">Estimated cycles for the same products, Tessera / ggml, by the same compiler; left of the line is wanted</text>']
    for i, (text, ratio, share) in enumerate(pairs):
        y = ROW * (i + 1) + 4
        colour = "#2a7f62" if ratio <= WANTED else "#c9822b" if ratio <= 1 else "#b5473c"
        lines += [f'<text x="{LEFT - 8}" y="{y + 12}" text-anchor="end">{text}</text>',
                  f'<rect x="{LEFT}" y="{y}" width="{x_of(ratio) - LEFT:.1f}" height="{ROW - 6}" fill="{colour}"/>',
                  f'<text x="{x_of(ratio) + 6:.1f}" y="{y + 12}">{ratio:.2f}, {share}</text>']
    for mark in (WANTED, 1.0):
        dash = ' stroke-dasharray="3 3"' if mark == 1.0 else ""
        lines.append(f'<path d="M{x_of(mark):.1f} {ROW}V{ROW * (len(pairs) + 1)}" stroke="black"{dash}/>')
    lines += [f'<text x="8" y="{height - 12}">{"; ".join(compilers)}</text>', "</svg>"]
    return "\n".join(lines) + "\n"
