"""How a page looks: calm, light and dark, and nothing is said by colour alone."""

STYLE = """
:root { color-scheme: light dark; --page: #fbfbfa; --card: #fff; --ink: #1d2328; --quiet: #5c6670; --line: #dfe3e6;
  --soft: #f1f3f4; --good: #1a7f37; --bad: #b42318; --warn: #8a5300; --link: #0b57a4;
  --good-soft: #e8f4ea; --bad-soft: #fbe9e7; --warn-soft: #fdf1dc; --mono: ui-monospace, "SF Mono", Menlo, monospace; }
@media (prefers-color-scheme: dark) { :root { --page: #15181b; --card: #1c2024; --ink: #e3e7ea; --quiet: #98a3ad;
  --line: #31373d; --soft: #242a2f; --good: #57c271; --bad: #ff8a7d; --warn: #e7b25a; --link: #7fb8f5;
  --good-soft: #17301e; --bad-soft: #3a1d1b; --warn-soft: #36290f; } }
* { box-sizing: border-box; }
body { font: 16px/1.55 system-ui, -apple-system, "Segoe UI", sans-serif; color: var(--ink); background: var(--page);
  max-width: 64rem; margin: 0 auto; padding: 2.5rem 1.25rem 5rem; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .35rem; letter-spacing: -.01em; }
h2 { font-size: 1.15rem; margin: 2.8rem 0 .8rem; padding-top: 1.1rem; border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.6rem 0 .5rem; }
p, ul, ol { margin: .5rem 0; } li { margin: .2rem 0; overflow-wrap: anywhere; }
a { color: var(--link); } .quiet { color: var(--quiet); }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; border-radius: 3px; }
pre { background: var(--soft); padding: .75rem .9rem; overflow-x: auto; font: 13px/1.5 var(--mono); border-radius: 6px;
  margin: .5rem 0; }
code, .code { font-family: var(--mono); font-size: .9em; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1.1rem; } dt { color: var(--quiet); }
dd { margin: 0; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; font-size: .94em; }
caption { text-align: left; color: var(--quiet); padding: 0 0 .4rem; }
th, td { text-align: left; vertical-align: top; padding: .42rem .7rem; border-bottom: 1px solid var(--line);
  overflow-wrap: anywhere; } thead th { color: var(--quiet); font-weight: 600; }
tbody th { font-weight: 600; }
.wide { overflow-x: auto; }
details { margin: .4rem 0; } summary { cursor: pointer; }
.good { color: var(--good); } .bad { color: var(--bad); } .warn { color: var(--warn); }
ins, del { text-decoration: none; display: block; } ins { color: var(--good); } del { color: var(--bad); }
@media print { body { max-width: none; padding: 0; background: none; } }
.depth-1 { margin-left: 1.2rem; } .depth-2 { margin-left: 2.4rem; } .depth-3 { margin-left: 3.6rem; }
.strong { font-weight: 600; }
.skip { position: absolute; left: -99rem; }
.skip:focus { left: 1rem; top: .5rem; background: var(--card); padding: .3rem .6rem; }
.verdict b { display: inline-block; padding: .1rem .8rem; border-radius: 1rem; margin-right: .5rem; }
.verdict .good { background: var(--good-soft); }
.verdict .bad { background: var(--bad-soft); }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .75rem;
  margin: 1.4rem 0; padding: 0; list-style: none; }
.facts li { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: .6rem .85rem;
  margin: 0; }
.facts b { display: block; line-height: 1.35; margin-top: .1rem; }
.facts span { color: var(--quiet); font-size: .85rem; }
nav ul { display: flex; flex-wrap: wrap; gap: .3rem 1.1rem; list-style: none; padding: 0; font-size: .93rem; }
blockquote { margin: .6rem 0; padding: .7rem 1rem; border-left: 3px solid var(--line); background: var(--card);
  white-space: pre-wrap; overflow-wrap: anywhere; }
td details { margin: 0; }
summary { padding: .15rem 0; overflow-wrap: anywhere; }
.matrix { width: auto; min-width: min(22rem, 100%); margin: .3rem 0 1rem; }
.matrix th, .matrix td { padding: .42rem .9rem; }
.matrix thead th, .matrix td { text-align: center; }
.matrix thead th:first-child { text-align: left; }
.matrix tbody th { font-weight: 500; white-space: nowrap; }
.matrix .never, .matrix .unknown { color: var(--quiet); }
.matrix td.changed { background: var(--soft); }
.when { font-size: .9rem; margin: -.4rem 0 1.2rem; }
.matrix td.wider { background: var(--bad-soft); }
.matrix td.asked { background: var(--good-soft); }
.matrix td.narrower { background: var(--warn-soft); }
.matrix td a { font-weight: 600; white-space: nowrap; text-underline-offset: .15em; }
.legend { font-size: .88rem; color: var(--quiet); }
.witness { display: none; background: var(--card); border: 1px solid var(--line); border-left: 4px solid var(--bad);
  border-radius: 8px; padding: .4rem 1.1rem 1rem; margin: .8rem 0 1.2rem; scroll-margin-top: 12rem; }
.witness.narrower { border-left-color: var(--warn); }
.witness.asked { border-left-color: var(--good); }
.witness:target { display: block; }
.witness h4 { margin: .6rem 0 .3rem; font-size: 1rem; }
.close { float: right; margin-top: .6rem; font-size: .9rem; }
.bar { display: inline-block; width: 7rem; height: .45rem; border-radius: .3rem; background: var(--soft);
  border: 1px solid var(--line); overflow: hidden; vertical-align: middle; margin-right: .6rem; }
.bar i { display: block; height: 100%; background: var(--link); }
.line { list-style: none; padding: 0 0 0 1rem; border-left: 2px solid var(--line); }
.line > li { margin: .55rem 0; }
@media print {
  .witness { display: block; break-inside: avoid; }
  nav, .skip, .close { display: none; }
}
"""
