"""Records as one printable HTML page: no script, nothing loaded from elsewhere, readable by a screen reader."""

from collections.abc import Sequence
from datetime import date
from html import escape

from tsunagu_agency.provisions.records import ProvisionRecord
from tsunagu_agency.provisions.table import COLUMNS, cells

_STYLE = """
body { font-family: "Hiragino Sans", "Noto Sans CJK JP", sans-serif; margin: 2rem; color: #111; background: #fff; }
table { border-collapse: collapse; width: 100%; font-size: 0.8rem; }
caption { text-align: left; padding-bottom: 0.5rem; font-weight: bold; }
th, td { border: 1px solid #555; padding: 0.3rem; text-align: left; vertical-align: top; overflow-wrap: anywhere; }
thead th { background: #e8e8e8; }
.wanting { border: 2px solid #a00000; padding: 0.5rem; }
@media print {
  @page { size: A4 landscape; margin: 10mm; }
  body { margin: 0; }
  table { font-size: 7pt; }
  thead { display: table-header-group; }
  tr { break-inside: avoid; }
}
"""


def to_page(records: Sequence[ProvisionRecord], *, agency: str, since: date, last: date) -> str:
    """Write the records of a period, first and last day included; says how many lack something."""
    period = f"{since.isoformat()} – {last.isoformat()}"
    wanting = sum(not record.is_complete for record in records)
    notice = (
        f'<p class="wanting" role="note">未記入のある記録が {wanting} 件あります。'
        f' / <span lang="en">{wanting} records are incomplete.</span></p>'
        if wanting
        else ""
    )
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in COLUMNS)
    rows = "".join(
        "<tr>"
        + "".join(
            f'<th scope="row">{escape(cell)}</th>' if place == 0 else f"<td>{escape(cell)}</td>"
            for place, cell in enumerate(cells(record))
        )
        + "</tr>\n"
        for record in records
    )
    table = (
        f'<table><caption>{period}、{len(records)} 件 / <span lang="en">{len(records)} records</span></caption>'
        f"<thead><tr>{head}</tr></thead>\n<tbody>{rows}</tbody></table>"
        if records
        else f'<p>{period} の記録はありません。 / <span lang="en">No records in this period.</span></p>'
    )
    title = "個人データの提供・受領の記録"
    return f"""<!DOCTYPE html>
<html lang="ja">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}: {escape(agency)} {period}</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
<h1>{title}</h1>
<p lang="en">Records of personal data provided and received</p>
<p>{escape(agency)}、個人情報保護法29条・30条 / <span lang="en">APPI art. 29 and 30</span></p>
{notice}
{table}
</main>
</body>
</html>
"""
