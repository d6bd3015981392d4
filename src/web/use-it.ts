import { type Content, html } from './html.ts';

/** Lines to paste, by installer. `simple`: the address that ends in `simple/`. */
export function addressLines(simple: string): Content {
  const tools: readonly (readonly [string, ...string[]])[] = [
    ['pip', `pip config set global.index-url ${simple}`],
    ['uv, in pyproject.toml', '[[tool.uv.index]]', `url = "${simple}"`, 'default = true'],
    ['Poetry', `poetry source add --priority=primary verbatim ${simple}`],
    ['PDM', `pdm config pypi.url ${simple}`],
  ];
  const block = ([name, ...lines]: readonly string[]) =>
    html`<div><h3>${name}</h3>\n<pre><code>${lines.map((line, at) => (at === 0 ? line : html`\n${line}`))}</code></pre></div>`;
  return html`<div class="tools">${tools.map(block)}</div>`;
}
