"""How a review looks, beyond what every page of ours looks like: calm, and nothing is said by colour alone."""

STYLE = """
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
