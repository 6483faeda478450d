# The growth as a picture: for each series a panel of jobs a second and one of memory, and panels for the bars.
# Invariant: the upright axes begin at zero and are linear, the others are logarithmic where values span more than
# tenfold; every number in the picture is one of the figures'.
import math
from html import escape

import growth_report

WIDTH, PANEL_WIDTH, PANEL_HEIGHT, LEFT, TOP, GAP = 980, 380, 130, 70, 92, 78
SPEED, MEMORY, BAR = "#8fd694", "#7aa2d6", "#d6a05a"


def draw(facts):
    panels = [part for curve in facts["curves"].values() for part in curve_panels(curve)]
    panels += [part for part in (listing_panel(facts), memory_panel(facts), beside_panel(facts)) if part]
    rows = -(-len(panels) // 2)
    height = TOP + rows * (PANEL_HEIGHT + GAP)
    machine = facts["machine"]
    subtitle = (f"{facts['version']}, {facts['jobs']:,} jobs a round, {machine['cores']} cores shared with the broker,"
                f" {facts['at'][:10]}")
    if facts["note"]:
        subtitle += f" · {facts['note']}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" font-size="12" '
        'font-family="DejaVu Sans, Helvetica, Arial, sans-serif" fill="#b8c1cf">',
        '<rect width="100%" height="100%" rx="8" fill="#11151c"/>',
        '<text x="20" y="28" fill="#ffffff" font-size="16" font-weight="bold">How Ferry grows</text>',
        f'<text x="20" y="48">{escape(subtitle)}</text>',
    ]
    for i, panel in enumerate(panels):
        x, y = LEFT + i % 2 * (PANEL_WIDTH + LEFT + 20), TOP + i // 2 * (PANEL_HEIGHT + GAP)
        parts.append(f'<g transform="translate({x} {y})">{panel}</g>')
    return "\n".join([*parts, "</svg>\n"])


def curve_panels(curve):
    points = [point for point in curve["points"] if point["rounds"]]
    is_documents = curve["axis"] == "bytes"
    for column, words, color in (("jobs_per_second", "jobs/s", SPEED), ("peak_mb", "peak MB", MEMORY)):
        line = [(point["value"], point[column]) for point in points]
        bar = growth_report.MEMORY_MB if column == "peak_mb" and is_documents else None
        yield panel(f"{curve['title']} ({curve['axis']}): {words}", line, color, bar)


def listing_panel(facts):
    points = [p for p in facts["curves"].get("records", {}).get("points", []) if "list_ms" in p]
    if not points:
        return None
    line = [(p["value"], max(p["list_ms"].values())) for p in points]
    return panel("ferry jobs list, slowest filter: ms, by records", line, SPEED, growth_report.LISTING_MS)


def memory_panel(facts):
    if "memory" not in facts:
        return None
    memory = facts["memory"]
    bar = memory["peak_mb_early"] * growth_report.MEMORY_RATIO
    title = f"Memory now: MB, by jobs done; bar: {growth_report.MEMORY_RATIO} × the peak after {memory['early_jobs']:,}"
    return panel(title, memory["samples"], MEMORY, bar, is_dense=True)


def beside_panel(facts):
    speeds = facts.get("beside", {}).get("speeds", {})
    if not speeds:
        return None
    scale = (PANEL_WIDTH - 180) / max(own["jobs_per_second"] for own in speeds.values())
    parts = [heading("Others' jobs/s beside …")]
    for i, (what, own) in enumerate(speeds.items()):
        y, width = 12 + 38 * i, own["jobs_per_second"] * scale
        parts += [
            f'<text x="58" y="{y + 16}" text-anchor="end">{escape(what)}</text>',
            f'<rect x="66" y="{y}" width="{width:.1f}" height="22" rx="3" fill="{SPEED}"/>',
            f'<text x="{74 + width:.1f}" y="{y + 16}">{own["jobs_per_second"]:,.0f} · {own["to_nothing"]:.3f}</text>']
    return "".join(parts)


def heading(title):
    return f'<text y="-10" fill="#ffffff">{escape(title)}</text>'


def panel(title, line, color, bar=None, is_dense=False):
    """A curve; of a dense one only the last value is written out."""
    if not line:
        return heading(f"{title}: nothing was measured")
    highest = max([y for _, y in line] + ([bar] if bar else [])) * 1.15 or 1
    values = [x for x, _ in line]
    is_wide = not is_dense and min(values) > 0 and max(values) > 10 * min(values)
    along = math.log if is_wide else float
    first, last = along(min(values)), along(max(values))

    def place(x, y):
        across = (along(x) - first) / (last - first) if last > first else 0.5
        return round(across * PANEL_WIDTH, 1), round(PANEL_HEIGHT * (1 - y / highest), 1)

    spots = [place(x, y) for x, y in line]
    path = "M" + "L".join(f"{x} {y}" for x, y in spots)
    parts = [heading(title), f'<path d="M0 0V{PANEL_HEIGHT}H{PANEL_WIDTH}" stroke="#3a4250" fill="none"/>']
    for share in (0.5, 1):
        y = PANEL_HEIGHT * (1 - share / 1.15)
        parts.append(f'<path d="M0 {y:.1f}H{PANEL_WIDTH}" stroke="#232a35"/>')
        parts.append(f'<text x="-8" y="{y + 4:.1f}" text-anchor="end">{short(highest * share / 1.15)}</text>')
    if bar:
        y = place(values[0], bar)[1]
        parts.append(f'<path d="M0 {y}H{PANEL_WIDTH}" stroke="{BAR}" stroke-dasharray="5 4"/>')
    parts.append(f'<path d="{path}" stroke="{color}" stroke-width="2" fill="none"/>')
    written = range(len(line)) if not is_dense else (len(line) - 1,)
    if is_dense:
        parts.append(f'<text y="{PANEL_HEIGHT + 17}">{short(values[0])}</text>')
    for i in written:
        (x, y), anchor = spots[i], "middle" if 0 < i < len(line) - 1 else "start" if i == 0 else "end"
        parts.append(f'<circle cx="{x}" cy="{y}" r="3" fill="{color}"/>')
        parts.append(f'<text x="{x}" y="{y - 8}" text-anchor="{anchor}" font-size="11">{short(line[i][1])}</text>')
        parts.append(f'<text x="{x}" y="{PANEL_HEIGHT + 17}" text-anchor="{anchor}">{short(line[i][0])}</text>')
    return "".join(parts)


def short(value):
    for size, letter in ((1_000_000, "M"), (10_000, "k")):
        if value >= size:
            return f"{value / (1000 if letter == 'k' else size):,.1f}".removesuffix(".0") + letter
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}".removesuffix(".0")
