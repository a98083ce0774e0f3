/** The page's style: light and dark by the reader's setting, cards instead of table rows on a narrow screen. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --ground: #f4f6f8; --card: #fff; --ink: #17202b; --soft: #5a6675; --line: #dfe4ea; --link: #1f5fae;
  --good: #2f8f6b; --good-2: #86bd8e; --good-3: #d6b656; --good-4: #b4a58c; --bad: #c63d32; --note: #94690a;
  --bad-ground: #fbe9e7; --note-ground: #f8f0da; --quota: #e4e9ee;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #11161c; --card: #1a2129; --ink: #e4e9ef; --soft: #98a5b3; --line: #2d3742; --link: #83b5f2;
    --good: #43a884; --good-2: #2f7d5f; --good-3: #a58a35; --good-4: #7d735f; --bad: #ee6f63; --note: #dcae4b;
    --bad-ground: #3a1f1d; --note-ground: #332a15; --quota: #303b47;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.45 system-ui, sans-serif; }
main, header, footer { max-width: 78rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: 2rem; }
h1 { margin: 0; font-size: 1.7rem; letter-spacing: -.01em; }
h2 { margin: 0; font-size: 1.05rem; }
p { margin: 0; }
a { color: var(--link); text-decoration: none; }
a:hover { text-decoration: underline; }
small, header p, figcaption p, footer, .rest, .advice { color: var(--soft); }
small { display: block; font-weight: 400; font-size: .8rem; overflow-wrap: anywhere; }
bdi { overflow-wrap: anywhere; }
ul, ol { list-style: none; margin: 0; padding: 0; }
section, figure { margin: 1.25rem 0; padding: 1.1rem 1.25rem; background: var(--card); border: 1px solid var(--line); border-radius: 12px; }

.tiles { display: grid; grid-template-columns: repeat(4, 1fr); gap: 1rem; margin: 1.25rem 0; }
.tiles li { padding: .9rem 1.25rem; background: var(--card); border: 1px solid var(--line); border-radius: 12px; }
.tiles b { display: block; font-size: 1.6rem; line-height: 1.2; font-variant-numeric: tabular-nums; }
.tiles span { color: var(--soft); }
.tiles .bad b { color: var(--bad); }
.tiles .good b { color: var(--good); }

.attention { border-left: 5px solid var(--note); }
.attention.urgent { border-left-color: var(--bad); }
.attention.clean { border-left-color: var(--good); }
.attention details { margin-top: .8rem; }
.attention summary { font-weight: 600; }
.attention .advice { font-weight: 400; margin-left: .4rem; }
.attention li { padding: .1rem 0; }
.found { margin: .35rem 0 0 1.1rem; columns: 26rem 2; column-gap: 2rem; }
.found li { break-inside: avoid; }
.found span { color: var(--soft); }
.names { margin: .35rem 0 0 1.1rem; display: flex; flex-wrap: wrap; gap: 0 1rem; }
summary { cursor: pointer; }

.badge { display: inline-block; margin: .2rem .3rem 0 0; padding: 0 .5rem; border-radius: 99px; font-size: .75rem; font-weight: 600; white-space: nowrap; }
.badge.bad { color: var(--bad); background: var(--bad-ground); }
.badge.note { color: var(--note); background: var(--note-ground); }

.pictures { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; }
.pictures > div { display: grid; gap: 1rem; }
.pictures figure { margin: 0; min-width: 0; }
.bars { margin-top: .8rem; }
.bars li { display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: 0 1rem; margin-top: .45rem; font-size: .9rem; }
.bars a { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.bars span { color: var(--soft); font-variant-numeric: tabular-nums; }
.bars .bar { grid-column: 1 / -1; height: 12px; }
.rest { margin-top: .7rem; font-size: .9rem; }
svg { display: block; }
.bar { width: 100%; height: 7px; margin-top: .2rem; }
.wall { max-width: 100%; height: auto; margin: 1rem 0; }
.dot { display: inline-block; width: 12px; height: 12px; margin-right: .4rem; }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; font-size: .9rem; }
rect.quota { fill: var(--quota); }
rect.good, .age-1 { fill: var(--good); }
.age-2 { fill: var(--good-2); }
.age-3 { fill: var(--good-3); }
.age-4 { fill: var(--good-4); }
rect.bad, circle.bad { fill: var(--bad); }
rect.empty, circle.empty { fill: none; stroke: var(--soft); stroke-opacity: .6; stroke-dasharray: 3 2; }
.wall a:hover rect, .wall a:focus rect { stroke: var(--ink); stroke-opacity: 1; stroke-width: 2; }

.search { display: flex; align-items: center; gap: .8rem; margin: 1.25rem 0; }
.search[hidden] { display: none; }
.search input { flex: 1; min-width: 0; max-width: 26rem; padding: .5rem .8rem; font: inherit; color: inherit; background: var(--card); border: 1px solid var(--line); border-radius: 8px; }
.search output { color: var(--soft); }

table { width: 100%; margin-top: .6rem; border-collapse: collapse; font-size: .9rem; }
th, td { padding: .55rem .8rem .55rem 0; text-align: left; vertical-align: top; border-top: 1px solid var(--line); }
thead th { border-top: 0; color: var(--soft); font-weight: 600; white-space: nowrap; }
thead button { padding: 0; border: 0; background: none; color: inherit; font: inherit; cursor: pointer; }
thead button::after { content: "↕"; margin-left: .3rem; opacity: .4; }
th[aria-sort=ascending] button::after { content: "↑"; opacity: 1; }
th[aria-sort=descending] button::after { content: "↓"; opacity: 1; }
tbody th { min-width: 11rem; max-width: 20rem; }
td[data-title="In use"] { min-width: 11rem; font-variant-numeric: tabular-nums; }
td b, td[data-title="Last change"], td[data-title="Alert"] { white-space: nowrap; }
tr:target { background: var(--note-ground); outline: .4rem solid var(--note-ground); }
tr[hidden] { display: none; }
i { font-style: normal; font-size: .8rem; color: var(--soft); }
i.full { color: var(--note); }
.none { color: var(--soft); }
footer { padding-bottom: 2.5rem; font-size: .85rem; }
footer p { margin-top: .3rem; }

@media screen and (max-width: 62rem) {
  main, header, footer { padding: 0 .8rem; }
  header { padding-top: 1.2rem; }
  .tiles { grid-template-columns: 1fr 1fr; gap: .7rem; }
  .tiles li { padding: .7rem 1rem; }
  .pictures { grid-template-columns: minmax(0, 1fr); }
  section, figure { padding: .9rem 1rem; }
  .attention .advice { display: block; margin-left: 0; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  table, tbody { display: block; }
  tr { display: block; padding: .7rem 0; border-top: 1px solid var(--line); }
  tbody th, tbody td { display: block; max-width: none; min-width: 0; padding: .1rem 0; border: 0; white-space: normal; }
  tbody td:not(:empty) { display: grid; grid-template-columns: 6.5rem minmax(0, 1fr); }
  tbody td:empty { display: none; }
  tbody td::before { content: attr(data-title); color: var(--soft); grid-row: 1 / span 9; }
  tbody td > * { grid-column: 2; }
}
@media print {
  :root {
    color-scheme: light;
    --ground: #fff; --card: #fff; --ink: #000; --soft: #444; --line: #ccc; --link: #000;
    --good: #2f8f6b; --bad: #b3261e; --note: #7a5600; --bad-ground: #fff; --note-ground: #fff; --quota: #ddd;
  }
  body { font-size: 9pt; }
  table { font-size: 8pt; }
  small, i, .badge { font-size: 7pt; }
  tbody th, td[data-title="In use"] { min-width: 0; }
  svg { print-color-adjust: exact; }
  .search, thead button::after { display: none; }
  section, figure, .tiles li { border-radius: 0; }
  tr, figure { break-inside: avoid; }
}
`;
