"""How a report looks, and what the words for a guarantee mean to its reader."""

__all__ = ["MEANING", "PAGE", "STYLE"]

# the policy lets the browser load nothing at all: what a page shows is in the page
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{title}</title>
<style>body {{ margin: 0; background: #fff; }}{style}</style>
</head>
<body>
{body}
</body>
</html>
"""

STYLE = """
.errorbars-report { max-width: 54rem; margin: 0 auto; padding: 2rem 1.5rem; color: #222; background: #fff;
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
.errorbars-report h1 { font-size: 1.7rem; line-height: 1.25; color: #1f4e79; margin: 0 0 .5rem; }
.errorbars-report h2 { font-size: 1.2rem; margin: 2.2rem 0 .5rem; padding-bottom: .2rem;
  border-bottom: 1px solid #ccc; }
.errorbars-report h3 { font-size: 1rem; margin: 1.5rem 0 .3rem; }
.errorbars-report nav { font-size: .9rem; background: #f4f7fa; padding: .5rem 1rem; margin: 1rem 0; }
.errorbars-report nav ol { margin: 0; padding-left: 1.5rem; }
.errorbars-report a { color: #1f4e79; }
.errorbars-report table { border-collapse: collapse; margin: .8rem 0; font-size: .9rem; display: block;
  overflow-x: auto; font-variant-numeric: tabular-nums; }
.errorbars-report caption { text-align: left; color: #555; padding-bottom: .3rem; }
.errorbars-report th, .errorbars-report td { padding: .2rem .8rem .2rem 0; text-align: left; vertical-align: top; }
.errorbars-report th { border-bottom: 1px solid #888; font-weight: 600; }
.errorbars-report td { border-bottom: 1px solid #e4e4e4; }
.errorbars-report img { max-width: 100%; height: auto; }
.errorbars-report pre { background: #f4f7fa; padding: .6rem; overflow-x: auto; font-size: .8rem; }
.errorbars-report dt { font-weight: 600; }
.errorbars-report dd { margin: 0 0 .5rem 1rem; }
.errorbars-report .note { color: #8a4b00; font-size: .9rem; }
@media print {
  .errorbars-report { max-width: none; padding: 0; font-size: 11pt; }
  .errorbars-report nav { display: none; }
  .errorbars-report table, .errorbars-report img, .errorbars-report section > p { break-inside: avoid; }
  .errorbars-report h2 { break-after: avoid; }
  .errorbars-report table, .errorbars-report pre { overflow: visible; }
  .errorbars-report pre { white-space: pre-wrap; }
}
"""

MEANING = {
    "exact": "The stated level is attained exactly, at this sample size, under the assumptions of the method.",
    "finite-sample": "The level is at least the stated one, at this sample size, under the assumptions of the method.",
    "asymptotic": "The level approaches the stated one as the sample grows; small or skewed samples may fall short.",
    "posterior": "A probability under the model and its prior, given the data; it is not a frequency of being right.",
    "none": "Nothing is promised about how often the statement is right.",
}
