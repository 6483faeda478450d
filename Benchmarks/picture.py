# The summary as a picture: a bar for each contestant's median, a line from its slowest round to its fastest.
# Invariant: the axis begins at zero and is linear; every number in the picture is one of the summary's.
from html import escape

import report

WIDTH, LEFT, ROW, TOP = 900, 290, 44, 64


def draw(facts):
    rows = [(facts["results"][name]["title"], own) for name, own in facts["summary"].items()]
    height = TOP + ROW * len(rows) + 34
    scale = (WIDTH - LEFT - 170) / max((own["fastest"] for _, own in rows), default=1)
    machine = facts["machine"]
    subtitle = f"{machine['cores']} cores shared with the broker, {facts['rounds']} rounds, {facts['at'][:10]}"
    if facts["note"]:
        subtitle += f" · {facts['note']}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" font-size="14" '
        'font-family="DejaVu Sans, Helvetica, Arial, sans-serif" fill="#b8c1cf">',
        '<rect width="100%" height="100%" rx="8" fill="#11151c"/>',
        '<text x="20" y="28" fill="#ffffff" font-size="16" font-weight="bold">Jobs a second, one job a message, '
        "synchronous=FULL</text>",
        f'<text x="20" y="48" font-size="12">{escape(subtitle)}</text>',
    ]
    for i, (title, own) in enumerate(rows):
        y = TOP + ROW * i + 10
        width = own["jobs_per_second"] * scale
        color = "#8fd694" if title.startswith("Ferry") else "#7aa2d6" if title.startswith("floor") else "#6b7482"
        words = f"{own['jobs_per_second']:,.0f}"
        if "to_floor" in own and not title.startswith("floor"):
            words += f" · {report.ratio(own['to_floor'])} of the floor"
        low, high = LEFT + own["slowest"] * scale, LEFT + own["fastest"] * scale
        parts += [
            f'<text x="{LEFT - 12}" y="{y + 17}" text-anchor="end">{escape(title)}</text>',
            f'<rect x="{LEFT}" y="{y}" width="{max(width, 1):.1f}" height="24" rx="3" fill="{color}"/>',
            f'<path d="M{low:.1f} {y + 12}H{high:.1f}" stroke="#ffffff" stroke-width="2"/>',
            f'<text x="{max(high, LEFT + width) + 8:.1f}" y="{y + 17}" font-size="12">{escape(words)}</text>',
        ]
    parts.append("</svg>\n")
    return "\n".join(parts)
