"""How the documentation page looks: one column to read, light or dark as the reader's system is."""

STYLE = """
:root {
  color-scheme: light dark;
  --paper: #fdfdfc; --ink: #1d2126; --faint: #626b76; --rule: #e1e4e8; --shade: #f4f5f6; --accent: #0b5fa5;
  --post: #8a4b08; --get: #1a6b3c;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #15181c; --ink: #dfe3e8; --faint: #98a2ae; --rule: #2c323a; --shade: #1d2126; --accent: #7ab8f0;
    --post: #e6ac6a; --get: #7fd1a0;
  }
}
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, sans-serif; }
a { color: var(--accent); text-decoration: none; }
a:hover { text-decoration: underline; }
code, pre { font: 0.86em/1.5 ui-monospace, "DejaVu Sans Mono", monospace; }
pre { background: var(--shade); padding: 0.75rem 1rem; border-radius: 6px; overflow: auto; max-height: 26rem; margin: 0.4rem 0; }
.page { display: grid; grid-template-columns: 17rem minmax(0, 54rem); gap: 3rem; max-width: 76rem; margin: 0 auto; padding: 0 1.5rem; }
nav { position: sticky; top: 0; height: 100vh; overflow-y: auto; padding: 2rem 0; font-size: 0.88rem; }
nav h2 { font-size: 0.78rem; text-transform: uppercase; letter-spacing: 0.06em; color: var(--faint); margin: 1.2rem 0 0.3rem; border: 0; padding: 0; }
nav ul { list-style: none; margin: 0; padding: 0; }
nav li { padding: 0.12rem 0; overflow-wrap: anywhere; line-height: 1.35; }
main { padding: 2rem 0 6rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 0.5rem; }
h2 { font-size: 1.35rem; margin: 3rem 0 0.5rem; padding-top: 1rem; border-top: 1px solid var(--rule); }
h3 { font-size: 1.02rem; margin: 2.4rem 0 0.3rem; overflow-wrap: anywhere; }
h4 { font-size: 0.85rem; color: var(--faint); margin: 1rem 0 0.2rem; font-weight: 600; }
p { margin: 0.3rem 0 0.7rem; }
.method { font-weight: 700; }
.post { color: var(--post); } .get { color: var(--get); }
.faint { color: var(--faint); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 0.9rem; margin: 0.4rem 0; }
th, td { text-align: left; vertical-align: top; padding: 0.35rem 0.9rem 0.35rem 0; border-bottom: 1px solid var(--rule); }
th { color: var(--faint); font-weight: 600; }
td:first-child { white-space: nowrap; }
h3 .method { margin-right: 0.4rem; }
details { border-bottom: 1px solid var(--rule); padding: 0.4rem 0; }
summary { cursor: pointer; font-weight: 600; }
@media (max-width: 60rem) {
  .page { display: block; padding: 0 1rem; }
  nav { position: static; height: auto; padding-bottom: 0; }
  td:first-child { white-space: normal; overflow-wrap: anywhere; }
}
"""
